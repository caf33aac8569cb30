#include "agent/act/call_site_source.h"

#include <pthread.h>

#include <string>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "observe/processes.h"

namespace tcpmedic {
namespace {

// Between two looks at the sampler, which does not tell by itself that it is done.
constexpr absl::Duration kLookEvery = absl::Milliseconds(20);

// What a campaign and its thread know of each other; it lives as long as either does.
class Exchange {
 public:
  // The campaign's.
  absl::StatusOr<CallSiteCampaign::Stage> stage() const {
    const absl::MutexLock lock(&mutex_);
    return stage_;
  }
  void Resolve(std::vector<LeakedFd> leaked) {
    const absl::MutexLock lock(&mutex_);
    if (!leaked_.has_value()) leaked_ = std::move(leaked);
  }
  std::optional<CallSiteReport> report() const {
    const absl::MutexLock lock(&mutex_);
    return report_;
  }
  void Abandon() {
    const absl::MutexLock lock(&mutex_);
    abandoned_ = true;
  }

  // The thread's.
  void SetStage(absl::StatusOr<CallSiteCampaign::Stage> stage) {
    const absl::MutexLock lock(&mutex_);
    stage_ = std::move(stage);
  }
  // Nothing is left of it; null: nothing has come of it either.
  void SetDone(std::optional<CallSiteReport> report) {
    const absl::MutexLock lock(&mutex_);
    report_ = std::move(report);
    done_ = true;
  }
  bool abandoned() const {
    const absl::MutexLock lock(&mutex_);
    return abandoned_;
  }
  // Waits for so long, or until the campaign asks for something; what it wants resolved, once.
  std::optional<std::vector<LeakedFd>> LeakedWithin(absl::Duration wait) {
    const auto asked = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return abandoned_ || (leaked_.has_value() && !taken_);
    };
    const absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&asked), wait);
    if (!leaked_.has_value() || std::exchange(taken_, true)) return std::nullopt;
    return *leaked_;
  }
  bool done() const {
    const absl::MutexLock lock(&mutex_);
    return done_;
  }

 private:
  mutable absl::Mutex mutex_;
  absl::StatusOr<CallSiteCampaign::Stage> stage_ ABSL_GUARDED_BY(mutex_) =
      CallSiteCampaign::Stage::kAttaching;
  std::optional<std::vector<LeakedFd>> leaked_ ABSL_GUARDED_BY(mutex_);
  bool taken_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<CallSiteReport> report_ ABSL_GUARDED_BY(mutex_);
  bool abandoned_ ABSL_GUARDED_BY(mutex_) = false;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
};

absl::Status CheckIsStill(const ProcessKey& process) {
  const absl::StatusOr<uint64_t> ticks = Processes().StartTicks(process.pid);
  if (ticks.ok() && *ticks == process.start_ticks) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat("pid ", process.pid, " has exited"));
}

absl::StatusOr<std::unique_ptr<CallSiteSampler>> Attach(const ProcessKey& process,
                                                        absl::Duration duration) {
  if (absl::Status still = CheckIsStill(process); !still.ok()) return still;
  auto sampler = CallSiteSampler::Start({.pid = process.pid, .duration = duration});
  // The sampler holds on to the process that it has found under the pid.
  if (absl::Status still = CheckIsStill(process); sampler.ok() && !still.ok()) return still;
  return sampler;
}

std::optional<CallSiteReport> Sample(const ProcessKey& process, absl::Duration duration,
                                     Exchange* exchange) {
  absl::StatusOr<std::unique_ptr<CallSiteSampler>> sampler = Attach(process, duration);
  if (!sampler.ok()) {
    exchange->SetStage(sampler.status());
    return std::nullopt;
  }
  exchange->SetStage(CallSiteCampaign::Stage::kSampling);
  std::optional<CallSiteReport> report;
  while (!report.has_value() && !exchange->abandoned()) {
    if (auto leaked = exchange->LeakedWithin(kLookEvery)) (*sampler)->Resolve(*std::move(leaked));
    if (!(*sampler)->sampling()) exchange->SetStage(CallSiteCampaign::Stage::kSampled);
    report = (*sampler)->TryReport();
  }
  return report;  // once the sampler is gone: whoever has the report can begin another campaign
}

class PerfCampaign : public CallSiteCampaign {
 public:
  explicit PerfCampaign(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  ~PerfCampaign() override { exchange_->Abandon(); }

  absl::StatusOr<Stage> stage() const override { return exchange_->stage(); }
  void Resolve(std::vector<LeakedFd> leaked) override { exchange_->Resolve(std::move(leaked)); }
  std::optional<CallSiteReport> TryReport() const override { return exchange_->report(); }

 private:
  const std::shared_ptr<Exchange> exchange_;
};

class PerfCallSites : public CallSiteSource {
 public:
  ~PerfCallSites() override {
    if (newest_ != nullptr) newest_->Abandon();
    if (thread_.joinable()) thread_.join();
  }

  std::unique_ptr<CallSiteCampaign> Start(const ProcessKey& process,
                                          absl::Duration duration) override {
    const auto exchange = std::make_shared<Exchange>();
    if (newest_ != nullptr && !newest_->done()) {
      exchange->SetStage(absl::UnavailableError("busy: an earlier campaign is still being ended"));
      return std::make_unique<PerfCampaign>(exchange);
    }
    if (thread_.joinable()) thread_.join();  // it is done
    newest_ = exchange;
    thread_ = std::thread([process, duration, exchange] {
      pthread_setname_np(pthread_self(), "call-sites");
      exchange->SetDone(Sample(process, duration, exchange.get()));
    });
    return std::make_unique<PerfCampaign>(exchange);
  }

 private:
  std::shared_ptr<Exchange> newest_;
  std::thread thread_;  // of `newest_`
};

}  // namespace

std::unique_ptr<CallSiteSource> MakeCallSiteSource() { return std::make_unique<PerfCallSites>(); }

}  // namespace tcpmedic
