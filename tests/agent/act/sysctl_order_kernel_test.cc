// Sysctl orders in a throwaway namespace of the running kernel. Every value is read from outside,
// in that namespace, never taken from what the order book says.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "agent/act/host_control.h"
#include "agent/act/host_view.h"
#include "agent/act/journal_storage.h"
#include "agent/act/order_book.h"
#include "core/clock.h"
#include "proto/proto_time.h"
#include "tests/observe/throwaway_namespace.h"

namespace tcpmedic {
namespace {

using ::testing::HasSubstr;

constexpr char kCookies[] = "net.ipv4.tcp_syncookies";
constexpr char kBacklog[] = "net.ipv4.tcp_max_syn_backlog";
constexpr uint64_t kNonce = 42;

// A namespace with cookies off, and its settings as someone inside sees them.
class FloodedNamespace {
 public:
  FloodedNamespace() : process_([] { return true; }) {
    std::thread([this] {
      const UniqueFd netns = process_.OpenNetns();
      if (setns(netns.get(), CLONE_NEWNET) != 0) return;
      const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      socklen_t size = sizeof(cookie_);
      getsockopt(socket.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie_, &size);
    }).join();
    Set(kCookies, "0");
    Set(kBacklog, "2048");
  }

  std::string Get(const std::string& name) const {
    std::string value;
    Inside([&] { std::ifstream(Path(name)) >> value; });
    return value;
  }
  void Set(const std::string& name, const std::string& value) const {
    Inside([&] { std::ofstream(Path(name)) << value; });
  }

  v1::NetworkNamespace Described() const {
    v1::NetworkNamespace netns;
    netns.set_cookie(cookie_);
    netns.set_inode(process_.netns_inode());
    netns.set_name(absl::StrCat("netns of pid ", process_.pid()));
    return netns;
  }
  uint64_t cookie() const { return cookie_; }
  void Kill() { process_.Kill(); }

 private:
  static std::string Path(const std::string& name) {
    return absl::StrCat("/proc/sys/", absl::StrReplaceAll(name, {{".", "/"}}));
  }
  void Inside(const std::function<void()>& body) const {
    std::thread([&] {
      const UniqueFd netns = process_.OpenNetns();
      if (setns(netns.get(), CLONE_NEWNET) == 0) body();
    }).join();
  }

  NamespaceProcess process_;
  uint64_t cookie_ = 0;
};

class Scans : public HostView {
 public:
  explicit Scans(std::optional<v1::NetworkNamespace> finding) : finding_(std::move(finding)) {}
  std::vector<Candidate> Candidates(const v1::Selector&) override { return {}; }
  std::optional<v1::NetworkNamespace> Namespace(const v1::Selector&) override { return finding_; }
  std::optional<ProcessFound> Process(const v1::Selector&) override { return std::nullopt; }
  std::optional<bool> Holds(uint64_t, const std::string&) override { return false; }

 private:
  std::optional<v1::NetworkNamespace> finding_;
};

// A host and a disk that call back before and after whatever would outlive the agent.
class WatchedHost : public HostControl {
 public:
  WatchedHost(std::unique_ptr<HostControl> real, std::function<void()> event)
      : real_(std::move(real)), event_(std::move(event)) {}
  bool Locate(absl::Span<Whereabouts> sockets, absl::Span<const int> pids) override {
    return real_->Locate(sockets, pids);
  }
  absl::StatusOr<SocketFacts> Read(const Whereabouts& socket) override {
    return real_->Read(socket);
  }
  absl::StatusOr<Exchange> ExchangeCongestionControl(const Whereabouts& socket,
                                                     absl::string_view from,
                                                     absl::string_view to) override {
    return real_->ExchangeCongestionControl(socket, from, to);
  }
  absl::StatusOr<NetnsFacts> FindNetns(const NetnsRef& netns) override {
    return real_->FindNetns(netns);
  }
  absl::StatusOr<std::string> ReadSysctl(const NetnsRef& netns, absl::string_view name) override {
    return real_->ReadSysctl(netns, name);
  }
  absl::StatusOr<Exchange> ExchangeSysctl(const NetnsRef& netns, absl::string_view name,
                                          absl::string_view from, absl::string_view to) override {
    event_();
    auto exchange = real_->ExchangeSysctl(netns, name, from, to);
    event_();
    return exchange;
  }
  absl::StatusOr<v1::Process> Describe(int pid) override { return real_->Describe(pid); }

 private:
  const std::unique_ptr<HostControl> real_;
  const std::function<void()> event_;
};

class WatchedStorage : public JournalStorage {
 public:
  WatchedStorage(std::unique_ptr<JournalStorage> real, std::function<void()> event)
      : real_(std::move(real)), event_(std::move(event)) {}
  absl::StatusOr<std::string> Read() override { return real_->Read(); }
  absl::Status Append(absl::string_view bytes) override {
    event_();
    absl::Status status = real_->Append(bytes);
    event_();
    return status;
  }
  absl::Status Replace(absl::string_view contents) override {
    event_();
    absl::Status status = real_->Replace(contents);
    event_();
    return status;
  }

 private:
  const std::unique_ptr<JournalStorage> real_;
  const std::function<void()> event_;
};

class SysctlOrder : public ::testing::Test {
 protected:
  SysctlOrder() {
    std::string name = "/tmp/sysctl-order-XXXXXX";
    dir_ = mkdtemp(name.data());
    WriteGuard("");
  }
  ~SysctlOrder() override { std::filesystem::remove_all(dir_); }

  // Allows both settings in the namespace, but for what `instead` says.
  void WriteGuard(const std::string& instead) {
    std::ofstream(dir_ + "/guard.yaml")
        << "apiVersion: tcpmedic/v1\nkind: Guard\n"
        << (instead.empty()
                ? absl::StrCat("actions: [set_sysctl]\nsysctls: {", kCookies, ": {}, ", kBacklog,
                               ": {}, net.core.netdev_max_backlog: {}}\nnamespaces: [cookie:",
                               netns_.cookie(), "]\n")
                : instead);
    chmod((dir_ + "/guard.yaml").c_str(), 0600);
  }

  // A new agent over the same journal.
  std::unique_ptr<OrderBook> Open(
      HostControl* host, uint64_t nonce, std::function<void()> event = [] {}) {
    auto storage = OpenJournalStorage(dir_ + "/state");
    EXPECT_TRUE(storage.ok()) << storage.status();
    auto book =
        OrderBook::Open({.state_dir = "",
                         .guard_path = dir_ + "/guard.yaml",
                         .boot_id = "boot",
                         .session_nonce = nonce},
                        std::make_unique<WatchedStorage>(*std::move(storage), std::move(event)),
                        host, clock_.Now());
    EXPECT_TRUE(book.ok()) << book.status();
    return *std::move(book);
  }

  v1::Order Order(std::vector<std::pair<std::string, std::string>> settings) const {
    v1::Order order;
    order.set_id("o-1");
    order.mutable_selector()->set_host("lab");
    order.mutable_selector()->set_signature("syn-flood-unprotected");
    order.mutable_selector()->add_group_by()->set_attribute("netns");
    order.mutable_selector()->set_netns_cookie(netns_.cookie());
    for (const auto& [name, value] : settings) {
      auto* const setting = order.mutable_action()->mutable_set_sysctl()->add_settings();
      setting->set_name(name);
      setting->set_value(value);
    }
    order.set_targets_max(1);
    order.set_session_nonce(kNonce);
    *order.mutable_expires_at() = ToProto(clock_.Now().wall + absl::Seconds(30));
    *order.mutable_confirm_within() = ToProto(absl::Seconds(35));
    return order;
  }

  void Wish(OrderBook* book, v1::OrderWish::Wish wish, const v1::Order& order) {
    v1::OrderSet set;
    set.add_wishes()->set_wish(wish);
    *set.mutable_wishes(0)->mutable_order() = order;
    book->SetWishes(set);
    Step(book);
  }
  void Step(OrderBook* book) { book->Step(clock_.Now(), &scans_); }

  // What the order's only report says, having been applied in a book of its own.
  v1::OrderReport Apply(const v1::Order& order) {
    const auto book = Open(host_.get(), kNonce);
    Wish(book.get(), v1::OrderWish::WISH_APPLY, order);
    const std::vector<v1::OrderReport> reports = book->Reports();
    return reports.empty() ? v1::OrderReport() : reports[0];
  }
  void ExpectRefused(const v1::Order& order, const std::string& reason) {
    const std::string cookies = netns_.Get(kCookies);
    const std::string backlog = netns_.Get(kBacklog);
    const v1::OrderReport report = Apply(order);
    EXPECT_EQ(report.state(), v1::Order::STATE_REFUSED) << report.DebugString();
    EXPECT_THAT(report.reason(), HasSubstr(reason));
    EXPECT_EQ(netns_.Get(kCookies), cookies);
    EXPECT_EQ(netns_.Get(kBacklog), backlog);
  }

  FloodedNamespace netns_;
  std::string dir_;
  SimulatedClock clock_{absl::FromUnixSeconds(1'790'000'000)};
  Scans scans_{netns_.Described()};
  std::unique_ptr<HostControl> host_ = MakeHostControl();
};

TEST_F(SysctlOrder, SetsBothTogetherAndPutsBothBack) {
  const auto book = Open(host_.get(), kNonce);
  const v1::Order order = Order({{kCookies, "1"}, {kBacklog, "4096"}});
  Wish(book.get(), v1::OrderWish::WISH_APPLY, order);
  EXPECT_EQ(netns_.Get(kCookies), "1");
  EXPECT_EQ(netns_.Get(kBacklog), "4096");
  Wish(book.get(), v1::OrderWish::WISH_ROLL_BACK, order);
  EXPECT_EQ(netns_.Get(kCookies), "0");
  EXPECT_EQ(netns_.Get(kBacklog), "2048");
}

TEST_F(SysctlOrder, AnAdministratorsLaterValueIsLeftAlone) {
  const auto book = Open(host_.get(), kNonce);
  const v1::Order order = Order({{kCookies, "1"}, {kBacklog, "4096"}});
  Wish(book.get(), v1::OrderWish::WISH_APPLY, order);
  netns_.Set(kCookies, "2");
  Wish(book.get(), v1::OrderWish::WISH_ROLL_BACK, order);
  EXPECT_EQ(netns_.Get(kCookies), "2");
  EXPECT_EQ(netns_.Get(kBacklog), "2048");
  EXPECT_EQ(book->Reports().at(0).state(), v1::Order::STATE_DRIFTED);
}

TEST_F(SysctlOrder, WhatMayNotBeOrderedIsRefusedAndChangesNothing) {
  ExpectRefused(Order({{kCookies, "7"}}), "out of bounds");
  ExpectRefused(Order({{kCookies, "0"}}), "out of bounds");
  ExpectRefused(Order({{"net.ipv4.ip_forward", "1"}}), "not on the list");
  ExpectRefused(Order({{"../../kernel/panic", "1"}}), "not on the list");
  ExpectRefused(Order({{kCookies, "yes"}}), "no integer");
  ExpectRefused(Order({}), "no such action");
  ExpectRefused(Order({{kCookies, "1"}, {kCookies, "2"}}), "is named twice");
  // One that may not be set keeps the other from being set.
  ExpectRefused(Order({{kBacklog, "4096"}, {"net.ipv4.ip_forward", "1"}}), "not on the list");
  // One value for the whole machine is not set from a namespace.
  ExpectRefused(Order({{"net.core.netdev_max_backlog", "2000"}}), "machine");
}

TEST_F(SysctlOrder, CookiesAreNotLowered) {
  netns_.Set(kCookies, "2");
  ExpectRefused(Order({{kCookies, "1"}}), "no order sets it lower");
}

TEST_F(SysctlOrder, AnotherNamespaceIsNotTouched) {
  const FloodedNamespace other;
  v1::Order order = Order({{kCookies, "1"}});
  // The guard allows only ours.
  order.mutable_selector()->set_netns_cookie(other.cookie());
  scans_ = Scans(other.Described());
  ExpectRefused(order, "namespace");
  EXPECT_EQ(other.Get(kCookies), "0");
  // An inode leads there, the cookie does not: the inode has been used again.
  v1::NetworkNamespace mistaken = netns_.Described();
  mistaken.set_inode(other.Described().inode());
  scans_ = Scans(mistaken);
  Apply(Order({{kCookies, "1"}}));
  EXPECT_EQ(other.Get(kCookies), "0");
}

TEST_F(SysctlOrder, WithoutItsFindingNothingIsSet) {
  scans_ = Scans(std::nullopt);
  ExpectRefused(Order({{kCookies, "1"}}), "the finding has gone");
}

TEST_F(SysctlOrder, WhatTheGuardFileDoesNotAllowIsRefused) {
  const std::string all =
      absl::StrCat("actions: [set_sysctl]\nsysctls: {", kCookies, ": {}}\nnamespaces: [any]\n");
  WriteGuard(absl::StrCat("mode: observe\n", all));
  ExpectRefused(Order({{kCookies, "1"}}), "observe");
  WriteGuard(absl::StrReplaceAll(all, {{"[set_sysctl]", "[]"}}));
  ExpectRefused(Order({{kCookies, "1"}}), "does not allow set_sysctl");
  WriteGuard(absl::StrReplaceAll(all, {{kCookies, kBacklog}}));
  ExpectRefused(Order({{kCookies, "1"}}), kCookies);
  WriteGuard(absl::StrReplaceAll(all, {{"{}", "{min: 2}"}}));
  ExpectRefused(Order({{kCookies, "1"}}), "2");
  WriteGuard(absl::StrReplaceAll(all, {{"any", "host"}}));
  ExpectRefused(Order({{kCookies, "1"}}), "namespace");
}

// ---- Killed at every event: before and after each write to the journal and to the setting.

enum class Life { kCommit, kRollBack, kLease };

struct Progress {
  bool told_committed = false;
  bool told_rolled_back = false;
};

class SysctlOrderKilled : public SysctlOrder, public ::testing::WithParamInterface<Life> {
 protected:
  static constexpr absl::Duration kLease = absl::Minutes(1);

  SysctlOrderKilled()
      : progress_(static_cast<Progress*>(mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE,
                                              MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  ~SysctlOrderKilled() override { munmap(progress_, sizeof(Progress)); }

  v1::Order LifesOrder() const {
    v1::Order order = Order({{kCookies, "1"}});
    if (GetParam() == Life::kLease) *order.mutable_lease()->mutable_for_() = ToProto(kLease);
    return order;
  }

  // In a process of its own, which kills itself at its `kill_at`th event. False: it lived.
  bool LiveUntilKilled(int kill_at) {
    const pid_t child = fork();
    if (child == 0) {
      int events = 0;
      const auto event = [&] {
        if (events++ == kill_at) kill(getpid(), SIGKILL);
      };
      WatchedHost host(MakeHostControl(), event);
      const auto book = Open(&host, kNonce, event);
      const v1::Order order = LifesOrder();
      Wish(book.get(), v1::OrderWish::WISH_APPLY, order);
      if (GetParam() == Life::kRollBack) {
        Wish(book.get(), v1::OrderWish::WISH_ROLL_BACK, order);
        progress_->told_rolled_back = true;
      } else {
        Wish(book.get(), v1::OrderWish::WISH_COMMIT, order);
        progress_->told_committed = true;
      }
      if (GetParam() == Life::kLease) {
        clock_.Advance(kLease + absl::Seconds(1));
        Step(book.get());
      }
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
  }

  Progress* const progress_;
};

TEST_P(SysctlOrderKilled, LeavesALegalValueAndTheRightOneAfterTheDeadline) {
  int kill_at = 0;
  for (bool killed = true; killed; ++kill_at) {
    ASSERT_LT(kill_at, 60);
    SCOPED_TRACE(absl::StrCat("killed at event ", kill_at));
    std::filesystem::remove_all(dir_ + "/state");
    netns_.Set(kCookies, "0");
    *progress_ = Progress();
    clock_ = SimulatedClock(absl::FromUnixSeconds(1'790'000'000));
    killed = LiveUntilKilled(kill_at);

    const std::string left = netns_.Get(kCookies);
    EXPECT_TRUE(left == "0" || left == "1") << left;
    clock_.Advance(absl::Seconds(1));
    const auto book = Open(host_.get(), kNonce + 1);
    Step(book.get());
    const std::string found = netns_.Get(kCookies);
    EXPECT_TRUE(found == "0" || found == "1") << found;
    const std::vector<v1::OrderReport> reports = book->Reports();
    const bool committed = !reports.empty() && reports[0].state() == v1::Order::STATE_COMMITTED;
    // A commit that was told of is one; what was not committed goes, whatever else was on disk.
    EXPECT_TRUE(committed || GetParam() != Life::kCommit || !progress_->told_committed);
    EXPECT_TRUE(found == "0" || !progress_->told_rolled_back);

    clock_.Advance(absl::Seconds(35));
    Step(book.get());
    EXPECT_EQ(netns_.Get(kCookies), committed ? "1" : "0");
    clock_.Advance(kLease);
    Step(book.get());
    EXPECT_EQ(netns_.Get(kCookies), committed && GetParam() == Life::kCommit ? "1" : "0");
  }
  EXPECT_GT(kill_at, 8) << "the life has fewer events than it must have";
}

INSTANTIATE_TEST_SUITE_P(AtEveryEvent, SysctlOrderKilled,
                         ::testing::Values(Life::kCommit, Life::kRollBack, Life::kLease));

}  // namespace
}  // namespace tcpmedic
