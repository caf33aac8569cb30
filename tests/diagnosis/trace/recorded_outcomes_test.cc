// The tracker over tests/data/recorded: every capture there has the outcome that its case was made
// for.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "diagnosis/trace/connection.h"
#include "diagnosis/trace/tracker.h"
#include "tests/diagnosis/trace/recorded_traces.h"

namespace tcpmedic {
namespace {

using testing::ElementsAreArray;

struct Expected {
  std::string capture;
  // Of each connection, in the order of their first segments.
  std::vector<Outcome> outcomes;
  // Over all connections; unset where the case does not decide them.
  std::optional<int64_t> retransmissions = 0;
  std::optional<int64_t> spurious = 0;
  std::optional<int64_t> out_of_order = 0;
  int64_t keep_alives = 0;
};

// By hand, from what each case of tests/recording does.
std::vector<Expected> ByHand() {
  using enum Outcome;
  constexpr auto kAny = std::nullopt;
  return {
      {"handshake/client.pcap", {kEstablished}},
      {"handshake-refused/server.pcap", {kRefused, kRefused, kRefused}},
      {"handshake-no-reply/client.pcap", {kNoReply}},
      {"handshake-no-reply-linear/client.pcap", {kNoReply}},
      // One SYN, and the trace ends at once: ICMP answered it.
      {"syn-answered-by-icmp/client.pcap", {kNoReply}},
      {"syn-retransmitted/server.pcap", {kEstablished}},
      {"syn-retransmitted/client.pcap", {kEstablished}},
      {"syn-ack-retransmitted/server.pcap", {kEstablished}},
      {"syn-ack-retransmitted/client.pcap", {kEstablished}},
      {"syn-ack-lost/server.pcap", {kEstablished}},
      {"syn-ack-lost/client.pcap", {kEstablished}},
      {"handshake-half-open/server.pcap", {kHalfOpen}},
      // Established for the client, as the case says; the server sends its SYN-ACK after each ACK.
      {"handshake-half-open/client.pcap", {kServerStillWaits}},
      {"handshake-only-syns-captured/server.pcap",
       {kHandshakeNotShown, kHandshakeNotShown, kHandshakeNotShown}},
      {"syn-scan/server.pcap", {kReset, kRefused}},
      {"simultaneous-open/client.pcap", {kEstablished}},
      {"simultaneous-open/server.pcap", {kEstablished}},
      {"fast-open/client.pcap", {kClosed, kClosed}},
      {"fast-open-cookie-rejected/server.pcap", {kClosed, kClosed}},
      {"port-reused/client.pcap", {kClosed, kClosed}},

      {"zero-window/client.pcap", {kClosed}, kAny, kAny},
      {"zero-window/server.pcap", {kClosed}, kAny, kAny},
      {"zero-window-to-the-end/client.pcap", {kEstablished}, kAny, kAny},
      // One segment lost once, one lost twice. The server sees each of them once.
      {"retransmission-timeout/client.pcap", {kEstablished}, 3},
      {"retransmission-timeout/server.pcap", {kEstablished}, 0},
      {"retransmission-tail-loss-probe/client.pcap", {kEstablished}, 1},
      {"retransmission-tail-loss-probe/server.pcap", {kEstablished}, 0},
      {"retransmission-fast/client.pcap", {kEstablished}, 1},
      // It fills a hole, a round trip after those behind it: sent again, not overtaken.
      {"retransmission-fast/server.pcap", {kEstablished}, 1},
      {"retransmission-without-sack/client.pcap", {kEstablished}, 1},
      {"retransmission-of-several/client.pcap", {kEstablished}, 3},
      // Sent again before the late ACK came, as a D-SACK says, and after the server had sent it.
      {"retransmission-spurious/client.pcap", {kEstablished}, 0, 1},
      {"retransmission-spurious/server.pcap", {kEstablished}, 0, 1},
      {"reordering/client.pcap", {kEstablished}},
      {"reordering/server.pcap", {kEstablished}, 0, 0, 1},
      {"reordering-taken-for-loss/client.pcap", {kEstablished}, 0, 1},
      {"reordering-taken-for-loss/server.pcap", {kEstablished}, 0, 1, 1},
      {"keep-alive/client.pcap", {kHalfClosed}, 0, 0, 0, 3},
      {"keep-alive-unanswered/client.pcap", {kReset}, 0, 0, 0, 3},
      {"bulk/client.pcap", {kClosed}},
      {"bulk-lossy/client.pcap", {kEstablished}, kAny, kAny, kAny},
      {"bulk-lossy/server.pcap", {kEstablished}, kAny, kAny, kAny},
      {"no-options/client.pcap", {kClosed}},
      {"urgent-data/client.pcap", {kEstablished}},
      {"congestion-marked/server.pcap", {kEstablished}},
      {"md5-signed/client.pcap", {kEstablished}},
      {"md5-signed/server.pcap", {kEstablished}},
      {"sequence-wrap/server.pcap", {kClosed}},
      {"sequence-wrap-with-loss/server.pcap", {kEstablished}, 1},
      {"sequence-wrap-mid-stream/client.pcap", {kMidStream}},

      {"close/client.pcap", {kClosed}},
      {"close-by-server/client.pcap", {kClosed}},
      {"close-simultaneous/client.pcap", {kClosed}},
      {"close-simultaneous/server.pcap", {kClosed}},
      {"close-wait/client.pcap", {kHalfClosed}},
      {"close-wait/server.pcap", {kHalfClosed}},
      {"half-close/client.pcap", {kHalfClosed}},
      {"fin-with-data/client.pcap", {kClosed}},
      // The FIN is lost, then its ACK. The server sees the second and the third, and its D-SACK
      // tells the client.
      {"fin-retransmitted/client.pcap", {kClosed}, 1, 1},
      {"fin-retransmitted/server.pcap", {kClosed}, 0, 1},
      // From TIME-WAIT the client echoes the timestamp of the first FIN: that had arrived.
      {"last-ack-lost/server.pcap", {kClosed}, 0, 1},
      {"last-ack-lost/client.pcap", {kClosed}, 0, 1},
      {"reset-by-server/client.pcap", {kReset}},
      {"reset-by-client-with-unread-data/client.pcap", {kReset}},
      {"reset-after-close/server.pcap", {kReset}},
      {"reset-by-a-server-that-forgot/client.pcap", {kReset}},
      {"fin-wait-2-timed-out/client.pcap", {kReset}},

      {"ipv6/client.pcap", {kClosed}},
      {"ipv6/server.pcap", {kClosed}},
      {"ipv6-extension-headers/client.pcap", {kClosed}},
      {"ipv4-options/client.pcap", {kClosed}},
      {"ipv4-fragments/server.pcap", {kClosed}},
      {"vlan/mirror.pcap", {kClosed}},
      {"vlan-in-vlan/mirror.pcap", {kClosed}},
      {"capture-dropped-packets/mirror.pcap", {kClosed}},
      {"mirrored-twice/mirror.pcap", {kClosed}, kAny, kAny, kAny},
      {"one-direction/client.pcap", {kCloseNotShown}},
      {"one-direction/client-in.pcap", {kCloseNotShown}},
      {"mid-stream/client.pcap", {kMidStream}},
      {"mid-stream-close/client.pcap", {kClosed}},
      {"cooked/client.pcap", {kClosed}},
      {"cooked/client-sll2.pcap", {kClosed}},
      {"cooked-without-ethernet/client.pcap", {kClosed}},
      {"raw-ip/client.pcap", {kClosed, kClosed}},
      {"raw-ip/server.pcap", {kClosed, kClosed}},
      {"loopback/client.pcap", {kClosed}},
      {"truncated/client.pcap", {kClosed}},
      {"truncated/client-s96.pcap", {kClosed}},
      {"truncated/client-s40.pcap", {}},  // no TCP header is whole
      {"mixed-traffic/client.pcap", {kClosed}},
      {"formats/client.pcap", {kClosed}},
      {"formats/client-nano.pcap", {kClosed}},
      {"formats/client-ng.pcapng", {kClosed}},
      {"formats/written-big-endian.pcap", {kClosed}},
      {"formats/written-null.pcap", {kClosed}},
      {"formats/written-null-big-endian.pcap", {kClosed}},
      {"formats/written-loop.pcap", {kClosed}},

      {"close-wait-never-read/server.pcap", {kHalfClosed}},
      {"close-wait-never-read/client.pcap", {kHalfClosed}},
      {"close-wait-forgotten/server.pcap", {kHalfClosed}},
      {"pinned-cwnd/client.pcap", {kEstablished}, kAny},
  };
}

std::vector<std::string> OutcomeNames(const TraceResult& result) {
  std::vector<std::string> names;
  for (const TrackedConnection& each : result.connections) {
    names.emplace_back(Name(each.outcome));
  }
  return names;
}

TEST(RecordedOutcomes, AreThoseThatTheCasesWereMadeFor) {
  for (const Expected& expected : ByHand()) {
    SCOPED_TRACE(expected.capture);
    const TraceResult result = TraceOfCapture(expected.capture);
    std::vector<std::string> outcomes;
    for (const Outcome each : expected.outcomes) outcomes.emplace_back(Name(each));
    EXPECT_THAT(OutcomeNames(result), ElementsAreArray(outcomes));
    ConnectionTotals sum;
    for (const TrackedConnection& each : result.connections) {
      sum.retransmissions += each.totals.retransmissions;
      sum.spurious_retransmissions += each.totals.spurious_retransmissions;
      sum.out_of_order += each.totals.out_of_order;
      sum.keep_alives += each.totals.keep_alives;
    }
    if (expected.retransmissions) {
      EXPECT_EQ(sum.retransmissions, *expected.retransmissions) << "retransmissions";
    }
    if (expected.spurious) {
      EXPECT_EQ(sum.spurious_retransmissions, *expected.spurious) << "spurious";
    }
    if (expected.out_of_order) {
      EXPECT_EQ(sum.out_of_order, *expected.out_of_order) << "out of order";
    }
    EXPECT_EQ(sum.keep_alives, expected.keep_alives) << "keep-alives";
  }
}

// By RFC 9293 §3.3.2, figure 5: a state is only left for one of a greater number.
int StepOf(EndState state) {
  switch (state) {
    case EndState::kUnknown:
      return -1;
    case EndState::kListen:
      return 0;
    case EndState::kSynSent:
      return 1;
    case EndState::kSynReceived:
      return 2;
    case EndState::kEstablished:
      return 3;
    case EndState::kFinWait1:
    case EndState::kCloseWait:
      return 4;
    case EndState::kFinWait2:
    case EndState::kClosing:
    case EndState::kLastAck:
      return 5;
    case EndState::kTimeWait:
      return 6;
    case EndState::kClosed:
      return 7;
  }
  return -1;
}

TEST(RecordedStates, NeverGoBackwards) {
  for (const std::string& name : RecordedFiles(".pcap")) {
    for (const TrackedConnection& connection : TraceOfCapture(name).connections) {
      int client = 0, server = 0;
      for (const TrackedSegment& segment : connection.segments) {
        const auto go = [](EndState state, int* at) {
          const int step = StepOf(state);
          const bool forwards = step < 0 || step >= *at;
          if (step >= 0) *at = step;
          return forwards;
        };
        EXPECT_TRUE(go(segment.client_state, &client)) << name << " " << segment.number;
        EXPECT_TRUE(go(segment.server_state, &server)) << name << " " << segment.number;
      }
    }
  }
}

// What an end sends it can send in its state: a SYN until the handshake is complete for it, a FIN
// until it knows that its FIN arrived.
TEST(RecordedStates, AreThoseInWhichTheSenderCanSendWhatItSends) {
  for (const std::string& name : RecordedFiles(".pcap")) {
    for (const TrackedConnection& connection : TraceOfCapture(name).connections) {
      if (connection.client == connection.server) continue;  // one socket: it has received it too
      for (const TrackedSegment& segment : connection.segments) {
        const EndState state = segment.from_client ? segment.client_state : segment.server_state;
        const bool again = std::find(segment.events.begin(), segment.events.end(),
                                     SegmentEvent::kCapturedTwice) != segment.events.end();
        if (again || state == EndState::kUnknown) continue;
        if ((segment.flags & kSyn) != 0 &&
            std::find(segment.events.begin(), segment.events.end(),
                      SegmentEvent::kSynAckRetransmitted) == segment.events.end()) {
          EXPECT_LE(StepOf(state), StepOf(EndState::kSynReceived))
              << name << " " << segment.number << " " << Name(state);
        }
        if ((segment.flags & kFin) != 0) {
          EXPECT_THAT(state,
                      testing::AnyOf(EndState::kFinWait1, EndState::kClosing, EndState::kLastAck))
              << name << " " << segment.number << " " << Name(state);
        }
      }
    }
  }
}

TEST(RecordedOutcomes, TwentyConnectionsAtOnceAreToldApart) {
  std::vector<std::string> outcomes(15, "closed");
  outcomes.resize(20, "half-closed");
  EXPECT_THAT(OutcomeNames(TraceOfCapture("many-connections/client.pcap")),
              ElementsAreArray(outcomes));
}

TEST(RecordedOutcomes, SynsWithoutAnswerAreSpacedAsTheKernelSpacesThem) {
  const auto seconds = [](const std::string& capture) {
    std::vector<int64_t> spacing;
    const TraceResult result = TraceOfCapture(capture);
    for (const absl::Duration each : result.connections.at(0).syn_spacing) {
      spacing.push_back(absl::ToInt64Seconds(each + absl::Milliseconds(500)));
    }
    return spacing;
  };
  EXPECT_THAT(seconds("handshake-no-reply/client.pcap"), ElementsAreArray({1, 2, 4}));
  EXPECT_THAT(seconds("handshake-no-reply-linear/client.pcap"),
              ElementsAreArray({1, 1, 1, 1, 1, 2}));
}

}  // namespace
}  // namespace tcpmedic
