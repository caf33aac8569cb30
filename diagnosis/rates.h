// How fast one counter of a network namespace moves. Counters reset (a namespace was made anew
// under the same name), vanish and come back: a rate that would reach across such a break is not
// known. Pure; not thread-safe.
#ifndef TCPMEDIC_DIAGNOSIS_RATES_H_
#define TCPMEDIC_DIAGNOSIS_RATES_H_

#include <cstdint>
#include <deque>
#include <optional>

#include "absl/time/time.h"

namespace tcpmedic {

class WindowedCounter {
 public:
  // Readings that a window may hold; faster ones are thinned.
  static constexpr int kMaxReadings = 32;

  explicit WindowedCounter(absl::Duration window) : window_(window) {}

  // The newest reading; nullopt where the counter is missing this time. `uptime` never goes back.
  void Add(std::optional<int64_t> value, absl::Duration uptime);

  struct Increase {
    int64_t count = 0;
    absl::Duration span;  // really observed: the window, or longer where readings were missed

    double per_second() const { return static_cast<double>(count) / absl::ToDoubleSeconds(span); }
  };
  // Over the full window (full_span.h); nullopt before it is full, and while the counter is
  // missing.
  std::optional<Increase> OverWindow() const;

 private:
  struct Reading {
    int64_t value;
    absl::Duration uptime;
  };
  absl::Duration window_;
  std::deque<Reading> readings_;
  bool present_ = false;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_RATES_H_
