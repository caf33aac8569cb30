#include "agent/act/guard.h"

#include <gtest/gtest.h>

#include <string>

namespace tcpmedic {
namespace {

v1::Action Set(const std::string& algorithm) {
  v1::Action action;
  action.mutable_set_congestion_control()->set_algorithm(algorithm);
  return action;
}

v1::Action SetSysctl(const std::string& name, const std::string& value) {
  v1::Action action;
  v1::SetSysctl::Setting* const setting = action.mutable_set_sysctl()->add_settings();
  setting->set_name(name);
  setting->set_value(value);
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

Guard Good() {
  Guard guard;
  guard.actions = {"set_congestion_control", "set_sysctl"};
  guard.algorithms = {"bbr", "cubic"};
  guard.sysctls = {{"net.ipv4.tcp_syncookies", {1, 1}}, {"net.core.somaxconn", {128, 4096}}};
  guard.namespaces = {"host", "cookie:4097"};
  guard.processes = {"nginx*", "/usr/local/bin/*"};
  return guard;
}

TEST(Guard, AnAbsentOrEmptyListAllowsNothing) {
  const Guard nothing;
  EXPECT_EQ(
      AllowsAction(nothing, Set("bbr")).ToString(),
      "PERMISSION_DENIED: the guard file does not allow set_congestion_control; it allows nothing");
  Guard some = Good();
  some.processes.clear();
  EXPECT_FALSE(AllowsSocket(some, kHost, {Program("nginx", "")}).ok());
  some = Good();
  some.namespaces.clear();
  EXPECT_FALSE(AllowsSocket(some, kHost, {Program("nginx", "")}).ok());
}

TEST(Guard, OnlyListedAlgorithmsMayBeSet) {
  const Guard guard = Good();
  EXPECT_TRUE(AllowsAction(guard, Set("bbr")).ok());
  EXPECT_EQ(
      AllowsAction(guard, Set("reno")).ToString(),
      "PERMISSION_DENIED: the guard file does not allow algorithm reno; it allows bbr, cubic");
  EXPECT_FALSE(AllowsAction(guard, v1::Action()).ok());
}

TEST(Guard, NamespacesAreTheHostsOrNumbered) {
  const auto allows = [](const std::string& item, const NetnsIdentity& netns) {
    Guard guard = Good();
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
  const Guard guard = Good();
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

TEST(Guard, OnlyListedSysctlsMayBeSetWithinTheirBounds) {
  const auto problem = [](const v1::Action& action) {
    return AllowsAction(Good(), action).ToString();
  };
  EXPECT_EQ(problem(SetSysctl("net.ipv4.tcp_syncookies", "1")), "OK");
  EXPECT_EQ(problem(SetSysctl("net.core.somaxconn", "4096")), "OK");
  EXPECT_EQ(problem(SetSysctl("net.ipv4.tcp_syncookies", "2")),
            "PERMISSION_DENIED: the guard file does not allow net.ipv4.tcp_syncookies = 2; it "
            "allows 1");
  EXPECT_EQ(problem(SetSysctl("net.core.somaxconn", "4097")),
            "PERMISSION_DENIED: the guard file does not allow net.core.somaxconn = 4097; it allows "
            "128 to 4096");
  EXPECT_EQ(problem(SetSysctl("net.ipv4.tcp_synack_retries", "3")),
            "PERMISSION_DENIED: the guard file does not allow sysctl net.ipv4.tcp_synack_retries; "
            "it allows net.core.somaxconn, net.ipv4.tcp_syncookies");
  v1::Action both = SetSysctl("net.ipv4.tcp_syncookies", "1");
  both.mutable_set_sysctl()->MergeFrom(SetSysctl("net.core.somaxconn", "9999").set_sysctl());
  EXPECT_FALSE(AllowsAction(Good(), both).ok());
  Guard sockets_only = Good();
  sockets_only.actions = {"set_congestion_control"};
  EXPECT_EQ(AllowsAction(sockets_only, SetSysctl("net.ipv4.tcp_syncookies", "1")).ToString(),
            "PERMISSION_DENIED: the guard file does not allow set_sysctl; it allows "
            "set_congestion_control");
}

TEST(Guard, ModeObserveAllowsNothingWhateverElseItSays) {
  Guard guard = Good();
  guard.observe_only = true;
  for (const v1::Action& action : {Set("bbr"), SetSysctl("net.ipv4.tcp_syncookies", "1")}) {
    EXPECT_EQ(AllowsAction(guard, action).ToString(),
              "PERMISSION_DENIED: this host only observes: its guard file says mode: observe");
  }
}

// A setting is everyone's in its namespace.
TEST(Guard, ANamespacesSettingsAreNoBusinessOfTheListOfProcesses) {
  Guard guard = Good();
  guard.processes.clear();
  EXPECT_TRUE(AllowsNamespace(guard, kHost).ok());
  guard.namespaces = {"cookie:9"};
  EXPECT_EQ(AllowsNamespace(guard, kHost).ToString(),
            "PERMISSION_DENIED: the guard file does not allow namespace cookie:1; it allows "
            "cookie:9");
}

}  // namespace
}  // namespace tcpmedic
