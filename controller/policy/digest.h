// SHA-256 as lower-case hex: names contents by what they are. Pure; thread-safe.
#ifndef TCPMEDIC_CONTROLLER_POLICY_DIGEST_H_
#define TCPMEDIC_CONTROLLER_POLICY_DIGEST_H_

#include <string>

#include "absl/strings/string_view.h"

namespace tcpmedic {

std::string Sha256Hex(absl::string_view bytes);  // 64 characters

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_POLICY_DIGEST_H_
