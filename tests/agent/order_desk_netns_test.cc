// The desk with a real scanner and a real order book, over a flooded namespace in memory: an order
// on its settings, from its wish to the end of its lease.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "agent/act/host_control.h"
#include "agent/order_desk.h"
#include "core/sysctl_catalogue.h"
#include "proto/proto_time.h"
#include "tests/scan/fake_sockets.h"

namespace tcpmedic {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kNonce = 77;
constexpr uint64_t kNetns = 7;
constexpr char kCookies[] = "net.ipv4.tcp_syncookies";

// SYNs beyond the queue: dropped while cookies are off, answered with one while they are on.
class FloodedNamespace : public CounterSource, public HostControl {
 public:
  FloodedNamespace() {
    for (const char* name :
         {"TcpExtSyncookiesSent", "TcpExtSyncookiesRecv", "TcpExtSyncookiesFailed",
          "TcpExtTCPReqQFullDoCookies", "TcpExtTCPReqQFullDrop", "TcpExtListenOverflows",
          "TcpExtListenDrops", "TcpPassiveOpens", kCookies}) {
      counters_.Set(name, 0);
    }
    counters_.Set("net.ipv4.tcp_max_syn_backlog", 2048);
    counters_.Set("net.core.somaxconn", 4096);
  }

  void PassASecond(int64_t flood) {
    const bool cookies = *counters_.Get(kCookies) != 0;
    const std::string grows = cookies ? "TcpExtSyncookiesSent" : "TcpExtListenDrops";
    counters_.Set(grows, *counters_.Get(grows) + flood);
  }
  int64_t cookies() const { return *counters_.Get(kCookies); }
  void SetCookies(int64_t value) { counters_.Set(kCookies, value); }

  absl::Status Read(CounterSample* sample) override {
    *sample = counters_;
    return absl::OkStatus();
  }

  absl::StatusOr<NetnsFacts> FindNetns(const NetnsRef& netns) override {
    if (netns.cookie != kNetns) return absl::NotFoundError("no such namespace");
    return NetnsFacts{.cookie = kNetns, .inode = netns.inode, .in_host_netns = false};
  }
  absl::StatusOr<std::string> ReadSysctl(const NetnsRef& netns, absl::string_view name) override {
    const auto value = counters_.Get(name);
    if (netns.cookie != kNetns || !value.has_value()) return absl::NotFoundError("not there");
    return absl::StrCat(*value);
  }
  absl::StatusOr<Exchange> ExchangeSysctl(const NetnsRef& netns, absl::string_view name,
                                          absl::string_view from, absl::string_view to) override {
    const absl::StatusOr<std::string> found = ReadSysctl(netns, name);
    if (!found.ok()) return found.status();
    if (*found != from) return Exchange{.changed = false, .now = *found};
    counters_.Set(name, *ParseSysctl(to));
    return Exchange{.changed = true, .now = std::string(to)};
  }

  bool Locate(absl::Span<Whereabouts>, absl::Span<const int>) override { return true; }
  absl::StatusOr<SocketFacts> Read(const Whereabouts&) override {
    return absl::NotFoundError("no such socket");
  }
  absl::StatusOr<Exchange> ExchangeCongestionControl(const Whereabouts&, absl::string_view,
                                                     absl::string_view) override {
    return absl::NotFoundError("no such socket");
  }
  absl::StatusOr<v1::Process> Describe(int) override { return absl::NotFoundError("no process"); }

 private:
  CounterSample counters_;
};

CompiledSet DroppingSignature() {
  v1::SignatureSet set;
  set.set_revision("r1");
  set.set_digest("d1");
  v1::Signature* const signature = set.add_signatures();
  signature->set_name("dropping");
  signature->set_title("SYNs are dropped");
  signature->set_severity(v1::SEVERITY_CRITICAL);
  signature->set_subject(v1::SUBJECT_NETNS);
  signature->set_when("netns.tcp_syncookies == 0 && netns.syn_drops > 0");
  signature->add_group_by("netns");
  signature->mutable_window()->set_seconds(5);
  signature->set_verdict("{{ netns.syn_drops }} SYNs were dropped");
  return *CompileSet(set);
}

class OrderDeskNetns : public ::testing::Test {
 protected:
  OrderDeskNetns() {
    char dir[] = "/tmp/tcpmedic-desk-XXXXXX";
    dir_ = mkdtemp(dir);
    std::ofstream(dir_ + "/guard.yaml")
        << "apiVersion: tcpmedic/v1\nkind: Guard\nactions: [set_sysctl]\n"
           "sysctls: {net.ipv4.tcp_syncookies: {max: 1}}\nnamespaces: [cookie:7]\n";
    chmod((dir_ + "/guard.yaml").c_str(), 0644);
    scanner_.SetSignatures(DroppingSignature());
    auto book = OrderBook::Open({.state_dir = dir_ + "/state",
                                 .guard_path = dir_ + "/guard.yaml",
                                 .boot_id = "boot-1",
                                 .session_nonce = kNonce},
                                &flooded_, clock_.Now());
    EXPECT_TRUE(book.ok()) << book.status();
    desk_ =
        std::make_unique<OrderDesk>(OrderDesk::Options{.host = "web-1", .session_nonce = kNonce},
                                    *std::move(book), &scanner_, &board_);
  }
  ~OrderDeskNetns() override { std::filesystem::remove_all(dir_); }

  // A scan a second under so many SYNs, each followed by a step; the last report.
  v1::Report ScanFor(int seconds, int64_t flood = 1000) {
    v1::Report report;
    for (int i = 0; i < seconds; ++i) {
      clock_.Advance(absl::Seconds(1));
      flooded_.PassASecond(flood);
      report = scanner_.Scan({{Netns(kNetns, &sockets_, &flooded_)}}, clock_.Now(), {});
      desk_->Step(clock_.Now());
      desk_->AddOrdersTo(&report);
    }
    return report;
  }

  void Wish(v1::OrderWish::Wish what, v1::Order::State stored = v1::Order::STATE_DISPATCHED) {
    v1::OrderSet wishes;
    v1::OrderWish* const wish = wishes.add_wishes();
    wish->set_wish(what);
    wish->set_stored(stored);
    *wish->mutable_order() = order_;
    desk_->TakeWishes(wishes);
  }

  static v1::Order Order() {
    v1::Order order;
    order.set_id("o-1");
    order.set_session_nonce(kNonce);
    order.mutable_confirm_within()->set_seconds(35);
    order.mutable_expires_at()->set_seconds(2'000'000'000);
    v1::Selector* const selector = order.mutable_selector();
    selector->set_host("web-1");
    selector->set_signature("dropping");
    selector->set_netns_cookie(kNetns);
    v1::GroupKey* const group = selector->add_group_by();
    group->set_attribute("netns");
    group->set_value("7");
    v1::SetSysctl::Setting* const setting =
        order.mutable_action()->mutable_set_sysctl()->add_settings();
    setting->set_name(kCookies);
    setting->set_value("1");
    *order.mutable_lease()->mutable_for_() = ToProto(absl::Seconds(30));
    order.mutable_lease()->set_renew_while("netns.syncookies_sent_per_s > 1.0");
    return order;
  }

  static std::optional<double> Value(const v1::Measurement& measured, const std::string& name) {
    for (const v1::Evidence& evidence : measured.values()) {
      if (evidence.name() == name && evidence.has_value()) return evidence.value().double_value();
    }
    return std::nullopt;
  }

  std::string dir_;
  SimulatedClock clock_{absl::FromUnixSeconds(1'750'000'000)};
  StatusBoard board_;
  FakeSockets sockets_{kNetns};
  FloodedNamespace flooded_;
  Scanner scanner_{{}};
  v1::Order order_ = Order();
  std::unique_ptr<OrderDesk> desk_;
};

TEST_F(OrderDeskNetns, ASettingIsMadeWhereTheFindingIsAndMeasuredWhenItHasGone) {
  ASSERT_EQ(ScanFor(15).findings_size(), 1);
  Wish(v1::OrderWish::WISH_APPLY);
  EXPECT_TRUE(desk_->wants_fresh_samples());
  v1::Report report = ScanFor(1);
  ASSERT_EQ(report.orders_size(), 1);
  ASSERT_EQ(report.orders(0).state(), v1::Order::STATE_APPLIED) << report.orders(0).reason();
  EXPECT_EQ(flooded_.cookies(), 1);
  EXPECT_TRUE(desk_->measuring());

  report = ScanFor(21);
  EXPECT_EQ(report.findings_size(), 0);  // the remedy has erased its own finding
  const v1::Verification& measured = report.orders(0).measured();
  EXPECT_EQ(Value(measured.before(), "syn_drops_per_s"), 1000);
  EXPECT_EQ(Value(measured.before(), "syncookies_sent_per_s"), 0);
  EXPECT_EQ(Value(measured.after(), "syn_drops_per_s"), 0);
  EXPECT_EQ(Value(measured.after(), "syncookies_sent_per_s"), 1000);
}

TEST_F(OrderDeskNetns, TheLeaseLastsAsLongAsTheFloodAndThenTheOldValueIsBack) {
  ScanFor(15);
  Wish(v1::OrderWish::WISH_APPLY);
  ScanFor(21);
  Wish(v1::OrderWish::WISH_COMMIT, v1::Order::STATE_APPLIED);
  const v1::Report report = ScanFor(1);
  EXPECT_EQ(report.orders(0).state(), v1::Order::STATE_COMMITTED);
  EXPECT_GE(FromProto(report.orders(0).lease_until()), clock_.Now().wall + absl::Seconds(22));
  EXPECT_FALSE(desk_->measuring());
  ScanFor(120);
  EXPECT_EQ(flooded_.cookies(), 1);
  // What was sent in the ten seconds before the flood's end renews it for so long.
  ScanFor(29, /*flood=*/0);
  EXPECT_EQ(flooded_.cookies(), 1);
  const v1::Report over = ScanFor(12, /*flood=*/0);
  EXPECT_EQ(flooded_.cookies(), 0);
  EXPECT_EQ(over.orders(0).state(), v1::Order::STATE_ENDED);
  EXPECT_THAT(over.orders(0).reason(), HasSubstr("the lease ran out"));
}

TEST_F(OrderDeskNetns, AFloodThatIsOverIsNotActedOn) {
  ScanFor(15);
  ScanFor(30, /*flood=*/0);
  Wish(v1::OrderWish::WISH_APPLY);
  const v1::Report report = ScanFor(1, /*flood=*/0);
  EXPECT_EQ(report.orders(0).state(), v1::Order::STATE_REFUSED);
  EXPECT_EQ(report.orders(0).reason(),
            "the finding has gone: dropping is not seen in namespace cookie:7");
  EXPECT_EQ(flooded_.cookies(), 0);
}

TEST_F(OrderDeskNetns, AnOrderForAnotherHostFindsNothing) {
  ScanFor(15);
  order_.mutable_selector()->set_host("web-2");
  Wish(v1::OrderWish::WISH_APPLY);
  EXPECT_EQ(ScanFor(1).orders(0).state(), v1::Order::STATE_REFUSED);
  EXPECT_EQ(flooded_.cookies(), 0);
}

}  // namespace
}  // namespace tcpmedic
