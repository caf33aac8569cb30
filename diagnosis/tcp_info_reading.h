// What the members of tcp_info mean where the kernel has no value for them: some are 0 then, some
// all ones. Pure.
#ifndef TCPMEDIC_DIAGNOSIS_TCP_INFO_READING_H_
#define TCPMEDIC_DIAGNOSIS_TCP_INFO_READING_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
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

// Segments with data that were sent, retransmits among them. Where they are not reported they are
// reckoned from the bytes, in full segments: ss(8) is often pasted without them, and `shortened`
// texts have only those.
struct DataSegments {
  uint64_t count = 0;
  // What stood in, as evidence names it, and where it stands; empty: nothing had to.
  absl::string_view stand_in = {};
  absl::string_view source = {};
};
inline std::optional<DataSegments> DataSegmentsOf(const SocketSample& sample) {
  const auto counted = Info(sample, &tcp_info::tcpi_data_segs_out);
  if (counted.has_value()) return DataSegments{*counted};
  const auto mss_bytes = Info(sample, &tcp_info::tcpi_snd_mss);
  if (!mss_bytes.has_value() || *mss_bytes == 0) return std::nullopt;
  const auto sent = Info(sample, &tcp_info::tcpi_bytes_sent);
  if (sent.has_value()) {
    return DataSegments{*sent / *mss_bytes, "bytes_sent / mss for data_segs_out",
                        "(tcpi_bytes_sent / tcpi_snd_mss)"};
  }
  const auto acked = Info(sample, &tcp_info::tcpi_bytes_acked);
  if (acked.has_value()) {
    return DataSegments{*acked / *mss_bytes, "bytes_acked / mss for data_segs_out",
                        "(tcpi_bytes_acked / tcpi_snd_mss)"};
  }
  return std::nullopt;
}

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_TCP_INFO_READING_H_
