// Orders through the scan loop, on a real socket of the kernel's in a network namespace of the
// test's own: what wakes the loop, what it scans for, and what it leaves behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "agent/act/host_control.h"
#include "agent/scan_loop.h"
#include "tests/agent/own_namespace.h"

namespace tcpmedic {
namespace {

constexpr uint64_t kNonce = 77;
// Longer than anything here takes on a busy machine, and far less than the interval between scans.
constexpr absl::Duration kPatience = absl::Seconds(20);
constexpr absl::Duration kSeldom = absl::Seconds(60);

uint64_t NetnsCookie(int fd) {
  uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size);
  return cookie;
}

class OrderLoopKernelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    inode_ = EnterNewNamespace();
    ASSERT_NE(inode_, 0u) << strerrordesc_np(errno);
    connection_ = Connect();
    ASSERT_GE(connection_.server, 0) << strerrordesc_np(errno);
    for (const int fd : {connection_.client, connection_.server}) {
      ASSERT_EQ(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5), 0);
    }
    char dir[] = "/tmp/tcpmedic-loop-XXXXXX";
    dir_ = mkdtemp(dir);
    std::ofstream(dir_ + "/guard.yaml")
        << "apiVersion: tcpmedic/v1\nkind: Guard\nactions: [set_congestion_control]\n"
           "algorithms: [reno]\nnamespaces: [any]\nprocesses: [any]\n";
  }
  void TearDown() override {
    loop_.reset();
    close(connection_.client);
    close(connection_.server);
    std::filesystem::remove_all(dir_);
  }

  // With a budget so small that the interval is `max_interval` from the first scan on.
  void StartLoop(absl::Duration base_interval, absl::Duration max_interval) {
    v1::SignatureSet set;
    v1::Signature* signature = set.add_signatures();
    signature->set_name("any-cubic");
    signature->set_title("A socket on cubic");
    signature->set_severity(v1::SEVERITY_WARNING);
    signature->set_subject(v1::SUBJECT_SOCKET);
    signature->set_sockets("socket.state == \"established\" && socket.cc == \"cubic\"");
    signature->add_group_by("netns");
    signature->mutable_window()->set_seconds(1);
    signature->set_verdict("it is on cubic");
    const absl::Status offered = signatures_.Offer(set);
    ASSERT_TRUE(offered.ok()) << offered;
    auto book = OrderBook::Open({.state_dir = dir_ + "/state",
                                 .guard_path = dir_ + "/guard.yaml",
                                 .boot_id = "boot-1",
                                 .session_nonce = kNonce},
                                host_.get(), Clock::Real()->Now());
    ASSERT_TRUE(book.ok()) << book.status();
    ScanLoop::Options options;
    options.namespaces.only_inodes = {inode_};
    options.budget = {
        .base_interval = base_interval, .max_interval = max_interval, .core_fraction = 1e-9};
    options.orders = {.host = "web-1", .session_nonce = kNonce};
    loop_ =
        std::make_unique<ScanLoop>(options, *std::move(book), Clock::Real(), &signatures_, &wishes_,
                                   &board_, [this](std::shared_ptr<const v1::Report> report) {
                                     absl::MutexLock lock(&mutex_);
                                     reports_.push_back(std::move(report));
                                   });
    loop_->Start();
    ASSERT_TRUE(AwaitReports([](const auto& reports) { return !reports.empty(); }));
  }

  void Wish(v1::OrderWish::Wish what, absl::Duration confirm_within = absl::Seconds(35)) {
    v1::OrderSet wishes;
    v1::OrderWish* const wish = wishes.add_wishes();
    wish->set_wish(what);
    wish->set_stored(v1::Order::STATE_DISPATCHED);
    v1::Order* const order = wish->mutable_order();
    order->set_id("o-1");
    order->set_session_nonce(kNonce);
    order->set_targets_max(100);
    order->mutable_confirm_within()->set_seconds(absl::ToInt64Seconds(confirm_within));
    order->mutable_expires_at()->set_seconds(absl::ToUnixSeconds(absl::Now() + absl::Seconds(30)));
    v1::Selector* const selector = order->mutable_selector();
    selector->set_host("web-1");
    selector->set_signature("any-cubic");
    v1::GroupKey* const group = selector->add_group_by();
    group->set_attribute("netns");
    group->set_value(absl::StrCat(NetnsCookie(connection_.client)));
    selector->set_netns_cookie(NetnsCookie(connection_.client));
    v1::SetCongestionControl* const action =
        order->mutable_action()->mutable_set_congestion_control();
    action->set_algorithm("reno");
    action->set_scope(v1::SetCongestionControl::SCOPE_SOCKETS);
    wishes_.Offer(wishes);
  }

  using Reports = std::vector<std::shared_ptr<const v1::Report>>;
  bool AwaitReports(std::function<bool(const Reports&)> condition) {
    absl::MutexLock lock(&mutex_);
    const auto holds = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return condition(reports_); };
    return mutex_.AwaitWithTimeout(absl::Condition(&holds), kPatience);
  }
  bool AwaitState(v1::Order::State state) {
    return AwaitReports([state](const Reports& reports) {
      const v1::Report& newest = *reports.back();
      return newest.orders_size() == 1 && newest.orders(0).state() == state;
    });
  }

  // Of both ends: "reno reno".
  std::string CongestionControls() const {
    std::string both;
    for (const int fd : {connection_.client, connection_.server}) {
      char name[16] = {};
      socklen_t size = sizeof(name);
      getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &size);
      absl::StrAppend(&both, both.empty() ? "" : " ", name);
    }
    return both;
  }

  uint64_t inode_ = 0;
  Connection connection_;
  std::string dir_;
  StatusBoard board_;
  SignatureInbox signatures_{&board_};
  OrderInbox wishes_;
  const std::unique_ptr<HostControl> host_ = MakeHostControl();
  absl::Mutex mutex_;
  Reports reports_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<ScanLoop> loop_;
};

TEST_F(OrderLoopKernelTest, WishIsAppliedAndReportedWithoutWaitingForTheNextScan) {
  StartLoop(kSeldom, kSeldom);
  const absl::Time wished = absl::Now();
  Wish(v1::OrderWish::WISH_APPLY);
  ASSERT_TRUE(AwaitState(v1::Order::STATE_APPLIED));
  RecordProperty("wish_to_report", absl::FormatDuration(absl::Now() - wished));
  EXPECT_EQ(CongestionControls(), "reno reno");
}

TEST_F(OrderLoopKernelTest, DeadlineIsKeptHoweverSeldomScansAre) {
  StartLoop(kSeldom, kSeldom);
  Wish(v1::OrderWish::WISH_APPLY, /*confirm_within=*/absl::Seconds(1));
  ASSERT_TRUE(AwaitState(v1::Order::STATE_ROLLED_BACK));
  EXPECT_EQ(CongestionControls(), "cubic cubic");
}

TEST_F(OrderLoopKernelTest, WhileVerifyingItScansAtTheBaseIntervalWhateverTheBudgetSays) {
  StartLoop(absl::Milliseconds(100), kSeldom);
  Wish(v1::OrderWish::WISH_APPLY);
  ASSERT_TRUE(AwaitState(v1::Order::STATE_APPLIED));
  const int64_t scans = board_.Read().scans;
  EXPECT_LE(scans, 2);
  EXPECT_TRUE(AwaitReports([&](const Reports&) { return board_.Read().scans >= scans + 5; }));
}

TEST_F(OrderLoopKernelTest, StoppingTakesBackWhatIsNotCommittedAndReportsIt) {
  StartLoop(kSeldom, kSeldom);
  Wish(v1::OrderWish::WISH_APPLY);
  ASSERT_TRUE(AwaitState(v1::Order::STATE_APPLIED));
  ASSERT_TRUE(loop_->Stop(kPatience));
  EXPECT_TRUE(loop_->took_back());
  EXPECT_EQ(CongestionControls(), "cubic cubic");
  EXPECT_TRUE(AwaitState(v1::Order::STATE_ROLLED_BACK));
}

TEST_F(OrderLoopKernelTest, StoppingKeepsWhatIsCommitted) {
  StartLoop(kSeldom, kSeldom);
  Wish(v1::OrderWish::WISH_APPLY);
  ASSERT_TRUE(AwaitState(v1::Order::STATE_APPLIED));
  Wish(v1::OrderWish::WISH_COMMIT);
  ASSERT_TRUE(AwaitState(v1::Order::STATE_COMMITTED));
  ASSERT_TRUE(loop_->Stop(kPatience));
  EXPECT_FALSE(loop_->took_back());
  EXPECT_EQ(CongestionControls(), "reno reno");
}

}  // namespace
}  // namespace tcpmedic
