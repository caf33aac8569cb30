#include "lab/connects.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "core/errno_status.h"
#include "core/unique_fd.h"
#include "lab/clock_ns.h"
#include "lab/connect_record.h"
#include "lab/endpoint.h"
#include "lab/open_files.h"

namespace tcpmedic::lab {
namespace {

constexpr double kMaxRatePerSecond = 10'000;
constexpr int kMaxBurst = 10'000;
constexpr int kMaxAtOnce = 15'000;
constexpr absl::Duration kMaxDuration = absl::Hours(1);
// How old `recorded_until_ns` may get while nothing happens.
constexpr int64_t kRecordIntervalNs = 20'000'000;

class Clients {
 public:
  Clients(const Endpoint& to, const ConnectOptions& options, UniqueFd epoll, ConnectRecord* record)
      : to_(to),
        timeout_ns_(absl::ToInt64Nanoseconds(options.timeout)),
        epoll_(std::move(epoll)),
        record_(*record) {
    record_.timeout_ns.store(timeout_ns_, std::memory_order_relaxed);
  }

  bool full() const { return begun_ == ConnectRecord::kMaxAttempts; }

  void Begin() {
    InFlight client{UniqueFd(socket(to_.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
                    NowNs()};
    const int64_t number = begun_++;
    ConnectRecord::Attempt& attempt = record_.attempts[number];
    attempt.started_ns = NowNs(CLOCK_REALTIME);
    record_.count.store(begun_, std::memory_order_release);
    if (!client.socket.valid() ||
        (connect(client.socket.get(), to_.address(), to_.length) != 0 && errno != EINPROGRESS)) {
      return Complete(attempt, ConnectOutcome::kFailed, client.began_ns);
    }
    epoll_event wanted{.events = EPOLLOUT, .data = {.u64 = static_cast<uint64_t>(number)}};
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, client.socket.get(), &wanted) != 0) {
      return Complete(attempt, ConnectOutcome::kFailed, client.began_ns);
    }
    in_flight_.emplace(number, std::move(client));
  }

  // Takes in what has happened until `until_ns` (CLOCK_MONOTONIC) at the latest.
  absl::Status Wait(int64_t until_ns) {
    int64_t now_ns = NowNs();
    const int64_t wait_ns = std::clamp<int64_t>(until_ns - now_ns, 0, kRecordIntervalNs);
    const timespec wait = ToTimespec(wait_ns);
    std::array<epoll_event, 256> events;
    const int ready = epoll_pwait2(epoll_.get(), events.data(), events.size(), &wait, nullptr);
    if (ready < 0 && errno != EINTR) return ErrnoStatus("epoll_pwait2");
    for (int i = 0; i < ready; ++i) {
      const auto client = in_flight_.find(static_cast<int64_t>(events[i].data.u64));
      if (client == in_flight_.end()) continue;
      int error = 0;
      socklen_t size = sizeof(error);
      getsockopt(client->second.socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
      // What the kernel gave up on before our timeout has not been answered either.
      End(client, error == 0           ? ConnectOutcome::kConnected
                  : error == ETIMEDOUT ? ConnectOutcome::kTimedOut
                                       : ConnectOutcome::kFailed);
    }
    // Before the timeouts: what ran out until then is recorded as such by the time it is promised.
    const int64_t recorded_ns = NowNs(CLOCK_REALTIME);
    now_ns = NowNs();
    for (; oldest_ < begun_; ++oldest_) {
      const auto client = in_flight_.find(oldest_);
      if (client == in_flight_.end()) continue;
      if (client->second.began_ns + timeout_ns_ > now_ns) break;
      End(client, ConnectOutcome::kTimedOut);
    }
    record_.recorded_until_ns.store(recorded_ns, std::memory_order_release);
    return absl::OkStatus();
  }

 private:
  struct InFlight {
    UniqueFd socket;
    int64_t began_ns;  // CLOCK_MONOTONIC
  };
  using InFlights = absl::flat_hash_map<int64_t, InFlight>;

  // Its socket is closed: what has been connected ends in order, with FIN.
  void End(InFlights::iterator client, ConnectOutcome outcome) {
    Complete(record_.attempts[client->first], outcome, client->second.began_ns);
    in_flight_.erase(client);
  }

  void Complete(ConnectRecord::Attempt& attempt, ConnectOutcome outcome, int64_t began_ns) {
    attempt.took_ns = NowNs() - began_ns;
    if (attempt.took_ns > timeout_ns_) outcome = ConnectOutcome::kTimedOut;
    attempt.outcome.store(outcome, std::memory_order_release);
  }

  const Endpoint to_;
  const int64_t timeout_ns_;
  const UniqueFd epoll_;
  ConnectRecord& record_;
  InFlights in_flight_;  // by number
  int64_t begun_ = 0;
  int64_t oldest_ = 0;  // of those that may be in flight
};

}  // namespace

absl::Status Validate(const ConnectOptions& options) {
  if (!(options.rate_per_s >= 0 && options.rate_per_s <= kMaxRatePerSecond)) {
    return absl::InvalidArgumentError(absl::StrCat("a rate of ", options.rate_per_s,
                                                   " connects per second is not from 0 to ",
                                                   kMaxRatePerSecond));
  }
  if (options.burst < 0 || options.burst > kMaxBurst) {
    return absl::InvalidArgumentError(
        absl::StrCat("a burst of ", options.burst, " connects is not from 0 to ", kMaxBurst));
  }
  if (options.port == 0) return absl::InvalidArgumentError("port 0");
  if (options.timeout < absl::Milliseconds(10) || options.timeout > absl::Minutes(1)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a timeout of ", absl::FormatDuration(options.timeout), " is not from 10ms to 1m"));
  }
  if (options.duration <= absl::ZeroDuration() || options.duration > kMaxDuration) {
    return absl::InvalidArgumentError(
        absl::StrCat("a duration of ", absl::FormatDuration(options.duration), " is not within ",
                     absl::FormatDuration(kMaxDuration)));
  }
  const double attempts =
      options.burst + options.rate_per_s * absl::ToDoubleSeconds(options.duration);
  if (attempts > ConnectRecord::kMaxAttempts) {
    return absl::InvalidArgumentError(
        absl::StrCat(static_cast<int64_t>(attempts), " connects in all are more than ",
                     ConnectRecord::kMaxAttempts, ": lower the rate or the duration"));
  }
  const double at_once =
      options.burst + options.rate_per_s * absl::ToDoubleSeconds(options.timeout);
  if (at_once > kMaxAtOnce) {
    return absl::InvalidArgumentError(
        absl::StrCat(static_cast<int64_t>(at_once), " connects waiting at once are more than ",
                     kMaxAtOnce, ": lower the rate, the burst or the timeout"));
  }
  return absl::OkStatus();
}

absl::Status MakeConnects(const std::string& address, const ConnectOptions& options,
                          ConnectRecord* record) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  if (absl::Status status = AllowManyOpenFiles(); !status.ok()) return status;
  const absl::StatusOr<Endpoint> to = Endpoint::Of(address, options.port);
  if (!to.ok()) return to.status();
  UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return ErrnoStatus("epoll_create1");
  Clients clients(*to, options, std::move(epoll), record);

  for (int i = 0; i < options.burst; ++i) clients.Begin();
  const int64_t begin_ns = NowNs();
  const int64_t end_ns = begin_ns + absl::ToInt64Nanoseconds(options.duration);
  // What is still under way at the end is waited for.
  const int64_t last_ns = end_ns + absl::ToInt64Nanoseconds(options.timeout);
  const auto begins_ns = [&](int64_t number) {
    if (options.rate_per_s == 0) return INT64_MAX;
    return begin_ns +
           static_cast<int64_t>(static_cast<double>(number) * kSecondNs / options.rate_per_s);
  };
  int64_t number = 0;
  for (int64_t now_ns = begin_ns; now_ns < last_ns; now_ns = NowNs()) {
    while (begins_ns(number) <= now_ns && begins_ns(number) < end_ns && !clients.full()) {
      clients.Begin();
      ++number;
    }
    const int64_t wake_ns = begins_ns(number) < end_ns ? begins_ns(number) : last_ns;
    if (absl::Status status = clients.Wait(wake_ns); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace tcpmedic::lab
