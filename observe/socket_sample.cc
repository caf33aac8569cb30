#include "observe/socket_sample.h"

#include <algorithm>
#include <cstring>

namespace tcpmedic {

absl::string_view Name(TcpState state) {
  switch (state) {
    case TcpState::kEstablished:
      return "established";
    case TcpState::kSynSent:
      return "syn-sent";
    case TcpState::kSynRecv:
      return "syn-recv";
    case TcpState::kFinWait1:
      return "fin-wait-1";
    case TcpState::kFinWait2:
      return "fin-wait-2";
    case TcpState::kTimeWait:
      return "time-wait";
    case TcpState::kClose:
      return "closed";
    case TcpState::kCloseWait:
      return "close-wait";
    case TcpState::kLastAck:
      return "last-ack";
    case TcpState::kListen:
      return "listening";
    case TcpState::kClosing:
      return "closing";
    case TcpState::kNewSynRecv:
      return "new-syn-recv";
  }
  return "unknown";
}

// The byte that holds tcpi_delivery_rate_app_limited and tcpi_fastopen_client_fail; a bit-field has
// no offset of its own.
constexpr size_t kAppLimitedOffset = offsetof(tcp_info, tcpi_rto) - 1;

void TcpInfo::Assign(const void* data, size_t size) {
  info_ = tcp_info{};
  set_.reset();
  size_ = std::min(size, sizeof(info_));
  std::memcpy(&info_, data, size_);
}

void TcpInfo::SetAppLimited(bool app_limited) {
  info_.tcpi_delivery_rate_app_limited = app_limited ? 1 : 0;
  set_.set(kAppLimitedOffset);
}

std::optional<bool> TcpInfo::delivery_rate_app_limited() const {
  // The bit came with tcpi_delivery_rate (Linux 4.9); before, its byte was there and always 0.
  constexpr size_t kSince =
      offsetof(tcp_info, tcpi_delivery_rate) + sizeof(tcp_info::tcpi_delivery_rate);
  if (size_ < kSince && !set_.test(kAppLimitedOffset)) return std::nullopt;
  return info_.tcpi_delivery_rate_app_limited != 0;
}

}  // namespace tcpmedic
