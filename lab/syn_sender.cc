#include "lab/syn_sender.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "core/errno_status.h"
#include "core/unique_fd.h"
#include "lab/clock_ns.h"
#include "lab/endpoint.h"
#include "lab/host_network.h"
#include "lab/host_role.h"

namespace tcpmedic::lab {
namespace {

constexpr int64_t kBatchIntervalNs = 1'000'000;
// What a sender that was held up makes up for; the rest of its delay is time in which it did not
// send.
constexpr int64_t kCatchUpNs = 10 * kBatchIntervalNs;
constexpr int kMaxBatch = 64;  // packets in one system call

void SleepUntil(int64_t at_ns) {
  const timespec at = ToTimespec(at_ns);
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
}

// IPPROTO_RAW means that the caller writes the IP header: for IPv4 raw(7), for IPv6 net/ipv6/
// af_inet6.c inet6_create.
absl::StatusOr<UniqueFd> OpenRaw(int family) {
  UniqueFd raw(socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  if (!raw.valid()) return ErrnoStatus("open a raw socket");
  const std::string device(kDeviceName);
  if (setsockopt(raw.get(), SOL_SOCKET, SO_BINDTODEVICE, device.data(),
                 static_cast<socklen_t>(device.size())) != 0) {
    if (errno == ENODEV) {
      return absl::NotFoundError(
          absl::StrCat("this is no lab's host: there is no device ", device));
    }
    return ErrnoStatus(absl::StrCat("bind a raw socket to ", device));
  }
  return raw;
}

class Batch {
 public:
  explicit Batch(const Endpoint& to) : to_(to) {
    for (size_t i = 0; i < packets_.size(); ++i) {
      parts_[i].iov_base = packets_[i].data();
      headers_[i].msg_hdr.msg_name = &to_.storage;
      headers_[i].msg_hdr.msg_namelen = to_.length;
      headers_[i].msg_hdr.msg_iov = &parts_[i];
      headers_[i].msg_hdr.msg_iovlen = 1;
    }
  }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  void Put(int at, const Syn& syn) { parts_[at].iov_len = WriteSyn(syn, &packets_[at]); }

  // The first `count`; returns how many the kernel took.
  absl::StatusOr<int> Send(int raw, int count) {
    const int sent = sendmmsg(raw, headers_.data(), static_cast<unsigned>(count), 0);
    if (sent >= 0) return sent;
    // The device's queue is full: what does not fit now is lost, as on any link.
    if (errno == ENOBUFS || errno == EAGAIN || errno == EINTR) return 0;
    return ErrnoStatus("send SYNs");
  }

 private:
  Endpoint to_;
  std::array<SynPacket, kMaxBatch> packets_{};
  std::array<iovec, kMaxBatch> parts_{};
  std::array<mmsghdr, kMaxBatch> headers_{};
};

}  // namespace

absl::Status ValidateSynRate(double rate_pps, absl::Duration duration) {
  if (!(rate_pps >= 1 && rate_pps <= kMaxSynRatePps)) {
    return absl::InvalidArgumentError(
        absl::StrCat("a rate of ", rate_pps, " SYNs per second is not from 1 to ", kMaxSynRatePps));
  }
  if (duration <= absl::ZeroDuration() || duration > kMaxSynDuration) {
    return absl::InvalidArgumentError(absl::StrCat("a duration of ", absl::FormatDuration(duration),
                                                   " is not within ",
                                                   absl::FormatDuration(kMaxSynDuration)));
  }
  return absl::OkStatus();
}

absl::Status SendSyns(const std::string& address, double rate_pps, absl::Duration duration,
                      absl::FunctionRef<Syn(const IpAddress& server, int64_t number)> next,
                      SynRecord* record) {
  if (absl::Status status = ValidateSynRate(rate_pps, duration); !status.ok()) return status;
  if (address != AddressOf(HostRole::kServer, false) &&
      address != AddressOf(HostRole::kServer, true)) {
    return absl::InvalidArgumentError(absl::StrCat("'", address, "' is no lab's server"));
  }
  // Of raw sockets, IPv6's refuse a port that is not the protocol's number (net/ipv6/raw.c
  // rawv6_sendmsg); 0 is any.
  const absl::StatusOr<Endpoint> to = Endpoint::Of(address, 0);
  if (!to.ok()) return to.status();
  const absl::StatusOr<UniqueFd> raw = OpenRaw(to->family());
  if (!raw.ok()) return raw.status();
  const IpAddress server = *IpAddress::Parse(address);

  Batch batch(*to);
  const double per_ns = rate_pps / kSecondNs;
  const int64_t begin_ns = NowNs();
  const int64_t end_ns = begin_ns + absl::ToInt64Nanoseconds(duration);
  const int64_t catch_up = std::max<int64_t>(static_cast<int64_t>(kCatchUpNs * per_ns), 1);
  int64_t number = 0;  // of the next SYN
  int64_t skipped = 0;
  for (int64_t now_ns = begin_ns; now_ns < end_ns; now_ns = NowNs()) {
    int64_t due =
        static_cast<int64_t>(static_cast<double>(now_ns - begin_ns) * per_ns) - skipped - number;
    if (due > catch_up) {
      skipped += due - catch_up;
      due = catch_up;
    }
    while (due > 0) {
      const int count = static_cast<int>(std::min<int64_t>(due, kMaxBatch));
      for (int i = 0; i < count; ++i) batch.Put(i, next(server, number++));
      const absl::StatusOr<int> sent = batch.Send(raw->get(), count);
      if (!sent.ok()) return sent.status();
      record->sent.fetch_add(*sent, std::memory_order_relaxed);
      due -= count;
    }
    const auto next_due_ns =
        begin_ns + static_cast<int64_t>(static_cast<double>(number + skipped + 1) / per_ns);
    SleepUntil(std::min(std::max(next_due_ns, now_ns + kBatchIntervalNs), end_ns));
  }
  return absl::OkStatus();
}

}  // namespace tcpmedic::lab
