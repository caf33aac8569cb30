#include "controller/policy/cases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::SizeIs;

constexpr char kFrame[] =
    "apiVersion: tcpmedic/v1\nkind: Cases\nmetadata: {name: c}\nspec:\n  signature: s\n";

std::vector<Case> Parse(const std::string& spec) {
  std::vector<Issue> issues;
  auto cases = ParseCases({{"cases/c.yaml", kFrame + spec}}, &issues);
  EXPECT_THAT(issues, IsEmpty()) << Format(issues);
  return cases.value_or(std::vector<Case>());
}

std::vector<std::string> MistakesIn(const std::string& spec) {
  std::vector<Issue> issues;
  EXPECT_FALSE(ParseCases({{"cases/c.yaml", kFrame + spec}}, &issues).has_value());
  std::vector<std::string> lines;
  for (const Issue& issue : issues) {
    lines.push_back(absl::StrCat(issue.position.line, ": ", issue.message));
  }
  return lines;
}

TEST(Cases, EachCaseStartsFromWhatAllHaveInCommon) {
  const std::vector<Case> cases = Parse(R"(
  interval: 2s
  lasts: 20s
  host: {name: edge-1, labels: {tier: web}}
  socket: {congestion_control: cubic, snd_cwnd: 12, rtt: 148ms}
  cases:
    - name: first
      expect: {finding: certain, within: 12s, policy: p, action: note}
    - name: second
      lasts: 5s
      host: {labels: {}}
      socket: {congestion_control: bbr, snd_cwnd: 90}
      expect: {finding: none, stopped_by: reordering}
)");
  ASSERT_THAT(cases, SizeIs(2));
  EXPECT_EQ(cases[0].file, "cases/c.yaml");
  EXPECT_EQ(cases[0].line, 12);
  EXPECT_EQ(cases[0].name, "first");
  EXPECT_EQ(cases[0].signature, "s");
  EXPECT_EQ(cases[0].interval, absl::Seconds(2));
  EXPECT_EQ(cases[0].lasts, absl::Seconds(20));
  EXPECT_EQ(cases[0].host.labels.at("tier"), "web");
  EXPECT_EQ(cases[0].socket.At(absl::ZeroDuration()).cc(), "cubic");
  EXPECT_THAT(cases[0].expect.finding, Optional(std::string("certain")));
  EXPECT_THAT(cases[0].expect.policy, Optional(std::string("p")));
  EXPECT_THAT(cases[0].within, Optional(absl::Seconds(12)));

  EXPECT_EQ(cases[1].interval, absl::Seconds(2));
  EXPECT_EQ(cases[1].lasts, absl::Seconds(5));
  EXPECT_EQ(cases[1].host.name, "edge-1");
  EXPECT_THAT(cases[1].host.labels, IsEmpty());
  const SocketSample second = cases[1].socket.At(absl::ZeroDuration());
  EXPECT_EQ(second.cc(), "bbr");
  EXPECT_THAT(second.info.Field(&tcp_info::tcpi_snd_cwnd), Optional(90u));
  EXPECT_THAT(second.info.Field(&tcp_info::tcpi_rtt), Optional(148'000u));
  EXPECT_THAT(cases[1].expect.stopped_by, Optional(std::string("reordering")));
}

// The only case of a spec, with this socket.
SocketScript Socket(const std::string& fields) {
  const std::vector<Case> cases = Parse(
      absl::StrCat("  cases:\n  - {name: c, socket: {", fields, "}, expect: {finding: none}}\n"));
  return cases.at(0).socket;
}

TEST(Cases, SeriesGrowFromScanToScan) {
  const SocketScript socket = Socket("data_segs_out: 400 +70.5/s, busy_time: 1s +900ms/s");
  const SocketSample at_2s = socket.At(absl::Seconds(2));
  EXPECT_THAT(at_2s.info.Field(&tcp_info::tcpi_data_segs_out), Optional(541u));
  EXPECT_THAT(at_2s.info.Field(&tcp_info::tcpi_busy_time), Optional(2'800'000u));
}

TEST(Cases, SeriesStopAtTheFieldsWidth) {
  const SocketSample late = Socket("snd_cwnd: 0 +1e9/s, backoff: 300").At(absl::Hours(1));
  EXPECT_THAT(late.info.Field(&tcp_info::tcpi_snd_cwnd), Optional(UINT32_MAX));
  EXPECT_THAT(late.info.Field(&tcp_info::tcpi_backoff), Optional(UINT8_MAX));
}

TEST(Cases, SocketIsWhatItsWordsSay) {
  const SocketSample sample =
      Socket(
          "state: close-wait, local: '10.0.0.5:80', remote: '[2001:db8::1]:443', "
          "delivery_rate_app_limited: 'true', delivery_rate: 1")
          .At(absl::ZeroDuration());
  EXPECT_EQ(sample.state, TcpState::kCloseWait);
  EXPECT_EQ(sample.local_ip.ToString(), "10.0.0.5");
  EXPECT_EQ(sample.local_port, 80);
  EXPECT_EQ(sample.remote_ip.ToString(), "2001:db8::1");
  EXPECT_EQ(sample.remote_port, 443);
  EXPECT_THAT(sample.info.delivery_rate_app_limited(), Optional(true));
}

TEST(Cases, OlderKernelReportsLess) {
  const SocketSample sample =
      Socket("bytes_retrans: 7, dsack_dups: 3, tcp_info_ends_after: bytes_retrans")
          .At(absl::ZeroDuration());
  EXPECT_THAT(sample.info.Field(&tcp_info::tcpi_bytes_retrans), Optional(7u));
  EXPECT_EQ(sample.info.Field(&tcp_info::tcpi_dsack_dups), std::nullopt);
}

TEST(Cases, MistakesAreShownWhereTheyStand) {
  EXPECT_THAT(
      MistakesIn(R"(
  cases:
    - name: a
      socket: {snd_cwmd: 3, rtt: 148, remote: nowhere}
      expect: {finding: probable}
    - name: b
      socket: {snd_cwnd: 3 +1}
      expect: {finding: none, policy: p}
    - expect: {finding: certain, stopped_by: x}
)"),
      ElementsAre("9: unknown field 'snd_cwmd'",
                  "9: 'rtt' must be a start, and how it grows if it does",
                  "9: 'nowhere' is no address with a port", "10: unknown finding 'probable'",
                  "12: 'snd_cwnd' must be a start, and how it grows if it does",
                  "13: without a finding there is nothing else to expect but 'stopped_by'",
                  "14: a case needs the field 'name'",
                  "14: 'stopped_by' is for cases that expect no finding"));
}

TEST(Cases, OtherPolicyFilesAreNotRead) {
  std::vector<Issue> issues;
  const auto cases = ParseCases({{"signatures/c.yaml", "kind: Signature"}}, &issues);
  ASSERT_TRUE(cases.has_value());
  EXPECT_THAT(*cases, IsEmpty());
}

}  // namespace
}  // namespace tcpmedic
