// The road from the store to a real Alertmanager.
#include "tests/controller/notify/alertmanager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "controller/notify/notifier.h"
#include "controller/store/sqlite_store.h"
#include "proto/proto_time.h"
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

class ARealAlertmanager : public ::testing::Test {
 protected:
  ~ARealAlertmanager() override { StopController(); }

  void StartController() {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    controller_ = fork();
    if (controller_ == 0) {
      close(ends[0]);
      alertmanager_.ReleasePort();  // a copy of it would keep Alertmanager from listening
      RunController(directory_.path(), absl::StrCat(alertmanager_.url(), "/api/v2/alerts"),
                    ends[1]);
    }
    close(ends[1]);
    commands_.reset(ends[0]);
  }
  void StopController() {
    if (controller_ > 0) {
      kill(controller_, SIGKILL);
      waitpid(controller_, nullptr, 0);
    }
    controller_ = 0;
  }
  void Commit(const v1::Alert& alert) {
    const std::string bytes = alert.SerializeAsString();
    ASSERT_EQ(send(commands_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    char answer[8];
    ASSERT_EQ(read(commands_.get(), answer, sizeof(answer)), 2);
  }

  const TemporaryDirectory directory_;
  Alertmanager alertmanager_{directory_.path()};
  UniqueFd commands_;
  pid_t controller_ = 0;
};

TEST_F(ARealAlertmanager, ShowsAnAlertAsLongAsItStandsAndThenResolvesIt) {
  ASSERT_TRUE(alertmanager_.Start().ok());
  StartController();
  const v1::Alert leak = Leak(v1::Alert::STATE_FIRING);
  Commit(leak);
  ASSERT_TRUE(Eventually([&] { return alertmanager_.Alerts().size() == 1; }))
      << alertmanager_.Log();
  const json alert = alertmanager_.Alerts()[0];
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
  EXPECT_THAT(alertmanager_.Alerts(), SizeIs(1));
  EXPECT_THAT(alertmanager_.Told(), ElementsAre("firing"));

  Commit(Leak(v1::Alert::STATE_RESOLVED));
  EXPECT_TRUE(Eventually([&] { return alertmanager_.Told().size() == 2; })) << alertmanager_.Log();
  EXPECT_THAT(alertmanager_.Told(), ElementsAre("firing", "resolved"));
  EXPECT_THAT(alertmanager_.Alerts(), IsEmpty());
}

TEST_F(ARealAlertmanager, HearsOnceOfWhatHappenedWhileItWasDownAndTheControllerWasKilled) {
  StartController();
  Commit(Leak(v1::Alert::STATE_FIRING));
  absl::SleepFor(absl::Seconds(2));  // tries, and nobody listens
  StopController();
  StartController();
  absl::SleepFor(absl::Seconds(2));
  ASSERT_TRUE(alertmanager_.Start().ok());
  ASSERT_TRUE(Eventually([&] { return alertmanager_.Alerts().size() == 1; }))
      << alertmanager_.Log();
  StopController();
  StartController();
  absl::SleepFor(absl::Seconds(3));
  EXPECT_THAT(alertmanager_.Alerts(), SizeIs(1));
  EXPECT_THAT(alertmanager_.Told(), ElementsAre("firing"));

  // And the other way round: it has forgotten everything but whom it told.
  alertmanager_.Stop();
  ASSERT_TRUE(alertmanager_.Start().ok());
  ASSERT_TRUE(Eventually([&] { return alertmanager_.Alerts().size() == 1; }))
      << alertmanager_.Log();
  absl::SleepFor(absl::Seconds(2));
  EXPECT_THAT(alertmanager_.Told(), ElementsAre("firing"));
  Commit(Leak(v1::Alert::STATE_RESOLVED));
  EXPECT_TRUE(Eventually([&] { return alertmanager_.Told().size() == 2; })) << alertmanager_.Log();
  EXPECT_THAT(alertmanager_.Told(), ElementsAre("firing", "resolved"));
}

TEST_F(ARealAlertmanager, ShowsAnEventAndLetsItGo) {
  ASSERT_TRUE(alertmanager_.Start().ok());
  StartController();
  v1::Alert event = Leak(v1::Alert::STATE_EVENT);
  event.set_event("proposed");
  (*event.mutable_labels())["event"] = "proposed";
  Commit(event);
  ASSERT_TRUE(Eventually([&] { return alertmanager_.Alerts().size() == 1; }))
      << alertmanager_.Log();
  absl::Time ends_at;
  std::string error;
  ASSERT_TRUE(absl::ParseTime(absl::RFC3339_full,
                              alertmanager_.Alerts()[0]["endsAt"].get<std::string>(), &ends_at,
                              &error));
  EXPECT_GT(ends_at, absl::Now() + absl::Minutes(4));
  EXPECT_LT(ends_at, absl::Now() + absl::Minutes(6));
}

}  // namespace
}  // namespace tcpmedic
