// A clock's time as whole nanoseconds, for the lab's programs that pace, time and record by it.
#ifndef TCPMEDIC_LAB_CLOCK_NS_H_
#define TCPMEDIC_LAB_CLOCK_NS_H_

#include <time.h>

#include <cstdint>

namespace tcpmedic::lab {

inline constexpr int64_t kSecondNs = 1'000'000'000;

inline int64_t NowNs(clockid_t clock = CLOCK_MONOTONIC) {
  timespec now{};
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * kSecondNs + now.tv_nsec;
}

inline timespec ToTimespec(int64_t ns) {
  return {ns / kSecondNs, static_cast<long>(ns % kSecondNs)};
}

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_CLOCK_NS_H_
