// A flow that moves at constant rates: its counters grow by so much per second.
#ifndef TCPMEDIC_TESTS_DIAGNOSIS_FLOW_H_
#define TCPMEDIC_TESTS_DIAGNOSIS_FLOW_H_

#include "tests/diagnosis/synthetic.h"

namespace tcpmedic {

// As it is when loss of 1 % pins a window at 148 ms; a test changes what it is about.
struct Flow {
  SyntheticSocket socket;
  uint32_t segments_per_second = 100;
  uint32_t retransmits_per_second = 1;
  uint32_t dsacks_per_second = 0;
  double busy_ratio = 1;
  double rwnd_limited_ratio = 0;    // of the busy time
  double sndbuf_limited_ratio = 0;  // of the busy time

  Flow() {
    socket.info.tcpi_snd_cwnd = 12;
    socket.info.tcpi_snd_ssthresh = 8;
    socket.info.tcpi_notsent_bytes = 65'536;
    socket.info.tcpi_data_segs_out = 1'000;
    socket.info.tcpi_total_retrans = 10;
    socket.info.tcpi_bytes_acked = 990 * 1'448 + 1;
  }

  void Advance(int seconds) {
    tcp_info& info = socket.info;
    const double busy_us = busy_ratio * seconds * 1e6;
    info.tcpi_data_segs_out += segments_per_second * seconds;
    info.tcpi_total_retrans += retransmits_per_second * seconds;
    info.tcpi_dsack_dups += dsacks_per_second * seconds;
    info.tcpi_bytes_acked +=
        uint64_t{segments_per_second - retransmits_per_second} * seconds * 1'448;
    info.tcpi_busy_time += static_cast<uint64_t>(busy_us);
    info.tcpi_rwnd_limited += static_cast<uint64_t>(busy_us * rwnd_limited_ratio);
    info.tcpi_sndbuf_limited += static_cast<uint64_t>(busy_us * sndbuf_limited_ratio);
  }
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_DIAGNOSIS_FLOW_H_
