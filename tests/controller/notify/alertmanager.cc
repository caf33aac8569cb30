#include "tests/controller/notify/alertmanager.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace tcpmedic {
namespace {

constexpr char kProgram[] = TCPMEDIC_TEST_PROGRAMS "/usr/bin/prometheus-alertmanager";
constexpr absl::Duration kStarts = absl::Seconds(30);

}  // namespace

Alertmanager::Alertmanager(std::string directory) : directory_(std::move(directory)) {
  std::ofstream(directory_ + "/alertmanager.yml")
      << "global: {resolve_timeout: " << kResolveTimeoutSeconds << R"(s}
route: {receiver: hook, group_by: ['...'], group_wait: 100ms, group_interval: 200ms, repeat_interval: 1h}
receivers:
- name: hook
  webhook_configs: [{url: ")"
      << hook_.url() << R"(", send_resolved: true}]
)";
}

absl::Status Alertmanager::Start() {
  if (access(kProgram, X_OK) != 0) {
    return absl::NotFoundError(
        absl::StrCat(kProgram, " is not there: run scripts/fetch-test-programs"));
  }
  port_.Release();
  const std::string config = absl::StrCat("--config.file=", directory_, "/alertmanager.yml");
  const std::string storage = absl::StrCat("--storage.path=", directory_, "/data");
  const std::string listen = absl::StrCat("--web.listen-address=127.0.0.1:", port_.port());
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int log = open((directory_ + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(log, 1);
    dup2(log, 2);
    // Debian's looks for its template under /usr/share, and here it is unpacked, not installed.
    if (unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount(TCPMEDIC_TEST_PROGRAMS "/usr/share", "/usr/share", nullptr, MS_BIND, nullptr) != 0) {
      _exit(126);
    }
    execl(kProgram, kProgram, config.c_str(), storage.c_str(), listen.c_str(),
          "--cluster.listen-address=", nullptr);
    _exit(127);
  }
  for (const absl::Time end = absl::Now() + kStarts; absl::Now() < end;) {
    if (Ask("/-/ready").has_value()) return absl::OkStatus();
    absl::SleepFor(absl::Milliseconds(50));
  }
  return absl::DeadlineExceededError(Log());
}

void Alertmanager::Stop() {
  if (pid_ > 0) {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }
  pid_ = 0;
}

std::string Alertmanager::url() const { return absl::StrCat("http://127.0.0.1:", port_.port()); }

std::optional<std::string> Alertmanager::Ask(const std::string& path) const {
  const std::string command =
      absl::StrCat("curl --noproxy '*' -sf --max-time 5 ", url(), path, " 2>/dev/null");
  FILE* const out = popen(command.c_str(), "re");
  std::string text;
  char buffer[4096];
  for (size_t got; (got = fread(buffer, 1, sizeof(buffer), out)) > 0;) text.append(buffer, got);
  return pclose(out) == 0 ? std::optional(text) : std::nullopt;
}

nlohmann::json Alertmanager::Alerts() const {
  const auto text = Ask("/api/v2/alerts");
  return text.has_value() ? nlohmann::json::parse(*text) : nlohmann::json();
}

std::vector<std::string> Alertmanager::Told() const {
  std::vector<std::string> told;
  for (const auto& request : hook_.requests()) {
    const nlohmann::json body = nlohmann::json::parse(request.body);
    for (const nlohmann::json& alert : body["alerts"]) {
      told.push_back(alert["status"].get<std::string>());
    }
  }
  return told;
}

std::string Alertmanager::Log() const {
  std::ifstream in(directory_ + "/log");
  return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace tcpmedic
