// What the holder of a lab and the lab's init say to each other: one JSON object per message. Pure.
#ifndef TCPMEDIC_LAB_CONTROL_MESSAGE_H_
#define TCPMEDIC_LAB_CONTROL_MESSAGE_H_

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lab/exit_status.h"
#include "lab/host_role.h"

namespace tcpmedic::lab {

// Processes of the lab are known by id, since the two sides see different pids. These every lab
// has; the holder numbers further ones from kFirstRunId.
inline constexpr int kClientHostId = 1;
inline constexpr int kServerHostId = 2;
inline constexpr int kEmulatorId = 3;
inline constexpr int kFirstRunId = 4;

inline constexpr size_t kMaxMessageBytes = 128 * 1024;

// Holder → init: start a program on a host. With it go descriptors: the first becomes its output
// and errors, the others become 3, 4, ….
struct RunRequest {
  int id = 0;
  HostRole host = HostRole::kClient;
  std::vector<std::string> argv = {};
  std::map<std::string, std::string> environment = {};  // in addition to the holder's
};
// Holder → init. Without effect where the process has ended.
struct SignalRequest {
  int id = 0;
  int signal = 0;
};
// A new process → holder, before it becomes the program: the socket's credentials carry its pid.
struct Started {
  int id = 0;
};
// Init → holder.
struct Exited {
  int id = 0;
  ExitStatus status;
};
// Init → holder: both hosts and the path are up.
struct Ready {
  struct Namespace {
    uint64_t inode = 0;
    uint64_t cookie = 0;
  };
  uint64_t pid_namespace_inode = 0;
  Namespace client;
  Namespace server;
};
// Init → holder: it could not set the lab up and ends.
struct Failed {
  int code = 0;  // absl::StatusCode
  std::string message;
};

using ControlMessage = std::variant<RunRequest, SignalRequest, Started, Exited, Ready, Failed>;

std::string Encode(const ControlMessage& message);
// DataLoss: not such a message.
absl::StatusOr<ControlMessage> Decode(absl::string_view text);

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_CONTROL_MESSAGE_H_
