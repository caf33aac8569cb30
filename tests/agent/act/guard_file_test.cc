#include "agent/act/guard_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kGood[] = R"(apiVersion: tcpmedic/v1
kind: Guard
actions: [set_congestion_control]
algorithms: [bbr, cubic]
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

v1::Action Set(const std::string& algorithm) {
  v1::Action action;
  action.mutable_set_congestion_control()->set_algorithm(algorithm);
  return action;
}

v1::Process Program(const std::string& comm, const std::string& exe) {
  v1::Process process;
  process.set_pid(812);
  process.set_comm(comm);
  process.set_exe(exe);
  return process;
}

constexpr NetnsIdentity kHost = {.cookie = 1, .inode = 4026531840, .is_the_hosts = true};

TEST(Guard, SaysWhatItAllows) {
  const Guard guard = Parsed(kGood);
  EXPECT_THAT(guard.actions, ElementsAre("set_congestion_control"));
  EXPECT_THAT(guard.algorithms, ElementsAre("bbr", "cubic"));
  EXPECT_THAT(guard.namespaces, ElementsAre("host", "cookie:4097"));
  EXPECT_THAT(guard.processes, ElementsAre("nginx*", "/usr/local/bin/*"));
}

TEST(Guard, EveryMistakeIsNamedAndNothingIsAllowed) {
  EXPECT_EQ(Mistakes("apiVersion: tcpmedic/v2\n"
                     "actions: [set_congestion_control, reboot]\n"
                     "algoritms: [bbr]\n"
                     "namespaces: [hosts, 'inode:', cookie:0]\n"
                     "processes: nginx\n"
                     "processes: [bin/nginx]\n"),
            "1:13 'apiVersion' must be tcpmedic/v1\n"
            "2:35 'actions' wants set_congestion_control or set_sysctl\n"
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

TEST(Guard, AnAbsentOrEmptyListAllowsNothing) {
  const Guard nothing = Parsed("apiVersion: tcpmedic/v1\nkind: Guard\nprocesses: []\n");
  EXPECT_EQ(
      AllowsAction(nothing, Set("bbr")).ToString(),
      "PERMISSION_DENIED: the guard file does not allow set_congestion_control; it allows nothing");
  Guard some = Parsed(kGood);
  some.processes.clear();
  EXPECT_FALSE(AllowsSocket(some, kHost, {Program("nginx", "")}).ok());
  some = Parsed(kGood);
  some.namespaces.clear();
  EXPECT_FALSE(AllowsSocket(some, kHost, {Program("nginx", "")}).ok());
}

TEST(Guard, OnlyListedAlgorithmsMayBeSet) {
  const Guard guard = Parsed(kGood);
  EXPECT_TRUE(AllowsAction(guard, Set("bbr")).ok());
  EXPECT_EQ(
      AllowsAction(guard, Set("reno")).ToString(),
      "PERMISSION_DENIED: the guard file does not allow algorithm reno; it allows bbr, cubic");
  EXPECT_FALSE(AllowsAction(guard, v1::Action()).ok());
}

TEST(Guard, NamespacesAreTheHostsOrNumbered) {
  const auto allows = [](const std::string& item, const NetnsIdentity& netns) {
    Guard guard = Parsed(kGood);
    guard.namespaces = {item};
    return AllowsSocket(guard, netns, {Program("nginx", "")}).ok();
  };
  const NetnsIdentity unknown = {.cookie = 7, .inode = 0, .is_the_hosts = std::nullopt};
  const NetnsIdentity containers = {.cookie = 4097, .inode = 4026532300, .is_the_hosts = false};
  EXPECT_TRUE(allows("host", kHost));
  EXPECT_FALSE(allows("host", containers));
  EXPECT_FALSE(allows("host", unknown));
  EXPECT_TRUE(allows("cookie:4097", containers));
  EXPECT_FALSE(allows("cookie:4097", kHost));
  EXPECT_TRUE(allows("inode:4026532300", containers));
  EXPECT_FALSE(allows("inode:4026532300", unknown));
  EXPECT_TRUE(allows("any", unknown));
}

TEST(Guard, EveryHolderOfTheSocketMustBeAllowed) {
  const Guard guard = Parsed(kGood);
  const v1::Process nginx = Program("nginx: worker", "/usr/sbin/nginx");
  const v1::Process ours = Program("whatever", "/usr/local/bin/server");
  const v1::Process below = Program("whatever", "/usr/local/bin/dir/server");
  const v1::Process other = Program("ssh", "/usr/bin/ssh");
  EXPECT_TRUE(AllowsSocket(guard, kHost, {nginx}).ok());
  EXPECT_TRUE(AllowsSocket(guard, kHost, {nginx, ours}).ok());
  EXPECT_FALSE(AllowsSocket(guard, kHost, {below}).ok());
  EXPECT_FALSE(AllowsSocket(guard, kHost, {}).ok());
  EXPECT_EQ(AllowsSocket(guard, kHost, {nginx, other}).ToString(),
            "PERMISSION_DENIED: the guard file does not allow process ssh (pid 812); it allows "
            "nginx*, /usr/local/bin/*");
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
