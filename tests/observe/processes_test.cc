#include "observe/processes.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

const char kProc[] = TCPMEDIC_SOURCE_DIR "/tests/data/proc";

std::string Shown(const absl::StatusOr<v1::Process>& process) {
  if (!process.ok()) return process.status().ToString();
  std::string text;
  google::protobuf::TextFormat::PrintToString(*process, &text);
  return text;
}

TEST(Processes, ReadsAServiceOfSystemd) {
  EXPECT_EQ(Shown(Processes(kProc).Read(812)), R"(pid: 812
started_at {
  seconds: 1790001234
  nanos: 560000000
}
comm: "nginx"
exe: "/usr/sbin/nginx"
cmdline: "nginx: master process"
cmdline: "-g"
cmdline: "daemon on;"
cmdline: ""
cmdline: "last"
uid: 0
rss_bytes: 9420800
fd_count: 5
fd_limit: 1024
cgroup: "/system.slice/nginx.service"
systemd_unit: "nginx.service"
)");
}

TEST(Processes, HostileTextIsReadWholeAndMadePrintable) {
  EXPECT_EQ(Shown(Processes(kProc).Read(4242)),
            R"(pid: 4242
started_at {
  seconds: 1790002000
  nanos: 500000000
}
comm: "a) S (b??[2J"
cmdline: "./evil?]0;owned?"
cmdline: "--name=??"
uid: 1000
rss_bytes: 12288
fd_count: 2
cgroup: "/docker/4f1b0c5c7d2e3f405162738495a6b7c8d9eaf0b1c2d3e4f5061728394a5b6c7d"
container_id: "4f1b0c5c7d2e3f405162738495a6b7c8d9eaf0b1c2d3e4f5061728394a5b6c7d"
)");
}

TEST(Processes, WhatAKernelThreadLacksStaysUnset) {
  EXPECT_EQ(Shown(Processes(kProc).Read(99)), R"(pid: 99
started_at {
  seconds: 1790000000
  nanos: 330000000
}
comm: "kworker/0:1-eve"
uid: 0
)");
}

TEST(Processes, AProcessThatIsGoneIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(Processes(kProc).Read(7).status()));
  EXPECT_TRUE(absl::IsNotFound(Processes(kProc).StartTicks(7).status()));
}

TEST(Processes, StartTicksSurviveParenthesesInTheName) {
  EXPECT_EQ(Processes(kProc).StartTicks(812).value(), 123456u);
  EXPECT_EQ(Processes(kProc).StartTicks(4242).value(), 200050u);
}

std::string Shown(const HolderScan& scan) {
  std::string text = "fds=" + std::to_string(scan.fds_read) +
                     " denied=" + std::to_string(scan.processes_denied) +
                     (scan.complete ? " complete" : " cut");
  return text;
}

TEST(FindHolders, FindsEveryHolderOfASharedSocket) {
  HolderScan scan = Processes(kProc).FindHolders({31001, 31002, 5});

  const auto is = [](int pid, int fd) {
    return ::testing::AllOf(::testing::Field(&Holder::pid, pid), ::testing::Field(&Holder::fd, fd));
  };
  EXPECT_THAT(scan.holders,
              UnorderedElementsAre(
                  Pair(31001, ElementsAre(is(812, 6))),
                  Pair(31002, UnorderedElementsAre(is(812, 7), is(4242, 3), is(4242, 4)))));
  EXPECT_EQ(Shown(scan), "fds=7 denied=0 complete");
}

TEST(FindHolders, GivesUpAfterItsLimitAndSaysSo) {
  EXPECT_EQ(Shown(Processes(kProc).FindHolders({31001}, 3)), "fds=3 denied=0 cut");
  EXPECT_EQ(Shown(Processes(kProc).FindHolders({31001}, 7)), "fds=7 denied=0 complete");
}

TEST(FindHolders, WithoutProcNothingIsComplete) {
  EXPECT_EQ(Shown(Processes("/nonexistent").FindHolders({1})), "fds=0 denied=0 cut");
}

TEST(SystemdUnitOf, IsTheInnermostUnit) {
  const struct {
    const char* cgroup;
    const char* unit;
  } kCases[] = {
      {"/system.slice/nginx.service", "nginx.service"},
      {"/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service"},
      {"/system.slice/app.service/worker-3", "app.service"},
      {"/user.slice/user-1000.slice/user@1000.service/app.slice/firefox.service",
       "firefox.service"},
      {"/user.slice/user-1000.slice/session-3.scope", "session-3.scope"},
      {"/init.scope", "init.scope"},
      {"/", ""},
      {"", ""},
      {"/.service", ""},
      {"/kubepods/burstable/pod1/abc", ""},
  };
  for (const auto& c : kCases) EXPECT_EQ(SystemdUnitOf(c.cgroup), c.unit) << c.cgroup;
}

TEST(ContainerIdOf, KnowsThePathsOfEachRuntime) {
  const std::string id = "4f1b0c5c7d2e3f405162738495a6b7c8d9eaf0b1c2d3e4f5061728394a5b6c7d";
  const struct {
    const char* name;
    std::string cgroup;
    std::string container;
  } kCases[] = {
      {"docker, cgroupfs", "/docker/" + id, id},
      {"docker, systemd", "/system.slice/docker-" + id + ".scope", id},
      {"containerd", "/kubepods.slice/kubepods-pod1.slice/cri-containerd-" + id + ".scope", id},
      {"containerd, colons", "/system.slice/containerd.service/k8s:cri-containerd:" + id, id},
      {"cri-o", "/kubepods.slice/crio-" + id + ".scope", id},
      {"cri-o's monitor", "/kubepods.slice/crio-conmon-" + id + ".scope", ""},
      {"podman", "/machine.slice/libpod-" + id + ".scope/container", id},
      {"kubernetes, cgroupfs", "/kubepods/burstable/pod0f/" + id, id},
      {"a service", "/system.slice/nginx.service", ""},
      {"63 digits", "/docker/" + id.substr(1), ""},
      {"not hexadecimal", "/docker/" + std::string(64, 'g'), ""},
      {"empty", "", ""},
  };
  for (const auto& c : kCases) EXPECT_EQ(ContainerIdOf(c.cgroup), c.container) << c.name;
}

}  // namespace
}  // namespace tcpmedic
