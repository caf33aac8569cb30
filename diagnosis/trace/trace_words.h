// What a trace shows, in words: the note of a segment (segment_note.cc), the summary of a
// connection (connection_summary.cc). Pure.
#ifndef TCPMEDIC_DIAGNOSIS_TRACE_TRACE_WORDS_H_
#define TCPMEDIC_DIAGNOSIS_TRACE_TRACE_WORDS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "diagnosis/trace/connection.h"
#include "diagnosis/trace/kept_segments.h"

namespace tcpmedic {

// To three digits: "35 µs", "1.25 ms", "148 ms", "3.01 s", "75 s".
std::string WaitText(absl::Duration span);
// "1 SYN", "3 SYNs".
std::string Counted(int64_t count, absl::string_view one, absl::string_view many);
std::string ByteCount(int64_t count);

// What a connection's notes and summary need beside its own members.
struct TraceFacts {
  bool to_itself = false;  // one socket is both ends
  bool simultaneous = false;
  bool syn_seen = false;
  int server_waited =
      0;  // times that it sent its SYN-ACK again, the client's ACK being seen before
  bool refused_after_syn_ack = false;  // a RST before the handshake was complete
  bool last_fin_acked = false;         // both FINs are
  bool first_fin_acked = false;        // the only FIN is
  bool any_fin = false;
  bool first_fin_by_client = false;   // who closed first
  bool client_window_closed = false;  // at the end
  bool server_window_closed = false;
  bool only_client_captured = false;  // nothing of what the server sent
  bool only_server_captured = false;
  bool fast_open_refused = false;  // a SYN's data, by the SYN-ACK
  bool no_window_scale = false;    // one of the ends does not offer it
  // Acknowledged, and not in the capture.
  int64_t client_unseen_bytes = 0, server_unseen_bytes = 0;
  // Some of its segments came in IP fragments, of which only the first can be followed.
  bool client_in_fragments = false, server_in_fragments = false;
  bool ends_with_fin = false;       // the trace does, or within the time for an ACK
  int64_t needless = 0;             // retransmissions of what turned out to have arrived
  int reset_after_keep_alives = 0;  // in a row, that nobody answered
  bool reset_has_ack = false;
  int64_t unacked_at_reset = 0;              // of the end that did not send it
  int64_t all_unacked_at_reset = 0;          // of both
  std::optional<absl::Duration> late_fin;    // from FIN-WAIT-2 to a FIN that a RST answered
  std::optional<absl::Duration> since_fin;   // from the first FIN to the end of the trace
  int64_t bytes_since_fin = 0;               // from the other end
  std::optional<absl::Duration> since_sent;  // the last of those
  bool fins_crossed = false;                 // each end closed before it knew of the other's FIN
  int64_t syn_acks_before_ack = 0;
  // From the first SYN, or where that was not captured the first SYN-ACK, to the ACK.
  std::optional<absl::Duration> handshake_took;
  bool only_syns_shown = false;
  bool handshake_complete = false;
  EndState client_state = EndState::kUnknown;  // at the end
  EndState server_state = EndState::kUnknown;
  // From the last SYN or SYN-ACK to the end of the trace.
  std::optional<absl::Duration> waited;
};

// One sentence where the segment matters, else empty. `described` is complete but for its note.
std::string NoteOf(const KeptSegment& kept, const TrackedSegment& described,
                   const TrackedConnection& connection, const TraceFacts& facts);

// One or two sentences. `connection` is complete but for its segments and summary.
std::string SummaryOf(const TrackedConnection& connection, const TraceFacts& facts);

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_TRACE_TRACE_WORDS_H_
