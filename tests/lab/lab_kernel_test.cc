// The lab on the real kernel: its network namespaces are its own, and each test shows that nothing
// of it is left.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <re2/re2.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "lab/lab.h"
#include "tests/lab/lab_fixture.h"

namespace tcpmedic::lab {
namespace {

using ::testing::IsEmpty;
using ::testing::IsSubsetOf;

namespace fs = std::filesystem;

class LabKernelTest : public LabFixture {
 protected:
  void Start(const PathSpec& path, bool ipv6 = false) {
    LabFixture::Start({.path = path, .ipv6 = ipv6});
  }

  // The number after `name:` in `ss -tin` of the client's first established socket; -1: not shown.
  double TcpInfo(const std::string& name) {
    const std::string text = Output(HostRole::kClient, "ss -Htin state established");
    double value = -1;
    RE2::PartialMatch(text, absl::StrCat(R"(\b)", name, R"(:([0-9.]+))"), &value);
    return value;
  }

  // Runs a transfer and returns what its receiver got per second from `skip` on, for `measure`.
  double Goodput(const TransferOptions& options, absl::Duration skip, absl::Duration measure) {
    const absl::StatusOr<Transfer> transfer = lab_->RunTransfer(options);
    EXPECT_TRUE(transfer.ok()) << transfer.status();
    if (!transfer.ok()) return 0;
    absl::SleepFor(skip + measure + absl::Milliseconds(100));
    const absl::Time from = transfer->started_at + skip;
    const absl::StatusOr<double> goodput = transfer->timeline.GoodputBps(from, from + measure);
    EXPECT_TRUE(goodput.ok()) << goodput.status();
    std::printf("  %s: %.2f Mbit/s\n", options.congestion_control.c_str(), *goodput / 1e6);
    EXPECT_EQ(lab_->EndTransfer(*transfer), absl::OkStatus());
    return *goodput;
  }
};

TEST_F(LabKernelTest, HostsAreReachableOnlyThroughThePath) {
  Start({.loss_ratio = 0});
  EXPECT_EQ(Output(HostRole::kClient, "echo $ADDR $PORT $FAMILY"), "203.0.113.20 5201 ipv4\n");
  EXPECT_EQ(Output(HostRole::kServer, "echo $ADDR $PORT $FAMILY"), "203.0.113.20 5201 ipv4\n");
  for (const LabHost* host : {&lab_->client(), &lab_->server()}) {
    EXPECT_EQ(fs::read_symlink(absl::StrCat("/proc/", host->pid, "/ns/net")),
              NetnsLink(host->netns_inode));
    EXPECT_NE(host->netns_cookie, 0);
    EXPECT_FALSE(before_.network_namespaces.contains(NetnsLink(host->netns_inode)));
  }
  EXPECT_NE(lab_->client().netns_cookie, lab_->server().netns_cookie);
  EXPECT_EQ(Output(HostRole::kServer, "ip -o -4 addr | awk '{print $2, $4}'"),
            "lo 127.0.0.1/8\npath0 203.0.113.20/24\n");
  EXPECT_EQ(Output(HostRole::kServer, "ip route"),
            "default dev path0 scope link \n203.0.113.0/24 dev path0 proto kernel scope link src "
            "203.0.113.20 \n");
  // 4 × 100 Mbit/s × 148 ms.
  EXPECT_EQ(Output(HostRole::kClient, "cat /proc/sys/net/ipv4/tcp_wmem"), "4096\t65536\t7400000\n");
  // Nothing but the lab's own processes is in its PID namespace.
  EXPECT_THAT(Output(HostRole::kClient, "ls -d /proc/[0-9]* | wc -l"),
              ::testing::MatchesRegex("[4-9]\n"));
}

TEST_F(LabKernelTest, RoundTripTimeIsThePathsWithinTwoPercent) {
  Start({.rtt = absl::Milliseconds(148), .loss_ratio = 0});
  const absl::StatusOr<Transfer> transfer =
      lab_->RunTransfer({.duration = absl::Seconds(30), .app_rate_bps = 200'000});
  ASSERT_TRUE(transfer.ok()) << transfer.status();
  absl::SleepFor(absl::Seconds(1));
  const double rtt_ms = TcpInfo("rtt");
  const double min_rtt_ms = TcpInfo("minrtt");
  std::printf("  rtt %.3f ms, min rtt %.3f ms\n", rtt_ms, min_rtt_ms);
  EXPECT_NEAR(rtt_ms, 148, 2.96);
  EXPECT_NEAR(min_rtt_ms, 148, 2.96);
}

TEST_F(LabKernelTest, CubicFillsACleanPath) {
  Start({.loss_ratio = 0});
  EXPECT_GE(Goodput({}, absl::Seconds(6), absl::Seconds(3)), 85e6);
}

TEST_F(LabKernelTest, LossPinsCubicAndNotBbr) {
  Start({});
  const double cubic_bps =
      Goodput({.congestion_control = "cubic"}, absl::Seconds(2), absl::Seconds(10));
  EXPECT_GE(cubic_bps, 0.4e6);
  EXPECT_LE(cubic_bps, 2.0e6);
  EXPECT_GE(Goodput({.congestion_control = "bbr"}, absl::Seconds(5), absl::Seconds(4)), 50e6);
}

TEST_F(LabKernelTest, Ipv6WorksTheSame) {
  Start({.rtt = absl::Milliseconds(20), .loss_ratio = 0, .rate_bps = 20'000'000}, /*ipv6=*/true);
  EXPECT_EQ(Output(HostRole::kClient, "echo $ADDR $FAMILY"), "2001:db8:2::20 ipv6\n");
  EXPECT_GE(Goodput({}, absl::Seconds(1), absl::Seconds(1)), 17e6);
}

TEST_F(LabKernelTest, NothingOutlivesAKilledHolder) {
  int tell[2];
  ASSERT_EQ(pipe(tell), 0);
  const pid_t holder = fork();
  if (holder == 0) {
    const absl::StatusOr<std::unique_ptr<Lab>> lab =
        Lab::Start({.lab_binary = TCPMEDIC_BIN_DIR "/tcpmedic-lab"});
    // A child that was forked without exec keeps the control socket open; its end of file must not
    // be the only sign.
    if (fork() == 0) {
      sleep(5);
      _exit(0);
    }
    uint64_t inodes[2] = {};
    if (lab.ok() && (*lab)->RunTransfer({}).ok() &&
        (*lab)->RunCommand(HostRole::kServer, "sleep 600 & sleep 600", 1, "/dev/null").ok()) {
      inodes[0] = (*lab)->client().netns_inode;
      inodes[1] = (*lab)->server().netns_inode;
    }
    (void)!write(tell[1], inodes, sizeof(inodes));
    pause();
    _exit(0);
  }
  uint64_t inodes[2] = {};
  ASSERT_EQ(read(tell[0], inodes, sizeof(inodes)), static_cast<ssize_t>(sizeof(inodes)));
  ASSERT_NE(inodes[0], 0);
  const std::set<std::string> namespaces = {NetnsLink(inodes[0]), NetnsLink(inodes[1])};
  EXPECT_THAT(namespaces, IsSubsetOf(Look().network_namespaces));

  kill(holder, SIGKILL);
  waitpid(holder, nullptr, 0);
  const absl::Time killed_at = absl::Now();
  while (absl::Now() < killed_at + absl::Seconds(2)) {
    const Machine now = Look();
    if (std::includes(before_.lab_pids.begin(), before_.lab_pids.end(), now.lab_pids.begin(),
                      now.lab_pids.end())) {
      break;
    }
    absl::SleepFor(absl::Milliseconds(10));
  }
  std::printf("  gone after %.0f ms\n", absl::ToDoubleMilliseconds(absl::Now() - killed_at));
  ExpectNothingNew(before_, namespaces);
}

TEST_F(LabKernelTest, LabOutlivesTheThreadThatStartedIt) {
  std::thread([this] { Start({.loss_ratio = 0}); }).join();
  EXPECT_EQ(Output(HostRole::kClient, "echo still here"), "still here\n");
}

TEST_F(LabKernelTest, ProgramsAreStartedSignalledAndReaped) {
  Start({.loss_ratio = 0});
  const absl::StatusOr<pid_t> pid =
      lab_->RunCommand(HostRole::kServer, "sleep 600; true", 1, "/dev/null");
  ASSERT_TRUE(pid.ok()) << pid.status();
  EXPECT_EQ(fs::read_symlink(absl::StrCat("/proc/", *pid, "/ns/net")),
            NetnsLink(lab_->server().netns_inode));
  EXPECT_EQ(lab_->Exited(*pid).value(), std::nullopt);
  EXPECT_EQ(lab_->WaitForExit(*pid, absl::Milliseconds(20)).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(lab_->Signal(*pid, SIGTERM), absl::OkStatus());
  EXPECT_EQ(lab_->WaitForExit(*pid, absl::Seconds(5)).value(), (ExitStatus{.signal = SIGTERM}));
  EXPECT_EQ(lab_->Signal(*pid, SIGTERM).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(lab_->Exited(1).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(lab_->WaitUntilListening(HostRole::kServer, 80, absl::Milliseconds(20)).code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_F(LabKernelTest, WhatLimitsATransferIsWhatTheKernelSaysLimitsIt) {
  Start({.rtt = absl::Milliseconds(40), .loss_ratio = 0, .rate_bps = 50'000'000});
  struct Limits {
    bool app, receive_window, send_buffer;
  };
  struct Case {
    const char* name;
    TransferOptions options;
    Limits expected;
  };
  const Case cases[] = {
      {"bulk", {}, {false, false, false}},
      {"slow writer", {.app_rate_bps = 400'000}, {true, false, false}},
      {"slow reader", {.read_rate_bps = 400'000}, {false, true, false}},
      {"small receive buffer", {.receive_buffer_bytes = 16'384}, {false, true, false}},
      {"small send buffer", {.send_buffer_bytes = 16'384}, {false, false, true}},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.name);
    const absl::StatusOr<Transfer> transfer = lab_->RunTransfer(each.options);
    ASSERT_TRUE(transfer.ok()) << transfer.status();
    absl::SleepFor(absl::Milliseconds(1500));
    const std::string text = Output(HostRole::kClient, "ss -Htin state established");
    const auto at_least_tenth = [&](const char* name) {
      return RE2::PartialMatch(text, absl::StrCat(name, R"(:\d+ms\(\d\d)"));
    };
    EXPECT_EQ(at_least_tenth("rwnd_limited"), each.expected.receive_window) << text;
    EXPECT_EQ(at_least_tenth("sndbuf_limited"), each.expected.send_buffer) << text;
    // To the kernel's rate samples, a full small send buffer looks like a program that has no more
    // to send.
    if (!each.expected.send_buffer) {
      EXPECT_EQ(absl::StrContains(text, "app_limited"), each.expected.app) << text;
    }
    EXPECT_EQ(lab_->EndTransfer(*transfer), absl::OkStatus());
  }
}

TEST_F(LabKernelTest, ShortTransfersComeOneAfterAnother) {
  Start({.rtt = absl::Milliseconds(40), .loss_ratio = 0, .rate_bps = 50'000'000});
  const absl::StatusOr<Transfer> transfer =
      lab_->RunTransfer({.flows = 4, .connection_bytes = 20'000});
  ASSERT_TRUE(transfer.ok()) << transfer.status();
  absl::SleepFor(absl::Seconds(1));
  // Each takes at least a handshake, two flights and a close: 160 ms of four flows' second.
  EXPECT_GT(transfer->timeline.connections(), 12);
  EXPECT_LE(transfer->timeline.connections(), 4 * 8);
}

TEST_F(LabKernelTest, ReorderingIsSeenByTheSenderAsSpuriousRetransmits) {
  Start({.rtt = absl::Milliseconds(60),
         .loss_ratio = 0,
         .reorder_ratio = 0.01,
         .rate_bps = 50'000'000});
  const absl::StatusOr<Transfer> transfer = lab_->RunTransfer({});
  ASSERT_TRUE(transfer.ok()) << transfer.status();
  absl::SleepFor(absl::Seconds(3));
  EXPECT_GT(TcpInfo("dsack_dups"), 0);
  EXPECT_GT(lab_->Stats().to_server.reordered, 0);
  EXPECT_EQ(lab_->Stats().to_server.lost, 0);
}

TEST_F(LabKernelTest, ADeepQueueInflatesTheRoundTripTime) {
  Start({.rtt = absl::Milliseconds(40),
         .loss_ratio = 0,
         .rate_bps = 5'000'000,
         .queue_bytes = 200'000});
  const absl::StatusOr<Transfer> transfer = lab_->RunTransfer({});
  ASSERT_TRUE(transfer.ok()) << transfer.status();
  absl::SleepFor(absl::Seconds(3));
  EXPECT_GT(TcpInfo("rtt"), 3 * TcpInfo("minrtt"));
  EXPECT_LE(lab_->Stats().to_server.max_queue_bytes, 200'000);
}

TEST_F(LabKernelTest, TheUsersOwnProgramsTalkThroughThePath) {
  Start({.rtt = absl::Milliseconds(20), .loss_ratio = 0, .rate_bps = 20'000'000});
  const std::string server_output = directory_ + "/server";
  const absl::StatusOr<pid_t> server =
      lab_->RunCommand(HostRole::kServer, "iperf3 -s -1 -p $PORT", 5301, server_output);
  ASSERT_TRUE(server.ok()) << server.status();
  ASSERT_EQ(lab_->WaitUntilListening(HostRole::kServer, 5301, absl::Seconds(5), *server),
            absl::OkStatus());
  const absl::StatusOr<pid_t> client = lab_->RunCommand(
      HostRole::kClient, "iperf3 -c $ADDR -p $PORT -C cubic -t 1", 5301, directory_ + "/client");
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(fs::read_symlink(absl::StrCat("/proc/", *client, "/ns/net")),
            NetnsLink(lab_->client().netns_inode));
  EXPECT_EQ(lab_->WaitForExit(*client, absl::Seconds(10)).value(), ExitStatus{});
  EXPECT_EQ(lab_->WaitForExit(*server, absl::Seconds(10)).value(), ExitStatus{});
  EXPECT_GT(lab_->Stats().to_server.bytes_out, 1'000'000);
  EXPECT_THAT(ReadFile(server_output), ::testing::HasSubstr("receiver"));
}

TEST_F(LabKernelTest, AServerThatEndsBeforeItListensIsNotWaitedFor) {
  Start({.loss_ratio = 0});
  const absl::StatusOr<pid_t> pid = lab_->RunCommand(HostRole::kServer, "exit 3", 80, "/dev/null");
  ASSERT_TRUE(pid.ok()) << pid.status();
  EXPECT_EQ(lab_->WaitUntilListening(HostRole::kServer, 80, absl::Seconds(10), *pid).code(),
            absl::StatusCode::kAborted);
  EXPECT_EQ(lab_->Exited(*pid).value(), (ExitStatus{.code = 3}));
}

TEST_F(LabKernelTest, WhatTheDeviceItselfDropsIsCountedAgainstTheLab) {
  Start({.rtt = absl::ZeroDuration(), .loss_ratio = 0, .rate_bps = 0});
  EXPECT_EQ(Output(HostRole::kClient, "kill -STOP $(pgrep -f '[t]cpmedic-lab emulate')"), "");
  Output(HostRole::kClient,
         "exec bash -c 'exec 3>/dev/udp/203.0.113.20/9; for ((i = 0; i < 10200; i++)); do echo x "
         ">&3; done'");
  EXPECT_EQ(Output(HostRole::kClient, "kill -CONT $(pgrep -f '[t]cpmedic-lab emulate')"), "");
  absl::SleepFor(absl::Milliseconds(300));
  const PathStats stats = lab_->Stats();
  EXPECT_GE(stats.to_server.device_drops, 100);
  EXPECT_EQ(stats.to_server.device_drops + stats.to_server.packets_in, 10'200);
  EXPECT_FALSE(stats.clean());
  EXPECT_THAT(lab_->Stop(), IsEmpty());
  lab_ = nullptr;
}

TEST_F(LabKernelTest, ALabWithoutItsEmulatorIsNotHealthy) {
  Start({.loss_ratio = 0});
  EXPECT_EQ(lab_->Health(), absl::OkStatus());
  const absl::StatusOr<pid_t> pid = lab_->RunCommand(
      HostRole::kClient, "pkill -KILL -f '[t]cpmedic-lab emulate'", 1, "/dev/null");
  ASSERT_TRUE(pid.ok()) << pid.status();
  const absl::Time end = absl::Now() + absl::Seconds(5);
  while (lab_->Health().ok() && absl::Now() < end) absl::SleepFor(absl::Milliseconds(5));
  EXPECT_EQ(lab_->Health(),
            absl::UnavailableError("the path emulator was killed by signal 9; the lab is void"));
  EXPECT_THAT(lab_->Stop(), IsEmpty());
  lab_ = nullptr;
}

TEST_F(LabKernelTest, WithoutRootItSaysWhatToDo) {
  const pid_t child = fork();
  if (child == 0) {
    if (setgid(65534) != 0 || setuid(65534) != 0) _exit(99);
    const absl::Status status =
        Lab::Start({.lab_binary = TCPMEDIC_BIN_DIR "/tcpmedic-lab"}).status();
    const bool good =
        absl::IsPermissionDenied(status) && absl::StrContains(status.message(), "run as root");
    if (!good) std::fprintf(stderr, "%s\n", status.ToString().c_str());
    _exit(good ? 0 : 1);
  }
  int state = 0;
  waitpid(child, &state, 0);
  EXPECT_TRUE(WIFEXITED(state));
  EXPECT_EQ(WEXITSTATUS(state), 0);
}

TEST_F(LabKernelTest, WhatCannotBeStartedIsRefusedByName) {
  EXPECT_EQ(Lab::Start({.lab_binary = "/nonexistent/tcpmedic-lab"}).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(Lab::Start({.path = {.loss_ratio = 2}}).status().message(),
            "loss 2 is not from 0 to 1");
}

}  // namespace
}  // namespace tcpmedic::lab
