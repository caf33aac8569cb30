#include "agent/act/guard_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;

constexpr char kGood[] = R"(apiVersion: tcpmedic/v1
kind: Guard
mode: enforce
actions: [set_congestion_control, set_sysctl]
algorithms: [bbr, cubic]
sysctls:
  net.ipv4.tcp_syncookies: {min: 1, max: 1}
  net.core.somaxconn: {max: 4096}
  net.ipv4.tcp_synack_retries: {}
  net.ipv4.tcp_max_syn_backlog:
namespaces: [host, cookie:4097]
processes: [nginx*, /usr/local/bin/*]
)";

Guard Parsed(const std::string& yaml) {
  Guard guard;
  std::vector<Issue> issues;
  EXPECT_TRUE(ParseGuard(yaml, "guard.yaml", &guard, &issues)) << Format(issues);
  return guard;
}

std::string Mistakes(const std::string& yaml) {
  Guard guard;
  std::vector<Issue> issues;
  EXPECT_FALSE(ParseGuard(yaml, "guard.yaml", &guard, &issues));
  EXPECT_THAT(guard.actions, IsEmpty());
  std::string text;
  for (const Issue& issue : issues) {
    absl::StrAppend(&text, issue.position.line, ":", issue.position.column, " ", issue.message,
                    issue.hint.empty() ? "" : "; ", issue.hint, "\n");
  }
  return text;
}

TEST(ParseGuard, SaysWhatItAllows) {
  const Guard guard = Parsed(kGood);
  EXPECT_FALSE(guard.observe_only);
  EXPECT_THAT(guard.actions, ElementsAre("set_congestion_control", "set_sysctl"));
  EXPECT_THAT(guard.algorithms, ElementsAre("bbr", "cubic"));
  EXPECT_THAT(guard.namespaces, ElementsAre("host", "cookie:4097"));
  EXPECT_THAT(guard.processes, ElementsAre("nginx*", "/usr/local/bin/*"));
  std::string sysctls;
  for (const auto& [name, bounds] : guard.sysctls) {
    absl::StrAppend(&sysctls, name, " ", bounds.min, "-", bounds.max, "\n");
  }
  EXPECT_EQ(sysctls,
            "net.core.somaxconn 128-4096\n"
            "net.ipv4.tcp_max_syn_backlog 128-65536\n"
            "net.ipv4.tcp_synack_retries 2-5\n"
            "net.ipv4.tcp_syncookies 1-1\n");
}

// As it was before there were settings: it goes on to mean what it meant.
TEST(ParseGuard, AFileWithoutModeAndSysctlsStaysValid) {
  const Guard guard = Parsed(
      "apiVersion: tcpmedic/v1\nkind: Guard\nactions: [set_congestion_control]\n"
      "algorithms: [bbr]\nnamespaces: [any]\nprocesses: [any]\n");
  EXPECT_FALSE(guard.observe_only);
  EXPECT_THAT(guard.sysctls, IsEmpty());
}

TEST(ParseGuard, ModeObserveIsKept) {
  EXPECT_TRUE(Parsed("apiVersion: tcpmedic/v1\nkind: Guard\nmode: observe\n").observe_only);
}

TEST(ParseGuard, SettingsThatNoOrderMayMakeAndBoundsBeyondAreMistakes) {
  const std::string head = "apiVersion: tcpmedic/v1\nkind: Guard\n";
  EXPECT_EQ(Mistakes(head + "mode: on\n"
                            "sysctls:\n"
                            "  net.ipv4.tcp_syncookie: {}\n"
                            "  kernel.panic: {}\n"
                            "  net.ipv4.tcp_syncookies: {min: 0, max: many}\n"
                            "  net.core.somaxconn: {min: 4096, max: 1024}\n"
                            "  net.ipv4.tcp_synack_retries: 3\n"
                            "  net.ipv4.tcp_max_syn_backlog: {mim: 256, max: 99999, max: 512}\n"
                            "  net.core.somaxconn: {}\n"),
            "3:7 'mode' wants enforce or observe\n"
            "5:3 unknown sysctl 'net.ipv4.tcp_syncookie'; did you mean 'net.ipv4.tcp_syncookies'?\n"
            "6:3 unknown sysctl 'kernel.panic'\n"
            "7:34 'min' of net.ipv4.tcp_syncookies wants an integer from 1 to 2, as no order may "
            "set it beyond\n"
            "7:42 'max' of net.ipv4.tcp_syncookies wants an integer from 1 to 2, as no order may "
            "set it beyond\n"
            "8:23 'min' of net.core.somaxconn is above its 'max'\n"
            "9:32 'net.ipv4.tcp_synack_retries' wants {min: N, max: N}, or {} for 2 to 5\n"
            "10:34 unknown bound 'mim'; did you mean 'min'?\n"
            "10:49 'max' of net.ipv4.tcp_max_syn_backlog wants an integer from 128 to 65536, as no "
            "order may set it beyond\n"
            "10:56 'max' is set twice\n"
            "11:3 'net.core.somaxconn' is set twice\n");
  EXPECT_EQ(Mistakes(head + "sysctls: [net.ipv4.tcp_syncookies]\n"),
            "3:10 'sysctls' wants names and bounds, such as "
            "{net.ipv4.tcp_syncookies: {min: 1, max: 1}}; {} allows nothing\n");
}

TEST(ParseGuard, TheExampleThatIsInstalledIsOne) {
  std::ifstream in(TCPMEDIC_SOURCE_DIR "/deploy/etc/guard.yaml");
  std::ostringstream text;
  text << in.rdbuf();
  EXPECT_THAT(Parsed(text.str()).sysctls, ElementsAre(Key("net.ipv4.tcp_syncookies")));
}

TEST(ParseGuard, EveryMistakeIsNamedAndNothingIsAllowed) {
  EXPECT_EQ(Mistakes("apiVersion: tcpmedic/v2\n"
                     "actions: [set_congestion_control, reboot]\n"
                     "algoritms: [bbr]\n"
                     "namespaces: [hosts, 'inode:', cookie:0]\n"
                     "processes: nginx\n"
                     "processes: [bin/nginx]\n"),
            "1:13 'apiVersion' must be tcpmedic/v1\n"
            "2:35 'actions' wants set_congestion_control, set_sysctl or sample_call_sites\n"
            "3:1 unknown key 'algoritms'; did you mean 'algorithms'?\n"
            "4:14 'namespaces' wants host, cookie:N, inode:N or any\n"
            "4:21 'namespaces' wants host, cookie:N, inode:N or any\n"
            "4:31 'namespaces' wants host, cookie:N, inode:N or any\n"
            "5:12 'processes' wants a list, such as [a, b]; [] allows nothing\n"
            "6:1 'processes' is set twice\n"
            "1:1 'kind' is missing\n");
  EXPECT_THAT(Mistakes("actions: [\n"), HasSubstr("not valid YAML"));
  EXPECT_THAT(Mistakes(""), HasSubstr("wants keys"));
}

class GuardFile : public ::testing::Test {
 protected:
  GuardFile() {
    std::string name = "/tmp/guard-XXXXXX";
    dir_ = mkdtemp(name.data());
    path_ = dir_ + "/guard.yaml";
    std::ofstream(path_) << kGood;
    chmod(path_.c_str(), 0644);
  }
  ~GuardFile() override { std::filesystem::remove_all(dir_); }

  std::string Problem(const std::string& path) {
    return ReadGuard(path, geteuid()).status().ToString();
  }

  std::string dir_;
  std::string path_;
};

TEST_F(GuardFile, IsReadWhereOnlyItsOwnerCanHaveWrittenIt) {
  const auto guard = ReadGuard(path_, geteuid());
  ASSERT_TRUE(guard.ok()) << guard.status();
  EXPECT_THAT(guard->algorithms, ElementsAre("bbr", "cubic"));
}

TEST_F(GuardFile, AbsentMeansObserveOnly) {
  EXPECT_EQ(Problem(dir_ + "/none"),
            "NOT_FOUND: this host only observes: the guard file " + dir_ + "/none does not exist");
}

TEST_F(GuardFile, WritableByGroupOrOthersMeansObserveOnly) {
  for (const mode_t mode : {0664, 0646, 0666}) {
    ASSERT_EQ(chmod(path_.c_str(), mode), 0);
    EXPECT_EQ(Problem(path_), "PERMISSION_DENIED: this host only observes: the guard file " +
                                  path_ + " is writable by group or others");
  }
}

TEST_F(GuardFile, SomeoneElsesMeansObserveOnly) {
  // Whoever runs the test stands for the stranger.
  if (geteuid() == 0) {
    ASSERT_EQ(chown(path_.c_str(), 65534, 65534), 0);
  }
  EXPECT_EQ(
      ReadGuard(path_, 0).status().ToString(),
      "PERMISSION_DENIED: this host only observes: the guard file " + path_ + " is not root's");
}

TEST_F(GuardFile, ASymbolicLinkMeansObserveOnly) {
  const std::string link = dir_ + "/link.yaml";
  ASSERT_EQ(symlink(path_.c_str(), link.c_str()), 0);
  EXPECT_EQ(Problem(link), "PERMISSION_DENIED: this host only observes: the guard file " + link +
                               " is a symbolic link");
}

TEST_F(GuardFile, ADirectoryThatOthersMayWriteToMeansObserveOnly) {
  for (const mode_t mode : {0770, 0707, 01777}) {
    ASSERT_EQ(chmod(dir_.c_str(), mode), 0);
    EXPECT_EQ(Problem(path_), "PERMISSION_DENIED: this host only observes: the guard file " +
                                  path_ + " is in " + dir_ +
                                  ", which is writable by group or others");
  }
}

TEST_F(GuardFile, SoDoesADirectoryAboveIt) {
  const std::string below = dir_ + "/below";
  ASSERT_EQ(mkdir(below.c_str(), 0755), 0);
  std::filesystem::copy(path_, below + "/guard.yaml");
  ASSERT_TRUE(ReadGuard(below + "/guard.yaml", geteuid()).ok());
  ASSERT_EQ(chmod(dir_.c_str(), 0777), 0);
  EXPECT_THAT(Problem(below + "/guard.yaml"), HasSubstr("is in " + dir_ + ", which is writable"));
}

TEST_F(GuardFile, AFifoDoesNotHoldUpTheAgent) {
  const std::string fifo = dir_ + "/fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_THAT(Problem(fifo), HasSubstr("is not a regular file"));
}

TEST_F(GuardFile, MistakesMeanObserveOnlyAndAreShown) {
  std::ofstream(path_) << "apiVersion: tcpmedic/v1\nkind: Gard\n";
  EXPECT_THAT(Problem(path_), HasSubstr("only observes: the guard file has mistakes\n" + path_ +
                                        ":2:7: 'kind' must be Guard"));
}

TEST_F(GuardFile, IsBounded) {
  std::ofstream(path_) << std::string(70'000, '#');
  EXPECT_THAT(Problem(path_), HasSubstr("is larger than 64 KiB"));
}

}  // namespace
}  // namespace tcpmedic
