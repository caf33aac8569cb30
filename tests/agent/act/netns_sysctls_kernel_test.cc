// Another namespace's settings on the running kernel: found by cookie, changed there and nowhere
// else. What happened is read from outside, by nsenter(1).
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "agent/act/host_control.h"
#include "core/sysctl_catalogue.h"
#include "observe/inet_diag_socket.h"
#include "tests/observe/nsenter.h"
#include "tests/observe/throwaway_namespace.h"

namespace tcpmedic {
namespace {

using ::testing::HasSubstr;

constexpr char kCookies[] = "net.ipv4.tcp_syncookies";
constexpr auto kNothing = [] { return true; };
constexpr uint64_t kNobodys = uint64_t{1} << 62;  // a cookie: the kernel counts up from 1

// Of the calling thread's namespace.
uint64_t OwnCookie() {
  const UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  EXPECT_EQ(getsockopt(fd.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size), 0);
  return cookie;
}

uint64_t InodeOf(const std::string& path) {
  struct stat identity;
  return stat(path.c_str(), &identity) == 0 ? identity.st_ino : 0;
}

NetnsRef RefOf(const NamespaceProcess& process) {
  const auto socket = InetDiagSocket::OpenInNamespace(process.OpenNetns().get());
  EXPECT_TRUE(socket.ok()) << socket.status();
  return {.cookie = socket.ok() ? (*socket)->netns_cookie() : 0, .inode = process.netns_inode()};
}

std::string OwnSetting(const std::string& name) {
  std::ifstream file("/proc/sys/" + SysctlPath(name));
  std::string value;
  std::getline(file, value);
  return value;
}

int OpenDescriptors() {
  const std::filesystem::directory_iterator fds("/proc/self/fd");
  return static_cast<int>(std::distance(begin(fds), end(fds)));
}

bool Drop(int capability) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &header, data) != 0) return false;
  data[0].effective &= ~(1u << capability);
  return syscall(SYS_capset, &header, data) == 0;
}

// Runs `body` as pid 1 of a PID namespace of its own, with mounts and a /proc that nobody else
// sees.
bool AsPidOne(const std::function<bool()>& body) {
  const auto run = [](const std::function<bool()>& child) {
    const pid_t pid = fork();
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      _exit(child() ? 0 : 1);
    }
    int status = 1;
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
  };
  return run([&] {
    return unshare(CLONE_NEWPID | CLONE_NEWNS) == 0 &&
           mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 && run([&] {
             return mount("proc", "/proc", "proc", 0, nullptr) == 0 && body() &&
                    !::testing::Test::HasFailure();
           });
  });
}

class NetnsSysctlsOnTheKernel : public ::testing::Test {
 protected:
  std::unique_ptr<HostControl> host = MakeHostControl();
};

TEST_F(NetnsSysctlsOnTheKernel, ASettingIsChangedInThatNamespaceAloneAndBack) {
  const NamespaceProcess subject(kNothing);
  const NamespaceProcess bystander(kNothing);
  SetIn(subject, kCookies, "0");
  SetIn(bystander, kCookies, "0");
  const NetnsRef netns = RefOf(subject);
  const std::string own = OwnSetting(kCookies);

  const auto found = host->ReadSysctl(netns, kCookies);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(*found, "0");
  const auto there = host->ExchangeSysctl(netns, kCookies, "0", "1");
  ASSERT_TRUE(there.ok()) << there.status();
  EXPECT_TRUE(there->changed);
  EXPECT_EQ(there->now, "1");
  EXPECT_EQ(SettingIn(subject, kCookies), "1");
  EXPECT_EQ(SettingIn(bystander, kCookies), "0");
  EXPECT_EQ(OwnSetting(kCookies), own);

  // 0 is out of the bounds of any order, and what an undo must be able to write.
  const auto back = host->ExchangeSysctl(netns, kCookies, "1", "0");
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->now, "0");
  EXPECT_EQ(SettingIn(subject, kCookies), "0");
}

TEST_F(NetnsSysctlsOnTheKernel, AnAdministratorsLaterValueIsLeftAlone) {
  const NamespaceProcess subject(kNothing);
  SetIn(subject, kCookies, "0");
  const NetnsRef netns = RefOf(subject);
  ASSERT_TRUE(host->ExchangeSysctl(netns, kCookies, "0", "1").ok());
  SetIn(subject, kCookies, "2");
  const auto undo = host->ExchangeSysctl(netns, kCookies, "1", "0");
  ASSERT_TRUE(undo.ok()) << undo.status();
  EXPECT_FALSE(undo->changed);
  EXPECT_EQ(undo->now, "2");
  EXPECT_EQ(SettingIn(subject, kCookies), "2");
}

TEST_F(NetnsSysctlsOnTheKernel, FactsNameTheNamespaceAndWhetherItIsTheHosts) {
  const NamespaceProcess subject(kNothing);
  const NetnsRef netns = RefOf(subject);
  for (const uint64_t inode : {netns.inode, uint64_t{0}}) {
    const auto facts = host->FindNetns({.cookie = netns.cookie, .inode = inode});
    ASSERT_TRUE(facts.ok()) << facts.status();
    EXPECT_EQ(facts->cookie, netns.cookie);
    EXPECT_EQ(facts->inode, netns.inode);
    EXPECT_EQ(facts->in_host_netns, false);
  }
  const auto own = host->FindNetns({.cookie = OwnCookie()});
  ASSERT_TRUE(own.ok()) << own.status();
  EXPECT_EQ(own->inode, InodeOf("/proc/self/ns/net"));
  // Where pid 1 may not be looked at, our own stands in for the host's.
  const uint64_t hosts = InodeOf("/proc/1/ns/net");
  EXPECT_EQ(own->in_host_netns, hosts == 0 || hosts == own->inode);
}

TEST_F(NetnsSysctlsOnTheKernel, AWrongCookieWritesNothingAnywhere) {
  const NamespaceProcess subject(kNothing);
  const NamespaceProcess bystander(kNothing);
  SetIn(subject, kCookies, "0");
  SetIn(bystander, kCookies, "0");
  const NetnsRef right = RefOf(subject);
  const std::string own = OwnSetting(kCookies);

  for (const NetnsRef& wrong :
       {NetnsRef{.cookie = kNobodys, .inode = right.inode},  // the inode is another's now
        NetnsRef{.cookie = right.cookie, .inode = bystander.netns_inode()},
        NetnsRef{.cookie = kNobodys, .inode = 0}, NetnsRef{.cookie = kNobodys, .inode = 1}}) {
    SCOPED_TRACE(absl::StrCat(wrong.cookie, " ", wrong.inode));
    EXPECT_TRUE(absl::IsNotFound(host->FindNetns(wrong).status()))
        << host->FindNetns(wrong).status();
    EXPECT_TRUE(absl::IsNotFound(host->ReadSysctl(wrong, kCookies).status()));
    EXPECT_TRUE(absl::IsNotFound(host->ExchangeSysctl(wrong, kCookies, "0", "1").status()));
    EXPECT_TRUE(absl::IsNotFound(host->ExchangeSysctl(wrong, kCookies, own, "2").status()));
  }
  EXPECT_TRUE(absl::IsInvalidArgument(host->ExchangeSysctl({}, kCookies, "0", "1").status()));
  EXPECT_EQ(SettingIn(subject, kCookies), "0");
  EXPECT_EQ(SettingIn(bystander, kCookies), "0");
  EXPECT_EQ(OwnSetting(kCookies), own);
}

TEST_F(NetnsSysctlsOnTheKernel, ANamespaceWhoseLastProcessHasEndedIsNotFound) {
  NamespaceProcess subject(kNothing);
  NamespaceProcess second(kNothing, subject.pid());
  const NetnsRef netns = RefOf(subject);
  subject.Kill();
  EXPECT_TRUE(host->FindNetns(netns).ok()) << "one process of it still lives";
  second.Kill();
  EXPECT_TRUE(absl::IsNotFound(host->FindNetns(netns).status()));
  EXPECT_TRUE(absl::IsNotFound(host->ReadSysctl(netns, kCookies).status()));
  EXPECT_TRUE(absl::IsNotFound(host->ExchangeSysctl(netns, kCookies, "1", "2").status()));
}

TEST_F(NetnsSysctlsOnTheKernel, AProcessThatMayNotBeLookedAtHidesNoNamespaceButItsOwn) {
  const NetnsRef gone = {.cookie = kNobodys, .inode = 1};
  const auto answer_for_nobody = [&](absl::StatusCode expected) {
    if (setresuid(65534, 65534, 65534) != 0 || prctl(PR_SET_DUMPABLE, 1) != 0) return false;
    EXPECT_EQ(InodeOf("/proc/1/ns/net"), 0u) << "pid 1 must be one that may not be looked at";
    EXPECT_EQ(host->FindNetns(gone).status().code(), expected) << host->FindNetns(gone).status();
    return !::testing::Test::HasFailure();
  };
  EXPECT_TRUE(AsPidOne([&] {
    if (unshare(CLONE_NEWNET) != 0) return false;
    const NamespaceProcess beside_pid_one(
        [&] { return answer_for_nobody(absl::StatusCode::kNotFound); }, getpid());
    return true;
  }));
  EXPECT_TRUE(AsPidOne([&] {
    if (unshare(CLONE_NEWNET) != 0) return false;
    const NamespaceProcess anywhere(kNothing);
    const NamespaceProcess beside_pid_one(
        [&] { return answer_for_nobody(absl::StatusCode::kPermissionDenied); }, getpid());
    return true;
  }));
}

TEST_F(NetnsSysctlsOnTheKernel, ANamespaceThatOnlyAThreadIsInIsFound) {
  auto* const cookie = static_cast<uint64_t*>(
      mmap(nullptr, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(cookie, MAP_FAILED);
  const NamespaceProcess subject([&] {
    std::thread([&] {
      if (unshare(CLONE_NEWNET) == 0) __atomic_store_n(cookie, OwnCookie(), __ATOMIC_RELEASE);
      while (true) pause();
    }).detach();
    for (int i = 0; i < 5000 && __atomic_load_n(cookie, __ATOMIC_ACQUIRE) == 0; ++i) usleep(1000);
    return *cookie != 0;
  });
  const auto facts = host->FindNetns({.cookie = *cookie});
  EXPECT_TRUE(facts.ok()) << facts.status();
  EXPECT_NE(facts->inode, subject.netns_inode());
  munmap(cookie, sizeof(uint64_t));
}

TEST_F(NetnsSysctlsOnTheKernel, ANamespaceThatIsMountedIsReachedWhileNothingRunsInIt) {
  const std::string directory = absl::StrCat(::testing::TempDir(), "/named netns.", getpid());
  const std::string name = directory + "/blue \\ green";
  std::filesystem::create_directories(directory);
  std::ofstream(name) << "";
  EXPECT_TRUE(AsPidOne([&] {
    NamespaceProcess service(kNothing);
    const NetnsRef netns = RefOf(service);
    SetIn(service, kCookies, "1");
    const std::string link = absl::StrCat("/proc/", service.pid(), "/ns/net");
    if (mount(link.c_str(), name.c_str(), nullptr, MS_BIND, nullptr) != 0) return false;
    service.Kill();

    const auto undo = host->ExchangeSysctl(netns, kCookies, "1", "0");
    EXPECT_TRUE(undo.ok()) << undo.status();
    const NamespaceProcess restarted([&] {
      const UniqueFd fd(open(name.c_str(), O_RDONLY | O_CLOEXEC));
      return setns(fd.get(), CLONE_NEWNET) == 0;
    });
    EXPECT_EQ(restarted.netns_inode(), netns.inode);
    EXPECT_EQ(SettingIn(restarted, kCookies), "0");
    return true;
  }));
  EXPECT_TRUE(AsPidOne([&] {
    NamespaceProcess service(kNothing);
    const NetnsRef netns = RefOf(service);
    const std::string link = absl::StrCat("/proc/", service.pid(), "/ns/net");
    if (mount(link.c_str(), name.c_str(), nullptr, MS_BIND, nullptr) != 0) return false;
    service.Kill();
    EXPECT_TRUE(host->FindNetns(netns).ok());
    if (umount2(name.c_str(), MNT_DETACH) != 0) return false;
    EXPECT_TRUE(absl::IsNotFound(host->FindNetns(netns).status()));
    return true;
  }));
  std::filesystem::remove_all(directory);
}

TEST_F(NetnsSysctlsOnTheKernel, OnlyWhatIsOnTheListIsReadOrWritten) {
  const NamespaceProcess subject(kNothing);
  const NetnsRef netns = RefOf(subject);
  const std::string forwarding = SettingIn(subject, "net.ipv4.ip_forward");
  for (const char* name : {"net.ipv4.ip_forward", "net/ipv4/tcp_syncookies", "kernel.core_pattern",
                           "", "net.ipv4...net.ipv4.ip_forward", "net.ipv4.tcp_syncookies\n"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(host->ReadSysctl(netns, name).status())) << name;
    EXPECT_TRUE(
        absl::IsInvalidArgument(host->ExchangeSysctl(netns, name, forwarding, "1").status()))
        << name;
  }
  EXPECT_EQ(host->ReadSysctl(netns, "net.ipv4.ip_forward").status().message(),
            "net.ipv4.ip_forward is not on the list of sysctls that an order may set");
  for (const char* value : {"", "on", "1;2", "1 2"}) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(host->ExchangeSysctl(netns, kCookies, "1", value).status()));
    EXPECT_TRUE(
        absl::IsInvalidArgument(host->ExchangeSysctl(netns, kCookies, value, "1").status()));
  }
  EXPECT_EQ(SettingIn(subject, "net.ipv4.ip_forward"), forwarding);
  EXPECT_EQ(SettingIn(subject, kCookies), "1");
}

// The catalogue says which settings each namespace has for itself: the kernel must agree.
TEST_F(NetnsSysctlsOnTheKernel, ANamespaceShowsItsOwnSettingsAndNotTheMachines) {
  const NamespaceProcess subject(kNothing);
  const NetnsRef netns = RefOf(subject);
  for (const SysctlEntry& entry : SysctlCatalogue()) {
    SCOPED_TRACE(std::string(entry.name));
    const auto value = host->ReadSysctl(netns, entry.name);
    if (entry.scope == SysctlScope::kMachine) {
      EXPECT_TRUE(absl::IsFailedPrecondition(value.status())) << value.status();
      continue;
    }
    ASSERT_TRUE(value.ok()) << value.status();
    EXPECT_EQ(*value, SettingIn(subject, std::string(entry.name)));
    const std::string own = OwnSetting(std::string(entry.name));
    const std::string other =
        absl::StrCat(*value == absl::StrCat(entry.max) ? entry.min : entry.max);
    const auto there = host->ExchangeSysctl(netns, entry.name, *value, other);
    ASSERT_TRUE(there.ok()) << there.status();
    EXPECT_EQ(SettingIn(subject, std::string(entry.name)), other);
    EXPECT_EQ(OwnSetting(std::string(entry.name)), own);
  }
}

TEST_F(NetnsSysctlsOnTheKernel, AValueThatTheKernelRefusesIsNotAMissingNamespace) {
  const NamespaceProcess subject(kNothing);
  SetIn(subject, "net.core.somaxconn", "128");
  const auto exchange = host->ExchangeSysctl(RefOf(subject), "net.core.somaxconn", "128", "-1");
  EXPECT_EQ(exchange.status().ToString(),
            "FAILED_PRECONDITION: write -1 to /proc/sys/net/core/somaxconn: EINVAL");
  EXPECT_EQ(SettingIn(subject, "net.core.somaxconn"), "128");
}

TEST_F(NetnsSysctlsOnTheKernel, TheCallerStaysWhereItIsAndKeepsNothingOpen) {
  const NamespaceProcess subject(kNothing);
  const NetnsRef netns = RefOf(subject);
  SetIn(subject, kCookies, "0");
  const uint64_t own = InodeOf("/proc/thread-self/ns/net");
  const int before = OpenDescriptors();
  ASSERT_TRUE(host->FindNetns(netns).ok());
  ASSERT_TRUE(host->ExchangeSysctl(netns, kCookies, "0", "1").ok());
  ASSERT_FALSE(host->ExchangeSysctl({.cookie = netns.cookie + 1}, kCookies, "0", "1").ok());
  EXPECT_EQ(OpenDescriptors(), before);
  EXPECT_EQ(InodeOf("/proc/thread-self/ns/net"), own);
}

TEST_F(NetnsSysctlsOnTheKernel, WithoutPrivilegeANamespaceIsDeniedAndNotGone) {
  const NamespaceProcess subject(kNothing);
  const NetnsRef netns = RefOf(subject);
  const NamespaceProcess cannot_look([&] {
    if (setresuid(65534, 65534, 65534) != 0) return false;
    const auto facts = host->FindNetns(netns);
    EXPECT_TRUE(absl::IsPermissionDenied(facts.status())) << facts.status();
    EXPECT_THAT(std::string(facts.status().message()), HasSubstr("CAP_SYS_PTRACE"));
    return !::testing::Test::HasFailure();
  });
  const NamespaceProcess cannot_enter([&] {
    if (!Drop(CAP_SYS_ADMIN)) return false;
    EXPECT_EQ(host->ReadSysctl(netns, kCookies).status().ToString(),
              "PERMISSION_DENIED: setns (needs CAP_SYS_ADMIN): EPERM");
    return !::testing::Test::HasFailure();
  });
}

TEST_F(NetnsSysctlsOnTheKernel, AReadOnlyProcSysSaysSoAndChangesNothing) {
  const NamespaceProcess subject(kNothing);
  const NetnsRef netns = RefOf(subject);
  SetIn(subject, kCookies, "0");
  // As systemd's ProtectKernelTunables= does.
  const NamespaceProcess confined([&] {
    if (unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("/proc/sys", "/proc/sys", nullptr, MS_BIND, nullptr) != 0 ||
        mount("none", "/proc/sys", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) != 0) {
      return false;
    }
    EXPECT_EQ(*host->ReadSysctl(netns, kCookies), "0");
    EXPECT_EQ(host->ExchangeSysctl(netns, kCookies, "0", "1").status().ToString(),
              "PERMISSION_DENIED: open /proc/sys/net/ipv4/tcp_syncookies (/proc/sys is mounted "
              "read-only): EROFS");
    return !::testing::Test::HasFailure();
  });
  EXPECT_EQ(SettingIn(subject, kCookies), "0");
}

}  // namespace
}  // namespace tcpmedic
