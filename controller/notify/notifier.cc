#include "controller/notify/notifier.h"

#include <atomic>
#include <map>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "controller/notify/courier.h"
#include "controller/notify/http_client.h"
#include "controller/notify/http_sender.h"
#include "controller/notify/journal_sender.h"

namespace tcpmedic {
namespace {

constexpr absl::Duration kTidyInterval = absl::Minutes(10);

std::string Messages(int count) {
  return absl::StrCat(count, count == 1 ? " message waits" : " messages wait");
}

// One receiver with all that serves it.
struct Served {
  explicit Served(std::string receiver, std::unique_ptr<Sender> to, Deliveries* store,
                  const Clock* clock)
      : name(std::move(receiver)),
        sender(std::move(to)),
        courier(name, sender.get(), store, clock,
                [this] { return absl::Uniform(random, 0.0, 1.0); }) {}

  const std::string name;
  const std::unique_ptr<Sender> sender;
  absl::BitGen random;  // of the courier's thread
  Courier courier;
  std::thread thread;
};

class ThreadedNotifier : public Notifier {
 public:
  ThreadedNotifier(Options options, Deliveries* store, const Clock* clock)
      : options_(std::move(options)), store_(store), clock_(clock) {}
  ~ThreadedNotifier() override {
    {
      absl::MutexLock lock(&mutex_);
      stopping_ = true;
    }
    for (const auto& served : served_) served->sender->Cancel();
    for (const auto& served : served_) {
      if (served->thread.joinable()) served->thread.join();
    }
    if (tidying_.joinable()) tidying_.join();
  }

  absl::Status Begin() {
    for (const Receiver& receiver : options_.receivers) {
      std::unique_ptr<Sender> sender;
      if (receiver.kind == Receiver::Kind::kJournald) {
        sender = MakeJournalSender();
      } else {
        absl::StatusOr<std::unique_ptr<HttpClient>> client = MakeHttpClient();
        if (!client.ok()) return client.status();
        sender = MakeHttpSender(receiver, *std::move(client), options_.http_timeout);
      }
      served_.push_back(std::make_unique<Served>(receiver.name, std::move(sender), store_, clock_));
    }
    Tidy();
    for (const auto& served : served_) {
      served->thread = std::thread([this, of = served.get()] { Serve(of); });
    }
    tidying_ = std::thread([this] {
      while (!StopWithin(kTidyInterval)) Tidy();
    });
    return absl::OkStatus();
  }

  std::vector<std::string> Problems() const override {
    std::vector<std::string> problems;
    auto waiting = store_->Waiting();
    if (!waiting.ok()) problems.emplace_back(waiting.status().message());
    for (const auto& served : served_) {
      const int count = waiting.ok() ? (*waiting)[served->name] : 0;
      if (waiting.ok()) waiting->erase(served->name);
      const std::string problem = served->courier.Problem();
      if (problem.empty()) continue;
      problems.push_back(count == 0 ? problem
                                    : absl::StrCat(problem, "; ", Messages(count), " for it"));
    }
    if (waiting.ok()) {
      for (const auto& [receiver, count] : *waiting) {
        problems.push_back(
            absl::StrCat("no receiver '", receiver, "' is configured; ", Messages(count)));
      }
    }
    if (const int dropped = dropped_; dropped > 0) {
      problems.push_back(
          absl::StrCat(dropped, " messages were given up: nobody took them in time"));
    }
    return problems;
  }

 private:
  void Serve(Served* served) {
    bool hears = true;
    for (;;) {
      const absl::Duration next = served->courier.Step();
      const std::string problem = served->courier.Problem();
      // Once when it goes and once when it comes back, not with each try.
      if (problem.empty() != hears && options_.on_problem != nullptr) {
        options_.on_problem(served->name, problem);
      }
      hears = problem.empty();
      if (StopWithin(next - clock_->Now().uptime)) return;
    }
  }

  void Tidy() {
    const absl::StatusOr<int> dropped =
        store_->DropEvents(clock_->Now().wall - kEventAge, kEventsKept);
    if (dropped.ok()) dropped_ += *dropped;
  }

  bool StopWithin(absl::Duration duration) {
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(&stopping_), duration);
  }

  const Options options_;
  Deliveries* const store_;
  const Clock* const clock_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::atomic<int> dropped_ = 0;
  std::vector<std::unique_ptr<Served>> served_;
  std::thread tidying_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Notifier>> Notifier::Start(Options options, Deliveries* store,
                                                          const Clock* clock) {
  auto notifier = std::make_unique<ThreadedNotifier>(std::move(options), store, clock);
  if (absl::Status begun = notifier->Begin(); !begun.ok()) return begun;
  return std::unique_ptr<Notifier>(std::move(notifier));
}

}  // namespace tcpmedic
