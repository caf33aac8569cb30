// Keeps daemons running: one that dies is started again, after 1 s, then 2 s, up to 30 s. Main
// thread only, as its children die with the thread that starts them.
#ifndef TCPMEDIC_CLI_SUPERVISOR_H_
#define TCPMEDIC_CLI_SUPERVISOR_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "cli/process.h"

namespace tcpmedic::cli {

constexpr absl::Duration kFirstRestart = absl::Seconds(1);
constexpr absl::Duration kMaxRestart = absl::Seconds(30);
// One that ran this long was well: the next restart is quick again.
constexpr absl::Duration kWell = absl::Seconds(60);

// How long to wait before the next start, after `previous` (zero: the first death) and a run of
// `ran`. Pure.
absl::Duration RestartDelay(absl::Duration previous, absl::Duration ran);

class Supervisor {
 public:
  // `stop_fd` becomes readable when everything is to stop (a signalfd). `say` gets one sentence for
  // people per death and restart.
  Supervisor(int stop_fd, std::function<void(const std::string&)> say)
      : stop_fd_(stop_fd), say_(std::move(say)) {}

  // Starts a daemon and keeps it. As ChildProcess::Spawn.
  absl::Status Add(std::string name, ChildOptions options);

  // Waits until something happens, at most `at_most`, and does what is due. False: it is time to
  // stop.
  bool Step(absl::Duration at_most);

  int deaths() const { return deaths_; }

  // Ends all, the newest first.
  void Stop(absl::Duration grace);

 private:
  struct Daemon {
    std::string name;
    ChildOptions options;
    std::optional<ChildProcess> child;
    absl::Duration started_at;  // uptime
    absl::Duration delay;       // before the newest restart
    absl::Duration restart_at;  // uptime, while there is no child
  };
  void Start(Daemon& daemon);
  void Bury(Daemon& daemon, const std::string& how);

  const int stop_fd_;
  const std::function<void(const std::string&)> say_;
  std::vector<Daemon> daemons_;
  int deaths_ = 0;
};

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_SUPERVISOR_H_
