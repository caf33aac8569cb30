#include "tests/integration/flood_bench.h"

#include <sys/stat.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "tests/integration/sysctl_watch.h"

namespace tcpmedic::test {
namespace {

constexpr char kCookies[] = "net.ipv4.tcp_syncookies";

}  // namespace

absl::Status FloodBench::Start(absl::Duration lease) {
  absl::StatusOr<std::unique_ptr<lab::Lab>> lab =
      lab::Lab::Start({.path = {.rtt = absl::Milliseconds(20), .loss_ratio = 0, .rate_bps = 0},
                       .server_sysctls = {{kCookies, "0"},
                                          {"net.ipv4.tcp_max_syn_backlog", "2048"},
                                          {"net.ipv4.tcp_no_metrics_save", "1"}},
                       .lab_binary = Program("tcpmedic-lab")});
  if (!lab.ok()) return lab.status();
  lab_ = *std::move(lab);
  const absl::StatusOr<pid_t> listener = lab_->RunListener({});
  if (!listener.ok()) return listener.status();

  const absl::Status copied = daemons_.CopyPolicies(
      "responses/syn-flood-to-syncookies.yaml",
      {{"after: 20s", absl::StrCat("after: ", absl::FormatDuration(kVerifyAfter))},
       {"for: 2h", absl::StrCat("for: ", absl::FormatDuration(lease))}});
  if (!copied.ok()) return copied;
  std::ofstream(daemons_.guard_path()) << GuardText(lab_->server().netns_cookie);
  if (chmod(daemons_.guard_path().c_str(), 0600) != 0) return absl::InternalError("chmod");
  daemons_.WatchOnly({lab_->client().netns_inode, lab_->server().netns_inode});
  if (absl::Status started = daemons_.StartController(); !started.ok()) return started;
  if (absl::Status started = daemons_.StartAgent(); !started.ok()) return started;
  return StartFlood();
}

absl::Status FloodBench::StartFlood() {
  absl::StatusOr<lab::SynFlood> flood = lab_->RunSynFlood({.duration = absl::Minutes(3)});
  if (!flood.ok()) return flood.status();
  flood_.emplace(*std::move(flood));
  return absl::OkStatus();
}

absl::Status FloodBench::EndFlood() { return lab_->EndProgram(flood_->pid); }

std::string FloodBench::Cookies() const { return SysctlOf(lab_->server().pid, kCookies); }

bool FloodBench::CookiesReach(const std::string& value, absl::Duration timeout) const {
  return Eventually(timeout, [&] { return Cookies() == value; });
}

absl::Status FloodBench::SetCookies(const std::string& value) const {
  const Output set =
      RunShell(absl::StrCat("nsenter --net=/proc/", lab_->server().pid, "/ns/net sh -c 'echo ",
                            value, " > /proc/sys/net/ipv4/tcp_syncookies'"));
  return set.exit_code == 0 ? absl::OkStatus() : absl::InternalError(set.err);
}

std::string FloodBench::GuardText(uint64_t netns_cookie) {
  return absl::StrCat(
      "apiVersion: tcpmedic/v1\nkind: Guard\nmode: enforce\nactions: [set_sysctl]\n"
      "sysctls: {net.ipv4.tcp_syncookies: {min: 1, max: 1}}\nnamespaces: [cookie:",
      netns_cookie, "]\n");
}

}  // namespace tcpmedic::test
