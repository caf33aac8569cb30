#include "observe/cgroup_memory.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

namespace fs = std::filesystem;

class CgroupMemoryTest : public ::testing::Test {
 protected:
  CgroupMemoryTest() {
    char dir[] = "/tmp/tcpmedic-cgroup-XXXXXX";
    root_ = mkdtemp(dir);
  }
  ~CgroupMemoryTest() override { fs::remove_all(root_); }

  void Write(const std::string& file, const std::string& text) {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text << "\n";
  }
  // "USED of LIMIT"; "no limit".
  std::string Read(const std::string& proc_cgroup) {
    const auto memory = ReadCgroupMemory(root_.string(), proc_cgroup);
    if (!memory.has_value()) return "no limit";
    return absl::StrCat(memory->used_bytes, " of ", memory->limit_bytes);
  }

  fs::path root_;
};

TEST_F(CgroupMemoryTest, LimitWithTheLeastLeftOnTheWayToTheRootCounts) {
  Write("a.slice/memory.max", "1000");
  Write("a.slice/memory.current", "900");
  Write("a.slice/b.service/memory.max", "500");
  Write("a.slice/b.service/memory.current", "300");
  EXPECT_EQ(Read("0::/a.slice/b.service\n"), "900 of 1000");
  Write("a.slice/memory.max", "max");
  EXPECT_EQ(Read("0::/a.slice/b.service\n"), "300 of 500");
}

TEST_F(CgroupMemoryTest, NoLimitIsNone) {
  Write("a.service/memory.max", "max");
  Write("a.service/memory.current", "300");
  EXPECT_EQ(Read("0::/a.service\n"), "no limit");
  EXPECT_EQ(Read("0::/gone.service\n"), "no limit");
  EXPECT_EQ(Read(""), "no limit");
  EXPECT_EQ(Read("0::/../other\n"), "no limit");
}

TEST_F(CgroupMemoryTest, MemoryControllerOfVersionOneIsReadWhereItIs) {
  Write("memory/docker/abc/memory.limit_in_bytes", "4096");
  Write("memory/docker/abc/memory.usage_in_bytes", "1024");
  Write("memory/memory.limit_in_bytes", "9223372036854771712");
  Write("memory/memory.usage_in_bytes", "99999");
  EXPECT_EQ(Read("9:name=systemd:/\n4:cpu,memory:/docker/abc\n0::/\n"), "1024 of 4096");
}

}  // namespace
}  // namespace tcpmedic
