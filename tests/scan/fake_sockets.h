// Sockets and namespaces in memory, for what scans them.
#ifndef TCPMEDIC_TESTS_SCAN_FAKE_SOCKETS_H_
#define TCPMEDIC_TESTS_SCAN_FAKE_SOCKETS_H_

#include <linux/tcp.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "observe/namespaces.h"
#include "observe/socket_source.h"
#include "scan/compiled_set.h"

namespace tcpmedic {

class FakeSockets : public SocketSource {
 public:
  explicit FakeSockets(uint64_t netns_cookie) : netns_cookie_(netns_cookie) {}

  uint64_t netns_cookie() const override { return netns_cookie_; }
  absl::StatusOr<DumpStats> Dump(const DumpRequest& request,
                                 absl::FunctionRef<void(const SocketSample&)> visit) override {
    ++dumps;
    states_asked = request.states;
    if (!status.ok()) return status;
    DumpStats stats{.malformed_messages = 1, .interruptions = 2};
    for (const SocketSample& sample : samples) {
      if ((MaskOf(sample.state) & request.states) == 0) continue;
      visit(sample);
      ++stats.sockets;
    }
    return stats;
  }

  void AddEstablished(uint64_t cookie) {
    SocketSample sample;
    sample.key = {cookie, netns_cookie_};
    sample.state = TcpState::kEstablished;
    sample.inode = static_cast<uint32_t>(9'000 + cookie);
    sample.local_ip = *IpAddress::Parse("10.0.0.5");
    sample.remote_ip = *IpAddress::Parse("203.0.113.20");
    sample.local_port = 40000;
    sample.remote_port = 443;
    samples.push_back(sample);
  }

  void AddListener(uint64_t cookie, uint16_t port) {
    SocketSample sample;
    sample.key = {cookie, netns_cookie_};
    sample.state = TcpState::kListen;
    sample.inode = static_cast<uint32_t>(9'000 + cookie);
    sample.local_port = port;
    sample.wqueue = 128;
    samples.push_back(sample);
  }
  void AddHalfOpen(uint64_t cookie, uint16_t local_port) {
    AddEstablished(cookie);
    samples.back().state = TcpState::kSynRecv;
    samples.back().inode = 0;
    samples.back().local_port = local_port;
  }

  std::vector<SocketSample> samples;
  absl::Status status;
  int dumps = 0;
  TcpStateMask states_asked = 0;

 private:
  const uint64_t netns_cookie_;
};

inline ObservedNamespace Netns(uint64_t cookie, SocketSource* sockets, CounterSource* counters) {
  ObservedNamespace netns;
  netns.inode = 4026531840 + cookie;
  netns.cookie = cookie;
  netns.name = absl::StrCat("netns ", cookie);
  netns.sockets = sockets;
  netns.counters = counters;
  return netns;
}

// One signature, "a-signature", of a group per namespace and a window of a second, with what `edit`
// makes of it.
template <typename Edit>
CompiledSet SignatureOf(Edit edit) {
  v1::SignatureSet set;
  set.set_revision("r1");
  set.set_digest("d1");
  v1::Signature* signature = set.add_signatures();
  signature->set_name("a-signature");
  signature->set_title("A signature");
  signature->set_severity(v1::SEVERITY_WARNING);
  signature->set_subject(v1::SUBJECT_SOCKET);
  signature->add_group_by("netns");
  signature->mutable_window()->set_seconds(1);
  signature->set_verdict("it matches");
  edit(signature);
  return *CompileSet(set);
}
inline CompiledSet SignatureOf(const char* sockets) {
  return SignatureOf([sockets](v1::Signature* signature) { signature->set_sockets(sockets); });
}

inline void SetCongestionControl(absl::string_view algorithm, SocketSample* sample) {
  sample->congestion_control = {};
  algorithm.copy(sample->congestion_control.data(), sample->congestion_control.size() - 1);
}
inline uint64_t BytesAcked(const SocketSample& sample) {
  return sample.info.Field(&tcp_info::tcpi_bytes_acked).value_or(0);
}
inline void SetBytesAcked(uint64_t bytes, SocketSample* sample) {
  tcp_info info{};
  info.tcpi_bytes_acked = bytes;
  sample->info.Assign(&info, sizeof(info));
}

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_SCAN_FAKE_SOCKETS_H_
