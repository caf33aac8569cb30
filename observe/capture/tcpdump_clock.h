// The times of one tcpdump's text, as CapturedSegment::time has them. Pure; not thread-safe.
#ifndef TCPMEDIC_OBSERVE_CAPTURE_TCPDUMP_CLOCK_H_
#define TCPMEDIC_OBSERVE_CAPTURE_TCPDUMP_CLOCK_H_

#include <optional>

#include "absl/time/time.h"
#include "observe/capture/tcpdump_line.h"

namespace tcpmedic {

class TcpdumpClock {
 public:
  // Both readings of a time whose meaning may still be open.
  struct Reading {
    absl::Duration since_first;  // as printed: -ttttt, and every form that is not kDifference
    absl::Duration summed;       // -ttt: this and all before it
    TimeBase base = TimeBase::kMidnight;
    bool is_difference = false;
  };
  // The next packet's, be it of TCP or not: -ttt counts from the packet before.
  Reading Read(const TcpdumpTime& time);

  // True: differences are from the packet before. Unset: not decided yet.
  std::optional<bool> differences_add_up() const { return differences_add_up_; }
  void Decide();  // by what was seen until now

 private:
  // 64 handshakes' worth of ever larger gaps do not happen.
  static constexpr int kUndecidedPackets = 64;

  std::optional<absl::Duration> last_;
  absl::Duration midnights_;  // of kOfDay: how many days lie behind
  absl::Duration sum_;
  int differences_ = 0;
  std::optional<bool> differences_add_up_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_CAPTURE_TCPDUMP_CLOCK_H_
