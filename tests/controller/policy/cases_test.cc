#include "controller/policy/cases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/tcp.h>

#include <set>
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

TEST(Cases, SeriesMayGrowForAWhileOnly) {
  const SocketScript socket = Socket("data_segs_out: 400 +70/s from 8s to 9s");
  const auto segments = [&](absl::Duration at) {
    return socket.At(at).info.Field(&tcp_info::tcpi_data_segs_out);
  };
  EXPECT_THAT(segments(absl::Seconds(8)), Optional(400u));
  EXPECT_THAT(segments(absl::Milliseconds(8500)), Optional(435u));
  EXPECT_THAT(segments(absl::Seconds(20)), Optional(470u));
}

// The namespace of the only case of a spec, over what all cases have in common.
NetnsScript Netns(const std::string& fields) {
  const std::vector<Case> cases = Parse(absl::StrCat(R"(
  netns:
    net.ipv4.tcp_syncookies: 1
    TcpExtSyncookiesSent: 100 +2000/s
    TcpExtListenDrops: 7
    listener: {local: '0.0.0.0:443', backlog: 128, accept_queue: 3, syn_recv: 5, sources: 2}
  cases:
  - {name: c, netns: {)",
                                                     fields, "}, expect: {finding: none}}\n"));
  return cases.at(0).netns.value();
}

TEST(Cases, NamespaceHasItsCountersAndSettingsAndNoOthers) {
  const CounterSample sample =
      Netns("TcpExtListenDrops: missing, net.ipv4.tcp_syncookies: 0").CountersAt(absl::Seconds(3));
  EXPECT_THAT(sample.Get("TcpExtSyncookiesSent"), Optional(6100));
  EXPECT_THAT(sample.Get("net.ipv4.tcp_syncookies"), Optional(0));
  EXPECT_EQ(sample.Get("TcpExtListenDrops"), std::nullopt);
  EXPECT_EQ(sample.size(), 2u);
}

TEST(Cases, ListenerComesWithItsHalfOpenConnections) {
  const std::vector<SocketSample> sockets =
      Netns("listener: {local: '[::]:8443'}").SocketsAt(absl::ZeroDuration(), 42);
  ASSERT_THAT(sockets, SizeIs(6));
  EXPECT_EQ(sockets[0].state, TcpState::kListen);
  EXPECT_EQ(sockets[0].local_port, 8443);
  EXPECT_EQ(sockets[0].wqueue, 128u);
  EXPECT_EQ(sockets[0].rqueue, 3u);
  std::set<std::string> sources;
  std::set<SocketKey> keys;
  for (const SocketSample& socket : sockets) {
    keys.insert(socket.key);
    EXPECT_EQ(socket.key.netns_cookie, 42u);
    if (socket.state != TcpState::kSynRecv) continue;
    EXPECT_EQ(socket.local_port, 8443);
    sources.insert(socket.remote_ip.ToString());
  }
  EXPECT_EQ(keys.size(), 6u);
  EXPECT_THAT(sources, ElementsAre("2001:2::", "2001:2::1"));
  EXPECT_THAT(NetnsScript().SocketsAt(absl::ZeroDuration(), 42), IsEmpty());
}

// The process of the only case of a spec, over what all cases have in common.
ProcessScript Process(const std::string& fields) {
  const std::vector<Case> cases = Parse(absl::StrCat(R"(
  process: {listener: '0.0.0.0:8080', opened: 10 +50/s from 5s to 9s, closed: 0 +2/s, fds: 40 +50/s,
            fd_limit: 1024}
  cases:
  - {name: c, process: {)",
                                                     fields, "}, expect: {finding: none}}\n"));
  return cases.at(0).process.value();
}

TEST(Cases, ProcessHoldsWhatItHasNotClosedTheOldestGoFirst) {
  const ProcessScript script = Process("unread: 50%, peers: 2");
  const std::vector<SocketSample> sockets = script.SocketsAt(absl::Seconds(6), 42);
  // 10 from before, of which 12 would be closed by now, and 50 a second for a second.
  ASSERT_THAT(sockets, SizeIs(1 + 60 - 12));
  EXPECT_EQ(sockets[0].state, TcpState::kListen);
  EXPECT_EQ(sockets[0].local_port, 8080);
  std::set<std::string> peers;
  int unread = 0;
  for (size_t i = 1; i < sockets.size(); ++i) {
    EXPECT_EQ(sockets[i].state, TcpState::kCloseWait);
    EXPECT_EQ(sockets[i].key, (SocketKey{12 + i, 42}));
    EXPECT_EQ(sockets[i].local_port, 8080);
    peers.insert(sockets[i].remote_ip.ToString());
    unread += sockets[i].rqueue > 0;
  }
  EXPECT_EQ(unread, 24);
  EXPECT_THAT(peers, ElementsAre("203.0.113.20", "203.0.113.21"));
  // The 60th came at 6 s, the 35th half a second earlier.
  EXPECT_THAT(sockets.back().info.Field(&tcp_info::tcpi_last_ack_recv), Optional(0u));
  EXPECT_THAT(sockets[35 - 12].info.Field(&tcp_info::tcpi_last_ack_recv), Optional(500u));
}

TEST(Cases, ProcessOfAClientHasNoListenerAndAPortForEachConnection) {
  const std::vector<SocketSample> sockets =
      Process("upstream: '10.0.0.7:5432'").SocketsAt(absl::ZeroDuration(), 42);
  ASSERT_THAT(sockets, SizeIs(10));
  std::set<uint16_t> ports;
  for (const SocketSample& socket : sockets) {
    EXPECT_EQ(socket.remote_ip.ToString(), "10.0.0.7");
    EXPECT_EQ(socket.remote_port, 5432);
    ports.insert(socket.local_port);
  }
  EXPECT_EQ(ports.size(), 10u);
}

TEST(Cases, ProcessHasOnlyTheFiguresThatAreGivenAndASlopeAfterAWhile) {
  const ProcessScript script = Process("fd_limit: missing, memory_limit_bytes: 1000000");
  EXPECT_FALSE(script.At(absl::Seconds(3)).has_fd_growth_per_min());
  const v1::Process process = script.At(absl::Seconds(20));
  EXPECT_EQ(process.fd_count(), 1'040);
  EXPECT_EQ(process.fd_growth_per_min(), 3'000);
  EXPECT_FALSE(process.has_fd_limit());
  EXPECT_FALSE(process.has_rss_bytes());
  EXPECT_EQ(process.memory_limit_bytes(), 1'000'000);
  EXPECT_FALSE(process.has_memory_used_bytes());
}

TEST(Cases, ProcessAndItsForksHoldEverySocket) {
  const ProcessScript script = Process("pid: 900, holders: 2");
  ScriptedHolders holders(&script);
  holders.SetTime(absl::ZeroDuration());
  const uint32_t inode = script.SocketsAt(absl::ZeroDuration(), 42).back().inode;
  const HoldersByInode found = holders.HoldersOf({inode});
  ASSERT_THAT(found.at(inode), SizeIs(2));
  EXPECT_EQ(found.at(inode)[0].process.pid, 900);
  EXPECT_EQ(found.at(inode)[1].process.pid, 901);
  EXPECT_EQ(holders.Describe(found.at(inode)[1].process)->pid(), 901);
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
    - name: d
      netns: {TcpExtSyncookieSent: 3, net.core.somaxconn: 9 +1/s from 2s to 1s, listener: {port: 3}}
      expect: {finding: none}
    - name: e
      process: {pid: 0, listener: 8080, opened: many, unread: 0.5, fd_limit: none, leaks: 3}
      expect: {finding: none}
)"),
      ElementsAre("9: unknown field 'snd_cwmd'",
                  "9: 'rtt' must be a start, and how it grows if it does",
                  "9: 'nowhere' is no address with a port", "10: unknown finding 'probable'",
                  "12: 'snd_cwnd' must be a start, and how it grows if it does",
                  "13: without a finding there is nothing else to expect but 'stopped_by'",
                  "14: a case needs the field 'name'",
                  "14: 'stopped_by' is for cases that expect no finding",
                  "16: unknown field 'TcpExtSyncookieSent'",
                  "16: 'net.core.somaxconn' must be a start, and how it grows if it does",
                  "16: unknown field 'port'", "19: 'pid' must be a whole number from 1 to 4194304",
                  "19: '8080' is no address with a port",
                  "19: 'opened' must be a start, and how it grows if it does",
                  "19: 'unread' must be a percentage from 0% to 100%",
                  "19: 'fd_limit' must be a whole number from 1 to 9223372036854775807",
                  "19: unknown field 'leaks'"));
}

TEST(Cases, OtherPolicyFilesAreNotRead) {
  std::vector<Issue> issues;
  const auto cases = ParseCases({{"signatures/c.yaml", "kind: Signature"}}, &issues);
  ASSERT_TRUE(cases.has_value());
  EXPECT_THAT(*cases, IsEmpty());
}

}  // namespace
}  // namespace tcpmedic
