// An order that samples call sites on the running kernel: a server that leaks, in a namespace of
// its own, and the campaign's threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "agent/act/call_site_source.h"
#include "agent/act/host_control.h"
#include "agent/act/order_book.h"
#include "core/clock.h"
#include "observe/call_sites/call_sites_message.h"
#include "observe/call_sites/call_sites_words.h"
#include "observe/processes.h"
#include "proto/proto_time.h"
#include "tests/observe/call_sites/traced_server.h"
#include "tests/observe/throwaway_namespace.h"

namespace tcpmedic {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kNonce = 9;
// Of the scan thread, for all that a step does; a campaign's own calls take longer.
constexpr absl::Duration kLongestStep = absl::Milliseconds(40);

// What scans would show of the server.
class LeakSeen : public HostView {
 public:
  explicit LeakSeen(const TracedServer* server) : server_(server) {
    process_ = {server->pid(), *Processes().StartTicks(server->pid())};
    netns_.set_cookie(CookieOfThisNamespace());
  }
  // What is seen, until it is looked at again.
  void Scan(absl::Duration now) {
    found_ = ProcessFound{process_, netns_, {}, now};
    for (const LeakedFd& leaked : server_->Leaked()) {
      found_->sockets.push_back({SocketKey(), static_cast<uint32_t>(leaked.socket_inode), leaked.fd,
                                 leaked.eof_read.value_or(false)});
    }
  }
  uint64_t cookie() const { return netns_.cookie(); }

  std::vector<Candidate> Candidates(const v1::Selector&) override { return {}; }
  std::optional<v1::NetworkNamespace> Namespace(const v1::Selector&) override {
    return std::nullopt;
  }
  std::optional<ProcessFound> Process(const v1::Selector&) override { return found_; }
  std::optional<bool> Holds(uint64_t, const std::string&) override { return std::nullopt; }

  ProcessKey process_;

 private:
  static uint64_t CookieOfThisNamespace() {
    const UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    uint64_t cookie = 0;
    socklen_t size = sizeof(cookie);
    getsockopt(fd.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size);
    return cookie;
  }

  const TracedServer* const server_;
  v1::NetworkNamespace netns_;
  std::optional<ProcessFound> found_;
};

class SamplingOrdersOnTheKernel : public ::testing::Test {
 protected:
  SamplingOrdersOnTheKernel() {
    std::string name = "/tmp/sampling-orders-XXXXXX";
    dir_ = mkdtemp(name.data());
    std::ofstream(guard()) << "apiVersion: tcpmedic/v1\nkind: Guard\nactions: [sample_call_sites]\n"
                              "namespaces: [any]\nprocesses: [lines]\n";
    chmod(guard().c_str(), 0644);
    auto opened = OrderBook::Open({.state_dir = dir_ + "/state",
                                   .guard_path = guard(),
                                   .boot_id = "boot-1",
                                   .session_nonce = kNonce,
                                   .call_sites = source_.get()},
                                  host_.get(), Now());
    EXPECT_TRUE(opened.ok()) << opened.status();
    book_ = *std::move(opened);
  }
  ~SamplingOrdersOnTheKernel() override { std::filesystem::remove_all(dir_); }

  static Moment Now() { return Clock::Real()->Now(); }
  std::string guard() const { return dir_ + "/guard.yaml"; }

  void Wish(v1::OrderWish::Wish wish, const std::string& id, uint64_t netns_cookie) {
    v1::OrderSet wishes;
    v1::OrderWish* const only = wishes.add_wishes();
    only->set_wish(wish);
    only->set_reason("enough");
    v1::Order* const order = only->mutable_order();
    order->set_id(id);
    order->set_session_nonce(kNonce);
    order->mutable_selector()->set_signature("close-wait-leak");
    order->mutable_selector()->add_group_by()->set_attribute("process");
    order->mutable_selector()->set_netns_cookie(netns_cookie);
    order->mutable_action()->mutable_sample_call_sites()->mutable_duration()->set_seconds(2);
    *order->mutable_expires_at() = ToProto(Now().wall + absl::Seconds(30));
    book_->SetWishes(wishes);
  }
  // Steps as the scan loop does, until the order is there.
  v1::OrderReport StepUntil(v1::Order::State state, LeakSeen* view) {
    for (const absl::Time begin = absl::Now(); absl::Now() < begin + absl::Seconds(30);) {
      view->Scan(Now().uptime);
      const absl::Time before = absl::Now();
      book_->Step(Now(), view);
      longest_step_ = std::max(longest_step_, absl::Now() - before);
      for (const v1::OrderReport& report : book_->Reports()) {
        if (report.state() == state) return report;
      }
      absl::SleepFor(absl::Milliseconds(20));
    }
    ADD_FAILURE() << "no order is " << v1::Order::State_Name(state);
    return {};
  }

  std::string dir_;
  const std::unique_ptr<HostControl> host_ = MakeHostControl();
  std::unique_ptr<CallSiteSource> source_ = MakeCallSiteSource();
  std::unique_ptr<OrderBook> book_;
  absl::Duration longest_step_;
};

TEST_F(SamplingOrdersOnTheKernel, NameTheLineThatLeaksAndNeverHoldUpTheScans) {
  InThrowawayNamespace([&] {
    const TracedServer server({std::string(LEAKING_SERVERS) + "/lines", "read-eof"});
    LeakSeen view(&server);
    view.Scan(Now().uptime);
    Wish(v1::OrderWish::WISH_APPLY, "o-1", view.cookie());
    StepUntil(v1::Order::STATE_APPLIED, &view);
    server.Visits(20);
    server.WaitForLeaked(20, 20);
    const v1::OrderReport report = StepUntil(v1::Order::STATE_ENDED, &view);
    EXPECT_EQ(report.reason(), "");
    EXPECT_EQ(report.call_sites().leaked_fds(), 20);
    EXPECT_EQ(report.call_sites().seen_fds(), 20);
    ASSERT_EQ(report.call_sites().sites_size(), 1) << report.DebugString();
    EXPECT_EQ(report.call_sites().sites(0).kind(), v1::CallSite::KIND_READ_EOF);
    EXPECT_EQ(report.call_sites().sites(0).fds(), 20);
    EXPECT_THAT(HeadlineOf(FromProto(report.call_sites())), HasSubstr("leaky::DropAfterEof(int)"));
    EXPECT_LT(longest_step_, kLongestStep);
    std::printf("%s\nlongest step: %s\n", HeadlineOf(FromProto(report.call_sites())).c_str(),
                absl::FormatDuration(longest_step_).c_str());
  });
}

TEST_F(SamplingOrdersOnTheKernel, EndAtOnceWhereTheyAreTakenBack) {
  InThrowawayNamespace([&] {
    const TracedServer server({std::string(LEAKING_SERVERS) + "/lines", "read-eof"});
    LeakSeen view(&server);
    view.Scan(Now().uptime);
    Wish(v1::OrderWish::WISH_APPLY, "o-1", view.cookie());
    StepUntil(v1::Order::STATE_APPLIED, &view);
    server.Visits(5);
    server.WaitForLeaked(5, 5);
    view.Scan(Now().uptime);
    Wish(v1::OrderWish::WISH_ROLL_BACK, "o-1", view.cookie());
    const v1::OrderReport report = StepUntil(v1::Order::STATE_ENDED, &view);
    EXPECT_EQ(report.reason(), "enough");
    EXPECT_TRUE(report.has_call_sites());
    // Its threads are gone with it: another can begin.
    Wish(v1::OrderWish::WISH_APPLY, "o-2", view.cookie());
    EXPECT_EQ(StepUntil(v1::Order::STATE_APPLIED, &view).order_id(), "o-2");
    EXPECT_TRUE(book_->AbandonSampling("the agent stops"));
    EXPECT_LT(longest_step_, kLongestStep);
  });
}

TEST_F(SamplingOrdersOnTheKernel, AreRefusedWhereThePidIsAnotherProcessByNow) {
  InThrowawayNamespace([&] {
    const TracedServer server({std::string(LEAKING_SERVERS) + "/lines", "read-eof"});
    LeakSeen view(&server);
    --view.process_.start_ticks;
    view.Scan(Now().uptime);
    Wish(v1::OrderWish::WISH_APPLY, "o-1", view.cookie());
    const v1::OrderReport report = StepUntil(v1::Order::STATE_REFUSED, &view);
    EXPECT_THAT(report.reason(), HasSubstr("has exited"));
  });
}

}  // namespace
}  // namespace tcpmedic
