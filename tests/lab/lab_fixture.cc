#include "tests/lab/lab_fixture.h"

#include <gmock/gmock.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace tcpmedic::lab {

using ::testing::IsEmpty;
using ::testing::IsSubsetOf;

namespace fs = std::filesystem;

namespace {

// In the environment of all that a test starts, so that labs that others run do not count.
constexpr char kMark[] = "TCPMEDIC_LAB_TEST";

std::string Mark() { return absl::StrCat(getpid()); }

}  // namespace

Machine Look() {
  Machine seen;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
    int pid = 0;
    if (!absl::SimpleAtoi(entry.path().filename().string(), &pid)) continue;
    std::error_code gone;
    const fs::path netns = fs::read_symlink(entry.path() / "ns/net", gone);
    if (gone) continue;  // it has ended: at most its parent has not noticed
    seen.network_namespaces.insert(netns);
    std::ifstream file(entry.path() / "comm");
    std::string name;
    std::getline(file, name);
    if (name != "tcpmedic-lab") continue;
    const std::vector<std::string> environment =
        absl::StrSplit(ReadFile(entry.path() / "environ"), '\0');
    if (std::count(environment.begin(), environment.end(), absl::StrCat(kMark, "=", Mark())) > 0) {
      seen.lab_pids.insert(pid);
    }
  }
  struct if_nameindex* const links = if_nameindex();
  for (auto* link = links; link->if_index != 0; ++link) seen.links.insert(link->if_name);
  if_freenameindex(links);
  return seen;
}

// Other programs on the machine may come and go; what counts is that none of what was new is left.
void ExpectNothingNew(const Machine& before, const std::set<std::string>& lab_namespaces) {
  const Machine after = Look();
  EXPECT_THAT(after.lab_pids, IsSubsetOf(before.lab_pids));
  EXPECT_THAT(after.links, IsSubsetOf(before.links));
  for (const std::string& netns : lab_namespaces) {
    EXPECT_FALSE(after.network_namespaces.contains(netns)) << netns;
  }
}

std::string NetnsLink(uint64_t inode) { return absl::StrCat("net:[", inode, "]"); }

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void LabFixture::SetUp() {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  directory_ = ::testing::TempDir() + "lab_kernel_test_" + absl::StrCat(getpid());
  fs::create_directories(directory_);
  setenv(kMark, Mark().c_str(), 1);
  before_ = Look();
}

void LabFixture::TearDown() {
  if (lab_ != nullptr) {
    const PathStats stats = lab_->Stats();
    EXPECT_TRUE(stats.clean());
    EXPECT_EQ(lab_->Health(), absl::OkStatus());
    for (const DirectionStats* direction : {&stats.to_server, &stats.to_client}) {
      std::printf(
          "  path: %ld in, %ld out, lost %ld, queue full %ld, reordered %ld, queue max %ld KB; "
          "late mean "
          "%.0f us, max %.0f us, over 1 ms %ld\n",
          direction->packets_in, direction->packets_out, direction->lost, direction->queue_full,
          direction->reordered, direction->max_queue_bytes / 1000,
          absl::ToDoubleMicroseconds(direction->mean_lateness),
          absl::ToDoubleMicroseconds(direction->max_lateness), direction->late_packets);
    }
    std::printf("  emulator CPU %.2f s\n", absl::ToDoubleSeconds(stats.emulator_cpu));
    const std::set<std::string> namespaces = {NetnsLink(lab_->client().netns_inode),
                                              NetnsLink(lab_->server().netns_inode)};
    EXPECT_THAT(lab_->Stop(), IsEmpty());
    ExpectNothingNew(before_, namespaces);
  }
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

void LabFixture::Start(LabOptions options) {
  options.lab_binary = TCPMEDIC_BIN_DIR "/tcpmedic-lab";
  absl::StatusOr<std::unique_ptr<Lab>> lab = Lab::Start(options);
  ASSERT_TRUE(lab.ok()) << lab.status();
  lab_ = *std::move(lab);
}

std::string LabFixture::Output(HostRole host, const std::string& command) {
  const std::string file = absl::StrCat(directory_, "/output", ++outputs_);
  const absl::StatusOr<pid_t> pid = lab_->RunCommand(host, command, 5201, file);
  EXPECT_TRUE(pid.ok()) << pid.status();
  const absl::StatusOr<ExitStatus> exit = lab_->WaitForExit(*pid, absl::Seconds(20));
  EXPECT_TRUE(exit.ok()) << exit.status();
  return ReadFile(file);
}

}  // namespace tcpmedic::lab
