// A leak through the whole controller: people are told, the host samples where in the program's
// code, they are told that, and they hear when it is over. Nothing is changed on the host.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "proto/proto_time.h"
#include "tests/controller/orders_fixture.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

PolicySet LeakPolicies(v1::Approval::Mode mode, const std::string& digest = "d1") {
  PolicySet set;
  set.revision = set.digest = digest;
  set.signatures.set_digest(digest);
  v1::Signature* signature = set.signatures.add_signatures();
  signature->set_name("close-wait-leak");
  signature->set_subject(v1::SUBJECT_PROCESS);
  signature->mutable_window()->set_seconds(15);
  v1::Policy policy;
  policy.set_name("leak-alert");
  policy.set_signature("close-wait-leak");
  v1::RaiseAlert* alert = policy.add_actions()->mutable_raise_alert();
  alert->add_receivers("oncall");
  alert->set_summary("{{ process.comm }} leaks sockets on {{ host.name }}");
  policy.add_actions()->mutable_sample_call_sites()->mutable_duration()->set_seconds(60);
  policy.mutable_approval()->set_mode(mode);
  policy.mutable_approval()->set_quorum(1);
  policy.mutable_approval()->mutable_expires()->set_seconds(3600);
  policy.mutable_limits()->set_targets_per_host(1);
  policy.add_notify("oncall");
  set.policies.push_back(policy);
  return set;
}

v1::Finding Leak(const std::string& verdict = "9,821 sockets", int pid = 812) {
  v1::Finding finding;
  finding.set_signature("close-wait-leak");
  finding.set_group(absl::StrCat(pid, ", 0.0.0.0:8080"));
  finding.set_title("A program does not close its connections");
  finding.set_subject(v1::SUBJECT_PROCESS);
  finding.set_severity(v1::SEVERITY_WARNING);
  finding.set_confidence(v1::CONFIDENCE_CERTAIN);
  finding.set_verdict(verdict);
  finding.mutable_netns()->set_cookie(42);
  const std::pair<const char*, std::string> group[] = {{"process", absl::StrCat(pid)},
                                                       {"listener", "0.0.0.0:8080"}};
  for (const auto& [attribute, value] : group) {
    v1::GroupKey* key = finding.add_group_by();
    key->set_attribute(attribute);
    key->set_value(value);
  }
  v1::Process* process = finding.add_processes();
  process->set_pid(pid);
  process->set_comm("server");
  finding.add_sockets()->set_cookie(7);
  return finding;
}

class LeakTest : public OrdersTest {
 protected:
  LeakTest() { Restart(LeakPolicies(v1::Approval::MODE_AUTO)); }

  v1::Finding Seen(v1::Finding finding) const {
    *finding.mutable_observed_at() = ToProto(clock_.Now().wall);
    return finding;
  }
  void ReportLeakFor(int seconds, std::vector<v1::OrderReport> orders = {}) {
    for (int i = 0; i < seconds; ++i) {
      clock_.Advance(absl::Seconds(1));
      Report({Seen(Leak())}, orders);
      EXPECT_TRUE(coordinator_->Tick().ok());
    }
  }
  v1::OrderReport Samples(v1::Order::State state, const std::string& function = "") {
    v1::OrderReport report;
    report.set_order_id(Newest().id());
    report.set_state(state);
    report.add_targets()->set_pid(812);
    report.mutable_targets(0)->set_state(v1::Target::STATE_APPLIED);
    if (!function.empty()) {
      report.mutable_call_sites()->set_leaked_fds(500);
      v1::CallSite* site = report.mutable_call_sites()->add_sites();
      site->set_kind(v1::CallSite::KIND_READ_EOF);
      site->set_fds(412);
      site->add_frames()->set_function(function);
      site->mutable_frames(0)->set_source("leak.cc:42");
    }
    return report;
  }
  // What waits for the receiver; it is then taken by it.
  std::vector<v1::Alert> Deliver() {
    std::vector<v1::Alert> told;
    const auto waiting = store_.Undelivered("oncall", 100);
    EXPECT_TRUE(waiting.ok()) << waiting.status();
    for (const Delivery& delivery : *waiting) {
      told.push_back(delivery.alert);
      for (const auto what : {DeliveryRecord::What::kTrying, DeliveryRecord::What::kAcknowledged}) {
        EXPECT_TRUE(store_.RecordDeliveries({RecordOf(delivery, what)}).ok());
      }
    }
    return told;
  }
  static std::vector<std::string> States(const std::vector<v1::Alert>& alerts) {
    std::vector<std::string> states;
    for (const v1::Alert& alert : alerts) states.push_back(v1::Alert::State_Name(alert.state()));
    return states;
  }
};

TEST_F(LeakTest, FromALeakToAnAlertWithTheLineOfCodeAndItsEnd) {
  Connect();
  ReportLeakFor(1);
  std::vector<v1::Alert> told = Deliver();
  ASSERT_THAT(States(told), ElementsAre("STATE_FIRING"));
  EXPECT_EQ(told[0].annotations().at("summary"), "server leaks sockets on web1");
  EXPECT_EQ(told[0].annotations().count("call_sites"), 0u);
  EXPECT_THAT(Wishes(), ElementsAre("WISH_APPLY STATE_UNSPECIFIED"));
  EXPECT_EQ(carrier_.newest[session_].wishes(0).order().selector().group_by(0).value(), "812");

  ReportLeakFor(30, {Samples(v1::Order::STATE_APPLIED)});
  EXPECT_EQ(State(), "STATE_APPLIED");
  EXPECT_THAT(Deliver(), IsEmpty());
  ReportLeakFor(1, {Samples(v1::Order::STATE_ENDED, "Handle")});
  EXPECT_EQ(State(), "STATE_ENDED");
  told = Deliver();
  ASSERT_THAT(States(told), ElementsAre("STATE_FIRING"));
  EXPECT_THAT(told[0].annotations().at("call_sites"),
              HasSubstr("412 of 500: read returned 0 in Handle (leak.cc:42)"));
  EXPECT_EQ(TheOne().incident().state(), v1::Incident::STATE_OPEN);

  Restart();
  Connect();
  ReportLeakFor(90);
  EXPECT_THAT(Deliver(), IsEmpty());
  EXPECT_THAT(TheOne().orders(), SizeIs(1));
  ReportFor(30, {});
  told = Deliver();
  ASSERT_THAT(States(told), ElementsAre("STATE_RESOLVED"));
  EXPECT_THAT(told[0].annotations().at("call_sites"), HasSubstr("leak.cc:42"));
  EXPECT_EQ(Outcome(), v1::Incident::OUTCOME_ALERTED);
  EXPECT_THAT(Timeline(), ElementsAre("opened", "alerted", "proposed", "approved", "dispatched",
                                      "applied", "ended", "alerted"));
}

TEST_F(LeakTest, AHostThatMayNotSampleLeavesTheAlertCompleteWithoutIt) {
  Connect();
  ReportLeakFor(1);
  Deliver();
  v1::OrderReport refused = Samples(v1::Order::STATE_REFUSED);
  refused.set_reason("the guard file does not allow sample_call_sites");
  ReportLeakFor(1, {refused});
  const std::vector<v1::Alert> told = Deliver();
  ASSERT_THAT(States(told), ElementsAre("STATE_FIRING"));
  EXPECT_THAT(told[0].annotations().at("call_sites"),
              HasSubstr("the guard file does not allow sample_call_sites"));
  ReportLeakFor(120);
  EXPECT_THAT(TheOne().orders(), SizeIs(1));
  EXPECT_EQ(TheOne().incident().state(), v1::Incident::STATE_OPEN);
}

TEST_F(LeakTest, AManualPolicyAsksOnceAndTheAlertDoesNotWait) {
  Restart(LeakPolicies(v1::Approval::MODE_MANUAL));
  Connect();
  ReportLeakFor(1);
  EXPECT_THAT(States(Deliver()), ElementsAre("STATE_EVENT", "STATE_FIRING"));
  EXPECT_THAT(TheOne().orders(), IsEmpty());
  ASSERT_TRUE(Approve().ok());
  EXPECT_THAT(TheOne().orders(), SizeIs(1));
  EXPECT_EQ(Newest().action().sample_call_sites().duration().seconds(), 60);
}

TEST_F(LeakTest, ASecondProcessIsSampledAfterTheFirst) {
  Connect();
  clock_.Advance(absl::Seconds(1));
  const std::vector<v1::Finding> both = {Leak(), Leak("another", 813)};
  Report(both);
  const auto orders = [&] {
    std::vector<std::string> pids;
    const auto all = coordinator_->ListIncidents({});
    for (const v1::IncidentView& view : all->incidents()) {
      for (const v1::Order& order : view.orders()) {
        pids.push_back(absl::StrCat(order.selector().group_by(0).value(), " ",
                                    v1::Order::State_Name(order.state())));
      }
    }
    return pids;
  };
  ASSERT_THAT(orders(), ElementsAre("812 STATE_DISPATCHED"));
  v1::OrderReport ended;
  const auto listed = coordinator_->ListIncidents({});
  for (const v1::IncidentView& view : listed->incidents()) {
    if (view.orders_size() > 0) ended.set_order_id(view.orders(0).id());
  }
  ended.set_state(v1::Order::STATE_ENDED);
  Report(both, {ended});
  EXPECT_THAT(orders(), testing::UnorderedElementsAre("812 STATE_ENDED", "813 STATE_DISPATCHED"));
}

TEST_F(LeakTest, NewerPoliciesTellAnewAndSampleNothingTwice) {
  Connect();
  ReportLeakFor(1);
  ReportLeakFor(1, {Samples(v1::Order::STATE_ENDED, "Handle")});
  Deliver();
  PolicySet newer = LeakPolicies(v1::Approval::MODE_AUTO, "d2");
  newer.policies[0].mutable_actions(0)->mutable_raise_alert()->add_receivers("chat");
  policies_ = newer;
  ASSERT_TRUE(coordinator_->ReplacePolicies(newer).ok());
  EXPECT_THAT(*store_.Undelivered("chat", 10), SizeIs(1));
  ReportLeakFor(3);
  EXPECT_THAT(TheOne().orders(), SizeIs(1));
  EXPECT_EQ(TheOne().incident().decision().revision(), "d2");
}

}  // namespace
}  // namespace tcpmedic
