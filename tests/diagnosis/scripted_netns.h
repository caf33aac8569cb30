// A network namespace whose counters move at constant rates, with the listeners and half-open
// connections that a test puts there.
#ifndef TCPMEDIC_TESTS_DIAGNOSIS_SCRIPTED_NETNS_H_
#define TCPMEDIC_TESTS_DIAGNOSIS_SCRIPTED_NETNS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "observe/counters.h"
#include "observe/socket_sample.h"
#include "tcpmedic/v1/evidence.pb.h"

namespace tcpmedic {

inline SocketSample ListenerSample(uint64_t cookie, const std::string& ip, uint16_t port,
                                   uint32_t backlog, uint32_t accept_queue = 0) {
  SocketSample sample;
  sample.key = {cookie, 1};
  sample.state = TcpState::kListen;
  sample.local_ip = *IpAddress::Parse(ip);
  sample.remote_ip.v6 = sample.local_ip.v6;
  sample.local_port = port;
  sample.wqueue = backlog;
  sample.rqueue = accept_queue;
  sample.inode = static_cast<uint32_t>(9'000 + cookie);
  return sample;
}

inline SocketSample HalfOpenSample(uint64_t cookie, const std::string& local_ip, uint16_t port,
                                   const std::string& remote_ip) {
  SocketSample sample;
  sample.key = {cookie, 1};
  sample.state = TcpState::kSynRecv;
  sample.local_ip = *IpAddress::Parse(local_ip);
  sample.local_port = port;
  sample.remote_ip = *IpAddress::Parse(remote_ip);
  sample.remote_port = static_cast<uint16_t>(1'024 + cookie);
  return sample;
}

struct ScriptedNetns {
  uint64_t cookie = 1;
  std::map<std::string, int64_t> values;  // what is not there is missing
  std::map<std::string, int64_t> per_second;
  std::vector<SocketSample> sockets;

  // A quiet server with cookies on, as the kernel sets it up.
  ScriptedNetns() {
    for (const char* counter :
         {"TcpExtSyncookiesSent", "TcpExtSyncookiesRecv", "TcpExtSyncookiesFailed",
          "TcpExtTCPReqQFullDoCookies", "TcpExtTCPReqQFullDrop", "TcpExtListenOverflows",
          "TcpExtListenDrops", "TcpPassiveOpens"}) {
      values[counter] = 1'000'000;
    }
    values["net.ipv4.tcp_syncookies"] = 1;
    values["net.ipv4.tcp_max_syn_backlog"] = 2'048;
    values["net.core.somaxconn"] = 4'096;
  }

  void Advance(int seconds) {
    for (const auto& [name, rate] : per_second) values[name] += rate * seconds;
  }

  // All counters of a namespace that was made anew.
  void ResetCounters() {
    for (auto& [name, value] : values) {
      if (name.rfind("net.", 0) != 0) value = 0;
    }
  }

  void Listen(uint16_t port, uint32_t backlog, uint32_t accept_queue = 0) {
    sockets.push_back(ListenerSample(port, "0.0.0.0", port, backlog, accept_queue));
  }
  // As if `count` SYNs from as many addresses of 198.18.0.0/15 waited for their last ACK.
  void HalfOpen(int count, uint16_t port = 443) {
    for (int i = 0; i < count; ++i) {
      const auto remote = absl::StrCat("198.", 18 + i % 2, ".", i / 2 / 250, ".", 1 + i / 2 % 250);
      sockets.push_back(HalfOpenSample(uint64_t{port} * 100'000 + i, "10.0.0.5", port, remote));
    }
  }

  CounterSample Counters() const {
    CounterSample sample;
    for (const auto& [name, value] : values) sample.Set(name, value);
    return sample;
  }
  v1::NetworkNamespace Netns() const {
    v1::NetworkNamespace netns;
    netns.set_cookie(cookie);
    netns.set_inode(4'026'531'840 + cookie);
    netns.set_name(absl::StrCat("netns ", cookie));
    return netns;
  }
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_DIAGNOSIS_SCRIPTED_NETNS_H_
