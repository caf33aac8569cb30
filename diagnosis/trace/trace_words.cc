#include "diagnosis/trace/trace_words.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace tcpmedic {
namespace {

// With the third the sender takes the segment for lost (RFC 5681 §3.2): further ones say no more.
constexpr int64_t kToldDuplicates = 3;
// A program that closes at all does so within this time of its peer's FIN, as a rule.
constexpr absl::Duration kSoonClosed = absl::Seconds(5);
// net.ipv4.tcp_fin_timeout is whole seconds, and a timer's tick less.
constexpr absl::Duration kShortestFinTimeout = absl::Milliseconds(990);

std::string EndText(const TraceEndpoint& endpoint) {
  return EndpointText(endpoint.ip, endpoint.port);
}

std::string Counted(int64_t count, absl::string_view one, absl::string_view many) {
  return absl::StrCat(count, " ", count == 1 ? one : many);
}

std::string Bytes(int64_t count) { return Counted(count, "byte", "bytes"); }

// "the server's ISN+1 (4200001)" needs the number as the trace shows it: relative where nothing
// else is known.
uint32_t Shown(std::optional<uint32_t> absolute, std::optional<uint32_t> relative) {
  return absolute ? *absolute : relative.value_or(0);
}

std::string Ordinal(int count) {
  static constexpr absl::string_view kWords[] = {"first", "second", "third",   "fourth",
                                                 "fifth", "sixth",  "seventh", "eighth"};
  if (count >= 1 && count <= 8) return std::string(kWords[count - 1]);
  return absl::StrCat(count, count % 10 == 1 && count % 100 != 11   ? "st"
                             : count % 10 == 2 && count % 100 != 12 ? "nd"
                             : count % 10 == 3 && count % 100 != 13 ? "rd"
                                                                    : "th");
}

class Note {
 public:
  Note(const KeptSegment& kept, const TrackedSegment& described,
       const TrackedConnection& connection, const TraceFacts& facts)
      : kept_(kept), segment_(described), connection_(connection), facts_(facts) {}

  std::string Text() {
    if (Marked(kPortsAgain)) {
      Say("same addresses and ports", AfterTheLast("the connection before"), ": a new one");
    }
    if (Has(SegmentEvent::kCapturedTwice)) {
      Say("the same packet once more: the capture has it twice, it was sent once");
    } else if (Has(SegmentEvent::kReset)) {
      Reset();
    } else if ((kept_.flags & kSyn) != 0) {
      (kept_.flags & kAck) != 0 ? SynAck() : Syn();
    } else {
      Rest();
    }
    if (Marked(kHasLaterFragments)) {
      Say("the first fragment of its IP packet: the segment goes on in later ones, whose bytes "
          "cannot be followed");
    }
    return absl::StrJoin(parts_, "; ");
  }

 private:
  bool Has(SegmentEvent event) const { return kept_.events.Has(event); }
  bool Marked(SegmentMark mark) const { return (kept_.marks & mark) != 0; }
  std::string Me() const { return segment_.from_client ? "the client" : "the server"; }
  std::string Other() const { return segment_.from_client ? "the server" : "the client"; }
  uint32_t Seq() const { return Shown(segment_.seq, segment_.rel_seq); }
  uint32_t Ack() const { return Shown(segment_.ack, segment_.rel_ack); }
  template <typename... Parts>
  void Say(const Parts&... parts) {
    parts_.push_back(absl::StrCat(parts...));
  }
  bool InFragments() const {
    return segment_.from_client ? facts_.client_in_fragments : facts_.server_in_fragments;
  }
  bool OtherInFragments() const {
    return segment_.from_client ? facts_.server_in_fragments : facts_.client_in_fragments;
  }
  // " 1.01 s after the last one", where times are known.
  std::string AfterTheLast(absl::string_view what) const {
    if (!kept_.has_detail) return "";
    return absl::StrCat(" ", WaitText(absl::Nanoseconds(kept_.detail)), " after ", what);
  }

  void Syn() {
    if (Has(SegmentEvent::kSynRetransmitted)) {
      Say("SYN sent again", AfterTheLast("the last one"), ": no answer to it has reached ", Me());
      return;
    }
    if (Has(SegmentEvent::kSimultaneousOpen)) {
      Say("simultaneous open: its SYN crosses the other end's, so each end answers with a SYN-ACK");
    }
    if (segment_.seq) {
      Say("ISN ", *segment_.seq, "; SYN consumes one number, so the first data byte is ",
          *segment_.seq + 1, " (ISN+1)");
    }
    if (kept_.payload_bytes > 0) {
      Say("carries ", Bytes(kept_.payload_bytes), " already (TCP Fast Open)");
    } else if (Marked(kFastOpenCookie)) {
      Say("asks for a cookie for TCP Fast Open");
    }
    if (Marked(kSigned)) Say("signed (TCP MD5, RFC 2385)");
    if (Marked(kEcn)) Say("offers ECN (RFC 3168)");
  }

  void SynAck() {
    if (Marked(kServerStillWaits)) {
      Say("SYN-ACK sent again", AfterTheLast("the last one"),
          " although the client's ACK was seen: it was lost behind the capture, or the server's "
          "accept queue is full, or it waits for data (TCP_DEFER_ACCEPT)");
    } else if (Has(SegmentEvent::kSynAckRetransmitted)) {
      Say("SYN-ACK sent again", AfterTheLast("the last one"),
          Marked(kCrossedAck)        ? ": it crossed the client's ACK on the way"
          : Marked(kAnswersSynAgain) ? ", in answer to the SYN that was sent again"
                                     : ": the client's ACK has not reached the server");
    }
    if (Marked(kAcksUnknownSyn)) {
      Say("ack ", Ack(), " is not the ISN+1 of ", Other(), ": it answers another SYN");
    } else if (Marked(kAcksSyn)) {
      if (Marked(kFastOpenTaken)) {
        Say("ack ", Ack(), " confirms the client's SYN and the data in it");
      } else {
        Say("ack ", Ack(), " = ", Other(), "'s ISN+1 confirms its SYN",
            Marked(kFastOpenNotTaken) ? ", but not the data in it: the client sends that again"
                                      : "");
      }
      if (segment_.seq) {
        Say(Me(), "'s SYN consumes one number too: its first data byte is ", *segment_.seq + 1);
      }
    }
    if (Marked(kFastOpenCookie))
      Say("grants a cookie: the next SYN may carry data (TCP Fast Open)");
    if (Marked(kEcn)) Say("agrees to ECN: routers may mark instead of drop");
  }

  void Reset() {
    if (Marked(kRefusal)) {
      Say("RST in answer to the SYN: ", Me(), " refuses the connection");
    } else if (Marked(kResetOfOlder)) {
      Say("RST ends the older connection that the ACK before it belongs to; the SYN is sent again");
    } else if (Marked(kResetOutsideWindow)) {
      Say("RST that ", Other(), " ignores: it is not ",
          kept_.has_ack && (kept_.flags & kAck) != 0 && !facts_.handshake_complete
              ? "an answer to its SYN"
              : "inside its window (RFC 9293 §3.10.7)");
    } else if (!facts_.handshake_complete && facts_.refused_after_syn_ack && segment_.from_client) {
      Say("RST in answer to the SYN-ACK: the client knows nothing of this connection, or of it no "
          "more");
    } else if (Marked(kResetAgain)) {
      Say("RST again, in answer to what was still under way");
    } else if (Marked(kGivesUp)) {
      Say("RST: ", Me(), " gives up after ",
          Counted(kept_.detail, "unanswered keep-alive", "unanswered keep-alives"), "; ", Other(),
          ", if it lives, may not know");
    } else if (Marked(kResetOfLateData)) {
      Say("RST in answer to data that came after ", Me(),
          " had closed (RFC 1122 §4.2.2.13): nobody reads it, ",
          kept_.detail == 1 ? "this byte is" : absl::StrCat("these ", Bytes(kept_.detail), " are"),
          " lost");
    } else if (facts_.handshake_complete && (kept_.flags & kAck) == 0) {
      Say("RST without an ACK, as the answer to a segment for which ", Me(),
          " has no socket any more (RFC 9293 §3.10.7.1)");
    } else {
      Say("RST: ", Me(),
          " ends the connection at once, without a FIN: what it had not sent or read is lost");
    }
  }

  void Rest() {
    if (Marked(kAfterOwnReset)) {
      Say(Me(), " goes on after its own RST: somebody else sent that RST in its name");
    }
    if (Marked(kChallengeAck)) {
      Say("ACK of an older connection between these ports: the client answers with a RST, then "
          "tries again (RFC 9293 §3.5.1)");
      return;
    }
    if (Marked(kAcksUnknownSyn)) {
      Say("ack ", Ack(), " does not confirm the SYN: it belongs to another connection");
    }
    if (Marked(kAcksSyn) && !Has(SegmentEvent::kHandshakeComplete) && facts_.server_waited > 0) {
      Say("ack ", Ack(),
          " confirms the server's SYN: established for the client; the server sends "
          "its SYN-ACK again, so for it the handshake is not complete");
    }
    if (Has(SegmentEvent::kHandshakeComplete)) {
      if (facts_.syn_seen || connection_.server_isn) {
        Say("ack ", Ack(), connection_.server_isn ? " = the server's ISN+1 confirms its SYN" : "",
            ": the handshake is complete");
      }
      if (segment_.from_client && connection_.client_window_scale.value_or(0) > 0) {
        Say("windows are scaled from here: ", kept_.window, " × 2^",
            static_cast<int>(*connection_.client_window_scale), " = ",
            Bytes(segment_.window_bytes.value_or(0)));
      } else if (facts_.no_window_scale) {
        Say("no window scaling: at most 65535 bytes under way");
      }
    }
    if (Marked(kAnswersSynAckAgain)) Say("ACK sent again, in answer to the repeated SYN-ACK");
    Data();
    Acknowledgment();
    Window();
    if (Has(SegmentEvent::kFin)) Fin();
  }

  void Data() {
    if ((kept_.flags & kUrg) != 0) Say("urgent data (URG)");
    if (Marked(kEcn) && (kept_.flags & kCwr) != 0) {
      Say("CWR: ", Me(), " has reduced its congestion window");
    }
    if (Has(SegmentEvent::kGap)) {
      Say(Bytes(kept_.detail), " before it ", kept_.detail == 1 ? "is" : "are",
          InFragments() ? " in later IP fragments, or missing: lost, overtaken, or not captured"
                        : " missing: lost, overtaken, or not captured");
    }
    if (Has(SegmentEvent::kFirstData)) {
      Say("first data byte of ", Me(), ": seq ", Seq(),
          " = ISN+1, as its SYN consumed one number and its ACKs none");
    }
    if (Marked(kFastOpenAgain)) {
      Say("the data of the SYN once more, which ", Other(), " had not taken");
    }
    if (Has(SegmentEvent::kSpuriousRetransmission)) {
      Marked(kTurnedOutSpurious) ? SentAgain() : SentAgainThoughAcknowledged();
    } else if (Has(SegmentEvent::kRetransmission)) {
      SentAgain();
    } else if (Has(SegmentEvent::kOutOfOrder)) {
      Say("overtaken on the way by what was sent after it: not a retransmission");
    }
    if (Has(SegmentEvent::kKeepAlive)) {
      Say("keep-alive", AfterTheLast("the segment before"), ": ",
          kept_.has_seq ? "one before the next number, " : "", "only to be answered");
    } else if (Has(SegmentEvent::kZeroWindowProbe)) {
      Say("probe of a window that ", Other(), " has closed");
    }
  }

  void SentAgain() {
    const std::string what = kept_.payload_bytes == 0 ? "FIN" : Bytes(kept_.payload_bytes);
    if (Marked(kFillsGap)) {
      Say(what, " of the gap before ", static_cast<uint32_t>(kept_.detail),
          ", sent again: the first copy was lost before this capture");
      return;
    }
    std::string after;
    if (kept_.sendings > 2) {
      after = absl::StrCat(" sent the ", Ordinal(kept_.sendings), " time",
                           AgeText(absl::StrCat("the ", Ordinal(kept_.sendings - 1))));
    } else {
      after = absl::StrCat(" sent again", AgeText(kept_.payload_bytes > 1 ? "they were first sent"
                                                                          : "it was first sent"));
    }
    Say(what, after, Trigger(),
        !Marked(kTurnedOutSpurious) ? ""
        : kept_.payload_bytes > 1   ? "; they had arrived, as an ACK shows later"
                                    : "; it had arrived, as an ACK shows later");
  }

  // ", 41.5 ms after …", where times are known.
  std::string AgeText(absl::string_view what) const {
    return kept_.has_detail ? absl::StrCat(",", AfterTheLast(what)) : "";
  }

  std::string Trigger() const {
    if (Marked(kFastRetransmit)) {
      if (kept_.duplicate_acks == 0) return ": SACK asks for it (fast retransmit)";
      return absl::StrCat(": fast retransmit after ",
                          Counted(kept_.duplicate_acks, "duplicate ACK", "duplicate ACKs"),
                          Marked(kAskedBySack) ? " with SACK" : "");
    }
    if (Marked(kProbesTail)) return ": no ACK came (tail loss probe)";
    if (Marked(kTimedOut)) return ": no ACK came (timeout)";
    return Marked(kNoAckCame) ? ": no ACK came" : "";
  }

  void SentAgainThoughAcknowledged() {
    const std::string rtt =
        connection_.handshake_rtt
            ? absl::StrCat(" (handshake RTT ", WaitText(*connection_.handshake_rtt), ")")
            : "";
    if (connection_.totals.out_of_order > 0) {
      Say("sent again although ", Other(),
          " had acknowledged it: reordering was taken for loss, or the ACK was late or lost");
    } else if (Marked(kAckWasOverdue)) {
      Say("sent again although ", Other(), " had acknowledged it ",
          WaitText(absl::Nanoseconds(kept_.detail)), " before", rtt,
          ": that ACK was lost or held up");
    } else {
      Say("sent again although ", Other(), " had acknowledged it: the ACK was late or lost");
    }
  }

  // What the ACK tells of what was sent again.
  void Arrived() {
    if (Marked(kNamesResent)) {
      const auto begin = static_cast<uint32_t>(static_cast<uint64_t>(kept_.detail) >> 32);
      const uint32_t last = static_cast<uint32_t>(kept_.detail) - 1;
      Say("D-SACK (RFC 2883): ", Me(), " had ", begin, last == begin ? "" : absl::StrCat("–", last),
          " already", Marked(kNamesNeedless) ? ": to send it again was needless" : "");
    } else if (Marked(kAcksAgain)) {
      Say("acknowledged once more: the ACK before did not reach ", Other(), " in time");
    }
  }

  void Acknowledgment() {
    const bool one_direction = facts_.only_client_captured || facts_.only_server_captured;
    if (Has(SegmentEvent::kAckOfUnseen) && !one_direction) {
      Say("acknowledges data of ", Other(),
          OtherInFragments() ? " that came in later IP fragments"
                             : " that the capture does not have",
          Has(SegmentEvent::kGap) ? ""
          : kept_.detail == 1     ? ": 1 number, a byte or the FIN"
                                  : absl::StrCat(": ", Bytes(kept_.detail)));
    }
    if (Has(SegmentEvent::kKeepAliveAck)) {
      Say("answers the keep-alive: ", Me(), " is there");
    } else if (Has(SegmentEvent::kZeroWindowProbeAck)) {
      Say("answers the probe: still no room");
    } else if (Has(SegmentEvent::kDuplicateAck) && !Marked(kNamesResent) &&
               kept_.detail <= kToldDuplicates) {
      Say("duplicate ACK ", kept_.detail, ": ", Me(), " still waits for ", Ack());
    }
    if (Marked(kAcksFin)) {
      Say("ack ", Ack(), " confirms the FIN of ", Other(), ", which consumed one number");
    } else if (!Marked(kAcksSyn) && Marked(kAcksResent)) {
      Say("ack ", Ack(), " confirms ", Bytes(kept_.newly_acked), " of ", Other(),
          Marked(kAcksEarlierSending) || Marked(kNamesNeedless) ? ""
                                                                : ", with what was sent again");
    } else if (!Marked(kAcksSyn) && Marked(kAcksFirst) && !Has(SegmentEvent::kAckOfUnseen)) {
      Say("ack ", Ack(), " confirms ", Bytes(kept_.newly_acked), " of ", Other());
    }
    if (Marked(kAcksEarlierSending)) {
      Say("its timestamp is that of an earlier sending: ",
          Marked(kAcksFin) ? "the FIN had arrived, its ACK was late or lost"
                           : "the segment was late, not lost",
          " (RFC 3522)");
    }
    Arrived();
  }

  void Window() {
    if (Marked(kEcn) && (kept_.flags & kEce) != 0) {
      Say("ECE: a router marked a segment (ECN CE); ", Me(), " echoes that until the CWR of ",
          Other());
    }
    if (Marked(kFillsWindow)) {
      Say("fills the window of ", Other(), " exactly: ", Me(), " must wait until it opens");
    }
    if (Has(SegmentEvent::kZeroWindow) && !Has(SegmentEvent::kZeroWindowProbeAck)) {
      Say("window 0: the receive buffer of ", Me(), " is full, ", Other(), " must wait");
    } else if (Marked(kReopensWindow)) {
      Say("window is now ",
          segment_.window_bytes ? Bytes(*segment_.window_bytes)
                                : absl::StrCat(kept_.window, ", scale unknown"),
          ": ", Other(), " may go on");
    }
  }

  void Fin() {
    if (Marked(kFinsCrossed)) {
      Say("FIN of ", Me(), " crosses the other end's: both close at once");
    } else if (!Has(SegmentEvent::kRetransmission) && !Has(SegmentEvent::kSpuriousRetransmission)) {
      Say("FIN: ", Me(), " sends nothing more; it consumes one number",
          kept_.has_seq ? absl::StrCat(" (", Seq() + kept_.payload_bytes, ")") : "");
    }
  }

  const KeptSegment& kept_;
  const TrackedSegment& segment_;
  const TrackedConnection& connection_;
  const TraceFacts& facts_;
  std::vector<std::string> parts_;
};

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
  return absl::StrCat(Bytes(connection.totals.client_bytes), " from the client",
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
  return absl::StrCat("; ", Bytes(facts.unacked_at_reset), " of ",
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
                        " goes on sending, ", Bytes(facts.bytes_since_fin),
                        " since: a half-close in use, no leak so far.");
  }
  if (facts.since_fin && *facts.since_fin < kSoonClosed) {
    return absl::StrCat(begin, who, " closed and is in ", Name(closer), "; ", whom, " is in ",
                        Name(other), " when the trace ends", later,
                        ": too soon to tell a leak from a program that is about to close.");
  }
  return absl::StrCat(begin, who, " closed and is in ", Name(closer), "; ", whom, " is left in ",
                      Name(other),
                      ": its application has not called close() by the end of the trace", later,
                      facts.bytes_since_fin > 0
                          ? absl::StrCat(", but has sent ", Bytes(facts.bytes_since_fin), " since")
                          : "",
                      ".");
}

// One direction says nothing of the other end but what it acknowledges.
std::string OneDirection(const TrackedConnection& connection, const TraceFacts& facts) {
  const bool client = facts.only_client_captured;
  const int64_t bytes = client ? connection.totals.client_bytes : connection.totals.server_bytes;
  return absl::StrCat("Only what ", client ? "the client" : "the server",
                      " sent was captured: ", Bytes(bytes), facts.any_fin ? " and a FIN" : "",
                      connection.reset_by ? " and a RST" : "", Troubles(connection, facts),
                      "; what ", client ? "the server" : "the client", " did is not shown.");
}

}  // namespace

std::string WaitText(absl::Duration span) {
  const double us = absl::ToDoubleMicroseconds(span);
  if (us < 999.5) return absl::StrFormat("%.3g µs", us);
  if (us < 999'500) return absl::StrFormat("%.3g ms", us / 1e3);
  if (us < 999.5e6) return absl::StrFormat("%.3g s", us / 1e6);
  return absl::StrFormat("%.0f s", us / 1e6);
}

std::string NoteOf(const KeptSegment& kept, const TrackedSegment& described,
                   const TrackedConnection& connection, const TraceFacts& facts) {
  return Note(kept, described, connection, facts).Text();
}

namespace {

std::string WhatHappened(const TrackedConnection& connection, const TraceFacts& facts) {
  const bool one_direction =
      (facts.only_client_captured || facts.only_server_captured) && !facts.to_itself;
  switch (connection.outcome) {
    case Outcome::kRefused:
      return Refused(connection);
    case Outcome::kNoReply:
      for (const IcmpReport& report : connection.icmp) {
        if (report.about_syn && report.of_client && EndsHandshake(report.error)) {
          return SynReportText(report, connection.server.ip);
        }
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
