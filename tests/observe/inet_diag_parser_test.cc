#include "observe/inet_diag_parser.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/observe/inet_diag_message.h"

namespace tcpmedic {
namespace {

// A message with every attribute that is read.
std::string FullMessage() {
  InetDiagMessage message(AF_INET);
  message.From("192.0.2.1", 44120).To("203.0.113.20", 443).Cookie(0x1'0000'0007);
  message.body().idiag_state = 1;
  message.body().idiag_timer = 1;
  message.body().idiag_retrans = 3;
  message.body().idiag_rqueue = 5;
  message.body().idiag_wqueue = 6;
  message.body().idiag_uid = 1000;
  message.body().idiag_inode = 98765;
  tcp_info info{};
  info.tcpi_rtt = 148'000;
  info.tcpi_snd_cwnd = 11;
  info.tcpi_snd_wnd = 65'535;
  message.AttributeOf(INET_DIAG_INFO, info);
  message.Attribute(INET_DIAG_CONG, absl::string_view("cubic", 6));
  message.AttributeOf(INET_DIAG_CGROUP_ID, uint64_t{4711});
  return message.Bytes();
}

TEST(ParseInetDiagMessage, EveryFieldArrives) {
  SocketSample sample;
  sample.key.netns_cookie = 42;
  const auto unknown_bytes = ParseInetDiagMessage(FullMessage(), &sample);

  ASSERT_TRUE(unknown_bytes.ok()) << unknown_bytes.status();
  EXPECT_EQ(*unknown_bytes, 0);
  EXPECT_EQ(sample.key, (SocketKey{.cookie = 0x1'0000'0007, .netns_cookie = 42}));
  EXPECT_EQ(sample.state, TcpState::kEstablished);
  EXPECT_EQ(sample.timer, 1);
  EXPECT_EQ(sample.retransmits, 3);
  EXPECT_FALSE(sample.v4_mapped);
  EXPECT_EQ(sample.local_ip, *IpAddress::Parse("192.0.2.1"));
  EXPECT_EQ(sample.remote_ip, *IpAddress::Parse("203.0.113.20"));
  EXPECT_EQ(sample.local_port, 44120);
  EXPECT_EQ(sample.remote_port, 443);
  EXPECT_EQ(sample.rqueue, 5u);
  EXPECT_EQ(sample.wqueue, 6u);
  EXPECT_EQ(sample.uid, 1000u);
  EXPECT_EQ(sample.inode, 98765u);
  EXPECT_EQ(sample.cc(), "cubic");
  EXPECT_EQ(sample.cgroup_id, 4711u);
  EXPECT_EQ(sample.info.Field(&tcp_info::tcpi_rtt), 148'000u);
  EXPECT_EQ(sample.info.Field(&tcp_info::tcpi_snd_cwnd), 11u);
  EXPECT_EQ(sample.info.Field(&tcp_info::tcpi_snd_wnd), 65'535u);
}

TEST(ParseInetDiagMessage, AddressesAreGivenInTheFamilyThatTheSocketSpeaks) {
  const struct {
    const char* name;
    uint8_t family;
    const char* from;
    const char* to;
    const char* local;
    const char* remote;
    bool mapped;
  } kCases[] = {
      {"v4", AF_INET, "10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.2", false},
      {"v6", AF_INET6, "2001:db8::1", "2001:db8::2", "2001:db8::1", "2001:db8::2", false},
      {"mapped", AF_INET6, "::ffff:10.0.0.1", "::ffff:10.0.0.2", "10.0.0.1", "10.0.0.2", true},
      {"mapped listener", AF_INET6, "::ffff:10.0.0.1", "::", "10.0.0.1", "0.0.0.0", true},
      {"dual-stack listener", AF_INET6, "::", "::", "::", "::", false},
  };
  for (const auto& c : kCases) {
    SocketSample sample;
    const std::string bytes = InetDiagMessage(c.family).From(c.from, 1).To(c.to, 2).Bytes();
    ASSERT_TRUE(ParseInetDiagMessage(bytes, &sample).ok()) << c.name;
    EXPECT_EQ(sample.local_ip, *IpAddress::Parse(c.local)) << c.name;
    EXPECT_EQ(sample.remote_ip, *IpAddress::Parse(c.remote)) << c.name;
    EXPECT_EQ(sample.v4_mapped, c.mapped) << c.name;
  }
}

TEST(ParseInetDiagMessage, MissingAttributesLeaveFieldsUnset) {
  SocketSample sample;
  ASSERT_TRUE(ParseInetDiagMessage(FullMessage(), &sample).ok());
  ASSERT_TRUE(ParseInetDiagMessage(InetDiagMessage().Bytes(), &sample).ok());

  EXPECT_FALSE(sample.info.reported());
  EXPECT_EQ(sample.cc(), "");
  EXPECT_EQ(sample.cgroup_id, std::nullopt);
}

TEST(ParseInetDiagMessage, AnOlderKernelsTcpInfoLeavesTheRestUnset) {
  tcp_info info{};
  info.tcpi_rtt = 9;
  const std::string bytes =
      InetDiagMessage()
          .Attribute(INET_DIAG_INFO, absl::string_view(reinterpret_cast<const char*>(&info),
                                                       offsetof(tcp_info, tcpi_pacing_rate)))
          .Bytes();
  SocketSample sample;
  ASSERT_TRUE(ParseInetDiagMessage(bytes, &sample).ok());

  EXPECT_EQ(sample.info.Field(&tcp_info::tcpi_rtt), 9u);
  EXPECT_EQ(sample.info.Field(&tcp_info::tcpi_pacing_rate), std::nullopt);
}

TEST(ParseInetDiagMessage, ANewerKernelsBytesAreIgnoredAndCounted) {
  const std::string newer_info(sizeof(tcp_info) + 24, '\1');
  const std::string bytes = InetDiagMessage()
                                .Attribute(INET_DIAG_INFO, newer_info)
                                .Attribute(INET_DIAG_MAX + 5, "12345678")
                                .AttributeOf(INET_DIAG_CGROUP_ID, uint64_t{7})
                                .Bytes();
  SocketSample sample;
  const auto unknown_bytes = ParseInetDiagMessage(bytes, &sample);

  ASSERT_TRUE(unknown_bytes.ok());
  EXPECT_EQ(*unknown_bytes, 24 + NLA_HDRLEN + 8);
  EXPECT_EQ(sample.cgroup_id, 7u);
}

TEST(ParseInetDiagMessage, AnUnendingAlgorithmNameIsCut) {
  SocketSample sample;
  const std::string bytes =
      InetDiagMessage().Attribute(INET_DIAG_CONG, "0123456789abcdefXYZ").Bytes();
  ASSERT_TRUE(ParseInetDiagMessage(bytes, &sample).ok());
  EXPECT_EQ(sample.cc(), "0123456789abcde");
}

TEST(ParseInetDiagMessage, DataLossNamesTheByte) {
  const size_t header = sizeof(inet_diag_msg);
  std::string long_attribute = InetDiagMessage().Attribute(INET_DIAG_CONG, "reno").Bytes();
  long_attribute[header] = 9;
  std::string short_attribute = long_attribute;
  short_attribute[header] = 3;
  const struct {
    const char* name;
    std::string bytes;
    const char* message;
  } kCases[] = {
      {"empty", "", "inet_diag message, byte 0: ends before the 72 bytes of struct inet_diag_msg"},
      {"family", InetDiagMessage(AF_UNIX).Bytes(), "inet_diag message, byte 0: address family 1"},
      {"longer than what is there", long_attribute,
       "inet_diag message, byte 72: attribute of 9 bytes where 8 remain"},
      {"shorter than its header", short_attribute,
       "inet_diag message, byte 72: attribute of 3 bytes where 8 remain"},
      {"half a header", InetDiagMessage().Bytes() + "ab",
       "inet_diag message, byte 72: ends within an attribute's header"},
      {"cgroup id", InetDiagMessage().Attribute(INET_DIAG_CGROUP_ID, "1234567").Bytes(),
       "inet_diag message, byte 72: cgroup id shorter than 8 bytes"},
  };
  for (const auto& c : kCases) {
    SocketSample sample;
    const absl::Status status = ParseInetDiagMessage(c.bytes, &sample).status();
    EXPECT_EQ(status, absl::DataLossError(c.message)) << c.name;
  }
}

// Copied to the heap at its exact size, so that a sanitizer sees any read past the end.
absl::StatusOr<int64_t> ParseExactly(const std::string& bytes, SocketSample* sample) {
  const std::vector<char> exact(bytes.begin(), bytes.end());
  return ParseInetDiagMessage(exact, sample);
}

TEST(ParseInetDiagMessage, TruncatedAnywhereItIsOkAtAttributesAndDataLossElsewhere) {
  const std::string whole = FullMessage();
  const size_t info = sizeof(inet_diag_msg);
  const size_t cong = info + NLA_HDRLEN + NLA_ALIGN(sizeof(tcp_info));
  const size_t cgroup = cong + NLA_HDRLEN + NLA_ALIGN(6);
  for (size_t size = 0; size < whole.size(); ++size) {
    SocketSample sample;
    const absl::Status status = ParseExactly(whole.substr(0, size), &sample).status();
    // The padding after "cubic" may be missing at the end of a message.
    const bool padding_only = size > cgroup - 3 && size < cgroup;
    const bool boundary = size == info || size == cong || size == cgroup || padding_only;
    if (boundary) {
      EXPECT_TRUE(status.ok()) << size << ": " << status;
    } else {
      EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << size;
    }
  }
}

TEST(ParseInetDiagMessage, MutatedBytesNeverCrashIt) {
  const std::string whole = FullMessage();
  std::mt19937 random(20'260'101);  // the same bytes in every run
  int decoded = 0, refused = 0;
  for (int round = 0; round < 50'000; ++round) {
    std::string bytes = whole.substr(0, random() % (whole.size() + 1));
    const int mutations = 1 + random() % 8;
    for (int i = 0; i < mutations && !bytes.empty(); ++i) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    SocketSample sample;
    const absl::Status status = ParseExactly(bytes, &sample).status();
    ASSERT_TRUE(status.ok() || absl::IsDataLoss(status)) << status;
    ASSERT_LT(sample.cc().size(), sample.congestion_control.size());
    ++(status.ok() ? decoded : refused);
  }
  // Both ways were taken often, or the test would prove little.
  EXPECT_GT(decoded, 100);
  EXPECT_GT(refused, 10'000);
}

}  // namespace
}  // namespace tcpmedic
