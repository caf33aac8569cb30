#include "agent/scan_loop.h"

#include <pthread.h>
#include <time.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

// A deadline that stays overdue, because what is due cannot be done yet, must not become a busy
// loop.
constexpr absl::Duration kOverdueRetry = absl::Milliseconds(100);

absl::Duration ThreadCpuTime() {
  timespec spent{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return absl::DurationFromTimespec(spent);
}

}  // namespace

ScanLoop::ScanLoop(Options options, std::unique_ptr<OrderBook> book, const Clock* clock,
                   SignatureInbox* signatures, OrderInbox* wishes, StatusBoard* board,
                   Publish publish)
    : scanner_(options.scanner),
      desk_(std::move(options.orders), std::move(book), &scanner_, board),
      namespaces_(std::move(options.namespaces)),
      budget_(options.budget),
      clock_(clock),
      base_interval_(options.budget.base_interval),
      on_turn_(std::move(options.on_turn)),
      turn_within_(options.turn_within),
      signatures_(signatures),
      wishes_(wishes),
      board_(board),
      publish_(std::move(publish)) {}

ScanLoop::~ScanLoop() {
  if (!thread_.joinable()) return;
  Stop(absl::ZeroDuration());
  thread_.join();
}

void ScanLoop::Start() {
  thread_ = std::thread([this] { Run(); });
}

bool ScanLoop::Stop(absl::Duration patience) {
  if (!stop_.HasBeenNotified()) stop_.Notify();
  wishes_->Interrupt();
  return stopped_.WaitForNotificationWithTimeout(patience);
}

void ScanLoop::Run() {
  pthread_setname_np(pthread_self(), "scan");
  absl::Duration scan_at = clock_->Now().uptime;
  while (!stop_.HasBeenNotified()) {
    const Moment now = clock_->Now();
    if (const std::optional<v1::OrderSet> wishes = wishes_->Take()) desk_.TakeWishes(*wishes);
    if (now.uptime >= scan_at || desk_.wants_fresh_samples()) {
      scan_at = now.uptime + ScanOnce();
    } else if (desk_.Step(now)) {
      PublishOrders();
    }
    on_turn_();
    const absl::Duration done_at = clock_->Now().uptime;
    const absl::Duration due_at = std::max(desk_.NextDeadline(), done_at + kOverdueRetry);
    wishes_->Wait(std::min(std::min(scan_at, due_at) - done_at, turn_within_));
  }
  took_back_ = desk_.RollBackUncommitted(clock_->Now());
  if (took_back_) PublishOrders();
  stopped_.Notify();
}

absl::Duration ScanLoop::ScanOnce() {
  const absl::Duration cpu_before = ThreadCpuTime();
  if (std::optional<CompiledSet> set = signatures_->Take()) {
    scanner_.SetSignatures(*std::move(set));
  }
  const absl::Status refreshed = namespaces_.Refresh();
  std::vector<std::string> degraded = board_->Problems();
  if (!refreshed.ok()) {
    degraded.push_back(
        absl::StrCat("new network namespaces are not noticed: ", std::string(refreshed.message())));
  }
  if (namespaces_.omitted() > 0) {
    degraded.push_back(
        absl::StrCat(namespaces_.omitted(), " network namespaces over the limit are not watched"));
  }
  if (budget_.exceeded()) {
    degraded.push_back("scans cost more than the CPU budget even at the longest interval");
  }
  const Moment now = clock_->Now();
  auto report =
      std::make_shared<v1::Report>(scanner_.Scan(namespaces_.current(), now, std::move(degraded)));
  const absl::Duration cpu = ThreadCpuTime() - cpu_before;
  absl::Duration interval = budget_.IntervalAfter(cpu);
  desk_.Step(clock_->Now());
  desk_.AddOrdersTo(report.get());
  if (desk_.measuring()) interval = base_interval_;
  *report->mutable_stats()->mutable_scan_cpu() = ToProto(cpu);
  *report->mutable_stats()->mutable_interval() = ToProto(interval);
  board_->Scanned(*report, now.uptime);
  newest_ = std::move(report);
  publish_(newest_);
  return interval;
}

void ScanLoop::PublishOrders() {
  auto report =
      newest_ == nullptr ? std::make_shared<v1::Report>() : std::make_shared<v1::Report>(*newest_);
  report->set_sequence(scanner_.NextSequence());
  *report->mutable_at() = ToProto(clock_->Now().wall);
  desk_.AddOrdersTo(report.get());
  newest_ = std::move(report);
  publish_(newest_);
}

}  // namespace tcpmedic
