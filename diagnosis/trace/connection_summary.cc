// The summary of a connection: what happened, and who did it.
#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "diagnosis/trace/trace_words.h"

namespace tcpmedic {
namespace {

// A program that closes at all does so within this time of its peer's FIN, as a rule.
constexpr absl::Duration kSoonClosed = absl::Seconds(5);
// net.ipv4.tcp_fin_timeout is whole seconds, and a timer's tick less.
constexpr absl::Duration kShortestFinTimeout = absl::Milliseconds(990);

std::string EndText(const TraceEndpoint& endpoint) {
  return EndpointText(endpoint.ip, endpoint.port);
}

// " at 0, 1 and 3 s", from the spacing of SYNs.
std::string SynTimes(const std::vector<absl::Duration>& spacing) {
  if (spacing.empty()) return "";
  std::vector<std::string> times = {"0"};
  absl::Duration at = absl::ZeroDuration();
  for (const absl::Duration gap : spacing) {
    at += gap;
    times.push_back(absl::StrFormat("%.3g", absl::ToDoubleSeconds(at)));
  }
  const std::string last = times.back();
  times.pop_back();
  return absl::StrCat(" at ", absl::StrJoin(times, ", "), " and ", last, " s");
}

std::string Waited(const TraceFacts& facts) {
  if (!facts.waited) return "";
  return absl::StrCat(" in ", WaitText(*facts.waited));
}

std::string Unseen(int64_t bytes, bool in_fragments) {
  if (bytes == 0) return "";
  return absl::StrCat(" (and ", bytes,
                      in_fragments ? " that were acknowledged, in later IP fragments)"
                                   : " that were acknowledged, but not captured)");
}

std::string Transferred(const TrackedConnection& connection, const TraceFacts& facts) {
  return absl::StrCat(ByteCount(connection.totals.client_bytes), " from the client",
                      Unseen(facts.client_unseen_bytes, facts.client_in_fragments), ", ",
                      connection.totals.server_bytes, " from the server",
                      Unseen(facts.server_unseen_bytes, facts.server_in_fragments));
}

// "; 3 retransmissions, 1 segment overtaken, window 0 twice": empty where all went well.
std::string Troubles(const TrackedConnection& connection, const TraceFacts& facts) {
  const ConnectionTotals& totals = connection.totals;
  std::vector<std::string> troubles;
  if (totals.retransmissions > 0) {
    troubles.push_back(Counted(totals.retransmissions, "retransmission", "retransmissions"));
  }
  // Where an ACK was lost, its sender had to send again.
  const int64_t needless =
      totals.out_of_order > 0 ? totals.spurious_retransmissions : facts.needless;
  if (needless > 0) {
    troubles.push_back(Counted(needless, "needless retransmission", "needless retransmissions"));
  }
  if (const int64_t others = totals.spurious_retransmissions - needless; others > 0) {
    troubles.push_back(absl::StrCat(Counted(others, "segment", "segments"),
                                    " sent again that had already arrived"));
  }
  if (totals.out_of_order > 0) {
    troubles.push_back(Counted(totals.out_of_order, "segment overtaken", "segments overtaken"));
  }
  if (facts.fast_open_refused) {
    troubles.push_back("the data in the SYN was not taken (TCP Fast Open) and sent again");
  }
  if (totals.zero_windows > 0) {
    troubles.push_back(
        Counted(totals.zero_windows, "segment with window 0", "segments with window 0"));
  }
  if (troubles.empty()) return "";
  return absl::StrCat("; ", absl::StrJoin(troubles, ", "));
}

// " after 2 SYNs, 1.02 s after the first": empty where the first of each was answered.
std::string AfterRepeats(const TrackedConnection& connection, const TraceFacts& facts) {
  const int64_t syns = connection.totals.syns;
  if (syns <= 1 && facts.syn_acks_before_ack <= 1) return "";
  std::vector<std::string> sent;
  if (syns > 1) sent.push_back(Counted(syns, "SYN", "SYNs"));
  if (facts.syn_acks_before_ack > 1) {
    sent.push_back(Counted(facts.syn_acks_before_ack, "SYN-ACK", "SYN-ACKs"));
  }
  return absl::StrCat(" after ", absl::StrJoin(sent, " and "),
                      facts.handshake_took
                          ? absl::StrCat(", ", WaitText(*facts.handshake_took), " after the first")
                          : "");
}

std::string Beginning(const TrackedConnection& connection, const TraceFacts& facts) {
  if (!facts.handshake_complete) {
    return connection.start_captured ? "" : "Open before the trace begins; ";
  }
  if (facts.to_itself) return "A socket connected to itself; ";
  if (facts.simultaneous)
    return "Established by a simultaneous open: neither listens, and whose SYN was seen first is "
           "called "
           "the client; ";
  const std::string rtt =
      connection.handshake_rtt
          ? absl::StrCat(" (handshake RTT ", WaitText(*connection.handshake_rtt), ")")
          : "";
  const std::string why_late =
      facts.server_waited == 0
          ? ""
          : absl::StrCat(": after the client's ACK the server sent its SYN-ACK ",
                         Counted(facts.server_waited, "more time", "more times"),
                         ", as that was lost or not taken (a full accept queue, TCP_DEFER_ACCEPT)");
  return absl::StrCat("Established", facts.server_waited > 0 ? " late" : "",
                      AfterRepeats(connection, facts), rtt, why_late, "; ");
}

std::string ServerStillWaits(const TrackedConnection& connection, const TraceFacts& facts) {
  return absl::StrCat(
      "Established for the client alone: after its ACK the server sent its SYN-ACK ",
      Counted(facts.server_waited, "more time", "more times"),
      ", and nothing else. The ACKs are lost on the way, or its accept queue is full, or it waits "
      "for data (TCP_DEFER_ACCEPT). ",
      Transferred(connection, facts), Troubles(connection, facts), ".");
}

std::string WindowClosed(const TraceFacts& facts) {
  if (!facts.client_window_closed && !facts.server_window_closed) return "";
  return absl::StrCat(" The window of ", facts.server_window_closed ? "the server" : "the client",
                      " is still 0 then: its application reads too slowly or not at all.");
}

std::string Refused(const TrackedConnection& connection) {
  return absl::StrCat(EndText(connection.server),
                      " refused the connection: it answered the SYN with a RST. Nothing listens on "
                      "that port, or a firewall there rejects it.");
}

std::string NoReply(const TrackedConnection& connection, const TraceFacts& facts) {
  if (connection.totals.syns == 1) {
    return absl::StrCat(EndText(connection.server), " did not answer the SYN", Waited(facts),
                        ": it or its answer is dropped on the way, or the host is down. A closed "
                        "port would have answered with a RST.");
  }
  return absl::StrCat(EndText(connection.server), " answered none of ", connection.totals.syns,
                      " SYNs", SynTimes(connection.syn_spacing),
                      ": they or the answers are dropped on the way (a firewall that drops, a "
                      "missing route), or the host is down. A closed port would have answered with "
                      "a RST.");
}

std::string HalfOpen(const TrackedConnection& connection, const TraceFacts& facts) {
  const std::string sent =
      connection.totals.syn_acks == 1
          ? absl::StrCat("The server's SYN-ACK was not acknowledged", Waited(facts))
          : absl::StrCat("None of the server's ", connection.totals.syn_acks,
                         " SYN-ACKs was acknowledged");
  if (connection.totals.syns > 1) {
    return absl::StrCat(sent, " and ", EndText(connection.client),
                        " sends its SYN again: the SYN-ACK is lost on its way to the client.");
  }
  return absl::StrCat(sent, ": ", EndText(connection.client),
                      " is gone or its address is forged, or its ACK is lost on the way.");
}

std::string HandshakeNotShown(const TrackedConnection& connection, const TraceFacts& facts) {
  if (connection.totals.syn_acks == 0) {
    return facts.only_syns_shown
               ? "A SYN without a SYN-ACK, which this capture would show. A RST it would not: it "
                 "shows SYNs only."
               : "A SYN whose answer the trace does not show: it ends too soon after it.";
  }
  absl::string_view why = ": it ends too soon after the SYN-ACK";
  if (facts.only_syns_shown) {
    why = ": it shows SYNs only, as behind a filter for them, and not the final ACK";
  } else if (!facts.syn_seen) {
    why = ": it shows only what the server sends";
  }
  return absl::StrCat(
      "SYN and SYN-ACK; whether the handshake was completed, the trace does not show", why, ".");
}

// What a RST ended, behind "… ended it with a RST".
std::string Ended(const TrackedConnection& connection, const TraceFacts& facts) {
  if (facts.reset_after_keep_alives > 0) {
    return absl::StrCat(", after ",
                        Counted(facts.reset_after_keep_alives, "keep-alive", "keep-alives"),
                        " that nobody answered.");
  }
  if (facts.any_fin || facts.reset_has_ack || facts.unacked_at_reset == 0) return ".";
  const bool by_client = connection.reset_by == connection.client;
  return absl::StrCat("; ", ByteCount(facts.unacked_at_reset), " of ",
                      by_client ? "the server" : "the client",
                      facts.unacked_at_reset == 1 ? " was" : " were",
                      " not acknowledged: ", by_client ? "the client" : "the server",
                      ", or a device between, no longer knows the connection.");
}

std::string Reset(const TrackedConnection& connection, const TraceFacts& facts) {
  const bool by_client = connection.reset_by == connection.client;
  if (facts.refused_after_syn_ack) {
    return absl::StrCat(
        by_client ? "The client answered the SYN-ACK with a RST"
                  : "The server gave up the handshake with a RST",
        by_client ? ": a port scan, a client that had given up, or a SYN in somebody else's name."
                  : ".");
  }
  const std::string begin =
      absl::StrCat(Beginning(connection, facts), Transferred(connection, facts),
                   Troubles(connection, facts), ". ");
  if (!facts.any_fin) {
    return absl::StrCat(begin, by_client ? "The client" : "The server", " ended it with a RST",
                        Ended(connection, facts));
  }
  const std::string first =
      absl::StrCat(facts.first_fin_by_client ? "The client" : "The server", " closed first; ");
  const absl::string_view whose = by_client ? "the client's" : "the server's";
  const absl::string_view other = by_client ? "the server" : "the client";
  if (facts.late_fin && by_client == facts.first_fin_by_client) {
    return absl::StrCat(begin, first, other, "'s FIN came ", WaitText(*facts.late_fin),
                        " after FIN-WAIT-2 had begun, when ", whose, " socket was gone",
                        *facts.late_fin >= kShortestFinTimeout ? " (net.ipv4.tcp_fin_timeout)" : "",
                        ": a RST answered it.",
                        facts.all_unacked_at_reset == 0 ? " All data was acknowledged." : "");
  }
  return absl::StrCat(begin, first, "then ", by_client ? "the client" : "the server",
                      " ended it with a RST", Ended(connection, facts));
}

std::string Closed(const TrackedConnection& connection, const TraceFacts& facts) {
  const std::string all = absl::StrCat(Beginning(connection, facts), Transferred(connection, facts),
                                       Troubles(connection, facts), ".");
  if (facts.to_itself) return all;
  return absl::StrCat(all,
                      facts.fins_crossed          ? " Both closed at once (their FINs crossed: "
                                                    "CLOSING on both)"
                      : facts.first_fin_by_client ? " The client closed first"
                                                  : " The server closed first",
                      facts.last_fin_acked  ? "."
                      : facts.ends_with_fin ? "; the trace ends before the ACK of the last FIN."
                                            : "; the ACK of a FIN is missing.");
}

std::string HalfClosed(const TrackedConnection& connection, const TraceFacts& facts) {
  const bool by_client = facts.first_fin_by_client;
  const EndState closer = by_client ? facts.client_state : facts.server_state;
  const EndState other = by_client ? facts.server_state : facts.client_state;
  const std::string begin =
      absl::StrCat(Beginning(connection, facts), Transferred(connection, facts),
                   Troubles(connection, facts), ". ");
  const std::string who = by_client ? "The client" : "The server";
  const std::string whom = by_client ? "the server" : "the client";
  if (!facts.first_fin_acked) {
    return absl::StrCat(begin, who, " sent FIN, which ", whom,
                        " had not acknowledged by the end of the trace: ", Name(closer), ".");
  }
  const std::string later =
      facts.since_fin ? absl::StrCat(", ", WaitText(*facts.since_fin), " after the FIN") : "";
  if (facts.bytes_since_fin > 0 && facts.since_sent.value_or(absl::ZeroDuration()) < kSoonClosed) {
    return absl::StrCat(begin, who, " ended its direction (FIN) and still acknowledges; ", whom,
                        " goes on sending, ", ByteCount(facts.bytes_since_fin),
                        " since: a half-close in use, no leak so far.");
  }
  if (facts.since_fin && *facts.since_fin < kSoonClosed) {
    return absl::StrCat(begin, who, " closed and is in ", Name(closer), "; ", whom, " is in ",
                        Name(other), " when the trace ends", later,
                        ": too soon to tell a leak from a program that is about to close.");
  }
  return absl::StrCat(
      begin, who, " closed and is in ", Name(closer), "; ", whom, " is left in ", Name(other),
      ": its application has not called close() by the end of the trace", later,
      facts.bytes_since_fin > 0
          ? absl::StrCat(", but has sent ", ByteCount(facts.bytes_since_fin), " since")
          : "",
      ".");
}

// One direction says nothing of the other end but what it acknowledges.
std::string OneDirection(const TrackedConnection& connection, const TraceFacts& facts) {
  const bool client = facts.only_client_captured;
  const int64_t bytes = client ? connection.totals.client_bytes : connection.totals.server_bytes;
  return absl::StrCat("Only what ", client ? "the client" : "the server",
                      " sent was captured: ", ByteCount(bytes), facts.any_fin ? " and a FIN" : "",
                      connection.reset_by ? " and a RST" : "", Troubles(connection, facts),
                      "; what ", client ? "the server" : "the client", " did is not shown.");
}

std::string WhatHappened(const TrackedConnection& connection, const TraceFacts& facts) {
  const bool one_direction =
      (facts.only_client_captured || facts.only_server_captured) && !facts.to_itself;
  switch (connection.outcome) {
    case Outcome::kRefused:
      return Refused(connection);
    case Outcome::kNoReply:
      if (const IcmpReport* const answer = AnswerToSyn(connection.icmp)) {
        return SynReportText(*answer, connection.server.ip);
      }
      return NoReply(connection, facts);
    case Outcome::kHalfOpen:
      return HalfOpen(connection, facts);
    case Outcome::kHandshakeNotShown:
      return HandshakeNotShown(connection, facts);
    case Outcome::kReset:
      if (one_direction && facts.handshake_complete) return OneDirection(connection, facts);
      return Reset(connection, facts);
    case Outcome::kClosed:
      return Closed(connection, facts);
    case Outcome::kHalfClosed:
      return HalfClosed(connection, facts);
    case Outcome::kCloseNotShown:
      return OneDirection(connection, facts);
    case Outcome::kServerStillWaits:
      return ServerStillWaits(connection, facts);
    case Outcome::kEstablished:
      if (one_direction) return OneDirection(connection, facts);
      [[fallthrough]];
    case Outcome::kMidStream:
      return absl::StrCat(Beginning(connection, facts), Transferred(connection, facts),
                          Troubles(connection, facts), "; still open when the trace ends.",
                          WindowClosed(facts));
  }
  return "";
}

}  // namespace

std::string SummaryOf(const TrackedConnection& connection, const TraceFacts& facts) {
  std::string summary = WhatHappened(connection, facts);
  if (connection.outcome != Outcome::kNoReply) {
    for (const IcmpReport& report : connection.icmp) {
      absl::StrAppend(&summary, " ", ReportText(report), ", about a segment of the ",
                      report.of_client ? "client." : "server.");
    }
  }
  if (connection.totals.captured_twice == 0) return summary;
  return absl::StrCat(summary, " The capture has ", connection.totals.captured_twice, " of its ",
                      connection.totals.segments - connection.totals.captured_twice,
                      " segments twice.");
}

}  // namespace tcpmedic
