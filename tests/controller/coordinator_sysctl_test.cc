// Orders of sysctls through the whole controller: from a flood to a setting that has helped, that
// stays as long as its lease is renewed, and that ends by itself.
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

PolicySet FloodPolicies() {
  PolicySet set;
  set.revision = set.digest = "d1";
  set.signatures.set_digest("d1");
  for (const char* name : {"syn-flood-absorbed", "syn-flood-unprotected"}) {
    v1::Signature* signature = set.signatures.add_signatures();
    signature->set_name(name);
    signature->set_subject(v1::SUBJECT_NETNS);
    signature->mutable_window()->set_seconds(5);
    signature->mutable_for_()->set_seconds(5);
  }
  v1::Policy note;
  note.set_name("noted");
  note.set_signature("syn-flood-absorbed");
  note.add_actions()->mutable_note()->set_text("leave it; filter upstream");
  set.policies.push_back(note);

  v1::Policy policy;
  policy.set_name("cookies-on");
  policy.set_signature("syn-flood-unprotected");
  v1::SetSysctl::Setting* setting = policy.add_actions()->mutable_set_sysctl()->add_settings();
  setting->set_name("net.ipv4.tcp_syncookies");
  setting->set_value("1");
  policy.mutable_approval()->mutable_expires()->set_seconds(3600);
  policy.mutable_verify()->mutable_after()->set_seconds(20);
  policy.mutable_verify()->set_expect(
      "after.syn_drops_per_s <= 0.05 * before.syn_drops_per_s && "
      "after.syncookies_sent_per_s > 0.0");
  policy.mutable_lease()->mutable_for_()->set_seconds(7200);
  policy.mutable_lease()->set_renew_while("netns.syncookies_sent_per_s > 1.0");
  policy.add_leads_to("syn-flood-absorbed");
  policy.mutable_limits()->set_targets_per_host(50);
  set.policies.push_back(policy);
  return set;
}

v1::Finding Flood(const std::string& signature = "syn-flood-unprotected") {
  v1::Finding finding;
  finding.set_signature(signature);
  finding.set_group("netns 42");
  finding.set_title("SYN flood");
  finding.set_verdict(
      "4182 SYNs were answered by a cookie and 31 came back, 0.7 %. The listener under most "
      "pressure: 0.0.0.0:443.");
  finding.set_subject(v1::SUBJECT_NETNS);
  finding.set_severity(v1::SEVERITY_CRITICAL);
  finding.set_confidence(v1::CONFIDENCE_CERTAIN);
  finding.mutable_netns()->set_cookie(42);
  finding.mutable_netns()->set_name("netns of pid 812 (nginx)");
  finding.add_group_by()->set_attribute("netns");
  finding.mutable_group_by(0)->set_value("42");
  return finding;
}

class SysctlOrdersTest : public OrdersTest {
 protected:
  SysctlOrdersTest() { Restart(FloodPolicies()); }

  v1::OrderReport Cookies(v1::Order::State state, double drops_after = 2,
                          double sent_after = 1900) {
    v1::OrderReport report;
    report.set_order_id(order_id_);
    report.set_state(state);
    v1::Target* target = report.add_targets();
    target->set_sysctl("net.ipv4.tcp_syncookies");
    target->set_value_before("0");
    target->set_value_after("1");
    target->set_state(v1::Target::STATE_APPLIED);
    if (state == v1::Order::STATE_ENDED || state == v1::Order::STATE_ROLLED_BACK) {
      target->set_state(v1::Target::STATE_UNDONE);
    }
    *report.mutable_applied_at() = ToProto(applied_at_);
    const auto measured = [](double drops, double sent, absl::Time start, absl::Time end) {
      v1::Measurement measurement;
      *measurement.mutable_start() = ToProto(start);
      *measurement.mutable_end() = ToProto(end);
      for (const auto& [name, value] :
           {std::pair("syncookies_sent_per_s", sent), std::pair("syn_drops_per_s", drops)}) {
        v1::Evidence* evidence = measurement.add_values();
        evidence->set_name(name);
        evidence->mutable_value()->set_double_value(value);
      }
      return measurement;
    };
    const absl::Time now = clock_.Now().wall;
    *report.mutable_measured()->mutable_before() =
        measured(1990, 0, applied_at_ - absl::Seconds(10), applied_at_);
    *report.mutable_measured()->mutable_after() =
        measured(drops_after, sent_after, std::max(applied_at_, now - absl::Seconds(10)), now);
    if (state == v1::Order::STATE_COMMITTED) {
      *report.mutable_lease_until() = ToProto(lease_until_);
    }
    return report;
  }
  void ApproveAndApplyCookies() {
    Connect();
    ReportFor(15, {Flood()});
    ASSERT_TRUE(Approve().ok());
    order_id_ = Newest().id();
    applied_at_ = clock_.Now().wall;
    Report({Flood()}, {Cookies(v1::Order::STATE_APPLIED)});
  }
  void JudgeAfter20s(double drops_after, double sent_after,
                     std::vector<v1::Finding> findings = {}) {
    for (int i = 0; i < 20; ++i) {
      clock_.Advance(absl::Seconds(1));
      Report(findings, {Cookies(v1::Order::STATE_APPLIED, drops_after, sent_after)});
    }
  }
  void Commit(std::vector<v1::Finding> findings = {}) {
    lease_until_ = clock_.Now().wall + absl::Hours(2);
    Report(findings, {Cookies(v1::Order::STATE_COMMITTED)});
  }
  std::vector<v1::IncidentView> All() const {
    v1::ListIncidentsRequest request;
    request.set_include_closed(true);
    const auto listed = coordinator_->ListIncidents(request);
    return {listed->incidents().begin(), listed->incidents().end()};
  }

  std::string order_id_;
  absl::Time lease_until_;
};

TEST_F(SysctlOrdersTest, FromAFloodToRemediedWithALease) {
  ApproveAndApplyCookies();
  EXPECT_EQ(carrier_.newest[session_].wishes(0).order().lease().renew_while(),
            "netns.syncookies_sent_per_s > 1.0");
  EXPECT_EQ(Newest().targets_max(), 1);
  JudgeAfter20s(2, 1900);
  EXPECT_EQ(State(), "STATE_COMMITTING");
  EXPECT_EQ(Newest().verification().reason(),
            "after.syn_drops_per_s 2 per second <= 0.05 * before.syn_drops_per_s 1990 per second, "
            "after.syncookies_sent_per_s 1900 per second > 0.0");
  Commit();
  EXPECT_EQ(Outcome(), v1::Incident::OUTCOME_REMEDIED);
  EXPECT_EQ(FromProtoOrInfinitePast(Newest().lease_until()), lease_until_);
  EXPECT_THAT(Timeline(), ElementsAre("opened", "decided", "proposed", "approved", "dispatched",
                                      "applied", "gone", "judged", "verified", "remedied"));
  EXPECT_THAT(TheOne().incident().timeline(9).text(),
              HasSubstr("else it is taken back by the host itself 2h after the last moment with "
                        "netns.syncookies_sent_per_s > 1.0"));
}

TEST_F(SysctlOrdersTest, DropsThatGoOnAreNotImprovedAndTakenBack) {
  ApproveAndApplyCookies();
  JudgeAfter20s(1800, 0);
  EXPECT_EQ(State(), "STATE_APPLIED");
  EXPECT_THAT(Wishes(), ElementsAre("WISH_ROLL_BACK STATE_APPLIED"));
  Report({}, {Cookies(v1::Order::STATE_ROLLED_BACK)});
  EXPECT_EQ(Outcome(), v1::Incident::OUTCOME_FAILED);
  EXPECT_THAT(TheOne().incident().timeline().rbegin()[1].text(),
              HasSubstr("net.ipv4.tcp_syncookies is 0 again"));
}

TEST_F(SysctlOrdersTest, ARenewalIsKeptAndIsNoStory) {
  ApproveAndApplyCookies();
  JudgeAfter20s(2, 1900);
  Commit();
  const size_t timeline = Timeline().size();
  clock_.Advance(absl::Minutes(31));
  lease_until_ += absl::Minutes(31);
  Report({}, {Cookies(v1::Order::STATE_COMMITTED)});
  Report({});
  EXPECT_EQ(Timeline().size(), timeline);
  Restart();  // the agent knows that this has been stored, and does not repeat it
  Connect();
  Report({});
  EXPECT_EQ(FromProtoOrInfinitePast(Newest().lease_until()), lease_until_);
}

TEST_F(SysctlOrdersTest, WhenTheLeaseHasRunOutItStaysRemediedAndTheNextFloodIsProposedAnew) {
  ApproveAndApplyCookies();
  JudgeAfter20s(2, 1900);
  Commit();
  ReportFor(60, {}, {Cookies(v1::Order::STATE_COMMITTED)});
  v1::OrderReport ended = Cookies(v1::Order::STATE_ENDED);
  ended.set_reason("the lease ran out: netns.syncookies_sent_per_s > 1.0 was last true 2h ago");
  Report({}, {ended});
  EXPECT_EQ(State(), "STATE_ENDED");
  EXPECT_EQ(Outcome(), v1::Incident::OUTCOME_REMEDIED);
  EXPECT_EQ(TheOne().incident().timeline().rbegin()->what(), "ended");

  Report({Flood()});
  const std::vector<v1::IncidentView> all = All();
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].incident().state(), v1::Incident::STATE_OPEN);
  EXPECT_EQ(all[0].incident().proposal_state(), v1::Proposal::STATE_PENDING);
  EXPECT_THAT(all[0].orders(), IsEmpty());
  EXPECT_EQ(all[1].incident().outcome(), v1::Incident::OUTCOME_REMEDIED);
}

TEST_F(SysctlOrdersTest, WhileTheLeaseLastsAFindingIsNotTriedAgain) {
  ApproveAndApplyCookies();
  JudgeAfter20s(2, 1900);
  Commit();
  ReportFor(20, {Flood()}, {Cookies(v1::Order::STATE_COMMITTED)});
  EXPECT_THAT(TheOne().orders(), SizeIs(1));
  EXPECT_EQ(Outcome(), v1::Incident::OUTCOME_REMEDIED);
}

TEST_F(SysctlOrdersTest, WhatTheChangeLeadsToJoinsItsIncidentUntilItIsInForceNoMore) {
  ApproveAndApplyCookies();
  const v1::Finding absorbed = Flood("syn-flood-absorbed");
  Report({absorbed}, {Cookies(v1::Order::STATE_APPLIED)});
  EXPECT_EQ(TheOne().incident().timeline(6).text(),
            absl::StrCat("SYN flood, as is to be expected of order ", order_id_,
                         ": 4182 SYNs were answered by a cookie and 31 came back, 0.7 %"));
  JudgeAfter20s(2, 1900, {absorbed});
  Commit({absorbed});
  EXPECT_THAT(Timeline(),
              ElementsAre("opened", "decided", "proposed", "approved", "dispatched", "applied",
                          "explained", "gone", "judged", "verified", "remedied"));
  Restart();
  Connect();
  ReportFor(90, {absorbed}, {Cookies(v1::Order::STATE_COMMITTED)});
  EXPECT_EQ(Timeline().back(), "remedied");  // and it is still the one incident there is

  Report({absorbed}, {Cookies(v1::Order::STATE_ENDED)});
  const std::vector<v1::IncidentView> all = All();
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].incident().finding().signature(), "syn-flood-absorbed");
  EXPECT_EQ(all[0].incident().state(), v1::Incident::STATE_OPEN);
  EXPECT_EQ(all[1].incident().outcome(), v1::Incident::OUTCOME_REMEDIED);
}

TEST_F(SysctlOrdersTest, WhatElseIsFoundIsAnIncidentOfItsOwn) {
  ApproveAndApplyCookies();
  v1::Finding elsewhere = Flood("syn-flood-absorbed");
  elsewhere.mutable_netns()->set_cookie(43);
  elsewhere.set_group("netns 43");
  Report({Flood(), elsewhere}, {Cookies(v1::Order::STATE_APPLIED)});
  Report({Flood(), elsewhere, Flood("syn-backlog-too-small")}, {Cookies(v1::Order::STATE_APPLIED)});
  const uint64_t ours = session_;
  session_ = ConnectAs("web2");
  Report({Flood("syn-flood-absorbed")});
  session_ = ours;
  EXPECT_THAT(All(), SizeIs(4));
}

TEST_F(SysctlOrdersTest, WhatWasThereBeforeTheChangeGoesOnAsItsOwnIncident) {
  Connect();
  ReportFor(15, {Flood("syn-flood-absorbed")});
  const std::string before = Id();
  ReportFor(15, {Flood(), Flood("syn-flood-absorbed")});
  std::string flooded;
  for (const v1::IncidentView& view : All()) {
    if (view.incident().id() != before) flooded = view.incident().id();
  }
  v1::ApproveRequest request;
  request.set_id(flooded);
  request.set_actor("ann");
  const auto approved = coordinator_->Approve(request);
  ASSERT_TRUE(approved.ok()) << approved.status();
  order_id_ = approved->orders(0).id();
  applied_at_ = clock_.Now().wall;
  ReportFor(5, {Flood("syn-flood-absorbed")}, {Cookies(v1::Order::STATE_APPLIED)});
  EXPECT_EQ(coordinator_->GetIncident(before)->incident().state(), v1::Incident::STATE_OPEN);
  EXPECT_THAT(coordinator_->GetIncident(flooded)->incident().explained(), IsEmpty());

  // Gone for once, it is what the change has made of the flood.
  ReportFor(30, {}, {Cookies(v1::Order::STATE_APPLIED)});
  EXPECT_EQ(coordinator_->GetIncident(before)->incident().outcome(), v1::Incident::OUTCOME_NOTED);
  ReportFor(5, {Flood("syn-flood-absorbed")}, {Cookies(v1::Order::STATE_APPLIED)});
  EXPECT_EQ(coordinator_->GetIncident(before)->incident().outcome(), v1::Incident::OUTCOME_NOTED);
  EXPECT_THAT(coordinator_->GetIncident(flooded)->incident().explained(), SizeIs(1));
}

TEST_F(SysctlOrdersTest, AnAbsorbedFloodIsNotedAndNothingIsProposed) {
  Connect();
  ReportFor(15, {Flood("syn-flood-absorbed")});
  EXPECT_THAT(Timeline(), ElementsAre("opened", "noted"));
  EXPECT_THAT(TheOne().proposals(), IsEmpty());
  EXPECT_EQ(TheOne().incident().decision().actions(0).note().text(), "leave it; filter upstream");
  EXPECT_FALSE(Approve().ok());
  ReportFor(15, {});
  EXPECT_EQ(Outcome(), v1::Incident::OUTCOME_NOTED);
}

}  // namespace
}  // namespace tcpmedic
