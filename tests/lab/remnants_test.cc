#include "lab/remnants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace tcpmedic::lab {
namespace {

using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

namespace fs = std::filesystem;

class RemnantsTest : public ::testing::Test {
 protected:
  RemnantsTest() : root_(absl::StrCat(::testing::TempDir(), "remnants_test_", getpid())) {
    fs::create_directories(root_);
  }
  ~RemnantsTest() override { fs::remove_all(root_); }

  void AddProcess(int pid, const std::string& name, int netns, int pid_namespace) {
    const fs::path process = root_ / absl::StrCat(pid);
    fs::create_directories(process / "ns");
    fs::create_directories(process / "fd");
    std::ofstream(process / "comm") << name << "\n";
    fs::create_symlink(absl::StrCat("net:[", netns, "]"), process / "ns/net");
    fs::create_symlink(absl::StrCat("pid:[", pid_namespace, "]"), process / "ns/pid");
  }
  void AddDescriptor(int pid, const std::string& target) {
    fs::create_symlink(target, root_ / absl::StrCat(pid) / "fd/3");
  }

  fs::path root_;
};

TEST_F(RemnantsTest, WhoIsInsideOrHoldsADescriptorIsNamedOnce) {
  AddProcess(1, "systemd", 100, 200);
  AddProcess(40, "iperf3", 501, 601);
  AddProcess(41, "tcpmedic-lab", 100, 601);
  AddProcess(42, "tcpmedic-agent", 100, 200);
  AddDescriptor(42, "net:[502]");
  AddProcess(43, "sshd", 100, 200);
  AddDescriptor(43, "socket:[501]");     // another kind of inode
  fs::create_directories(root_ / "44");  // it ended while we looked
  fs::create_directories(root_ / "sys");
  EXPECT_THAT(FindRemnants({501, 502, 601}, root_),
              UnorderedElementsAre(
                  "pid 40 (iperf3) is in the lab's network namespace 501",
                  "pid 41 (tcpmedic-lab) is in the lab's PID namespace 601",
                  "pid 42 (tcpmedic-agent) holds a descriptor of the lab's namespace 502"));
}

TEST_F(RemnantsTest, WithoutNamespacesThereIsNothingToFind) {
  AddProcess(1, "systemd", 100, 200);
  EXPECT_THAT(FindRemnants({}, root_), IsEmpty());
  EXPECT_THAT(FindRemnants({501}, root_), IsEmpty());
}

}  // namespace
}  // namespace tcpmedic::lab
