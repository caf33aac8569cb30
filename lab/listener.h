// A server for short connections, as `tcpmedic-lab listen` runs it: it accepts at once, reads until
// the client closes, and closes. One thread.
#ifndef TCPMEDIC_LAB_LISTENER_H_
#define TCPMEDIC_LAB_LISTENER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace tcpmedic::lab {

struct ListenOptions {
  uint16_t port = 443;
  // Of listen(2), which caps it at net.core.somaxconn: 1 to 65535.
  int backlog = 128;
  absl::Duration duration = absl::Minutes(5);  // then it ends; at most an hour

  bool operator==(const ListenOptions&) const = default;
};

// InvalidArgument, naming the field.
absl::Status Validate(const ListenOptions& options);

// Serves on `address` for `options.duration`.
absl::Status RunListener(const std::string& address, const ListenOptions& options);

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_LISTENER_H_
