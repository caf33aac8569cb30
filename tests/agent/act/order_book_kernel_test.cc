// Orders on live sockets of the running kernel. What they did is read from outside, by a fresh
// dump.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "agent/act/host_control.h"
#include "agent/act/order_book.h"
#include "agent/act/undo.h"
#include "core/clock.h"
#include "proto/proto_time.h"
#include "tests/agent/act/held_sockets.h"

namespace tcpmedic {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SocketsSeen : public HostView {
 public:
  explicit SocketsSeen(std::vector<Candidate> sockets) : sockets_(std::move(sockets)) {}
  std::vector<Candidate> Candidates(const v1::Selector&) override { return sockets_; }
  std::optional<v1::NetworkNamespace> Namespace(const v1::Selector&) override {
    return std::nullopt;
  }
  std::optional<ProcessFound> Process(const v1::Selector&) override { return std::nullopt; }
  std::optional<bool> Holds(uint64_t, const std::string&) override { return std::nullopt; }

 private:
  const std::vector<Candidate> sockets_;
};

class OrderBookOnTheKernel : public ::testing::Test {
 protected:
  OrderBookOnTheKernel() {
    std::string name = "/tmp/order-book-XXXXXX";
    dir_ = mkdtemp(name.data());
  }
  ~OrderBookOnTheKernel() override { std::filesystem::remove_all(dir_); }

  std::string guard_path() const { return dir_ + "/guard.yaml"; }
  void WriteGuard(HeldSockets& held, const std::string& processes = "any") {
    const uint64_t cookie = held.Where(held.client_cookie(0)).key.netns_cookie;
    std::ofstream(guard_path()) << "apiVersion: tcpmedic/v1\nkind: Guard\n"
                                << "actions: [set_congestion_control]\nalgorithms: [bbr]\n"
                                << "namespaces: [cookie:" << cookie << "]\n"
                                << "processes: [" << processes << "]\n";
    chmod(guard_path().c_str(), 0644);
  }

  // A new agent over the same journal; the one before ends without a word, as after kill -9.
  void Start() {
    book.reset();
    auto opened = OrderBook::Open({.state_dir = dir_ + "/state",
                                   .guard_path = guard_path(),
                                   .boot_id = "this boot",
                                   .session_nonce = 42},
                                  host.get(), clock.Now());
    ASSERT_TRUE(opened.ok()) << opened.status();
    book = *std::move(opened);
  }

  bool Wish(v1::OrderWish::Wish wish, std::vector<Candidate> candidates) {
    v1::OrderSet set;
    set.add_wishes()->set_wish(wish);
    v1::Order* const order = set.mutable_wishes(0)->mutable_order();
    order->set_id("o-1");
    order->mutable_selector()->set_signature("pinned-cwnd");
    order->mutable_selector()->add_group_by()->set_attribute("netns");
    auto* action = order->mutable_action()->mutable_set_congestion_control();
    action->set_algorithm("bbr");
    action->set_scope(v1::SetCongestionControl::SCOPE_SOCKETS);
    order->set_targets_max(200);
    order->set_session_nonce(42);
    *order->mutable_expires_at() = ToProto(started_.wall + absl::Seconds(30));
    *order->mutable_confirm_within() = ToProto(absl::Seconds(35));
    order->set_holdback_ratio(0.1);
    book->SetWishes(set);
    return Step(std::move(candidates));
  }

  bool Step(std::vector<Candidate> candidates = {}) {
    SocketsSeen view(std::move(candidates));
    return book->Step(clock.Now(), &view);
  }

  v1::OrderReport Report() { return book->Reports().at(0); }

  std::string dir_;
  std::unique_ptr<HostControl> host = MakeHostControl();
  SimulatedClock clock{absl::FromUnixSeconds(1'790'000'000)};
  const Moment started_ = clock.Now();
  std::unique_ptr<OrderBook> book;
};

TEST_F(OrderBookOnTheKernel, AnOrderMovesLiveSocketsAndTheHeldBackOneFollowsAfterCommit) {
  HeldSockets held(4);
  WriteGuard(held);
  Start();
  ASSERT_THAT(held.Using("cubic"), SizeIs(4));
  ASSERT_TRUE(Wish(v1::OrderWish::WISH_APPLY, held.Using("cubic")));
  EXPECT_EQ(Report().state(), v1::Order::STATE_APPLIED) << Report().DebugString();
  EXPECT_THAT(held.Using("bbr"), SizeIs(3));
  EXPECT_THAT(held.Using("cubic"), SizeIs(1));
  ASSERT_TRUE(Wish(v1::OrderWish::WISH_COMMIT, {}));
  EXPECT_THAT(held.Using("bbr"), SizeIs(4));
  ASSERT_TRUE(Wish(v1::OrderWish::WISH_ROLL_BACK, {}));
  EXPECT_EQ(Report().state(), v1::Order::STATE_ROLLED_BACK);
  EXPECT_THAT(held.Using("cubic"), SizeIs(4));
}

TEST_F(OrderBookOnTheKernel, AnAgentKilledBeforeTheCommitIsMadeGoodByTheNextAtTheDeadline) {
  HeldSockets held(1);
  WriteGuard(held);
  Start();
  ASSERT_TRUE(Wish(v1::OrderWish::WISH_APPLY, held.Using("cubic")));
  clock.Advance(absl::Seconds(20));
  Start();
  EXPECT_EQ(held.AlgorithmOf(held.client_cookie(0)), "bbr");
  clock.Advance(absl::Seconds(20));
  Start();
  EXPECT_EQ(held.AlgorithmOf(held.client_cookie(0)), "cubic");
  EXPECT_EQ(Report().state(), v1::Order::STATE_ROLLED_BACK);
}

TEST_F(OrderBookOnTheKernel, ASocketOfTwoProcessesIsChangedOnceAndUndoneThroughTheOneThatIsLeft) {
  HeldSockets held(1, HeldSockets::kSharedWithAFork);
  WriteGuard(held);
  Start();
  ASSERT_TRUE(Wish(v1::OrderWish::WISH_APPLY, held.Using("cubic")));
  EXPECT_THAT(Report().targets(), SizeIs(1));
  EXPECT_EQ(Report().targets(0).state(), v1::Target::STATE_APPLIED);
  EXPECT_EQ(held.AlgorithmOf(held.client_cookie(0)), "bbr");
  kill(held.fork_pid(), SIGKILL);
  ASSERT_TRUE(Wish(v1::OrderWish::WISH_ROLL_BACK, {}));
  EXPECT_EQ(Report().targets(0).state(), v1::Target::STATE_UNDONE) << Report().DebugString();
  EXPECT_EQ(held.AlgorithmOf(held.client_cookie(0)), "cubic");
}

TEST_F(OrderBookOnTheKernel, SomeoneElsesChangeIsLeftAlone) {
  HeldSockets held(1);
  WriteGuard(held);
  Start();
  ASSERT_TRUE(Wish(v1::OrderWish::WISH_APPLY, held.Using("cubic")));
  Whereabouts where = held.Where(held.client_cookie(0));
  ASSERT_TRUE(host->Locate({&where, 1}, {}));
  ASSERT_TRUE(host->ExchangeCongestionControl(where, "bbr", "reno")->changed);
  clock.Advance(absl::Seconds(35));
  ASSERT_TRUE(Step());
  EXPECT_EQ(Report().state(), v1::Order::STATE_DRIFTED);
  EXPECT_EQ(held.AlgorithmOf(held.client_cookie(0)), "reno");
}

TEST_F(OrderBookOnTheKernel, AProcessThatEndsBeforeTheChangeIsGoneAndNobodyElseIsTouched) {
  HeldSockets held(1);
  HeldSockets other(1);
  WriteGuard(held);
  Start();
  const std::vector<Candidate> seen = held.Using("cubic");
  held.Kill();
  ASSERT_TRUE(Wish(v1::OrderWish::WISH_APPLY, seen));
  EXPECT_EQ(Report().state(), v1::Order::STATE_REFUSED);
  EXPECT_EQ(Report().targets(0).state(), v1::Target::STATE_GONE);
  EXPECT_EQ(other.AlgorithmOf(other.client_cookie(0)), "cubic");
}

TEST_F(OrderBookOnTheKernel, AProcessThatEndsDuringVerificationLeavesNothingToUndo) {
  HeldSockets held(1);
  WriteGuard(held);
  Start();
  ASSERT_TRUE(Wish(v1::OrderWish::WISH_APPLY, held.Using("cubic")));
  held.Kill();
  ASSERT_TRUE(Wish(v1::OrderWish::WISH_ROLL_BACK, {}));
  EXPECT_EQ(Report().state(), v1::Order::STATE_ROLLED_BACK);
  EXPECT_EQ(Report().targets(0).state(), v1::Target::STATE_GONE);
}

TEST_F(OrderBookOnTheKernel, WithoutASafeGuardFileTheSocketIsUntouched) {
  HeldSockets held(1);
  HeldSockets others(1);
  const auto refusal = [&] {
    Start();
    EXPECT_TRUE(Wish(v1::OrderWish::WISH_APPLY, held.Using("cubic")));
    EXPECT_EQ(Report().state(), v1::Order::STATE_REFUSED);
    EXPECT_EQ(held.AlgorithmOf(held.client_cookie(0)), "cubic");
    return Report().reason();
  };
  EXPECT_THAT(refusal(), HasSubstr("does not exist"));
  WriteGuard(held);
  ASSERT_EQ(chmod(guard_path().c_str(), 0664), 0);
  EXPECT_THAT(refusal(), HasSubstr("is writable by group or others"));
  ASSERT_EQ(chmod(guard_path().c_str(), 0644), 0);
  ASSERT_EQ(chown(guard_path().c_str(), 65534, 65534), 0);
  EXPECT_THAT(refusal(), HasSubstr("is not root's"));
  WriteGuard(held, "nginx");
  ASSERT_EQ(chown(guard_path().c_str(), 0, 0), 0);
  EXPECT_THAT(refusal(), HasSubstr("does not allow process"));
  WriteGuard(others);
  EXPECT_THAT(refusal(), HasSubstr("does not allow namespace"));
}

TEST_F(OrderBookOnTheKernel, UndoTakesBackACommittedChangeWithoutAController) {
  HeldSockets held(1);
  WriteGuard(held);
  Start();
  ASSERT_TRUE(Wish(v1::OrderWish::WISH_APPLY, held.Using("cubic")));
  ASSERT_TRUE(Wish(v1::OrderWish::WISH_COMMIT, {}));
  const auto undo = [&] { return RunUndo(dir_ + "/state", "this boot", host.get(), clock.Now()); };
  const UndoResult while_it_runs = undo();
  EXPECT_EQ(while_it_runs.exit_code, 1);
  EXPECT_EQ(while_it_runs.error, absl::StrCat(dir_,
                                              "/state/journal is in use by another "
                                              "tcpmedic-agent: stop it first\n"));
  EXPECT_EQ(held.AlgorithmOf(held.client_cookie(0)), "bbr");

  book.reset();
  const UndoResult undone = undo();
  EXPECT_EQ(undone.exit_code, 0) << undone.error;
  EXPECT_THAT(undone.text,
              HasSubstr(absl::StrCat("(cookie ", held.client_cookie(0), "): cubic again\n")));
  EXPECT_EQ(held.AlgorithmOf(held.client_cookie(0)), "cubic");
  EXPECT_EQ(undo().text, "nothing to undo\n");
}

TEST_F(OrderBookOnTheKernel, UndoWithoutAJournalMakesNone) {
  const UndoResult result = RunUndo(dir_ + "/none", "this boot", host.get(), clock.Now());
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.text, "nothing to undo: there is no journal in " + dir_ + "/none\n");
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/none"));
}

}  // namespace
}  // namespace tcpmedic
