// A host whose programs hold sockets in CLOSE-WAIT, as a test has them: what a dump shows, and who
// holds what.
#ifndef TCPMEDIC_TESTS_DIAGNOSIS_LEAKING_HOST_H_
#define TCPMEDIC_TESTS_DIAGNOSIS_LEAKING_HOST_H_

#include <gtest/gtest.h>
#include <linux/tcp.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "diagnosis/engine.h"
#include "tests/diagnosis/scripted_netns.h"
#include "tests/diagnosis/synthetic.h"

namespace tcpmedic {

// By itself: what `close-wait-leak` asks for, in the words of the first rule and second.
inline v1::Signature LeakSignature() {
  v1::Signature signature;
  signature.set_name("close-wait-leak");
  signature.set_title("Sockets that are never closed");
  signature.set_severity(v1::SEVERITY_WARNING);
  signature.set_subject(v1::SUBJECT_PROCESS);
  signature.set_sockets("socket.state == \"close-wait\"");
  signature.set_when(
      "process.closed == 0 && (process.rises >= 5 && process.rising_for >= duration(\"15s\") && "
      "process.risen_by >= 100 || process.rising_for >= duration(\"10m\") && "
      "process.growth_per_min >= 1.0)");
  v1::NamedExpression* look_alike = signature.add_unless();
  look_alike->set_name("half-close-in-use");
  look_alike->set_expression("2 * process.still_sending >= process.sockets");
  look_alike = signature.add_unless();
  look_alike->set_name("shutting-down");
  look_alike->set_expression("process.listener_closed");
  signature.add_group_by("process");
  signature.add_group_by("listener");
  signature.mutable_window()->set_seconds(15);
  signature.mutable_keep_firing_for()->set_seconds(30);
  signature.set_verdict(
      "{{ process.comm }} ({{ process.pid }}) at {{ process.listener }}: {{ process.sockets }}");
  return signature;
}

class LeakingHost : public HolderSource {
 public:
  struct CloseWait {
    uint64_t cookie = 0;
    uint64_t netns = 1;
    uint16_t local_port = 8080;
    std::string remote_ip = "203.0.113.20";
    uint16_t remote_port = 0;
    int since = 0;        // second of the FIN
    uint32_t rqueue = 0;  // 1: the FIN was not read
    uint32_t wqueue = 0;
    uint64_t bytes_acked = 1'000;
    std::vector<int> pids;
    bool in_accept_queue = false;  // has no inode yet
    bool reports_last_ack = true;
  };

  // Of `pids`, listening on 0.0.0.0:8080 unless a test says otherwise.
  CloseWait& Leak(std::vector<int> pids) {
    CloseWait& socket = sockets.emplace_back();
    socket.cookie = ++last_cookie_;
    socket.remote_port = static_cast<uint16_t>(1'024 + last_cookie_ % 60'000);
    socket.since = second;
    socket.pids = std::move(pids);
    return socket;
  }
  void Leak(int count, std::vector<int> pids) {
    for (int i = 0; i < count; ++i) Leak(pids);
  }
  void Start(int pid, const std::string& comm) {
    v1::Process& process = processes_[pid];
    process.set_pid(pid);
    process.set_comm(comm);
    process.set_fd_count(100);
    process.set_fd_limit(20'000);
  }
  void End(int pid) {
    processes_.erase(pid);
    for (CloseWait& socket : sockets) {
      socket.pids.erase(std::remove(socket.pids.begin(), socket.pids.end(), pid),
                        socket.pids.end());
    }
    sockets.erase(std::remove_if(sockets.begin(), sockets.end(),
                                 [](const CloseWait& socket) { return socket.pids.empty(); }),
                  sockets.end());
  }
  v1::Process& process(int pid) { return processes_.at(pid); }

  // One scan of the host, as the agent makes it.
  Engine::Result Scan(Engine* engine) {
    engine->BeginScan(At(second));
    const std::set<uint64_t> namespaces = Namespaces();
    for (const uint64_t netns : namespaces) {
      ScriptedNetns scripted;
      scripted.cookie = netns;
      engine->ObserveNamespace(scripted.Netns(), nullptr);
    }
    for (const uint64_t netns : namespaces) {
      states_wanted = engine->StatesWanted(netns);
      ever_wanted |= states_wanted;
      engine->BeginNamespace(netns);
      if (dump_fails_in.count(netns) == 0) {
        for (const uint16_t port : listening)
          Show(ListenerSample(port, "0.0.0.0", port, 128), engine);
        for (const CloseWait& socket : sockets) {
          if (socket.netns == netns) Show(SampleOf(socket), engine);
        }
      }
      engine->EndNamespace(dump_fails_in.count(netns) == 0);
    }
    return engine->EndScan(this);
  }

  HoldersByInode HoldersOf(const std::vector<uint32_t>& inodes) override {
    ++questions;
    inodes_asked += static_cast<int64_t>(inodes.size());
    HoldersByInode holders;
    for (const uint32_t inode : inodes) {
      if (hidden) continue;
      std::vector<SocketHolder>& of_socket = holders[inode];
      for (const CloseWait& socket : sockets) {
        if (InodeOf(socket) != inode) continue;
        for (const int pid : socket.pids) {
          of_socket.push_back({KeyOf(pid), static_cast<int>(socket.cookie)});
        }
      }
    }
    return holders;
  }
  const v1::Process* Describe(const ProcessKey& process) override {
    const auto found = processes_.find(process.pid);
    return found == processes_.end() || process != KeyOf(process.pid) ? nullptr : &found->second;
  }

  int second = 0;
  std::vector<CloseWait> sockets;
  std::set<uint16_t> listening = {8080};
  std::set<uint64_t> dump_fails_in;
  bool hidden = false;  // nobody is looked for
  int questions = 0;
  int64_t inodes_asked = 0;
  TcpStateMask states_wanted = 0;  // of the last namespace
  TcpStateMask ever_wanted = 0;

 private:
  static uint32_t InodeOf(const CloseWait& socket) {
    return socket.in_accept_queue ? 0 : static_cast<uint32_t>(9'000 + socket.cookie);
  }
  static ProcessKey KeyOf(int pid) { return {pid, static_cast<uint64_t>(pid) * 10}; }

  std::set<uint64_t> Namespaces() const {
    std::set<uint64_t> namespaces = {1};
    for (const CloseWait& socket : sockets) namespaces.insert(socket.netns);
    return namespaces;
  }
  void Show(const SocketSample& sample, Engine* engine) const {
    if ((MaskOf(sample.state) & states_wanted) != 0) engine->Observe(sample);
  }
  SocketSample SampleOf(const CloseWait& socket) const {
    SocketSample sample;
    sample.key = {socket.cookie, socket.netns};
    sample.state = TcpState::kCloseWait;
    sample.local_ip = *IpAddress::Parse("10.0.0.5");
    sample.local_port = socket.local_port;
    sample.remote_ip = *IpAddress::Parse(socket.remote_ip);
    sample.remote_port = socket.remote_port;
    sample.inode = InodeOf(socket);
    sample.rqueue = socket.rqueue;
    sample.wqueue = socket.wqueue;
    if (socket.reports_last_ack) {
      tcp_info info{};
      info.tcpi_last_ack_recv = static_cast<uint32_t>((second - socket.since) * 1'000);
      info.tcpi_bytes_acked = socket.bytes_acked;
      sample.info.Assign(&info, sizeof(info));
    }
    return sample;
  }

  uint64_t last_cookie_ = 0;
  std::map<int, v1::Process> processes_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_DIAGNOSIS_LEAKING_HOST_H_
