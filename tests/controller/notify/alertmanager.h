// A real Alertmanager on loopback, as scripts/fetch-test-programs unpacks it, asked through its own
// API, with a webhook of its own behind it that shows whom it would have told. Root only: it runs
// in a mount namespace of its own. Not thread-safe.
#ifndef TCPMEDIC_TESTS_CONTROLLER_NOTIFY_ALERTMANAGER_H_
#define TCPMEDIC_TESTS_CONTROLLER_NOTIFY_ALERTMANAGER_H_

#include <sys/types.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/controller/notify/loopback_server.h"

namespace tcpmedic {

class Alertmanager {
 public:
  // It resolves what it has not heard of for so long.
  static constexpr int kResolveTimeoutSeconds = 5;

  // Keeps its configuration, data and log in `directory`.
  explicit Alertmanager(std::string directory);
  ~Alertmanager() { Stop(); }

  // Returns once it answers. NotFound: it was not unpacked. DeadlineExceeded has its log.
  absl::Status Start();
  // Its data stay, and so does its port.
  void Stop();
  // Lets go of the port that is kept for it; for a process that is forked while it is down.
  void ReleasePort() { port_.Release(); }

  std::string url() const;
  // As an operator would: curl. NullOpt: no answer.
  std::optional<std::string> Ask(const std::string& path) const;
  // The alerts that are active.
  nlohmann::json Alerts() const;
  // "firing" or "resolved", for each time that it has told somebody.
  std::vector<std::string> Told() const;
  std::string Log() const;

 private:
  const std::string directory_;
  LoopbackServer hook_;
  SilentPort port_;
  pid_t pid_ = 0;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_CONTROLLER_NOTIFY_ALERTMANAGER_H_
