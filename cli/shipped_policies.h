// Where the policy files that came with this program are.
#ifndef TCPMEDIC_CLI_SHIPPED_POLICIES_H_
#define TCPMEDIC_CLI_SHIPPED_POLICIES_H_

#include <string>

namespace tcpmedic::cli {

// The installed ones where they are there, else the source tree's (core/default_paths.h).
// Thread-safe.
std::string ShippedPolicies();

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_SHIPPED_POLICIES_H_
