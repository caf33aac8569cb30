// What a lab's legitimate clients experienced: each connect(), when it began, when it ended and
// how. A view of memory that the clients write while they run; it stays readable after the lab has
// gone. Reading is thread-safe; a copy shares the memory.
//
// An attempt counts only once its whole timeout has passed, however early it ended: the newest
// attempts that have ended are those that succeeded, and would flatter the ratio.
#ifndef TCPMEDIC_LAB_CONNECT_LOG_H_
#define TCPMEDIC_LAB_CONNECT_LOG_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "lab/shared_memory.h"

namespace tcpmedic::lab {

struct ConnectRecord;  // as it lies in memory

struct ConnectStats {
  int64_t connects = 0;
  // Of them, those whose connect() finished within the timeout. nullopt: there were none to count.
  std::optional<double> success_ratio = {};
  // From connect() to its end, the median of those that succeeded. nullopt: none did.
  std::optional<int64_t> connect_p50_us = {};

  bool operator==(const ConnectStats&) const = default;
};

class ConnectLog {
 public:
  explicit ConnectLog(std::shared_ptr<SharedMemory<ConnectRecord>> record)
      : record_(std::move(record)) {}

  // Of the attempts that began at `from` or later and whose timeout has passed by now.
  ConnectStats StartedFrom(absl::Time from) const;
  // Of the attempts whose timeout ended at `to` or before.
  ConnectStats EndedBefore(absl::Time to) const;
  // Both. By CLOCK_REALTIME.
  ConnectStats Between(absl::Time from, absl::Time to) const;

  // Begun so far.
  int64_t attempts() const;

 private:
  std::shared_ptr<SharedMemory<ConnectRecord>> record_;
};

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_CONNECT_LOG_H_
