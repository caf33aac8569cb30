#include "lab/leak_clients.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <list>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/errno_status.h"
#include "core/unique_fd.h"
#include "lab/clock_ns.h"
#include "lab/endpoint.h"
#include "lab/open_files.h"

namespace tcpmedic::lab {
namespace {

constexpr double kMaxRatePerSecond = 1'000;
constexpr int kMaxBurst = 10'000;
constexpr int kMaxAtOnce = 15'000;
constexpr absl::Duration kMaxDuration = absl::Hours(1);

constexpr absl::string_view kRequest = "GET / HTTP/1.1\r\nHost: lab.invalid\r\n\r\n";

void Count(std::atomic<int64_t>& counter, int64_t by = 1) {
  counter.fetch_add(by, std::memory_order_release);
}

class Clients {
 public:
  Clients(const Endpoint& to, const LeakClientsOptions& options, UniqueFd epoll,
          LeakClientsRecord* record)
      : to_(to),
        half_close_(options.half_close),
        timeout_ns_(absl::ToInt64Nanoseconds(options.timeout)),
        idle_ns_(absl::ToInt64Nanoseconds(options.idle)),
        epoll_(std::move(epoll)),
        record_(*record) {}

  bool empty() const { return waiting_.empty() && answered_.empty(); }

  void Begin() {
    Count(record_.begun);
    UniqueFd opened(socket(to_.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!opened.valid() ||
        (connect(opened.get(), to_.address(), to_.length) != 0 && errno != EINPROGRESS)) {
      return Count(record_.failed);
    }
    const auto client = waiting_.insert(waiting_.end(), {std::move(opened), NowNs()});
    client->self = client;
    epoll_event wanted{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.ptr = &*client}};
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, client->socket.get(), &wanted) != 0) End(*client);
  }

  // Takes in what happens until `until_ns` (CLOCK_MONOTONIC) at the latest.
  absl::Status Wait(int64_t until_ns) {
    if (!waiting_.empty()) until_ns = std::min(until_ns, waiting_.front().since_ns + timeout_ns_);
    if (!answered_.empty() && !half_close_) {
      until_ns = std::min(until_ns, answered_.front().since_ns + idle_ns_);
    }
    const timespec wait = ToTimespec(std::max<int64_t>(until_ns - NowNs(), 0));
    std::array<epoll_event, 256> events;
    const int ready = epoll_pwait2(epoll_.get(), events.data(), events.size(), &wait, nullptr);
    if (ready < 0 && errno != EINTR) return ErrnoStatus("epoll_pwait2");
    for (int i = 0; i < ready; ++i) {
      Client& client = *static_cast<Client*>(events[i].data.ptr);
      if (!client.asked) Ask(client);
      Read(client);
    }
    const int64_t now_ns = NowNs();
    while (!waiting_.empty() && waiting_.front().since_ns + timeout_ns_ <= now_ns) {
      End(waiting_.front());
    }
    while (!half_close_ && !answered_.empty() && answered_.front().since_ns + idle_ns_ <= now_ns) {
      answered_.pop_front();
      Count(record_.closed);
    }
    return absl::OkStatus();
  }

 private:
  struct Client {
    UniqueFd socket;
    int64_t since_ns;  // when it began, or when the last bytes of its answer came; CLOCK_MONOTONIC
    bool asked = false;
    bool answered = false;
    std::list<Client>::iterator self = {};
  };

  // Where the connection has failed instead, reading says so.
  void Ask(Client& client) {
    const int fd = client.socket.get();
    client.asked = send(fd, kRequest.data(), kRequest.size(), MSG_NOSIGNAL) ==
                   static_cast<ssize_t>(kRequest.size());
    if (client.asked && half_close_) shutdown(fd, SHUT_WR);
  }

  void Read(Client& client) {
    for (;;) {
      // MSG_TRUNC: TCP counts the bytes as read without copying them (tcp(7)).
      const ssize_t length = recv(client.socket.get(), nullptr, 1 << 20, MSG_TRUNC);
      if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (length <= 0) return End(client);
      Count(record_.bytes_read, length);
      if (!client.answered) Count(record_.answered);
      answered_.splice(answered_.end(), client.answered ? answered_ : waiting_, client.self);
      client.answered = true;
      client.since_ns = NowNs();
    }
  }

  // Other than by the client's own will.
  void End(Client& client) {
    Count(client.answered ? record_.ended_by_server : record_.failed);
    (client.answered ? answered_ : waiting_).erase(client.self);
  }

  const Endpoint to_;
  const bool half_close_;
  const int64_t timeout_ns_;
  const int64_t idle_ns_;
  const UniqueFd epoll_;
  LeakClientsRecord& record_;
  // Each in the order of `since_ns`.
  std::list<Client> waiting_;
  std::list<Client> answered_;
};

}  // namespace

absl::Status Validate(const LeakClientsOptions& options) {
  if (!(options.rate_per_s >= 0 && options.rate_per_s <= kMaxRatePerSecond)) {
    return absl::InvalidArgumentError(absl::StrCat("a rate of ", options.rate_per_s,
                                                   " clients per second is not from 0 to ",
                                                   kMaxRatePerSecond));
  }
  if (options.burst < 0 || options.burst > kMaxBurst) {
    return absl::InvalidArgumentError(
        absl::StrCat("a burst of ", options.burst, " clients is not from 0 to ", kMaxBurst));
  }
  if (options.port == 0) return absl::InvalidArgumentError("port 0");
  if (options.idle < absl::Milliseconds(10) || options.idle > absl::Minutes(10)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "closing after ", absl::FormatDuration(options.idle), " is not from 10ms to 10m"));
  }
  if (options.timeout < absl::Milliseconds(10) || options.timeout > absl::Minutes(1)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a timeout of ", absl::FormatDuration(options.timeout), " is not from 10ms to 1m"));
  }
  if (options.duration <= absl::ZeroDuration() || options.duration > kMaxDuration) {
    return absl::InvalidArgumentError(
        absl::StrCat("a duration of ", absl::FormatDuration(options.duration), " is not within ",
                     absl::FormatDuration(kMaxDuration)));
  }
  const absl::Duration open_for =
      std::min(options.duration,
               options.half_close ? absl::InfiniteDuration() : options.timeout + options.idle);
  const double at_once = options.burst + options.rate_per_s * absl::ToDoubleSeconds(open_for);
  if (at_once > kMaxAtOnce) {
    return absl::InvalidArgumentError(
        absl::StrCat(static_cast<int64_t>(at_once), " clients connected at once are more than ",
                     kMaxAtOnce, ": lower the rate, the burst or the time that they stay"));
  }
  return absl::OkStatus();
}

LeakClientCounts LeakClients::counts() const {
  const LeakClientsRecord& now = **record;
  // Ends before beginnings: nobody has ended who has not begun.
  LeakClientCounts counts;
  counts.closed = now.closed.load(std::memory_order_acquire);
  counts.ended_by_server = now.ended_by_server.load(std::memory_order_acquire);
  counts.bytes_read = now.bytes_read.load(std::memory_order_acquire);
  counts.failed = now.failed.load(std::memory_order_acquire);
  counts.answered = now.answered.load(std::memory_order_acquire);
  counts.begun = now.begun.load(std::memory_order_acquire);
  return counts;
}

absl::Status MakeLeakClients(const std::string& address, const LeakClientsOptions& options,
                             LeakClientsRecord* record) {
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
  // A server that never stops sending does not keep this program.
  const int64_t last_ns = options.half_close
                              ? end_ns
                              : end_ns + absl::ToInt64Nanoseconds(options.timeout + options.idle);
  const auto begins_ns = [&](int64_t number) {
    if (options.rate_per_s == 0) return INT64_MAX;
    return begin_ns +
           static_cast<int64_t>(static_cast<double>(number) * kSecondNs / options.rate_per_s);
  };
  int64_t number = 0;
  for (int64_t now_ns = begin_ns; now_ns < last_ns; now_ns = NowNs()) {
    if (now_ns >= end_ns && clients.empty()) break;
    for (; begins_ns(number) <= std::min(now_ns, end_ns); ++number) clients.Begin();
    int64_t wake_ns = std::min(begins_ns(number), last_ns);
    if (begins_ns(number) >= end_ns) wake_ns = clients.empty() ? end_ns : last_ns;
    if (absl::Status status = clients.Wait(wake_ns); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace tcpmedic::lab
