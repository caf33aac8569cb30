#include "diagnosis/trace/connection.h"

namespace tcpmedic {

absl::string_view Name(EndState state) {
  switch (state) {
    case EndState::kUnknown:
      return "unknown";
    case EndState::kClosed:
      return "CLOSED";
    case EndState::kListen:
      return "LISTEN";
    case EndState::kSynSent:
      return "SYN-SENT";
    case EndState::kSynReceived:
      return "SYN-RECEIVED";
    case EndState::kEstablished:
      return "ESTABLISHED";
    case EndState::kFinWait1:
      return "FIN-WAIT-1";
    case EndState::kFinWait2:
      return "FIN-WAIT-2";
    case EndState::kCloseWait:
      return "CLOSE-WAIT";
    case EndState::kClosing:
      return "CLOSING";
    case EndState::kLastAck:
      return "LAST-ACK";
    case EndState::kTimeWait:
      return "TIME-WAIT";
  }
  return "unknown";
}

absl::string_view Name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kEstablished:
      return "established";
    case Outcome::kClosed:
      return "closed";
    case Outcome::kHalfClosed:
      return "half-closed";
    case Outcome::kCloseNotShown:
      return "close-not-shown";
    case Outcome::kReset:
      return "reset";
    case Outcome::kRefused:
      return "refused";
    case Outcome::kNoReply:
      return "no-reply";
    case Outcome::kHalfOpen:
      return "half-open";
    case Outcome::kServerStillWaits:
      return "server-still-waits";
    case Outcome::kHandshakeNotShown:
      return "handshake-not-shown";
    case Outcome::kMidStream:
      return "mid-stream";
  }
  return "unknown";
}

absl::string_view Name(SegmentEvent event) {
  switch (event) {
    case SegmentEvent::kSynRetransmitted:
      return "syn-retransmitted";
    case SegmentEvent::kSynAckRetransmitted:
      return "syn-ack-retransmitted";
    case SegmentEvent::kHandshakeComplete:
      return "handshake-complete";
    case SegmentEvent::kSimultaneousOpen:
      return "simultaneous-open";
    case SegmentEvent::kFastOpenData:
      return "fast-open-data";
    case SegmentEvent::kFirstData:
      return "first-data";
    case SegmentEvent::kRetransmission:
      return "retransmission";
    case SegmentEvent::kSpuriousRetransmission:
      return "spurious-retransmission";
    case SegmentEvent::kOutOfOrder:
      return "out-of-order";
    case SegmentEvent::kKeepAlive:
      return "keep-alive";
    case SegmentEvent::kKeepAliveAck:
      return "keep-alive-ack";
    case SegmentEvent::kZeroWindow:
      return "zero-window";
    case SegmentEvent::kZeroWindowProbe:
      return "zero-window-probe";
    case SegmentEvent::kZeroWindowProbeAck:
      return "zero-window-probe-ack";
    case SegmentEvent::kWindowUpdate:
      return "window-update";
    case SegmentEvent::kDuplicateAck:
      return "duplicate-ack";
    case SegmentEvent::kAckOfUnseen:
      return "ack-of-unseen";
    case SegmentEvent::kGap:
      return "gap";
    case SegmentEvent::kFin:
      return "fin";
    case SegmentEvent::kReset:
      return "reset";
    case SegmentEvent::kCapturedTwice:
      return "captured-twice";
  }
  return "unknown";
}

}  // namespace tcpmedic
