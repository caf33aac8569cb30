// The clients' attempts as they lie in shared memory: one writer appends and completes them,
// readers look at the first `count`.
#ifndef TCPMEDIC_LAB_CONNECT_RECORD_H_
#define TCPMEDIC_LAB_CONNECT_RECORD_H_

#include <atomic>
#include <cstdint>

namespace tcpmedic::lab {

enum class ConnectOutcome : int32_t { kPending, kConnected, kTimedOut, kFailed };

struct ConnectRecord {
  struct Attempt {
    int64_t started_ns;  // CLOCK_REALTIME; written before `count` includes it
    int64_t took_ns;     // CLOCK_MONOTONIC; written before `outcome`
    std::atomic<ConnectOutcome> outcome;
  };
  static constexpr int64_t kMaxAttempts = 500'000;

  std::atomic<int64_t> timeout_ns;
  std::atomic<int64_t> count;
  // What has happened up to then is recorded; CLOCK_REALTIME.
  std::atomic<int64_t> recorded_until_ns;
  Attempt attempts[kMaxAttempts];  // in the order in which they began
};

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_CONNECT_RECORD_H_
