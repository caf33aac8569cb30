#include "diagnosis/socket_schema.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "absl/strings/match.h"
#include "tests/diagnosis/synthetic.h"

namespace tcpmedic {
namespace {

using expr::Value;

Value Read(absl::string_view name, const SyntheticSocket& socket,
           const SocketDelta* window = nullptr) {
  const SocketSample sample = socket.Sample();
  const SocketReading reading{&sample, window};
  return SocketActivation(reading).Get(SocketSchema().Find(name).value());
}

bool Unknown(absl::string_view name, const SyntheticSocket& socket,
             const SocketDelta* window = nullptr) {
  return Read(name, socket, window).is_unknown();
}

v1::Evidence EvidenceOf(absl::string_view name, const SyntheticSocket& socket,
                        const SocketDelta* window = nullptr) {
  const SocketSample sample = socket.Sample();
  return MakeEvidence(VerdictSchema().Find(name).value(), {&sample, window}, {3, 9e6});
}

// Five seconds of 500 segments, 5 of them retransmitted.
SocketDelta Window() {
  SocketDelta window;
  window.span = absl::Seconds(5);
  window.bytes_acked = 500'000;
  window.busy_us = 5'000'000;
  window.rwnd_limited_us = 250'000;
  window.sndbuf_limited_us = 0;
  window.data_segments = 500;
  window.retransmits = 5;
  window.dsacks = 1;
  window.reorderings = 2;
  window.readings = 5;
  window.unsent_readings = 4;
  return window;
}

TEST(SocketSchema, EveryAttributeIsDescribed) {
  std::set<absl::string_view> names;
  for (const SocketAttribute& attribute : SocketAttributes()) {
    EXPECT_TRUE(names.insert(attribute.name).second) << attribute.name;
    EXPECT_TRUE(absl::StartsWith(attribute.name, "socket."));
    EXPECT_FALSE(attribute.doc.empty()) << attribute.name;
    EXPECT_FALSE(attribute.source.empty()) << attribute.name;
  }
}

TEST(SocketSchema, ValuesHaveTheTypesOfTheSchema) {
  SyntheticSocket socket;
  socket.info.tcpi_snd_ssthresh = 8;
  socket.info.tcpi_delivery_rate = 100'000;
  const SocketDelta window = Window();
  for (int slot = 0; slot < SocketSchema().size(); ++slot) {
    const expr::Attribute& attribute = SocketSchema().at(slot);
    EXPECT_EQ(Read(attribute.name, socket, &window).kind(), attribute.type.kind())
        << attribute.name;
  }
}

TEST(SocketSchema, WithoutAWindowExactlyTheWindowedAreUnknown) {
  SyntheticSocket socket;
  socket.info.tcpi_snd_ssthresh = 8;
  socket.info.tcpi_delivery_rate = 100'000;
  for (const SocketAttribute& attribute : SocketAttributes()) {
    EXPECT_EQ(Unknown(attribute.name, socket), attribute.basis == Basis::kWindow) << attribute.name;
  }
}

TEST(SocketSchema, NothingIsKnownOfTcpInfoThatWasNotReported) {
  SyntheticSocket socket;
  socket.info_size = 0;
  for (const SocketAttribute& attribute : SocketAttributes()) {
    if (!absl::StartsWith(attribute.source, "tcp_info")) continue;
    EXPECT_TRUE(Unknown(attribute.name, socket)) << attribute.name;
  }
}

TEST(SocketSchema, ListenerHasNoPathAndNoWindow) {
  SyntheticSocket socket;
  socket.state = TcpState::kListen;
  socket.info = tcp_info{};
  for (const absl::string_view name :
       {"socket.rtt", "socket.cwnd", "socket.data_segments", "socket.app_limited"}) {
    EXPECT_TRUE(Unknown(name, socket)) << name;
  }
  EXPECT_EQ(Read("socket.state", socket).as_string(), "listening");
}

TEST(SocketSchema, KernelsPlaceholdersAreUnknown) {
  SyntheticSocket socket;
  socket.info.tcpi_rtt = 0;
  socket.info.tcpi_min_rtt = ~0u;
  EXPECT_TRUE(Unknown("socket.rtt", socket));
  EXPECT_TRUE(Unknown("socket.min_rtt", socket));
  EXPECT_TRUE(Unknown("socket.path_rtt", socket));
  EXPECT_TRUE(Unknown("socket.rtt_inflation", socket));
  EXPECT_TRUE(Unknown("socket.window_bps", socket));
  EXPECT_TRUE(Unknown("socket.ssthresh", socket));
  EXPECT_TRUE(Unknown("socket.delivery_rate_bps", socket));
}

TEST(SocketSchema, PathRttNamesItsFallback) {
  SyntheticSocket socket;
  v1::Evidence evidence = EvidenceOf("socket.path_rtt", socket);
  EXPECT_EQ(evidence.basis(), "now");
  EXPECT_EQ(evidence.value().duration_value().nanos(), 148'000'000);

  socket.info.tcpi_min_rtt = ~0u;
  evidence = EvidenceOf("socket.path_rtt", socket);
  EXPECT_EQ(evidence.basis(), "now, rtt for min_rtt");
  EXPECT_EQ(evidence.value().duration_value().nanos(), 149'000'000);
  EXPECT_EQ(EvidenceOf("socket.window_bps", socket).basis(), "now, rtt for min_rtt");
}

TEST(SocketSchema, RatiosAreTakenOverTheWindow) {
  const SyntheticSocket socket;
  const SocketDelta window = Window();
  const auto number = [&](absl::string_view name) {
    return Read(name, socket, &window).as_double();
  };
  EXPECT_DOUBLE_EQ(number("socket.retrans_ratio"), 0.01);
  EXPECT_DOUBLE_EQ(number("socket.loss_predicted_cwnd"), 12.2);
  EXPECT_DOUBLE_EQ(number("socket.dsack_ratio"), 0.2);
  EXPECT_DOUBLE_EQ(number("socket.reord_seen"), 2);
  EXPECT_DOUBLE_EQ(number("socket.rwnd_limited_ratio"), 0.05);
  EXPECT_DOUBLE_EQ(number("socket.sndbuf_limited_ratio"), 0);
  EXPECT_DOUBLE_EQ(number("socket.busy_ratio"), 1);
  EXPECT_DOUBLE_EQ(number("socket.goodput_bps"), 800'000);
  EXPECT_DOUBLE_EQ(number("socket.window_bps"), 10 * 1448 * 8 / 0.148);
}

TEST(SocketSchema, RatioOfNothingSentIsUnknown) {
  const SyntheticSocket socket;
  SocketDelta window = Window();
  window.data_segments = window.retransmits = window.dsacks = 0;
  EXPECT_TRUE(Unknown("socket.retrans_ratio", socket, &window));
  EXPECT_TRUE(Unknown("socket.loss_predicted_cwnd", socket, &window));
}

TEST(SocketSchema, WithoutRetransmitsNoneWasNeedlessAndNoWindowIsPredicted) {
  const SyntheticSocket socket;
  SocketDelta window = Window();
  window.retransmits = window.dsacks = 0;
  EXPECT_EQ(Read("socket.retrans_ratio", socket, &window).as_double(), 0);
  EXPECT_EQ(Read("socket.dsack_ratio", socket, &window).as_double(), 0);
  EXPECT_TRUE(Unknown("socket.loss_predicted_cwnd", socket, &window));
}

TEST(SocketSchema, KernelWithoutDsackCountLeavesTheRatioUnknown) {
  const SyntheticSocket socket;
  SocketDelta window = Window();
  window.dsacks.reset();
  EXPECT_TRUE(Unknown("socket.dsack_ratio", socket, &window));
}

TEST(SocketSchema, BusyRatioIsAtMostOne) {
  const SyntheticSocket socket;
  SocketDelta window = Window();
  window.busy_us = 5'004'000;  // counted in jiffies
  EXPECT_EQ(Read("socket.busy_ratio", socket, &window).as_double(), 1);
  window.busy_us = 1'000'000;
  EXPECT_EQ(Read("socket.busy_ratio", socket, &window).as_double(), 0.2);
}

TEST(SocketSchema, EvidenceIsComplete) {
  const SyntheticSocket socket;
  const SocketDelta window = Window();
  EXPECT_EQ(EvidenceOf("socket.cwnd", socket, &window).ShortDebugString(),
            "name: \"socket.cwnd\" value { int_value: 10 } unit: \"segments\" basis: \"now\" "
            "source: \"tcp_info.tcpi_snd_cwnd\"");
  EXPECT_EQ(EvidenceOf("socket.retrans_ratio", socket, &window).ShortDebugString(),
            "name: \"socket.retrans_ratio\" value { double_value: 0.01 } basis: \"window 5s\" "
            "source: \"tcp_info.tcpi_total_retrans / tcpi_data_segs_out\"");
  EXPECT_EQ(EvidenceOf("socket.remote_ip", socket).value().string_value(), "203.0.113.20");
  EXPECT_EQ(EvidenceOf("socket.data_segments", socket).basis(), "lifetime");
  EXPECT_EQ(EvidenceOf("group.count", socket).value().int_value(), 3);
  EXPECT_EQ(EvidenceOf("group.goodput_bps", socket, &window).ShortDebugString(),
            "name: \"group.goodput_bps\" value { double_value: 9000000 } unit: \"bit/s\" basis: "
            "\"window 5s\" source: \"tcp_info.tcpi_bytes_acked\"");
}

TEST(SocketSchema, UnknownEvidenceHasNoValue) {
  const v1::Evidence evidence = EvidenceOf("socket.ssthresh", SyntheticSocket());
  EXPECT_FALSE(evidence.has_value());
  EXPECT_EQ(evidence.name(), "socket.ssthresh");
}

TEST(SocketSchema, SpansAreWrittenToATenthOfASecond) {
  EXPECT_EQ(SpanText(absl::Milliseconds(4'998)), "5s");
  EXPECT_EQ(SpanText(absl::Milliseconds(5'231)), "5.2s");
  EXPECT_EQ(SpanText(absl::Seconds(70)), "1m10s");
}

}  // namespace
}  // namespace tcpmedic
