// Many connections, many segments, several inputs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/diagnosis/trace/narrated_trace.h"

namespace tcpmedic {
namespace {

CapturedSegment Syn(uint16_t from_port, int64_t at_ms) {
  CapturedSegment segment = Narrated("0.000 C > S  S  1000(0) win 64240").front();
  segment.time = absl::Milliseconds(at_ms);
  segment.src_port = from_port;
  return segment;
}

CapturedSegment Data(uint32_t seq, int64_t at_ms) {
  CapturedSegment segment = Narrated("0.000 C > S  .  0(10) ack 1 win 500").front();
  segment.time = absl::Milliseconds(at_ms);
  segment.seq = seq;
  return segment;
}

int64_t Count(const TraceResult& result, Outcome outcome) {
  return result.by_outcome[static_cast<size_t>(outcome)];
}

TEST(TrackerBounds, FirstAndLastSegmentsAreKept) {
  TrackerOptions options;
  options.max_segments_per_connection = 40;
  Tracker tracker(options);
  for (int i = 0; i < 1000; ++i) tracker.Observe("trace", i + 1, Data(10 * i, i));
  const TraceResult result = tracker.Result();
  const TrackedConnection& connection = result.connections.at(0);
  ASSERT_EQ(connection.segments.size(), 40u);
  EXPECT_EQ(connection.segments[0].number, 1);
  EXPECT_EQ(connection.segments[19].number, 20);
  EXPECT_EQ(connection.segments[20].number, 981);
  EXPECT_EQ(connection.segments[39].number, 1000);
  EXPECT_EQ(connection.segments_left_out, 960);
  EXPECT_EQ(connection.totals.segments, 1000);
  EXPECT_EQ(connection.totals.client_bytes, 10'000);
  EXPECT_EQ(result.span, absl::Milliseconds(999));
}

TEST(TrackerBounds, AllConnectionsTogetherKeepNoMoreThanTheirBudget) {
  TrackerOptions options;
  options.max_segments = 100;
  Tracker tracker(options);
  for (int i = 0; i < 1000; ++i) {
    CapturedSegment segment = Data(10 * i, i);
    segment.src_port = static_cast<uint16_t>(40000 + i % 2);
    tracker.Observe("trace", i + 1, segment);
  }
  const TraceResult result = tracker.Result();
  ASSERT_EQ(result.connections.size(), 2u);
  size_t kept = 0;
  for (const TrackedConnection& connection : result.connections) {
    kept += connection.segments.size();
    EXPECT_EQ(connection.segments.size() + connection.segments_left_out, 500u);
    EXPECT_GE(connection.segments.back().number, 999);
  }
  EXPECT_LE(kept, 100u + 2 * 16);
}

TEST(TrackerBounds, ConnectionsBeyondTheListAreCounted) {
  TrackerOptions options;
  options.max_connections = 18;
  Tracker tracker(options);
  for (int i = 0; i < 100; ++i) tracker.Observe("trace", i + 1, Syn(40000 + i, i));
  // One that tells more.
  tracker.Observe("trace", 101, Narrated("0.100 C > S  S  1000(0) win 64240")[0]);
  tracker.Observe("trace", 102, Narrated("0.101 S > C  R. 0(0) ack 1001 win 0")[0]);
  const TraceResult result = tracker.Result();
  EXPECT_EQ(result.connections.size(), 18u);
  EXPECT_EQ(result.connections_seen, 101);
  EXPECT_EQ(result.connections_left_out, 83);
  EXPECT_EQ(Count(result, Outcome::kHandshakeNotShown), 100);
  EXPECT_EQ(Count(result, Outcome::kRefused), 1);
  EXPECT_EQ(result.connections.back().outcome, Outcome::kRefused);
}

TEST(TrackerBounds, OnesGivenUpAreCountedByWhatTheyHadBecome) {
  TrackerOptions options;
  options.max_followed = 10;
  Tracker tracker(options);
  tracker.Observe("trace", 1, Narrated("0.000 C > S  S  1000(0) win 64240")[0]);
  tracker.Observe("trace", 2, Narrated("0.001 S > C  R. 0(0) ack 1001 win 0")[0]);
  for (int i = 0; i < 50; ++i) tracker.Observe("trace", i + 3, Syn(40000 + i, 100 * i));
  const TraceResult result = tracker.Result();
  EXPECT_EQ(result.connections.size(), 10u);
  EXPECT_EQ(result.connections_seen, 51);
  EXPECT_EQ(result.connections_left_out, 41);
  EXPECT_EQ(Count(result, Outcome::kRefused), 1);
  // One was given up 0.9 or 1.0 s after its SYN: the first when ten were followed beside the
  // refused one, which went first.
  EXPECT_EQ(Count(result, Outcome::kNoReply) + Count(result, Outcome::kHandshakeNotShown), 50);
  EXPECT_EQ(result.connections[0].client.port, 40040);
}

TEST(TrackerBounds, ConnectionsDoNotReachOverInputs) {
  Tracker tracker;
  tracker.Observe("a.pcap", 1, Data(0, 0));
  tracker.Observe("b.pcap", 1, Data(10, 5000));
  tracker.Observe("a.pcap", 2, Data(10, 10));
  const TraceResult result = tracker.Result();
  ASSERT_EQ(result.connections.size(), 2u);
  EXPECT_EQ(result.connections[0].input, "a.pcap");
  EXPECT_EQ(result.connections[0].segments.size(), 2u);
  EXPECT_EQ(result.connections[1].input, "b.pcap");
  EXPECT_EQ(result.span, absl::Milliseconds(10));
}

TEST(TrackerBounds, ResultIsOfThatMomentAndTheTrackerGoesOn) {
  Tracker tracker;
  EXPECT_EQ(tracker.Result().segments, 0);
  EXPECT_EQ(tracker.Result().span, std::nullopt);
  tracker.Observe("trace", 1, Syn(40000, 0));
  EXPECT_EQ(tracker.Result().connections[0].outcome, Outcome::kHandshakeNotShown);
  tracker.Observe("trace", 2, Syn(40000, 1000));
  EXPECT_EQ(tracker.Result().connections[0].outcome, Outcome::kNoReply);
}

}  // namespace
}  // namespace tcpmedic
