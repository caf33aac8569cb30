// Legitimate clients, as `tcpmedic-lab connect` plays them: at a steady rate, each opens a
// connection and closes it in order. One thread.
#ifndef TCPMEDIC_LAB_CONNECTS_H_
#define TCPMEDIC_LAB_CONNECTS_H_

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "lab/connect_log.h"

namespace tcpmedic::lab {

struct ConnectOptions {
  double rate_per_s = 20;  // 0 to 10,000
  int burst = 0;           // that many at once, then the rate; 0 to 10,000
  uint16_t port = 443;
  // An attempt that has not succeeded by then has failed. 10 ms to a minute.
  absl::Duration timeout = absl::Seconds(2);
  absl::Duration duration = absl::Minutes(5);  // then it ends; at most an hour

  bool operator==(const ConnectOptions&) const = default;
};

// InvalidArgument, naming the field: also where there would be more attempts than a log holds
// (500,000), or more at once than a process may have descriptors (15,000).
absl::Status Validate(const ConnectOptions& options);

struct Connects {
  pid_t pid = 0;  // in the caller's PID namespace
  absl::Time started_at = absl::UnixEpoch();
  ConnectLog log;
};

absl::Status MakeConnects(const std::string& address, const ConnectOptions& options,
                          ConnectRecord* record);

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_CONNECTS_H_
