// What a Flow gives out: its connection, with states put right by what came later, and in words.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "diagnosis/trace/flow.h"
#include "diagnosis/trace/trace_words.h"

namespace tcpmedic {
namespace {

constexpr int kMaxScale = 14;  // RFC 7323 §2.3
// A FIN that is not acknowledged by then is sent again (RFC 6298 §2).
constexpr int64_t kAckNs = 1'000'000'000;

std::optional<absl::Duration> DurationOf(std::optional<int64_t> ns) {
  if (!ns) return std::nullopt;
  return absl::Nanoseconds(*ns);
}

}  // namespace

int Flow::GuessedClient() const {
  if (client_) return *client_;
  // Servers listen on the lower port, as a rule.
  const uint16_t port0 = ends_[0].endpoint.port;
  const uint16_t port1 = ends_[1].endpoint.port;
  if (port0 == port1) return first_sender_;
  return port0 > port1 ? 0 : 1;
}

// The shift of the windows that this end advertises. A SYN-ACK offers it only where the SYN did
// (RFC 7323 §2.2), so one whole SYN without it, or the SYN-ACK alone, may tell.
std::optional<uint8_t> Flow::AgreedScale(int end) const {
  bool offered_by_both = true;
  for (const End& each : ends_) {
    if (each.options_known && !each.window_scale) return uint8_t{0};
    offered_by_both = offered_by_both && each.options_known;
  }
  for (const End& each : ends_) {
    offered_by_both = offered_by_both || (each.options_known && each.answered_syn);
  }
  if (!offered_by_both || !ends_[end].options_known) return std::nullopt;
  return static_cast<uint8_t>(std::min<int>(*ends_[end].window_scale, kMaxScale));
}

EndState Flow::StateAfter(int64_t ordinal, int end) const {
  const EndState state = ends_[end].states.At(ordinal);
  // Who closed first shows only where both directions were captured.
  const bool one_direction = ends_[0].segments == 0 || ends_[1].segments == 0;
  if (one_direction && !connected_to_itself() && state != EndState::kClosed) {
    for (const End& each : ends_) {
      if (each.fin_sent && ordinal >= each.fin.First().ordinal) return EndState::kUnknown;
    }
  }
  return state;
}

TrackedSegment Flow::DescribeSegment(int64_t ordinal, const KeptSegment& kept, int client) const {
  TrackedSegment segment;
  segment.number = kept.number;
  if (kept.has_time) segment.time = absl::Nanoseconds(kept.at_ns);
  segment.from_client = kept.from == client;
  segment.flags = kept.flags;
  segment.payload_bytes = kept.payload_bytes;
  if (kept.has_seq) {
    const std::optional<uint32_t> isn = ends_[kept.from].isn;
    (relative_ ? segment.rel_seq : segment.seq) = kept.seq;
    if (!relative_ && isn) segment.rel_seq = kept.seq - *isn;
  }
  if (kept.has_ack) {
    const std::optional<uint32_t> isn = ends_[1 - kept.from].isn;
    (relative_ ? segment.rel_ack : segment.ack) = kept.ack;
    if (!relative_ && isn) segment.rel_ack = kept.ack - *isn;
  }
  if ((kept.flags & kSyn) != 0 || kept.window == 0) {
    segment.window_bytes = kept.window;  // a SYN's is never scaled
  } else if (const std::optional<uint8_t> scale = AgreedScale(kept.from)) {
    segment.window_bytes = int64_t{kept.window} << *scale;
  }
  segment.client_state = StateAfter(ordinal, client);
  segment.server_state = StateAfter(ordinal, 1 - client);
  segment.events = kept.events.List();
  return segment;
}

TrackedConnection Flow::Describe(const std::string& input, const TraceEnd& end) const {
  const int client = GuessedClient();
  const End& client_end = ends_[client];
  const End& server_end = ends_[1 - client];
  TrackedConnection connection;
  connection.input = input;
  connection.client = client_end.endpoint;
  connection.server = server_end.endpoint;
  connection.client_is_guess = !opened() || (simultaneous_ && !connected_to_itself());
  connection.start_captured = syn_seen_;
  connection.outcome = OutcomeAt(end);
  if (!relative_) {
    connection.client_isn = client_end.isn;
    connection.server_isn = server_end.isn;
    // What is acknowledged and was not captured may also be a FIN.
    const bool by_acks = client_end.unseen_bytes > (client_end.fin_sent ? 0 : 1);
    const bool by_client = client_end.sent_data || by_acks;
    const End& first = by_client ? client_end : server_end;
    if ((by_client || first.sent_data) && first.isn) connection.first_data_seq = *first.isn + 1;
  }
  connection.handshake_rtt = DurationOf(rtt_ns_);
  for (const int64_t ns : syn_spacing_ns_) {
    connection.syn_spacing.push_back(absl::Nanoseconds(ns));
  }
  if (reset_) connection.reset_by = ends_[reset_by_].endpoint;
  connection.client_window_scale = AgreedScale(client);
  connection.server_window_scale = AgreedScale(1 - client);
  connection.totals = totals_;
  connection.totals.client_bytes = bytes_[client];
  connection.totals.server_bytes = bytes_[1 - client];
  connection.segments_left_out = kept_.left_out();
  connection.time_base = time_base_;
  for (const Report& one : reports_) {
    connection.icmp.push_back(one.report);
    connection.icmp.back().of_client = one.from_end == client;
  }

  TraceFacts facts;
  facts.simultaneous = simultaneous_;
  facts.syn_seen = syn_seen_;
  facts.server_waited = server_waited_;
  facts.to_itself = connected_to_itself();
  facts.client_window_closed = client_end.sent.window == 0 && !client_end.fin_sent;
  facts.server_window_closed = server_end.sent.window == 0 && !server_end.fin_sent;
  facts.refused_after_syn_ack = reset_ && opened() && !complete_ && syn_ack_.count > 0;
  facts.last_fin_acked = client_end.fin_acked && server_end.fin_acked;
  facts.first_fin_acked = client_end.fin_acked || server_end.fin_acked;
  facts.any_fin = client_end.fin_sent || server_end.fin_sent;
  facts.first_fin_by_client =
      client_end.fin_sent &&
      (!server_end.fin_sent || client_end.fin.First().ordinal < server_end.fin.First().ordinal);
  facts.only_client_captured = server_end.segments == 0;
  facts.only_server_captured = client_end.segments == 0;
  facts.fast_open_refused = fast_open_refused_;
  facts.no_window_scale = client_end.options_known && server_end.options_known &&
                          (!client_end.window_scale || !server_end.window_scale);
  facts.client_unseen_bytes = client_end.unseen_bytes;
  facts.server_unseen_bytes = server_end.unseen_bytes;
  facts.client_in_fragments = client_end.in_fragments;
  facts.server_in_fragments = server_end.in_fragments;
  facts.needless = needless_;
  facts.fins_crossed = fins_crossed_;
  facts.syn_acks_before_ack = syn_acks_before_ack_;
  const std::optional<int64_t> opened_ns = syn_seen_ ? syn_.First().at_ns : syn_ack_.First().at_ns;
  if (complete_ns_ && opened_ns) {
    facts.handshake_took = absl::Nanoseconds(*complete_ns_ - *opened_ns);
  }
  facts.reset_after_keep_alives = reset_after_keep_alives_;
  facts.reset_has_ack = reset_has_ack_;
  facts.unacked_at_reset = unacked_at_reset_[1 - reset_by_];
  facts.all_unacked_at_reset = unacked_at_reset_[0] + unacked_at_reset_[1];
  facts.late_fin = DurationOf(late_fin_ns_);
  const End& closer = facts.first_fin_by_client ? client_end : server_end;
  const End& other = facts.first_fin_by_client ? server_end : client_end;
  if (end.last_ns && closer.fin_at_ns) {
    facts.since_fin = absl::Nanoseconds(*end.last_ns - *closer.fin_at_ns);
  }
  facts.bytes_since_fin = other.bytes_after_other_fin;
  if (end.last_ns && other.sent_after_fin_at_ns) {
    facts.since_sent = absl::Nanoseconds(*end.last_ns - *other.sent_after_fin_at_ns);
  }
  facts.only_syns_shown = end.only_syns_shown;
  facts.handshake_complete = complete_;
  const Sendings& asked = syn_ack_.count > 0 ? syn_ack_ : syn_;
  if (end.last_ns && asked.last.at_ns) {
    facts.waited = absl::Nanoseconds(*end.last_ns - *asked.last.at_ns);
  }
  const int64_t last = kept_.total() - 1;
  if (const KeptSegment* kept = kept_.At(last)) {
    facts.ends_with_fin = (kept->flags & kFin) != 0 && kept->has_time && end.last_ns &&
                          *end.last_ns - kept->at_ns < kAckNs;
  }
  facts.client_state = StateAfter(last, client);
  facts.server_state = StateAfter(last, 1 - client);
  connection.summary = SummaryOf(connection, facts);

  connection.segments.reserve(static_cast<size_t>(kept_.total() - kept_.left_out()));
  for (int64_t ordinal = 0; ordinal < kept_.total(); ++ordinal) {
    const KeptSegment* kept = kept_.At(ordinal);
    if (kept == nullptr) {  // to the first of the last ones
      ordinal += kept_.left_out() - 1;
      continue;
    }
    connection.segments.push_back(DescribeSegment(ordinal, *kept, client));
    std::string& note = connection.segments.back().note;
    note = NoteOf(*kept, connection.segments.back(), connection, facts);
    for (const Report& one : reports_) {
      if (one.about != ordinal) continue;
      absl::StrAppend(&note, note.empty() ? "" : "; ", ReportText(one.report));
    }
  }
  return connection;
}

}  // namespace tcpmedic
