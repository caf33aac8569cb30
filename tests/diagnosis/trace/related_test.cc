// ICMP errors and IP fragments: packets that tell of a segment without being one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/diagnosis/trace/narrated_trace.h"

namespace tcpmedic {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A router's, about a segment of the client.
RelatedPacket Error(IcmpError error, std::optional<uint32_t> seq, absl::Duration time) {
  RelatedPacket related;
  related.kind = RelatedPacket::Kind::kIcmpError;
  related.error = error;
  related.from = *IpAddress::Parse("192.0.2.1");
  related.src_ip = kClientEnd.ip;
  related.src_port = kClientEnd.port;
  related.dst_ip = kServerEnd.ip;
  related.dst_port = kServerEnd.port;
  related.seq = seq;
  related.time = time;
  return related;
}

RelatedPacket Fragment() {
  RelatedPacket related;
  related.src_ip = kClientEnd.ip;
  related.dst_ip = kServerEnd.ip;
  return related;
}

TrackedConnection Told(const std::string& text, const std::vector<RelatedPacket>& related) {
  Tracker tracker;
  int64_t number = 0;
  for (const CapturedSegment& segment : Narrated(text)) {
    tracker.Observe("trace", ++number, segment);
  }
  for (const RelatedPacket& one : related) tracker.ObserveRelated("trace", ++number, one);
  return tracker.Result().connections.at(0);
}

constexpr char kSyn[] = "0.000 C > S  S  1000(0) win 64240 <mss 1460>";

TEST(TrackerIcmp, AnErrorAboutTheSynIsTheAnswerToIt) {
  const TrackedConnection connection =
      Told(kSyn, {Error(IcmpError::kHostUnreachable, 1000, absl::Milliseconds(10))});
  EXPECT_EQ(connection.outcome, Outcome::kNoReply);
  EXPECT_EQ(connection.summary,
            "192.0.2.1 answered the SYN with ICMP host unreachable, 10 ms after it: 10.0.0.9 is "
            "down, or that router has no way to it.");
  EXPECT_THAT(connection.segments[0].note,
              HasSubstr("192.0.2.1 reported ICMP host unreachable, 10 ms after it"));
  ASSERT_THAT(connection.icmp, SizeIs(1));
  EXPECT_EQ(connection.icmp[0].number, 2);
  EXPECT_TRUE(connection.icmp[0].about_syn);
  EXPECT_TRUE(connection.icmp[0].of_client);
}

TEST(TrackerIcmp, TheSameErrorAgainIsCountedNotKept) {
  std::vector<RelatedPacket> many(1000, Error(IcmpError::kProhibited, 1000, absl::Milliseconds(9)));
  for (int i = 0; i < 100; ++i) {  // anybody can send them in any name
    many.push_back(Error(IcmpError::kUnreachable, 1000, absl::Milliseconds(9)));
    many.back().from.bytes[3] = static_cast<uint8_t>(i);
  }
  const TrackedConnection connection = Told(kSyn, many);
  EXPECT_THAT(connection.icmp, SizeIs(4));
  EXPECT_EQ(connection.icmp[0].count, 1000);
  EXPECT_THAT(connection.summary, HasSubstr("administratively prohibited (1000 times)"));
}

TEST(TrackerIcmp, APacketTooBigIsSaidWhereItBelongsAndEndsNoHandshake) {
  RelatedPacket too_big = Error(IcmpError::kPacketTooBig, 1001, absl::Milliseconds(30));
  too_big.mtu = 1400;
  const TrackedConnection connection = Told(R"(
    0.000 C > S  S  1000(0) win 64240 <mss 1460>
    0.010 S > C  S. 5000(0) ack 1001 win 65160 <mss 1460>
    0.020 C > S  .  1001(0) ack 5001 win 502
    0.021 C > S  .  1001(1460) ack 5001 win 502
  )",
                                            {too_big});
  EXPECT_EQ(connection.outcome, Outcome::kEstablished);
  EXPECT_THAT(connection.summary,
              HasSubstr("192.0.2.1 reported ICMP packet too big (1400 bytes fit its next link), 9 "
                        "ms after it, about a segment of the client."));
  EXPECT_THAT(connection.segments[3].note, HasSubstr("ICMP packet too big"));
  EXPECT_EQ(Told(kSyn, {Error(IcmpError::kPacketTooBig, 1000, absl::Milliseconds(1))}).outcome,
            Outcome::kHandshakeNotShown);
}

TEST(TrackerIcmp, WithoutPortsItIsAboutTheNewestOfItsAddresses) {
  RelatedPacket error = Error(IcmpError::kNetUnreachable, std::nullopt, absl::Milliseconds(10));
  error.src_port.reset();
  error.dst_port.reset();
  EXPECT_EQ(Told(kSyn, {error}).outcome, Outcome::kNoReply);
}

TEST(TrackerIcmp, OneAboutAConnectionThatWasNotCapturedIsCounted) {
  Tracker tracker;
  tracker.ObserveRelated("trace", 1,
                         Error(IcmpError::kNetUnreachable, 1000, absl::Milliseconds(10)));
  EXPECT_EQ(tracker.Result().icmp_elsewhere, 1);
  EXPECT_EQ(tracker.Result().connections_seen, 0);
}

TEST(TrackerFragments, WhatLaterFragmentsCarryIsNotCalledLost) {
  Tracker tracker;
  int64_t number = 0;
  // 1448 bytes in three fragments, of which the first has 520: as
  // tests/data/recorded/ipv4-fragments.
  for (const CapturedSegment& segment : Narrated(R"(
    0.000 C > S  S  1000(0) win 64240
    0.010 S > C  S. 5000(0) ack 1001 win 65160
    0.020 C > S  .  1001(0) ack 5001 win 502
    0.021 C > S  .  1001(520) ack 5001 win 502
  )")) {
    tracker.Observe("trace", ++number, segment);
  }
  tracker.ObserveRelated("trace", ++number, Fragment());
  tracker.ObserveRelated("trace", ++number, Fragment());
  for (const CapturedSegment& segment : Narrated("0.030 S > C  .  5001(0) ack 2449 win 502")) {
    tracker.Observe("trace", ++number, segment);
  }
  const TrackedConnection connection = tracker.Result().connections.at(0);
  EXPECT_THAT(connection.segments[3].note, HasSubstr("the first fragment of its IP packet"));
  EXPECT_THAT(connection.segments[4].note,
              HasSubstr("acknowledges data of the client that came in later IP fragments: 928"));
  EXPECT_THAT(connection.summary,
              HasSubstr("(and 928 that were acknowledged, in later IP fragments)"));
  EXPECT_THAT(connection.icmp, IsEmpty());
}

}  // namespace
}  // namespace tcpmedic
