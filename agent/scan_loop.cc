#include "agent/scan_loop.h"

#include <pthread.h>
#include <time.h>

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

absl::Duration ThreadCpuTime() {
  timespec spent{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return absl::DurationFromTimespec(spent);
}

}  // namespace

ScanLoop::ScanLoop(Options options, const Clock* clock, SignatureInbox* signatures,
                   StatusBoard* board, Publish publish)
    : scanner_(options.scanner),
      namespaces_(std::move(options.namespaces)),
      budget_(options.budget),
      clock_(clock),
      signatures_(signatures),
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
  return stopped_.WaitForNotificationWithTimeout(patience);
}

void ScanLoop::Run() {
  pthread_setname_np(pthread_self(), "scan");
  while (!stop_.HasBeenNotified()) {
    const absl::Duration started = clock_->Now().uptime;
    const absl::Duration interval = ScanOnce();
    const absl::Duration took = clock_->Now().uptime - started;
    stop_.WaitForNotificationWithTimeout(interval - took);
  }
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
  const absl::Duration interval = budget_.IntervalAfter(cpu);
  *report->mutable_stats()->mutable_scan_cpu() = ToProto(cpu);
  *report->mutable_stats()->mutable_interval() = ToProto(interval);
  board_->Scanned(*report, now.uptime);
  publish_(std::move(report));
  return interval;
}

}  // namespace tcpmedic
