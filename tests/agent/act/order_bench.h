// An order book at work in a test: a guard file, a disk that can fail, a host in memory, what its
// scans show, and a clock that moves when told to. Restart opens a new book over the same disk and
// host.
#ifndef TCPMEDIC_TESTS_AGENT_ACT_ORDER_BENCH_H_
#define TCPMEDIC_TESTS_AGENT_ACT_ORDER_BENCH_H_

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/act/order_book.h"
#include "core/clock.h"
#include "proto/proto_time.h"
#include "tests/agent/act/fake_call_sites.h"
#include "tests/agent/act/fake_host.h"
#include "tests/agent/act/fault_storage.h"

namespace tcpmedic {

class OrderBench {
 public:
  static constexpr uint64_t kNonce = 42;

  OrderBench() : clock(absl::FromUnixSeconds(1'790'000'000)) {
    std::string name = "/tmp/order-bench-XXXXXX";
    dir_ = mkdtemp(name.data());
    WriteGuard("any", "[bbr]");
    view.bench = this;
  }
  ~OrderBench() { std::filesystem::remove_all(dir_); }

  void WriteGuard(const std::string& process, const std::string& algorithms) {
    WriteGuard(absl::StrCat("actions: [set_congestion_control]\nalgorithms: ", algorithms,
                            "\nnamespaces: [host]\nprocesses: ['", process, "']\n"));
  }
  // All but its first two lines.
  void WriteGuard(const std::string& rest) {
    std::ofstream(guard_path()) << "apiVersion: tcpmedic/v1\nkind: Guard\n" << rest;
    chmod(guard_path().c_str(), 0644);
  }
  std::string guard_path() const { return dir_ + "/guard.yaml"; }

  void AddSockets(int count) {
    for (int i = 1; i <= count; ++i) host.sockets[i] = {};
  }

  // Throws what the disk throws.
  void Start(const std::string& boot_id = "boot-1", uint64_t nonce = kNonce) {
    book.reset();
    auto opened = OrderBook::Open({.state_dir = "",
                                   .guard_path = guard_path(),
                                   .boot_id = boot_id,
                                   .session_nonce = nonce,
                                   .call_sites = &call_sites},
                                  std::make_unique<FaultStorage>(&disk), &host, clock.Now());
    ASSERT_TRUE(opened.ok()) << opened.status();
    book = *std::move(opened);
  }

  v1::Order Order(const std::string& id) const {
    v1::Order order;
    order.set_id(id);
    order.mutable_selector()->set_signature("pinned-cwnd");
    order.mutable_selector()->add_group_by()->set_attribute("netns");
    auto* action = order.mutable_action()->mutable_set_congestion_control();
    action->set_algorithm("bbr");
    action->set_scope(v1::SetCongestionControl::SCOPE_SOCKETS);
    order.set_targets_max(200);
    order.set_session_nonce(kNonce);
    *order.mutable_expires_at() = ToProto(clock.Now().wall + absl::Seconds(30));
    *order.mutable_confirm_within() = ToProto(absl::Seconds(35));
    order.set_holdback_ratio(0.1);
    return order;
  }

  // A namespace whose finding the scans show, beside one that nobody asked about; and a guard file
  // that allows its settings.
  void AddNamespaces() {
    const std::map<std::string, std::string> sysctls = {{"net.core.somaxconn", "4096"},
                                                        {"net.ipv4.tcp_syncookies", "0"}};
    host.namespaces[FakeHost::kNetns] = {.sysctls = sysctls};
    host.namespaces[FakeHost::kNetns + 1] = {.sysctls = sysctls};
    view.finding.emplace();
    view.finding->set_cookie(FakeHost::kNetns);
    view.finding->set_inode(FakeHost::kNetns + 4026530000);
    view.finding->set_name("netns of pid 812 (nginx)");
    WriteGuard(
        "actions: [set_sysctl]\nnamespaces: [cookie:4097]\n"
        "sysctls: {net.ipv4.tcp_syncookies: {}, net.core.somaxconn: {max: 16384}}\n");
  }

  // Sets tcp_syncookies to 1 in that namespace, with a lease of two hours.
  v1::Order SysctlOrder(const std::string& id) const {
    v1::Order order = Order(id);
    order.mutable_selector()->set_signature("syn-flood-unprotected");
    order.mutable_selector()->set_netns_cookie(FakeHost::kNetns);
    order.clear_action();
    AddSetting("net.ipv4.tcp_syncookies", "1", &order);
    *order.mutable_lease()->mutable_for_() = ToProto(absl::Hours(2));
    order.mutable_lease()->set_renew_while("netns.syncookies_sent_per_s > 1.0");
    return order;
  }
  static void AddSetting(const std::string& name, const std::string& value, v1::Order* order) {
    v1::SetSysctl::Setting* const setting =
        order->mutable_action()->mutable_set_sysctl()->add_settings();
    setting->set_name(name);
    setting->set_value(value);
  }

  // Makes this the only wish and steps.
  bool Wish(v1::OrderWish::Wish wish, const v1::Order& order, const std::string& reason = "",
            v1::Order::State stored = v1::Order::STATE_UNSPECIFIED) {
    v1::OrderSet set;
    v1::OrderWish* const only = set.add_wishes();
    *only->mutable_order() = order;
    only->set_wish(wish);
    only->set_reason(reason);
    only->set_stored(stored);
    book->SetWishes(set);
    return Step();
  }
  bool Step() { return book->Step(clock.Now(), &view); }

  // What the newest scan shows.
  struct View : HostView {
    std::vector<Candidate> Candidates(const v1::Selector&) override {
      return candidates.has_value() ? *candidates : bench->Candidates();
    }
    std::optional<v1::NetworkNamespace> Namespace(const v1::Selector&) override { return finding; }
    std::optional<ProcessFound> Process(const v1::Selector&) override { return process; }
    std::optional<bool> Holds(uint64_t netns_cookie, const std::string& expression) override {
      asked = absl::StrCat(expression, " in cookie:", netns_cookie);
      return holds;
    }

    const OrderBench* bench = nullptr;
    std::optional<std::vector<Candidate>> candidates;  // else those that the host has
    std::optional<v1::NetworkNamespace> finding;
    std::optional<ProcessFound> process;
    std::optional<bool> holds;
    std::string asked;
  };
  View view;

  // All established sockets that are on cubic, as a scan would have seen them.
  std::vector<Candidate> Candidates() const {
    std::vector<Candidate> candidates;
    for (const auto& [cookie, socket] : host.sockets) {
      if (socket.algorithm != "cubic") continue;
      Candidate candidate;
      candidate.sample.key = {.cookie = cookie, .netns_cookie = FakeHost::kNetns};
      candidate.sample.state = TcpState::kEstablished;
      candidate.sample.inode = static_cast<uint32_t>(cookie + 1000);
      candidate.sample.local_ip = *IpAddress::Parse("10.0.0.5");
      candidate.sample.local_port = static_cast<uint16_t>(40000 + cookie);
      candidate.sample.remote_ip = *IpAddress::Parse("203.0.113.20");
      candidate.sample.remote_port = 443;
      socket.algorithm.copy(candidate.sample.congestion_control.data(), 15);
      candidate.pids = socket.pids;
      candidates.push_back(candidate);
    }
    return candidates;
  }

  // "o-1 APPLIED reason: 1 APPLIED, 2 held back, 3 REFUSED (why)", a line each.
  std::string Reports() const {
    std::string text;
    for (const v1::OrderReport& report : book->Reports()) {
      absl::StrAppend(&text, report.order_id(), " ", Short(v1::Order::State_Name(report.state())),
                      report.reason().empty() ? "" : " ", report.reason(), ":");
      for (const v1::Target& target : report.targets()) {
        absl::StrAppend(&text, " ",
                        target.has_socket() ? absl::StrCat(target.socket().cookie())
                        : target.has_pid()  ? absl::StrCat("pid ", target.pid())
                                            : target.sysctl(),
                        "=", Short(v1::Target::State_Name(target.state())),
                        target.held_back() ? "/held" : "",
                        target.reason().empty() ? "" : absl::StrCat("(", target.reason(), ")"));
      }
      text += "\n";
    }
    return text;
  }

  FakeHost host;
  FakeCallSites call_sites;
  FaultDisk disk;
  SimulatedClock clock;
  std::unique_ptr<OrderBook> book;

 private:
  static std::string Short(const std::string& name) { return name.substr(6); }  // "STATE_"

  std::string dir_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_AGENT_ACT_ORDER_BENCH_H_
