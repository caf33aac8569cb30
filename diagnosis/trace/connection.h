// A connection as a trace shows it: who did what, in which state both ends were after each segment,
// and what became of it. What the tracker (tracker.h) gives out. Plain values.
#ifndef TCPMEDIC_DIAGNOSIS_TRACE_CONNECTION_H_
#define TCPMEDIC_DIAGNOSIS_TRACE_CONNECTION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/ip_address.h"
#include "diagnosis/trace/icmp_report.h"
#include "observe/capture/segment.h"

namespace tcpmedic {

// The states of RFC 9293 §3.3.2, and kUnknown where the trace cannot tell, now or by what it shows
// later.
enum class EndState : uint8_t {
  kUnknown,
  kClosed,
  kListen,
  kSynSent,
  kSynReceived,
  kEstablished,
  kFinWait1,
  kFinWait2,
  kCloseWait,
  kClosing,
  kLastAck,
  kTimeWait,
};
absl::string_view Name(EndState state);  // "SYN-SENT", as the RFC writes it

enum class Outcome : uint8_t {
  kEstablished,        // handshake complete, still open at the end of the trace
  kClosed,             // both sides have sent FIN
  kHalfClosed,         // one side has sent FIN, the other not by the end
  kCloseNotShown,      // one side has sent FIN, and nothing of the other was captured
  kReset,              // by a RST, after it was established or after the SYN-ACK
  kRefused,            // a SYN answered by a RST
  kNoReply,            // SYNs that nobody answered: sent again, or a second of the trace went by
  kHalfOpen,           // a SYN-ACK that was never acknowledged, and the trace could have shown it
  kServerStillWaits,   // the client acknowledged the SYN-ACK, and the server sends it all the same
  kHandshakeNotShown,  // the trace leaves out what would tell (a filter, a direction, its end)
  kMidStream,          // its start was not captured, and it was open at the end
};
absl::string_view Name(Outcome outcome);  // "established", "refused", "no-reply", "half-open", …

// What a segment is, beyond its flags. Several may hold.
enum class SegmentEvent : uint8_t {
  kSynRetransmitted,
  kSynAckRetransmitted,
  kHandshakeComplete,
  kSimultaneousOpen,
  kFastOpenData,  // data in the SYN
  kFirstData,
  kRetransmission,          // data that was sent before, after something newer or a timeout
  kSpuriousRetransmission,  // of what had been acknowledged already
  kOutOfOrder,              // fills a hole that reordering left: not a retransmission
  kKeepAlive,               // one byte or none, one before the next
  kKeepAliveAck,
  kZeroWindow,
  kZeroWindowProbe,
  kZeroWindowProbeAck,
  kWindowUpdate,
  kDuplicateAck,
  kAckOfUnseen,  // acknowledges what the capture did not show: it dropped packets
  kGap,          // begins after a hole: something before it was not captured, lost or overtaken
  kFin,
  kReset,
  kCapturedTwice,  // the packet before once more: not sent again, the capture has it twice
};
absl::string_view Name(SegmentEvent event);  // "retransmission", "keep-alive", …

struct TrackedSegment {
  int64_t number = 0;                  // line or packet, as Place::line
  std::optional<absl::Duration> time;  // as CapturedSegment::time
  bool from_client = false;
  uint16_t flags = 0;  // of TcpFlag
  // rel: to the sender's ISN; unset where that is not known. Of a text whose numbers are relative
  // to something that it does not show: as it shows them, and `seq` is unset.
  std::optional<uint32_t> seq, rel_seq;
  std::optional<uint32_t> ack, rel_ack;  // rel: to the other side's ISN
  uint32_t payload_bytes = 0;
  std::optional<int64_t> window_bytes;         // scaled; unset where the scale is not known
  EndState client_state = EndState::kUnknown;  // after it, see tracker.h
  EndState server_state = EndState::kUnknown;
  std::vector<SegmentEvent> events;
  std::string note;  // one sentence where it matters, else empty
};

struct TraceEndpoint {
  IpAddress ip;
  uint16_t port = 0;
  auto operator<=>(const TraceEndpoint&) const = default;
};

// Counts over the whole connection, also of segments that were not kept.
struct ConnectionTotals {
  int64_t segments = 0;
  int64_t client_bytes = 0, server_bytes = 0;  // new data, without what was sent again
  int64_t retransmissions = 0, spurious_retransmissions = 0, out_of_order = 0;
  int64_t keep_alives = 0, zero_windows = 0, duplicate_acks = 0;
  int64_t syns = 0, syn_acks = 0;
  int64_t captured_twice = 0;  // second copies of one packet: in no other count but `segments`
};

struct TrackedConnection {
  std::string input;  // of its first segment
  // Who sent the SYN. A guess, which `client_is_guess` admits, without one, and where both sent one
  // as neither listens.
  TraceEndpoint client;
  TraceEndpoint server;
  bool client_is_guess = false;
  bool start_captured = false;  // its SYN was
  Outcome outcome = Outcome::kMidStream;
  std::string summary;  // one or two sentences: what happened, who did it
  std::optional<uint32_t> client_isn, server_isn;
  // ISN+1 of the client if it sent data (captured, or acknowledged), else of the server. Unset
  // where that ISN is not known.
  std::optional<uint32_t> first_data_seq;
  // SYN to SYN-ACK plus SYN-ACK to ACK, wherever the capture was taken. Unset without times, and
  // where one was sent again and no timestamp option tells which of them was answered.
  std::optional<absl::Duration> handshake_rtt;
  // Spacing of SYNs that were sent again: 1, 2, 4 s.
  std::vector<absl::Duration> syn_spacing;
  std::optional<TraceEndpoint> reset_by;
  std::optional<uint8_t> client_window_scale, server_window_scale;
  ConnectionTotals totals;
  std::vector<IcmpReport> icmp;           // by kind and sender; a few at most
  TimeBase time_base = TimeBase::kEpoch;  // of its segments' times
  std::vector<TrackedSegment> segments;   // the first and the last, bounded
  int64_t segments_left_out = 0;          // in between
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_TRACE_CONNECTION_H_
