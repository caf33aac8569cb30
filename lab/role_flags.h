// The command lines of the lab's own processes, written and read in one place: a value goes through
// ToFlags and back unchanged. What they look like in ps:
//
//   tcpmedic-lab emulate --rtt 148ms … --loss 0.01 --rate 100000000 --seed 7
//   tcpmedic-lab send --to 203.0.113.20 --port 5201 --flows 1 --congestion-control cubic …
//
// Pure.
#ifndef TCPMEDIC_LAB_ROLE_FLAGS_H_
#define TCPMEDIC_LAB_ROLE_FLAGS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "lab/path_spec.h"
#include "lab/transfer_options.h"

namespace tcpmedic::lab {

std::vector<std::string> ToFlags(const PathSpec& path);
std::vector<std::string> ToFlags(const TransferOptions& transfer);

// What a command line of any role says.
struct RoleFlags {
  PathSpec path;
  TransferOptions transfer;
  std::string address;  // --to of the sender, --on of the receiver
  bool ipv6 = false;
};
// InvalidArgument: a flag that is not known, or a value that is none.
absl::StatusOr<RoleFlags> FromFlags(absl::Span<const std::string> flags);

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_ROLE_FLAGS_H_
