// One line of tcpdump(8)'s text, taken apart. Knows no other line: what the numbers are relative to
// (tcpdump_numbers.h) and what the times count from (tcpdump_clock.h) is not decided here. Pure.
#ifndef TCPMEDIC_OBSERVE_CAPTURE_TCPDUMP_LINE_H_
#define TCPMEDIC_OBSERVE_CAPTURE_TCPDUMP_LINE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "observe/capture/related_packet.h"
#include "observe/capture/segment.h"

namespace tcpmedic {

struct TcpdumpTime {
  enum class Form {
    kOfDay,       // "14:02:11.001000": since midnight
    kDifference,  // -ttt and -ttttt set a blank or a minus before it; and 00:00:00.000000
    kEpoch,       // -tt
    kDate,        // -tttt, as since the epoch in UTC
  };
  Form form = Form::kOfDay;
  absl::Duration value;
};

struct TcpdumpLine {
  enum class Kind {
    kNotTcpdump,
    kSegment,
    kHeader,        // the first of two lines of -v: the second has the segment
    kOtherPacket,   // one without a segment: `reason`
    kContinuation,  // indented, a part of the packet before it
    kHexDump,       // -x
    kOwnWords,      // "listening on eth0, …", "10 packets captured"
    kDrops,         // "7 packets dropped by kernel": `reason`
  };
  Kind kind = Kind::kNotTcpdump;
  std::optional<TcpdumpTime> time;
  bool behind_tab = false;       // indented by a tab, as what belongs to the packet before it
  bool carries_another = false;  // VXLAN or Geneve: the next line is the packet inside

  // kSegment: numbers as printed, without time. `options_known` if there were some.
  CapturedSegment segment;
  // kOtherPacket: the segment that it tells of; without time.
  std::optional<RelatedPacket> related;
  // kOtherPacket and kDrops: why it gives nothing. Empty: `related` is all that there is to it.
  std::string reason;
};

TcpdumpLine ParseTcpdumpLine(absl::string_view line);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_CAPTURE_TCPDUMP_LINE_H_
