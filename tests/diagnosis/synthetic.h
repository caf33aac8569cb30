// Sockets, scans and signatures made for tests of the diagnosis module.
#ifndef TCPMEDIC_TESTS_DIAGNOSIS_SYNTHETIC_H_
#define TCPMEDIC_TESTS_DIAGNOSIS_SYNTHETIC_H_

#include <linux/tcp.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "core/clock.h"
#include "observe/socket_sample.h"

namespace tcpmedic {

// `seconds` after an arbitrary beginning, on both clocks.
inline Moment At(double seconds) {
  return {absl::FromUnixSeconds(1'700'000'000) + absl::Seconds(seconds),
          absl::Hours(1) + absl::Seconds(seconds)};
}

// An established CUBIC socket whose members a test sets before it takes a sample.
struct SyntheticSocket {
  uint64_t cookie = 1;
  uint64_t netns_cookie = 1;
  std::string remote_ip = "203.0.113.20";
  TcpState state = TcpState::kEstablished;
  std::string cc = "cubic";
  tcp_info info{};
  size_t info_size = sizeof(tcp_info);  // less: what an older kernel reports

  SyntheticSocket() {
    info.tcpi_snd_mss = 1448;
    info.tcpi_rtt = 149'000;
    info.tcpi_min_rtt = 148'000;
    info.tcpi_rttvar = 700;
    info.tcpi_rto = 352'000;
    info.tcpi_snd_cwnd = 10;
    info.tcpi_snd_ssthresh = 0x7fffffff;
    info.tcpi_snd_wnd = 4'000'000;
  }

  SocketSample Sample() const {
    SocketSample sample;
    sample.key = {cookie, netns_cookie};
    sample.state = state;
    sample.local_ip = *IpAddress::Parse("10.0.0.5");
    sample.local_port = static_cast<uint16_t>(40'000 + cookie);
    sample.remote_ip = *IpAddress::Parse(remote_ip);
    sample.remote_port = 443;
    sample.uid = 33;
    sample.inode = static_cast<uint32_t>(9'000 + cookie);
    cc.copy(sample.congestion_control.data(), sample.congestion_control.size() - 1);
    sample.info.Assign(&info, info_size);
    return sample;
  }
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_DIAGNOSIS_SYNTHETIC_H_
