// A whole controller under a simulated clock, with a scripted agent: what both kinds of orders are
// tested on. The controller may be killed between any two steps.
#ifndef TCPMEDIC_TESTS_CONTROLLER_ORDERS_FIXTURE_H_
#define TCPMEDIC_TESTS_CONTROLLER_ORDERS_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controller/coordinator.h"
#include "controller/store/memory_store.h"
#include "proto/proto_time.h"

namespace tcpmedic {

inline const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

inline PolicySet PinnedPolicies(const std::string& digest = "d1") {
  PolicySet set;
  set.revision = set.digest = digest;
  set.signatures.set_digest(digest);
  v1::Signature* signature = set.signatures.add_signatures();
  signature->set_name("pinned-cwnd");
  signature->mutable_window()->set_seconds(5);
  signature->mutable_for_()->set_seconds(5);
  v1::Policy policy;
  policy.set_name("to-bbr");
  policy.set_signature("pinned-cwnd");
  policy.add_actions()->mutable_set_congestion_control()->set_algorithm("bbr");
  policy.mutable_approval()->mutable_expires()->set_seconds(3600);
  policy.mutable_approval()->mutable_covers()->set_seconds(3600);
  policy.mutable_verify()->mutable_after()->set_seconds(20);
  policy.mutable_verify()->set_expect("after.goodput_bps >= 3.0 * before.goodput_bps");
  policy.set_holdback_ratio(0.1);
  policy.mutable_limits()->set_targets_per_host(200);
  set.policies.push_back(policy);
  return set;
}

inline v1::Finding Pinned(std::vector<uint64_t> cookies = {7}, const std::string& group = "peer") {
  v1::Finding finding;
  finding.set_signature("pinned-cwnd");
  finding.set_group(group);
  finding.set_title("Window pinned");
  finding.set_severity(v1::SEVERITY_WARNING);
  finding.set_confidence(v1::CONFIDENCE_CERTAIN);
  finding.mutable_netns()->set_cookie(42);
  finding.add_group_by()->set_value(group);
  for (const uint64_t cookie : cookies) finding.add_sockets()->set_cookie(cookie);
  return finding;
}

class SilentAnnouncer : public Announcer {
 public:
  absl::Status Announce(const OutboxEntry&) override { return absl::OkStatus(); }
};

class FaultyStore : public MemoryStore {
 public:
  absl::Status Commit(const Transaction& transaction) override {
    if (full) return absl::ResourceExhaustedError("write state.db: disk full");
    return MemoryStore::Commit(transaction);
  }
  bool full = false;
};

// What arrives at the agents.
class RecordingCarrier : public WishCarrier {
 public:
  void OnWishes(uint64_t session, const v1::OrderSet& wishes) override {
    newest[session] = wishes;
    ++sent;
  }
  std::map<uint64_t, v1::OrderSet> newest;
  int sent = 0;
};

class OrdersTest : public ::testing::Test {
 protected:
  OrdersTest() { Restart(); }
  ~OrdersTest() override { coordinator_->CarryWishes(nullptr); }

  // kill -9 and a new start; agents have to connect again.
  void Restart() { Restart(policies_); }
  void Restart(PolicySet policies) {
    policies_ = std::move(policies);
    coordinator_.reset();
    carrier_.newest.clear();
    auto started = Coordinator::Start({}, policies_, &store_, &announcer_, &clock_);
    ASSERT_TRUE(started.ok()) << started.status();
    coordinator_ = *std::move(started);
    coordinator_->CarryWishes(&carrier_);
    session_ = 0;
  }
  uint64_t ConnectAs(const std::string& host, uint64_t nonce = 11) {
    v1::Hello hello;
    hello.set_host(host);
    hello.set_session_nonce(nonce);
    *hello.mutable_started_at() = ToProto(kStart - absl::Hours(1));
    auto welcomed = coordinator_->OnHello(hello);
    EXPECT_TRUE(welcomed.ok()) << welcomed.status();
    coordinator_->RepeatWishes(welcomed->session);
    return welcomed->session;
  }
  void Connect(uint64_t nonce = 11) { session_ = ConnectAs("web1", nonce); }

  v1::Report ReportNow(std::vector<v1::Finding> findings, std::vector<v1::OrderReport> orders) {
    v1::Report report;
    *report.mutable_at() = ToProto(clock_.Now().wall);
    report.set_signatures_digest(policies_.digest);
    report.mutable_stats()->mutable_interval()->set_seconds(1);
    report.mutable_findings()->Assign(findings.begin(), findings.end());
    report.mutable_orders()->Assign(orders.begin(), orders.end());
    return report;
  }
  void Report(std::vector<v1::Finding> findings, std::vector<v1::OrderReport> orders = {}) {
    const absl::Status stored = coordinator_->OnReport(session_, ReportNow(findings, orders));
    EXPECT_TRUE(stored.ok()) << stored;
  }
  // Once a second, with the controller's tick.
  void ReportFor(int seconds, std::vector<v1::Finding> findings,
                 std::vector<v1::OrderReport> orders = {}) {
    for (int i = 0; i < seconds; ++i) {
      clock_.Advance(absl::Seconds(1));
      Report(findings, orders);
      EXPECT_TRUE(coordinator_->Tick().ok());
    }
  }
  void BeSilentFor(int seconds) {
    for (int i = 0; i < seconds; ++i) {
      clock_.Advance(absl::Seconds(1));
      EXPECT_TRUE(coordinator_->Tick().ok());
    }
  }

  v1::IncidentView TheOne() const {
    v1::ListIncidentsRequest request;
    request.set_include_closed(true);
    auto listed = coordinator_->ListIncidents(request);
    EXPECT_TRUE(listed.ok()) << listed.status();
    EXPECT_THAT(listed->incidents(), ::testing::SizeIs(1));
    return listed->incidents_size() == 0 ? v1::IncidentView() : listed->incidents(0);
  }
  std::string Id() const { return TheOne().incident().id(); }
  v1::Order Newest() const {
    const v1::IncidentView view = TheOne();
    return view.orders().empty() ? v1::Order() : view.orders(0);
  }
  std::string State() const { return v1::Order::State_Name(Newest().state()); }
  v1::Incident::Outcome Outcome() const { return TheOne().incident().outcome(); }
  std::vector<std::string> Timeline() const {
    std::vector<std::string> words;
    const v1::IncidentView view = TheOne();
    for (const auto& entry : view.incident().timeline()) words.push_back(entry.what());
    return words;
  }

  absl::StatusOr<v1::IncidentView> Approve(const std::string& actor = "ann") {
    v1::ApproveRequest request;
    request.set_id(Id());
    request.set_actor(actor);
    return coordinator_->Approve(request);
  }
  absl::StatusOr<v1::IncidentView> Rollback(const std::string& actor = "bob") {
    v1::RollbackRequest request;
    request.set_id(Id());
    request.set_actor(actor);
    request.set_reason("the peer complains");
    return coordinator_->Rollback(request);
  }

  // How the agent sees the order: one socket changed, measured up to now.
  v1::OrderReport Stands(v1::Order::State state, double after_bps = 66e6, uint64_t cookie = 7) {
    v1::OrderReport report;
    report.set_order_id(Newest().id());
    report.set_state(state);
    v1::Target* target = report.add_targets();
    target->mutable_socket()->set_cookie(cookie);
    const bool undone = state == v1::Order::STATE_ROLLED_BACK;
    target->set_state(undone                              ? v1::Target::STATE_UNDONE
                      : state == v1::Order::STATE_REFUSED ? v1::Target::STATE_REFUSED
                                                          : v1::Target::STATE_APPLIED);
    *report.mutable_applied_at() = ToProto(applied_at_);
    const auto goodput = [](double bps, absl::Time start, absl::Time end) {
      v1::Measurement measurement;
      *measurement.mutable_start() = ToProto(start);
      *measurement.mutable_end() = ToProto(end);
      measurement.add_values()->set_name("goodput_bps");
      measurement.mutable_values(0)->mutable_value()->set_double_value(bps);
      return measurement;
    };
    const absl::Time now = clock_.Now().wall;
    *report.mutable_measured()->mutable_before() =
        goodput(0.8e6, applied_at_ - absl::Seconds(10), applied_at_);
    *report.mutable_measured()->mutable_after() =
        goodput(after_bps, std::max(applied_at_, now - absl::Seconds(10)), now);
    return report;
  }
  // Reports the order as applied, once a second; what it reports is measured at that second.
  void StandsAppliedFor(int seconds, double after_bps, std::vector<v1::Finding> findings = {}) {
    for (int i = 0; i < seconds; ++i) {
      clock_.Advance(absl::Seconds(1));
      Report(findings, {Stands(v1::Order::STATE_APPLIED, after_bps)});
      EXPECT_TRUE(coordinator_->Tick().ok());
    }
  }
  void ApplyNow() {
    applied_at_ = clock_.Now().wall;
    Report({Pinned()}, {Stands(v1::Order::STATE_APPLIED)});
  }
  void ApproveAndApply() {
    Connect();
    ReportFor(15, {Pinned()});
    ASSERT_TRUE(Approve().ok());
    ApplyNow();
  }
  void Verify() {
    ApproveAndApply();
    StandsAppliedFor(20, 66e6);
    Report({}, {Stands(v1::Order::STATE_COMMITTED)});
    Report({});
  }

  // What the agent was told last.
  std::vector<std::string> Wishes() const {
    std::vector<std::string> words;
    const auto told = carrier_.newest.find(session_);
    if (told == carrier_.newest.end()) return words;
    for (const v1::OrderWish& wish : told->second.wishes()) {
      words.push_back(absl::StrCat(v1::OrderWish::Wish_Name(wish.wish()), " ",
                                   v1::Order::State_Name(wish.stored())));
    }
    return words;
  }

  SimulatedClock clock_{kStart};
  FaultyStore store_;
  SilentAnnouncer announcer_;
  RecordingCarrier carrier_;
  PolicySet policies_ = PinnedPolicies();
  std::unique_ptr<Coordinator> coordinator_;
  uint64_t session_ = 0;
  absl::Time applied_at_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_CONTROLLER_ORDERS_FIXTURE_H_
