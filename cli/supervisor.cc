#include "cli/supervisor.h"

#include <poll.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/clock.h"

namespace tcpmedic::cli {
namespace {

absl::Duration Uptime() { return Clock::Real()->Now().uptime; }

}  // namespace

absl::Duration RestartDelay(absl::Duration previous, absl::Duration ran) {
  if (previous == absl::ZeroDuration() || ran >= kWell) return kFirstRestart;
  return std::min(previous * 2, kMaxRestart);
}

absl::Status Supervisor::Add(std::string name, ChildOptions options) {
  absl::StatusOr<ChildProcess> child = ChildProcess::Spawn(options);
  if (!child.ok()) return child.status();
  daemons_.push_back({.name = std::move(name),
                      .options = std::move(options),
                      .child = *std::move(child),
                      .started_at = Uptime(),
                      .delay = absl::ZeroDuration(),
                      .restart_at = absl::ZeroDuration()});
  return absl::OkStatus();
}

void Supervisor::Bury(Daemon& daemon, const std::string& how) {
  ++deaths_;
  daemon.child.reset();
  daemon.delay = RestartDelay(daemon.delay, Uptime() - daemon.started_at);
  daemon.restart_at = Uptime() + daemon.delay;
  say_(absl::StrCat(daemon.name, " died (", how, "); starting it again in ",
                    absl::FormatDuration(daemon.delay),
                    daemon.options.output_path.empty()
                        ? ""
                        : absl::StrCat(". Its log: ", daemon.options.output_path)));
}

void Supervisor::Start(Daemon& daemon) {
  absl::StatusOr<ChildProcess> child = ChildProcess::Spawn(daemon.options);
  daemon.started_at = Uptime();
  if (!child.ok()) {
    Bury(daemon, std::string(child.status().message()));
    return;
  }
  daemon.child = *std::move(child);
  say_(absl::StrCat(daemon.name, " is running again (pid ", daemon.child->pid(), ")"));
}

bool Supervisor::Step(absl::Duration at_most) {
  absl::Duration wait = at_most;
  std::vector<pollfd> fds = {{stop_fd_, POLLIN, 0}};
  for (const Daemon& daemon : daemons_) {
    if (daemon.child.has_value()) {
      fds.push_back({daemon.child->pidfd(), POLLIN, 0});
    } else {
      wait = std::min(wait, std::max(daemon.restart_at - Uptime(), absl::ZeroDuration()));
    }
  }
  // Rounded up, so that what is due in 0.3 ms is due when poll returns.
  const int64_t wait_ms = absl::ToInt64Milliseconds(wait + absl::Microseconds(999));
  poll(fds.data(), fds.size(), static_cast<int>(std::min<int64_t>(wait_ms, 1 << 30)));
  if ((fds[0].revents & POLLIN) != 0) return false;
  for (Daemon& daemon : daemons_) {
    if (!daemon.child.has_value()) {
      if (Uptime() >= daemon.restart_at) Start(daemon);
    } else if (const auto exit = daemon.child->Wait(absl::ZeroDuration()); exit.has_value()) {
      Bury(daemon, exit->ToString());
    }
  }
  return true;
}

void Supervisor::Stop(absl::Duration grace) {
  for (; !daemons_.empty(); daemons_.pop_back()) {
    if (daemons_.back().child.has_value()) daemons_.back().child->Terminate(grace);
  }
}

}  // namespace tcpmedic::cli
