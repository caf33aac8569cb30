// A real Alertmanager on loopback, asked through its own API, with a webhook of its own behind it
// that shows whom it would have told.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "controller/notify/notifier.h"
#include "controller/store/sqlite_store.h"
#include "proto/proto_time.h"
#include "tests/controller/notify/loopback_server.h"
#include "tests/controller/store/temporary_directory.h"

namespace tcpmedic {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kPatience = absl::Seconds(30);

template <typename Condition>
bool Eventually(Condition holds) {
  for (const absl::Time end = absl::Now() + kPatience; absl::Now() < end;) {
    if (holds()) return true;
    absl::SleepFor(absl::Milliseconds(50));
  }
  return false;
}

v1::Alert Leak(v1::Alert::State state) {
  v1::Alert alert;
  alert.set_key("i-1/a");
  alert.set_state(state);
  alert.set_incident_id("i-1");
  alert.set_generator("tcpmedic show i-1");
  (*alert.mutable_labels())["alertname"] = "close-wait-leak";
  (*alert.mutable_labels())["host"] = "db1";
  (*alert.mutable_labels())["severity"] = "critical";
  (*alert.mutable_annotations())["summary"] = "Sockets that the program never closes";
  *alert.mutable_starts_at() = ToProto(absl::Now() - absl::Minutes(3));
  if (state == v1::Alert::STATE_RESOLVED) *alert.mutable_ends_at() = ToProto(absl::Now());
  return alert;
}

// What a controller is to its receivers, in a process that can be killed: the store, and the road
// from it. It commits what comes through its pipe, a serialized alert for each message.
void RunController(const std::string& directory, const std::string& url, int commands) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  auto store = OpenSqliteStore({directory + "/state.db"});
  if (!store.ok()) _exit(11);
  Receiver receiver;
  receiver.name = "oncall";
  receiver.kind = Receiver::Kind::kAlertmanager;
  receiver.url = url;
  receiver.repeat_every = absl::Seconds(1);
  auto notifier = Notifier::Start({{receiver}, nullptr}, store->get(), Clock::Real());
  if (!notifier.ok()) _exit(12);
  char buffer[4096];
  for (ssize_t got; (got = read(commands, buffer, sizeof(buffer))) > 0;) {
    Transaction transaction;
    v1::Alert alert;
    if (!alert.ParseFromArray(buffer, static_cast<int>(got))) _exit(13);
    transaction.alerts.push_back({"oncall", alert});
    if (!(*store)->Commit(transaction).ok()) _exit(14);
    if (write(commands, "ok", 2) != 2) _exit(15);  // committed: from now on it is not lost
  }
  _exit(16);
}

class Alertmanager : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(access(kProgram, X_OK), 0)
        << kProgram << " is not there: run scripts/fetch-test-programs";
    std::ofstream(directory_.path() + "/alertmanager.yml") << R"(
global: {resolve_timeout: 5s}
route: {receiver: hook, group_by: ['...'], group_wait: 100ms, group_interval: 200ms, repeat_interval: 1h}
receivers:
- name: hook
  webhook_configs: [{url: ")" << hook_.url() << R"(", send_resolved: true}]
)";
  }
  ~Alertmanager() override {
    StopController();
    StopAlertmanager();
  }

  void StartAlertmanager() {
    port_.Release();
    const std::string config =
        absl::StrCat("--config.file=", directory_.path(), "/alertmanager.yml");
    const std::string storage = absl::StrCat("--storage.path=", directory_.path(), "/data");
    const std::string listen = absl::StrCat("--web.listen-address=127.0.0.1:", port_.port());
    alertmanager_ = fork();
    if (alertmanager_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      const int log =
          open((directory_.path() + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      dup2(log, 1);
      dup2(log, 2);
      // Debian's looks for its template under /usr/share, and here it is unpacked, not installed.
      if (unshare(CLONE_NEWNS) != 0 ||
          mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
          mount(TCPMEDIC_TEST_PROGRAMS "/usr/share", "/usr/share", nullptr, MS_BIND, nullptr) !=
              0) {
        _exit(126);
      }
      execl(kProgram, kProgram, config.c_str(), storage.c_str(), listen.c_str(),
            "--cluster.listen-address=", nullptr);
      _exit(127);
    }
    ASSERT_TRUE(Eventually([&] { return Ask("/-/ready").has_value(); })) << Log();
  }
  void StopAlertmanager() { Kill(&alertmanager_, SIGTERM); }

  void StartController() {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    controller_ = fork();
    if (controller_ == 0) {
      close(ends[0]);
      port_.Release();  // a copy of it would keep Alertmanager from listening
      RunController(directory_.path(), absl::StrCat(Url(), "/api/v2/alerts"), ends[1]);
    }
    close(ends[1]);
    commands_.reset(ends[0]);
  }
  void StopController() { Kill(&controller_, SIGKILL); }
  void Commit(const v1::Alert& alert) {
    const std::string bytes = alert.SerializeAsString();
    ASSERT_EQ(send(commands_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    char answer[8];
    ASSERT_EQ(read(commands_.get(), answer, sizeof(answer)), 2);
  }

  // As an operator would: curl.
  std::optional<std::string> Ask(const std::string& path) {
    const std::string command =
        absl::StrCat("curl --noproxy '*' -sf --max-time 5 ", Url(), path, " 2>/dev/null");
    FILE* const out = popen(command.c_str(), "re");
    std::string text;
    char buffer[4096];
    for (size_t got; (got = fread(buffer, 1, sizeof(buffer), out)) > 0;) text.append(buffer, got);
    return pclose(out) == 0 ? std::optional(text) : std::nullopt;
  }
  // The alerts that are active.
  json Alerts() {
    const auto text = Ask("/api/v2/alerts");
    return text.has_value() ? json::parse(*text) : json();
  }
  // "firing" or "resolved", for each time that Alertmanager has told somebody.
  std::vector<std::string> Told() {
    std::vector<std::string> told;
    for (const auto& request : hook_.requests()) {
      const json body = json::parse(request.body);
      for (const json& alert : body["alerts"]) {
        told.push_back(alert["status"].get<std::string>());
      }
    }
    return told;
  }
  std::string Url() const { return absl::StrCat("http://127.0.0.1:", port_.port()); }
  std::string Log() const {
    std::ifstream in(directory_.path() + "/log");
    return std::string(std::istreambuf_iterator<char>(in), {});
  }

  static void Kill(pid_t* pid, int signal) {
    if (*pid > 0) {
      kill(*pid, signal);
      waitpid(*pid, nullptr, 0);
    }
    *pid = 0;
  }

  static constexpr const char* kProgram = TCPMEDIC_TEST_PROGRAMS "/usr/bin/prometheus-alertmanager";
  const TemporaryDirectory directory_;
  LoopbackServer hook_;
  SilentPort port_;
  UniqueFd commands_;
  pid_t alertmanager_ = 0;
  pid_t controller_ = 0;
};

TEST_F(Alertmanager, ShowsAnAlertAsLongAsItStandsAndThenResolvesIt) {
  StartAlertmanager();
  StartController();
  const v1::Alert leak = Leak(v1::Alert::STATE_FIRING);
  Commit(leak);
  ASSERT_TRUE(Eventually([&] { return Alerts().size() == 1; })) << Log();
  const json alert = Alerts()[0];
  EXPECT_EQ(alert["labels"],
            json({{"alertname", "close-wait-leak"}, {"host", "db1"}, {"severity", "critical"}}));
  EXPECT_EQ(alert["annotations"]["summary"], "Sockets that the program never closes");
  EXPECT_EQ(alert["annotations"]["show"], "tcpmedic show i-1");
  EXPECT_EQ(alert["status"]["state"], "active");
  absl::Time starts_at;
  std::string error;
  ASSERT_TRUE(absl::ParseTime(absl::RFC3339_full, alert["startsAt"].get<std::string>(), &starts_at,
                              &error));
  EXPECT_LT(absl::AbsDuration(starts_at - FromProto(leak.starts_at())), absl::Milliseconds(1));

  // Longer than its resolve_timeout of 5 s: the repetitions keep it.
  absl::SleepFor(absl::Seconds(7));
  EXPECT_THAT(Alerts(), SizeIs(1));
  EXPECT_THAT(Told(), ElementsAre("firing"));

  Commit(Leak(v1::Alert::STATE_RESOLVED));
  EXPECT_TRUE(Eventually([&] { return Told().size() == 2; })) << Log();
  EXPECT_THAT(Told(), ElementsAre("firing", "resolved"));
  EXPECT_THAT(Alerts(), IsEmpty());
}

TEST_F(Alertmanager, HearsOnceOfWhatHappenedWhileItWasDownAndTheControllerWasKilled) {
  StartController();
  Commit(Leak(v1::Alert::STATE_FIRING));
  absl::SleepFor(absl::Seconds(2));  // tries, and nobody listens
  StopController();
  StartController();
  absl::SleepFor(absl::Seconds(2));
  StartAlertmanager();
  ASSERT_TRUE(Eventually([&] { return Alerts().size() == 1; })) << Log();
  StopController();
  StartController();
  absl::SleepFor(absl::Seconds(3));
  EXPECT_THAT(Alerts(), SizeIs(1));
  EXPECT_THAT(Told(), ElementsAre("firing"));

  // And the other way round: it has forgotten everything but whom it told.
  StopAlertmanager();
  StartAlertmanager();
  ASSERT_TRUE(Eventually([&] { return Alerts().size() == 1; })) << Log();
  absl::SleepFor(absl::Seconds(2));
  EXPECT_THAT(Told(), ElementsAre("firing"));
  Commit(Leak(v1::Alert::STATE_RESOLVED));
  EXPECT_TRUE(Eventually([&] { return Told().size() == 2; })) << Log();
  EXPECT_THAT(Told(), ElementsAre("firing", "resolved"));
}

TEST_F(Alertmanager, ShowsAnEventAndLetsItGo) {
  StartAlertmanager();
  StartController();
  v1::Alert event = Leak(v1::Alert::STATE_EVENT);
  event.set_event("proposed");
  (*event.mutable_labels())["event"] = "proposed";
  Commit(event);
  ASSERT_TRUE(Eventually([&] { return Alerts().size() == 1; })) << Log();
  absl::Time ends_at;
  std::string error;
  ASSERT_TRUE(absl::ParseTime(absl::RFC3339_full, Alerts()[0]["endsAt"].get<std::string>(),
                              &ends_at, &error));
  EXPECT_GT(ends_at, absl::Now() + absl::Minutes(4));
  EXPECT_LT(ends_at, absl::Now() + absl::Minutes(6));
}

}  // namespace
}  // namespace tcpmedic
