// The desk with a real scanner and a real order book, over sockets in memory: an order from its
// wish to its measurement.
#include "agent/order_desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "agent/act/host_control.h"
#include "tests/scan/fake_sockets.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint64_t kNonce = 77;

// Changes the congestion control of the sockets that the scanner sees.
class FakeHost : public HostControl {
 public:
  explicit FakeHost(FakeSockets* sockets) : sockets_(sockets) {}

  bool Locate(absl::Span<Whereabouts> sockets, absl::Span<const int>) override {
    for (Whereabouts& socket : sockets) socket.holders = {{.pid = 812, .fd = 7}};
    return true;
  }
  absl::StatusOr<SocketFacts> Read(const Whereabouts& socket) override {
    const SocketSample* const found = Find(socket.key);
    if (found == nullptr) return absl::NotFoundError("no such socket");
    return SocketFacts{.state = found->state,
                       .congestion_control = std::string(found->cc()),
                       .restorable = true,
                       .netns_inode = 4026531847,
                       .in_host_netns = true};
  }
  absl::StatusOr<Exchange> ExchangeCongestionControl(const Whereabouts& socket,
                                                     absl::string_view from,
                                                     absl::string_view to) override {
    SocketSample* const found = Find(socket.key);
    if (found == nullptr) return absl::NotFoundError("no such socket");
    const bool changed = found->cc() == from;
    if (changed) SetCongestionControl(to, found);
    return Exchange{.changed = changed, .now = std::string(found->cc())};
  }
  absl::StatusOr<NetnsFacts> FindNetns(const NetnsRef&) override {
    return absl::NotFoundError("no such namespace");
  }
  absl::StatusOr<std::string> ReadSysctl(const NetnsRef&, absl::string_view) override {
    return absl::NotFoundError("no such namespace");
  }
  absl::StatusOr<Exchange> ExchangeSysctl(const NetnsRef&, absl::string_view, absl::string_view,
                                          absl::string_view) override {
    return absl::NotFoundError("no such namespace");
  }

  absl::StatusOr<v1::Process> Describe(int pid) override {
    v1::Process process;
    process.set_pid(pid);
    process.set_comm("nginx");
    return process;
  }

 private:
  SocketSample* Find(const SocketKey& key) {
    for (SocketSample& sample : sockets_->samples) {
      if (sample.key == key) return &sample;
    }
    return nullptr;
  }

  FakeSockets* const sockets_;
};

class OrderDeskTest : public ::testing::Test {
 protected:
  OrderDeskTest() : scanner_({}), host_(&sockets_) {
    char dir[] = "/tmp/tcpmedic-desk-XXXXXX";
    dir_ = mkdtemp(dir);
    std::ofstream(dir_ + "/guard.yaml")
        << "apiVersion: tcpmedic/v1\nkind: Guard\nactions: [set_congestion_control]\n"
           "algorithms: [bbr]\nnamespaces: [any]\nprocesses: [any]\n";
    scanner_.SetSignatures(SignatureOf("socket.cc == \"cubic\""));
    OpenDesk();
  }
  ~OrderDeskTest() override {
    desk_.reset();
    std::filesystem::remove_all(dir_);
  }

  // Also a restart: the old book's journal is read again.
  void OpenDesk(uint64_t nonce = kNonce) {
    desk_.reset();
    auto book = OrderBook::Open({.state_dir = dir_ + "/state",
                                 .guard_path = dir_ + "/guard.yaml",
                                 .boot_id = "boot-1",
                                 .session_nonce = nonce},
                                &host_, clock_.Now());
    ASSERT_TRUE(book.ok()) << book.status();
    desk_ = std::make_unique<OrderDesk>(OrderDesk::Options{.host = "web-1", .session_nonce = nonce},
                                        *std::move(book), &scanner_, &board_);
  }

  void AddSockets(int count) {
    for (int cookie = 1; cookie <= count; ++cookie) {
      sockets_.AddEstablished(cookie);
      SetCongestionControl("cubic", &sockets_.samples.back());
    }
  }

  // A scan a second, each followed by a step; the last report.
  v1::Report ScanFor(int seconds) {
    v1::Report report;
    for (int i = 0; i < seconds; ++i) {
      clock_.Advance(absl::Seconds(1));
      for (SocketSample& sample : sockets_.samples) {
        SetBytesAcked(BytesAcked(sample) + (sample.cc() == "bbr" ? 8'000'000 : 100'000), &sample);
      }
      report = scanner_.Scan({{Netns(7, &sockets_, nullptr)}}, clock_.Now(), {});
      desk_->Step(clock_.Now());
      desk_->AddOrdersTo(&report);
    }
    return report;
  }

  v1::OrderSet Wish(v1::OrderWish::Wish what,
                    v1::Order::State stored = v1::Order::STATE_DISPATCHED) {
    v1::OrderSet wishes;
    v1::OrderWish* const wish = wishes.add_wishes();
    wish->set_wish(what);
    wish->set_stored(stored);
    v1::Order* const order = wish->mutable_order();
    order->set_id("o-1");
    order->set_session_nonce(kNonce);
    order->set_targets_max(100);
    order->set_holdback_ratio(0.1);
    order->mutable_confirm_within()->set_seconds(35);
    order->mutable_expires_at()->set_seconds(2'000'000'000);
    v1::Selector* const selector = order->mutable_selector();
    selector->set_host("web-1");
    selector->set_signature("a-signature");
    v1::GroupKey* const group = selector->add_group_by();
    group->set_attribute("netns");
    group->set_value("7");
    selector->set_netns_cookie(7);
    v1::SetCongestionControl* const action =
        order->mutable_action()->mutable_set_congestion_control();
    action->set_algorithm("bbr");
    action->set_scope(v1::SetCongestionControl::SCOPE_SOCKETS);
    return wishes;
  }

  // What the sockets use now: "bbr bbr cubic".
  std::string CongestionControls() const {
    std::string all;
    for (const SocketSample& sample : sockets_.samples) {
      absl::StrAppend(&all, all.empty() ? "" : " ", sample.cc());
    }
    return all;
  }

  static double Mbps(const v1::Measurement& measured) {
    return measured.values(1).value().double_value() / 1e6;
  }

  std::string dir_;
  SimulatedClock clock_{absl::FromUnixSeconds(1'750'000'000)};
  StatusBoard board_;
  FakeSockets sockets_{7};
  Scanner scanner_;
  FakeHost host_;
  std::unique_ptr<OrderDesk> desk_;
};

TEST_F(OrderDeskTest, WishIsAppliedAfterTheNextScanAndReportedWithBefore) {
  AddSockets(2);
  ScanFor(20);
  desk_->TakeWishes(Wish(v1::OrderWish::WISH_APPLY));
  EXPECT_TRUE(desk_->wants_fresh_samples());
  EXPECT_FALSE(desk_->measuring());
  const v1::Report report = ScanFor(1);
  EXPECT_EQ(CongestionControls(), "bbr bbr");
  EXPECT_FALSE(desk_->wants_fresh_samples());
  EXPECT_TRUE(desk_->measuring());
  ASSERT_EQ(report.orders_size(), 1);
  EXPECT_EQ(report.orders(0).state(), v1::Order::STATE_APPLIED) << report.orders(0).reason();
  EXPECT_EQ(report.orders(0).targets_size(), 2);
  EXPECT_EQ(report.orders(0).measured().before().sockets(), 2);
  EXPECT_DOUBLE_EQ(Mbps(report.orders(0).measured().before()), 1.6);
  EXPECT_FALSE(report.orders(0).measured().has_after());
}

TEST_F(OrderDeskTest, TargetsAreMeasuredAgainstThoseKeptBack) {
  AddSockets(4);
  ScanFor(20);
  desk_->TakeWishes(Wish(v1::OrderWish::WISH_APPLY));
  const v1::Report report = ScanFor(21);
  const v1::Verification& measured = report.orders(0).measured();
  EXPECT_EQ(measured.after().sockets(), 3);
  EXPECT_DOUBLE_EQ(Mbps(measured.after()), 3 * 64);
  EXPECT_EQ(measured.held_back_after().sockets(), 1);
  EXPECT_DOUBLE_EQ(Mbps(measured.held_back_after()), 0.8);
  EXPECT_EQ(measured.course_size(), 10 + 20);
}

TEST_F(OrderDeskTest, MeasurementStaysAsItWasAtTheCommitWhileItIsReported) {
  AddSockets(4);
  ScanFor(20);
  desk_->TakeWishes(Wish(v1::OrderWish::WISH_APPLY));
  const v1::Report verified = ScanFor(21);
  desk_->TakeWishes(Wish(v1::OrderWish::WISH_COMMIT, v1::Order::STATE_APPLIED));
  EXPECT_TRUE(desk_->Step(clock_.Now()));
  EXPECT_EQ(CongestionControls(), "bbr bbr bbr bbr");
  EXPECT_FALSE(desk_->measuring());
  const v1::Report committed = ScanFor(15);
  ASSERT_EQ(committed.orders_size(), 1);
  EXPECT_EQ(committed.orders(0).state(), v1::Order::STATE_COMMITTED);
  EXPECT_EQ(committed.orders(0).measured().DebugString(),
            verified.orders(0).measured().DebugString());
}

TEST_F(OrderDeskTest, NothingIsKeptOfAnOrderThatTheControllerHasStored) {
  AddSockets(1);
  ScanFor(20);
  desk_->TakeWishes(Wish(v1::OrderWish::WISH_APPLY));
  ScanFor(10);
  desk_->TakeWishes(Wish(v1::OrderWish::WISH_ROLL_BACK, v1::Order::STATE_APPLIED));
  EXPECT_EQ(ScanFor(1).orders_size(), 1);
  desk_->TakeWishes(Wish(v1::OrderWish::WISH_UNSPECIFIED, v1::Order::STATE_ROLLED_BACK));
  EXPECT_EQ(ScanFor(1).orders_size(), 0);
  EXPECT_EQ(scanner_.engine()->MeasuredOf("o-1"), std::nullopt);
}

TEST_F(OrderDeskTest, DeadlineRollsBackWithoutAScan) {
  AddSockets(1);
  ScanFor(20);
  desk_->TakeWishes(Wish(v1::OrderWish::WISH_APPLY));
  ScanFor(1);
  EXPECT_LE(desk_->NextDeadline(), clock_.Now().uptime + absl::Seconds(35));
  clock_.Advance(absl::Seconds(36));
  EXPECT_TRUE(desk_->Step(clock_.Now()));
  EXPECT_EQ(CongestionControls(), "cubic");
}

TEST_F(OrderDeskTest, StoppingTakesBackOnlyWhatIsNotCommitted) {
  AddSockets(1);
  ScanFor(20);
  EXPECT_FALSE(desk_->RollBackUncommitted(clock_.Now()));
  desk_->TakeWishes(Wish(v1::OrderWish::WISH_APPLY));
  ScanFor(1);
  EXPECT_TRUE(desk_->RollBackUncommitted(clock_.Now()));
  EXPECT_EQ(CongestionControls(), "cubic");
  v1::Report report;
  desk_->AddOrdersTo(&report);
  EXPECT_EQ(report.orders(0).state(), v1::Order::STATE_ROLLED_BACK);
  EXPECT_EQ(report.orders(0).reason(), "the agent was stopped before the change was confirmed");
}

TEST_F(OrderDeskTest, StoppingKeepsWhatIsCommitted) {
  AddSockets(1);
  ScanFor(20);
  desk_->TakeWishes(Wish(v1::OrderWish::WISH_APPLY));
  ScanFor(1);
  desk_->TakeWishes(Wish(v1::OrderWish::WISH_COMMIT, v1::Order::STATE_APPLIED));
  desk_->Step(clock_.Now());
  EXPECT_FALSE(desk_->RollBackUncommitted(clock_.Now()));
  EXPECT_EQ(CongestionControls(), "bbr");
}

TEST_F(OrderDeskTest, RestartedAgentMeasuresWhatItsJournalSaysIsApplied) {
  AddSockets(1);
  ScanFor(20);
  desk_->TakeWishes(Wish(v1::OrderWish::WISH_APPLY));
  ScanFor(1);
  OpenDesk(/*nonce=*/kNonce + 1);
  EXPECT_TRUE(desk_->measuring());
  const v1::Report report = ScanFor(20);
  ASSERT_EQ(report.orders_size(), 1);
  EXPECT_DOUBLE_EQ(Mbps(report.orders(0).measured().after()), 64);
  EXPECT_EQ(board_.Read().orders.live, 1);
  EXPECT_THAT(board_.Read().orders.by_state, IsEmpty());  // it was counted by the one before
}

TEST_F(OrderDeskTest, OrderForAnotherHostSelectsNothing) {
  AddSockets(1);
  ScanFor(20);
  v1::OrderSet wishes = Wish(v1::OrderWish::WISH_APPLY);
  wishes.mutable_wishes(0)->mutable_order()->mutable_selector()->set_host("web-2");
  desk_->TakeWishes(wishes);
  EXPECT_EQ(ScanFor(1).orders(0).state(), v1::Order::STATE_REFUSED);
  EXPECT_EQ(CongestionControls(), "cubic");
}

TEST_F(OrderDeskTest, AnsweredWishDoesNotAskForAnotherScan) {
  AddSockets(1);
  ScanFor(20);
  desk_->TakeWishes(Wish(v1::OrderWish::WISH_APPLY));
  ScanFor(1);
  desk_->TakeWishes(Wish(v1::OrderWish::WISH_APPLY));  // sent before our report came
  EXPECT_FALSE(desk_->wants_fresh_samples());
  desk_->TakeWishes(Wish(v1::OrderWish::WISH_APPLY, v1::Order::STATE_APPLIED));
  EXPECT_FALSE(desk_->wants_fresh_samples());
}

TEST_F(OrderDeskTest, EachStateIsCountedOnce) {
  AddSockets(1);
  ScanFor(20);
  desk_->TakeWishes(Wish(v1::OrderWish::WISH_APPLY));
  ScanFor(5);
  EXPECT_EQ(board_.Read().orders.live, 1);
  desk_->TakeWishes(Wish(v1::OrderWish::WISH_ROLL_BACK, v1::Order::STATE_APPLIED));
  ScanFor(5);
  EXPECT_EQ(board_.Read().orders.live, 0);
  EXPECT_THAT(board_.Read().orders.by_state,
              ElementsAre(std::pair(v1::Order::STATE_APPLIED, 1),
                          std::pair(v1::Order::STATE_ROLLED_BACK, 1)));
}

TEST_F(OrderDeskTest, OrdersOverTheReportsBoundWaitUntilOthersAreAcknowledged) {
  desk_ = std::make_unique<OrderDesk>(OrderDesk::Options{.host = "web-1",
                                                         .session_nonce = kNonce,
                                                         .observes_only = "no journal",
                                                         .max_orders_bytes = 1},
                                      nullptr, &scanner_, &board_);
  v1::OrderSet wishes = Wish(v1::OrderWish::WISH_APPLY);
  *wishes.add_wishes() = wishes.wishes(0);
  wishes.mutable_wishes(1)->mutable_order()->set_id("o-2");
  v1::Report report;
  desk_->TakeWishes(wishes);
  desk_->AddOrdersTo(&report);
  ASSERT_EQ(report.orders_size(), 1);
  EXPECT_EQ(report.orders(0).order_id(), "o-1");
  wishes.mutable_wishes(0)->set_stored(v1::Order::STATE_REFUSED);
  desk_->TakeWishes(wishes);
  desk_->AddOrdersTo(&report);
  ASSERT_EQ(report.orders_size(), 1);
  EXPECT_EQ(report.orders(0).order_id(), "o-2");
}

TEST_F(OrderDeskTest, WithoutABookEveryOrderOfThisSessionIsRefusedAndNoneElse) {
  AddSockets(1);
  desk_ = std::make_unique<OrderDesk>(
      OrderDesk::Options{.host = "web-1", .session_nonce = kNonce, .observes_only = "no journal"},
      nullptr, &scanner_, &board_);
  EXPECT_EQ(desk_->NextDeadline(), absl::InfiniteDuration());
  v1::OrderSet wishes = Wish(v1::OrderWish::WISH_APPLY);
  *wishes.add_wishes() = wishes.wishes(0);
  wishes.mutable_wishes(1)->mutable_order()->set_id("o-2");
  wishes.mutable_wishes(1)->mutable_order()->set_session_nonce(kNonce - 1);
  desk_->TakeWishes(wishes);
  EXPECT_TRUE(desk_->Step(clock_.Now()));
  EXPECT_FALSE(desk_->Step(clock_.Now()));
  v1::Report report;
  desk_->AddOrdersTo(&report);
  ASSERT_EQ(report.orders_size(), 1);
  EXPECT_EQ(report.orders(0).order_id(), "o-1");
  EXPECT_EQ(report.orders(0).state(), v1::Order::STATE_REFUSED);
  EXPECT_EQ(report.orders(0).reason(), "no journal");
  EXPECT_EQ(CongestionControls(), "cubic");
}

}  // namespace
}  // namespace tcpmedic
