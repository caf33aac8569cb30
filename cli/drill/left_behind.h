// What a drill has left on the machine, seen from outside: not from the drill's own records of what
// it made, but from /proc and /sys before and after.
#ifndef TCPMEDIC_CLI_DRILL_LEFT_BEHIND_H_
#define TCPMEDIC_CLI_DRILL_LEFT_BEHIND_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/types/span.h"

namespace tcpmedic::cli {

// The links of this process's own namespace, by name.
std::set<std::string> LinksHere();

// One line for each of `netns_inodes` that some process is still in, and for each link here that
// was not in `links_before`.
std::vector<std::string> LeftBehind(absl::Span<const uint64_t> netns_inodes,
                                    const std::set<std::string>& links_before);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DRILL_LEFT_BEHIND_H_
