// The note of a segment: what it tells whoever reads the trace.
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "diagnosis/trace/trace_words.h"

namespace tcpmedic {
namespace {

// With the third the sender takes the segment for lost (RFC 5681 §3.2): further ones say no more.
constexpr int64_t kToldDuplicates = 3;

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
      Say("carries ", ByteCount(kept_.payload_bytes), " already (TCP Fast Open)");
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
          kept_.detail == 1 ? "this byte is"
                            : absl::StrCat("these ", ByteCount(kept_.detail), " are"),
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
            ByteCount(segment_.window_bytes.value_or(0)));
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
      Say(ByteCount(kept_.detail), " before it ", kept_.detail == 1 ? "is" : "are",
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
    const std::string what = kept_.payload_bytes == 0 ? "FIN" : ByteCount(kept_.payload_bytes);
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
                                  : absl::StrCat(": ", ByteCount(kept_.detail)));
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
      Say("ack ", Ack(), " confirms ", ByteCount(kept_.newly_acked), " of ", Other(),
          Marked(kAcksEarlierSending) || Marked(kNamesNeedless) ? ""
                                                                : ", with what was sent again");
    } else if (!Marked(kAcksSyn) && Marked(kAcksFirst) && !Has(SegmentEvent::kAckOfUnseen)) {
      Say("ack ", Ack(), " confirms ", ByteCount(kept_.newly_acked), " of ", Other());
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
          segment_.window_bytes ? ByteCount(*segment_.window_bytes)
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

}  // namespace

std::string NoteOf(const KeptSegment& kept, const TrackedSegment& described,
                   const TrackedConnection& connection, const TraceFacts& facts) {
  return Note(kept, described, connection, facts).Text();
}

}  // namespace tcpmedic
