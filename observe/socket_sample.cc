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

void TcpInfo::Assign(const void* data, size_t size) {
  info_ = tcp_info{};
  size_ = std::min(size, sizeof(info_));
  std::memcpy(&info_, data, size_);
}

std::optional<bool> TcpInfo::delivery_rate_app_limited() const {
  // The bit came with tcpi_delivery_rate (Linux 4.9); before, its byte was there and always 0.
  if (!Field(&tcp_info::tcpi_delivery_rate).has_value()) return std::nullopt;
  return info_.tcpi_delivery_rate_app_limited != 0;
}

}  // namespace tcpmedic
