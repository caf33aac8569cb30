// Floods, scans and honest crowds on the real kernel: what legitimate clients experience, and what
// the server's kernel counts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "lab/lab.h"
#include "tests/lab/lab_fixture.h"

namespace tcpmedic::lab {
namespace {

using ::testing::HasSubstr;

// A counter of a host, as /proc/net/netstat and snmp have it: "TcpExt", "SyncookiesSent".
int64_t Counter(const LabHost& host, const std::string& group, const std::string& name) {
  for (const char* file : {"netstat", "snmp"}) {
    const std::vector<std::string> lines =
        absl::StrSplit(ReadFile(absl::StrCat("/proc/", host.pid, "/net/", file)), '\n');
    for (size_t i = 0; i + 1 < lines.size(); i += 2) {
      if (!absl::StartsWith(lines[i], absl::StrCat(group, ":"))) continue;
      const std::vector<std::string> names = absl::StrSplit(lines[i], ' ');
      const std::vector<std::string> values = absl::StrSplit(lines[i + 1], ' ');
      for (size_t at = 0; at < names.size() && at < values.size(); ++at) {
        int64_t value = 0;
        if (names[at] == name && absl::SimpleAtoi(values[at], &value)) return value;
      }
    }
  }
  ADD_FAILURE() << "no counter " << group << " " << name;
  return -1;
}

// What a flood is judged by, of the server's namespace.
struct Pressure {
  int64_t cookies_sent, cookies_recv, listen_overflows, listen_drops, queue_full_cookies,
      queue_full_drops;
};

class SynFloodKernelTest : public LabFixture {
 protected:
  struct Given {
    bool cookies = true;
    int max_syn_backlog = 2048;
    absl::Duration rtt = absl::Milliseconds(20);
    bool ipv6 = false;
  };
  void Start(const Given& given) {
    LabFixture::Start(
        {.path = {.rtt = given.rtt, .loss_ratio = 0, .rate_bps = 1'000'000'000},
         .ipv6 = given.ipv6,
         .server_sysctls = {{"net.ipv4.tcp_syncookies", given.cookies ? "1" : "0"},
                            {"net.ipv4.tcp_max_syn_backlog", absl::StrCat(given.max_syn_backlog)},
                            {"net.core.somaxconn", "4096"}}});
  }

  int64_t TcpExt(const std::string& name) { return Counter(lab_->server(), "TcpExt", name); }
  Pressure Read() {
    return {TcpExt("SyncookiesSent"), TcpExt("SyncookiesRecv"),       TcpExt("ListenOverflows"),
            TcpExt("ListenDrops"),    TcpExt("TCPReqQFullDoCookies"), TcpExt("TCPReqQFullDrop")};
  }

  void Print(const char* what, const ConnectStats& stats) {
    std::printf("  %s: %ld connects, %.4f succeeded, p50 %ld us\n", what, stats.connects,
                stats.success_ratio.value_or(-1), stats.connect_p50_us.value_or(-1));
    const Pressure now = Read();
    std::printf(
        "    cookies sent %ld, recv %ld; overflows %ld, drops %ld; full: cookies %ld, drops %ld\n",
        now.cookies_sent, now.cookies_recv, now.listen_overflows, now.listen_drops,
        now.queue_full_cookies, now.queue_full_drops);
  }
};

// The most that the listener's SYN queue takes with cookies off: net/ipv4/tcp_input.c
// tcp_conn_request keeps the last quarter of tcp_max_syn_backlog for proven clients, and
// inet_csk_reqsk_queue_is_full allows one more than the backlog.
struct QueueCase {
  const char* name;
  int backlog;
  bool ipv6;
  bool queue_full_drop_counts;  // the listener's own limit is the one that is reached
  int syn_recv_at_least;
};
class WithoutCookiesTest : public SynFloodKernelTest,
                           public ::testing::WithParamInterface<QueueCase> {};

TEST_P(WithoutCookiesTest, AFloodLocksEverybodyOutUntilCookiesAreSwitchedOn) {
  const QueueCase& given = GetParam();
  Start({.cookies = false, .max_syn_backlog = 2048, .ipv6 = given.ipv6});
  ASSERT_TRUE(lab_->RunListener({.backlog = given.backlog}).ok());
  const absl::StatusOr<Connects> connects =
      lab_->RunConnects({.rate_per_s = 50, .timeout = absl::Seconds(1)});
  ASSERT_TRUE(connects.ok()) << connects.status();
  absl::SleepFor(absl::Seconds(3));
  const absl::StatusOr<SynFlood> flood = lab_->RunSynFlood({.rate_pps = 2000});
  ASSERT_TRUE(flood.ok()) << flood.status();
  absl::SleepFor(absl::Seconds(6));

  const ConnectStats baseline = connects->log.EndedBefore(flood->started_at);
  Print("baseline", baseline);
  EXPECT_GE(baseline.connects, 90);
  EXPECT_GE(baseline.success_ratio, 0.99);
  EXPECT_NEAR(static_cast<double>(*baseline.connect_p50_us), 20'000, 2'000);
  const Pressure pressure = Read();
  EXPECT_EQ(pressure.cookies_sent, 0);
  EXPECT_EQ(pressure.listen_overflows, 0);
  EXPECT_GT(pressure.listen_drops, 5'000);
  EXPECT_EQ(pressure.queue_full_drops > 0, given.queue_full_drop_counts);
  const int syn_recv = std::stoi(Output(HostRole::kServer, "ss -Htn state syn-recv | wc -l"));
  EXPECT_GE(syn_recv, given.syn_recv_at_least);

  const absl::Time before_switch = absl::Now();
  EXPECT_EQ(Output(HostRole::kServer, "echo 1 > /proc/sys/net/ipv4/tcp_syncookies"), "");
  const absl::Time after_switch = absl::Now();
  absl::SleepFor(absl::Seconds(4));
  const ConnectStats locked_out =
      connects->log.Between(flood->started_at + absl::Seconds(1), before_switch);
  Print("cookies off", locked_out);
  EXPECT_GE(locked_out.connects, 150);
  EXPECT_LE(locked_out.success_ratio, 0.2);
  const ConnectStats let_in = connects->log.StartedFrom(after_switch);
  Print("cookies on", let_in);
  EXPECT_GE(let_in.connects, 100);
  EXPECT_GE(let_in.success_ratio, 0.99);
}

INSTANTIATE_TEST_SUITE_P(Queues, WithoutCookiesTest,
                         ::testing::Values(QueueCase{"ABacklogOf128", 128, false, true, 100},
                                           QueueCase{"ABacklogOf4096", 4096, false, false, 1500},
                                           QueueCase{"Ipv6", 128, true, true, 100}),
                         [](const ::testing::TestParamInfo<QueueCase>& given) {
                           return given.param.name;
                         });

class WithCookiesTest : public SynFloodKernelTest, public ::testing::WithParamInterface<bool> {};

TEST_P(WithCookiesTest, TwentyThousandSynsPerSecondHarmNobody) {
  const bool ipv6 = GetParam();
  Start({.ipv6 = ipv6});
  ASSERT_TRUE(lab_->RunListener({.backlog = 128}).ok());
  const absl::StatusOr<Connects> connects =
      lab_->RunConnects({.rate_per_s = 50, .timeout = absl::Seconds(1)});
  ASSERT_TRUE(connects.ok()) << connects.status();
  const absl::StatusOr<SynFlood> flood = lab_->RunSynFlood({.rate_pps = 20'000});
  ASSERT_TRUE(flood.ok()) << flood.status();
  absl::SleepFor(absl::Seconds(1));
  const int64_t sent_before = flood->sent();
  const absl::Time begin = absl::Now();
  absl::SleepFor(absl::Seconds(4));
  const double rate_pps =
      static_cast<double>(flood->sent() - sent_before) / absl::ToDoubleSeconds(absl::Now() - begin);
  std::printf("  %.0f SYNs per second\n", rate_pps);
  EXPECT_NEAR(rate_pps, 20'000, 2'000);  // it gives way to what else the machine does

  // The sources are whom they should be, and nobody is there to answer for them.
  const std::string spoofed = Output(
      HostRole::kServer, absl::StrCat("ss -Htn state syn-recv | awk '{print $4}' | grep -Ec '",
                                      ipv6 ? R"(^\[2001:2:0:)" : R"(^198\.1[89]\.)", "'"));
  EXPECT_GE(std::stoi(spoofed), 100);
  EXPECT_EQ(Counter(lab_->client(), "Tcp", "OutRsts"), 0);
  EXPECT_EQ(Counter(lab_->client(), "Icmp", "OutMsgs"), 0);
  EXPECT_THAT(Output(HostRole::kClient, "cat /proc/net/snmp6"),
              ::testing::ContainsRegex("Icmp6OutDestUnreachs[ \t]+0\n"));

  EXPECT_EQ(lab_->EndProgram(flood->pid), absl::OkStatus());
  const int64_t sent = flood->sent();
  absl::SleepFor(absl::Seconds(2));
  EXPECT_EQ(flood->sent(), sent);
  // Every SYN arrived and was one: no checksum was wrong, nothing was dropped.
  EXPECT_EQ(Counter(lab_->server(), "Tcp", "InCsumErrors"), 0);
  EXPECT_EQ(Counter(lab_->server(), "Tcp", "InErrs"), 0);
  const Pressure pressure = Read();
  EXPECT_GE(pressure.cookies_sent, sent - 1'000);
  EXPECT_LE(pressure.cookies_sent, sent + 1'000);
  EXPECT_LE(pressure.cookies_recv, connects->log.attempts());
  EXPECT_EQ(pressure.listen_drops, 0);
  EXPECT_EQ(pressure.listen_overflows, 0);
  const ConnectStats flooded = connects->log.EndedBefore(begin + absl::Seconds(5));
  Print("flooded", flooded);
  EXPECT_GE(flooded.connects, 200);
  EXPECT_GE(flooded.success_ratio, 0.99);
}

INSTANTIATE_TEST_SUITE_P(Family, WithCookiesTest, ::testing::Values(false, true),
                         [](const ::testing::TestParamInfo<bool>& given) {
                           return given.param ? "Ipv6" : "Ipv4";
                         });

TEST_F(SynFloodKernelTest, ABurstOfHonestClientsOverflowsASmallBacklogAndReturnsItsCookies) {
  Start({.rtt = absl::Milliseconds(148)});
  ASSERT_TRUE(lab_->RunListener({.backlog = 128}).ok());
  const absl::StatusOr<Connects> connects = lab_->RunConnects({.rate_per_s = 0, .burst = 1'500});
  ASSERT_TRUE(connects.ok()) << connects.status();
  absl::SleepFor(absl::Seconds(4));
  const ConnectStats burst = connects->log.StartedFrom(connects->started_at);
  Print("burst", burst);
  EXPECT_EQ(burst.connects, 1'500);
  EXPECT_GE(burst.success_ratio, 0.99);
  const Pressure pressure = Read();
  EXPECT_GE(pressure.cookies_sent, 1'000);
  EXPECT_GE(static_cast<double>(pressure.cookies_recv),
            0.95 * static_cast<double>(pressure.cookies_sent));
}

TEST_F(SynFloodKernelTest, APortScanFillsNoQueue) {
  Start({});
  ASSERT_TRUE(lab_->RunListener({.port = 443}).ok());
  const absl::StatusOr<PortScan> scan =
      lab_->RunPortScan({.rate_pps = 2'000, .first_port = 400, .last_port = 499});
  ASSERT_TRUE(scan.ok()) << scan.status();
  absl::SleepFor(absl::Seconds(2));
  EXPECT_EQ(lab_->EndProgram(scan->pid), absl::OkStatus());
  absl::SleepFor(absl::Milliseconds(100));
  EXPECT_NEAR(static_cast<double>(scan->sent()), 4'000, 400);
  // Each closed port answers RST; the client's kernel resets what the open one answers.
  const int64_t resets = Counter(lab_->server(), "Tcp", "OutRsts");
  EXPECT_NEAR(static_cast<double>(resets), static_cast<double>(scan->sent()) * 0.99,
              static_cast<double>(scan->sent()) * 0.005);
  // The signal that ended it may have come before its last batch was counted.
  EXPECT_NEAR(static_cast<double>(Counter(lab_->client(), "Tcp", "OutRsts") + resets),
              static_cast<double>(scan->sent()), 20);
  const Pressure pressure = Read();
  EXPECT_EQ(pressure.cookies_sent + pressure.listen_drops, 0);
}

TEST_F(SynFloodKernelTest, AFastAcceptLoopKeepsUpWithAThousandClientsPerSecond) {
  Start({});
  ASSERT_TRUE(lab_->RunListener({.backlog = 128}).ok());
  const absl::StatusOr<Connects> connects = lab_->RunConnects(
      {.rate_per_s = 1'000, .timeout = absl::Seconds(1), .duration = absl::Minutes(1)});
  ASSERT_TRUE(connects.ok()) << connects.status();
  absl::SleepFor(absl::Seconds(4));
  const ConnectStats busy = connects->log.StartedFrom(connects->started_at);
  Print("busy", busy);
  EXPECT_GE(busy.connects, 2'500);
  EXPECT_EQ(busy.success_ratio, 1.0);
  const Pressure pressure = Read();
  EXPECT_EQ(pressure.cookies_sent + pressure.listen_drops, 0);
  EXPECT_GE(Counter(lab_->server(), "Tcp", "PassiveOpens"), busy.connects);
}

TEST_F(SynFloodKernelTest, ClientsWhomNobodyAnswersHaveFailedAfterTheirTimeout) {
  Start({});
  // Nothing listens: RST. Then nothing answers at all.
  const absl::StatusOr<Connects> refused =
      lab_->RunConnects({.rate_per_s = 100, .timeout = absl::Milliseconds(200)});
  ASSERT_TRUE(refused.ok()) << refused.status();
  absl::SleepFor(absl::Seconds(1));
  EXPECT_EQ(lab_->EndProgram(refused->pid), absl::OkStatus());
  EXPECT_EQ(Output(HostRole::kServer, "ip link set path0 down"), "");
  const absl::StatusOr<Connects> unanswered =
      lab_->RunConnects({.rate_per_s = 100, .timeout = absl::Milliseconds(200)});
  ASSERT_TRUE(unanswered.ok()) << unanswered.status();
  absl::SleepFor(absl::Seconds(1));
  EXPECT_EQ(lab_->EndProgram(unanswered->pid), absl::OkStatus());
  for (const Connects* each : {&*refused, &*unanswered}) {
    const ConnectStats stats = each->log.StartedFrom(each->started_at);
    EXPECT_GE(stats.connects, 50);
    EXPECT_EQ(stats.success_ratio, 0.0);
    EXPECT_EQ(stats.connect_p50_us, std::nullopt);
  }
  EXPECT_THAT(lab_->Stop(), ::testing::IsEmpty());  // the emulator could not deliver: not clean
  lab_ = nullptr;
}

TEST_F(SynFloodKernelTest, SysctlsAreSetOnTheServerAndNowhereElse) {
  const std::vector<std::string> names = {"ipv4/tcp_syncookies", "ipv4/tcp_max_syn_backlog",
                                          "core/somaxconn"};
  const auto machine = [&] {
    std::string text;
    for (const std::string& name : names) {
      absl::StrAppend(&text, ReadFile(absl::StrCat("/proc/sys/net/", name)));
    }
    return text;
  };
  const std::string machine_before = machine();
  LabFixture::Start({.server_sysctls = {{"net.ipv4.tcp_syncookies", "2"},
                                        {"net.ipv4.tcp_max_syn_backlog", "77"},
                                        {"net.core.somaxconn", "99"}}});
  const std::string show = absl::StrCat("cd /proc/sys/net && cat ", absl::StrJoin(names, " "));
  EXPECT_EQ(Output(HostRole::kServer, show), "2\n77\n99\n");
  EXPECT_THAT(Output(HostRole::kClient, show), ::testing::Not(HasSubstr("77")));
  EXPECT_EQ(machine(), machine_before);
}

TEST_F(SynFloodKernelTest, ASysctlThatCannotBeSetIsNamed) {
  const auto start = [](const std::string& name, const std::string& value) {
    return Lab::Start(
               {.server_sysctls = {{name, value}}, .lab_binary = TCPMEDIC_BIN_DIR "/tcpmedic-lab"})
        .status();
  };
  EXPECT_EQ(start("net.ipv4.tcp_nothing", "1"),
            absl::NotFoundError("set net.ipv4.tcp_nothing: open /proc/sys/net/ipv4/tcp_nothing: "
                                "ENOENT"));
  // The machine's, which no namespace shows.
  EXPECT_EQ(start("net.ipv4.tcp_mem", "1").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(start("net.ipv4.tcp_syncookies", "many").message(),
            "set net.ipv4.tcp_syncookies to 'many': write /proc/sys/net/ipv4/tcp_syncookies: "
            "EINVAL");
  EXPECT_EQ(start("kernel.hostname", "x").message(),
            "'kernel.hostname' is no sysctl of a network namespace");
  EXPECT_EQ(start("net.ipv4...vm.swappiness", "x").code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(SynFloodKernelTest, TheFloodingProgramDoesNothingOutsideALab) {
  // A namespace of its own, with nothing but a loopback device that is down.
  const pid_t child = fork();
  if (child == 0) {
    if (unshare(CLONE_NEWNET) != 0) _exit(99);
    SynRecord record{};
    const absl::Status status = SendSynFlood("203.0.113.20", {}, &record);
    const bool good =
        status == absl::NotFoundError("this is no lab's host: there is no device path0") &&
        record.sent == 0;
    if (!good) std::fprintf(stderr, "%s\n", status.ToString().c_str());
    _exit(good ? 0 : 1);
  }
  int state = 0;
  waitpid(child, &state, 0);
  EXPECT_TRUE(WIFEXITED(state));
  EXPECT_EQ(WEXITSTATUS(state), 0);
}

}  // namespace
}  // namespace tcpmedic::lab
