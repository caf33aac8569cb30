// A leak, from the kernel to a real Alertmanager: the lab's server, the real daemons, the shipped
// policies. What is down meanwhile costs time, and nobody hears twice.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "lab/lab.h"
#include "tests/controller/notify/alertmanager.h"
#include "tests/integration/daemons.h"

namespace tcpmedic::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class LeakAlert : public ::testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<std::unique_ptr<lab::Lab>> lab =
        lab::Lab::Start({.path = {.rtt = absl::Milliseconds(5), .loss_ratio = 0, .rate_bps = 0},
                         .lab_binary = Program("tcpmedic-lab")});
    ASSERT_TRUE(lab.ok()) << lab.status();
    lab_ = *std::move(lab);
    ASSERT_TRUE(daemons_.CopyPolicies("responses/close-wait-leak-alert.yaml", {}).ok());
    daemons_.ConfigureController(
        absl::StrCat("receivers:\n  - name: oncall\n    alertmanager: {url: '", alertmanager_.url(),
                     "', repeat_every: 1s}\n"));
    daemons_.WatchOnly({lab_->client().netns_inode, lab_->server().netns_inode});
    ASSERT_TRUE(daemons_.StartController().ok());
    ASSERT_TRUE(daemons_.StartAgent().ok());
    const absl::StatusOr<pid_t> server = lab_->RunLeakyServer({});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *server;
    absl::StatusOr<lab::LeakClients> clients = lab_->RunLeakClients({});
    ASSERT_TRUE(clients.ok()) << clients.status();
  }

  // The incident's alert is decided, whoever has heard of it.
  bool IsAlerted() {
    return Eventually(absl::Seconds(40), [&] {
      const nlohmann::json json = daemons_.Ask("incidents -o json").Json();
      return json.contains("incidents") && json["incidents"].size() == 1;
    });
  }

  const TempDir directory_;
  Alertmanager alertmanager_{directory_.path()};
  Daemons daemons_;
  std::unique_ptr<lab::Lab> lab_;
  pid_t server_ = 0;
};

TEST_F(LeakAlert, ArrivesOnceThoughEverybodyWasDownAndIsResolvedWhenTheLeakEnds) {
  ASSERT_TRUE(IsAlerted()) << daemons_.Logs();
  // Nobody listens yet. The controller is told to say so.
  ASSERT_TRUE(Eventually(absl::Seconds(10), [&] {
    return daemons_.Ask("policy status").out.find("oncall") != std::string::npos;
  })) << daemons_.Ask("policy status").out;
  daemons_.KillController();
  const absl::Status started = alertmanager_.Start();
  ASSERT_TRUE(started.ok()) << started;
  EXPECT_THAT(alertmanager_.Alerts(), IsEmpty());
  ASSERT_TRUE(daemons_.StartController().ok());

  ASSERT_TRUE(Eventually(absl::Seconds(20), [&] { return alertmanager_.Alerts().size() == 1; }))
      << daemons_.Logs() << alertmanager_.Log();
  const nlohmann::json alert = alertmanager_.Alerts()[0];
  SCOPED_TRACE(alert.dump(2));
  EXPECT_EQ(alert["labels"]["alertname"], "close-wait-leak");
  EXPECT_EQ(alert["labels"]["host"], "lab");
  EXPECT_EQ(alert["labels"]["severity"], "warning");
  EXPECT_EQ(alert["annotations"]["summary"],
            absl::StrCat("tcpmedic-lab (pid ", server_, ") on lab does not close its connections"));
  EXPECT_THAT(alert["annotations"]["verdict"].get<std::string>(), HasSubstr("CLOSE-WAIT"));

  // Once more, and longer than Alertmanager waits for a repetition.
  daemons_.KillController();
  ASSERT_TRUE(daemons_.StartController().ok());
  absl::SleepFor(absl::Seconds(Alertmanager::kResolveTimeoutSeconds + 2));
  EXPECT_THAT(alertmanager_.Alerts(), SizeIs(1));
  EXPECT_THAT(alertmanager_.Told(), ElementsAre("firing"));

  // A restart is how such a leak ends: the kernel closes what the program did not.
  ASSERT_TRUE(lab_->EndProgram(server_).ok());
  EXPECT_TRUE(Eventually(absl::Seconds(60), [&] { return alertmanager_.Told().size() == 2; }))
      << daemons_.Logs();
  EXPECT_THAT(alertmanager_.Told(), ElementsAre("firing", "resolved"));
  EXPECT_THAT(alertmanager_.Alerts(), IsEmpty());
}

}  // namespace
}  // namespace tcpmedic::test
