// What the members of tcp_info mean where the kernel has no value for them: some are 0 then, some
// all ones. Pure.
#ifndef TCPMEDIC_DIAGNOSIS_TCP_INFO_READING_H_
#define TCPMEDIC_DIAGNOSIS_TCP_INFO_READING_H_

#include <cstdint>
#include <optional>

#include "observe/socket_sample.h"

namespace tcpmedic {

// A listener's is not filled in: its few fields mean other things, the rest are 0 (tcp_get_info()).
template <typename T>
std::optional<T> Info(const SocketSample& sample, T tcp_info::*member) {
  if (sample.state == TcpState::kListen) return std::nullopt;
  return sample.info.Field(member);
}

// 0 before the first round trip was measured.
inline std::optional<uint32_t> RttUs(const SocketSample& sample) {
  const auto rtt_us = Info(sample, &tcp_info::tcpi_rtt);
  return rtt_us == 0u ? std::nullopt : rtt_us;
}

// All ones before the first round trip was measured (tcp_init_sock()).
inline std::optional<uint32_t> MinRttUs(const SocketSample& sample) {
  const auto rtt_us = Info(sample, &tcp_info::tcpi_min_rtt);
  return rtt_us == 0u || rtt_us == ~0u ? std::nullopt : rtt_us;
}

// TCP_INFINITE_SSTHRESH, 0x7fffffff, before the first loss.
inline std::optional<uint32_t> SsthreshSegments(const SocketSample& sample) {
  const auto segments = Info(sample, &tcp_info::tcpi_snd_ssthresh);
  return segments >= 0x7fffffffu ? std::nullopt : segments;
}

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_TCP_INFO_READING_H_
