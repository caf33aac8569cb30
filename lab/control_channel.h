// One end of the socket pair between the holder of a lab and the lab's init: messages with
// descriptors, and with the sender's pid as the receiver's PID namespace sees it. Its end of file
// is what tells either side that the other has gone. Sending and receiving may happen on different
// threads.
#ifndef TCPMEDIC_LAB_CONTROL_CHANNEL_H_
#define TCPMEDIC_LAB_CONTROL_CHANNEL_H_

#include <sys/types.h>

#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/unique_fd.h"
#include "lab/control_message.h"

namespace tcpmedic::lab {

struct ReceivedMessage {
  ControlMessage message;
  std::vector<UniqueFd> fds;
  pid_t sender_pid = 0;
};

class ControlChannel {
 public:
  explicit ControlChannel(UniqueFd socket) : socket_(std::move(socket)) {}

  // The two ends; both close-on-exec.
  static absl::StatusOr<std::pair<ControlChannel, ControlChannel>> CreatePair();

  // Unavailable: the other side has gone. ResourceExhausted: longer than kMaxMessageBytes.
  absl::Status Send(const ControlMessage& message, absl::Span<const int> fds = {}) const;
  // nullopt: nothing has come yet. Unavailable: the other side has gone, and all it said has been
  // received.
  absl::StatusOr<std::optional<ReceivedMessage>> Receive() const;
  // Both sides see the end of file from now on.
  void Shutdown() const;

  int fd() const { return socket_.get(); }

 private:
  UniqueFd socket_;
};

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_CONTROL_CHANNEL_H_
