// A host of sockets and namespaces in memory, which prints its whole state. Counts calls that
// change something or could, so that a test can end the agent at any of them.
#ifndef TCPMEDIC_TESTS_AGENT_ACT_FAKE_HOST_H_
#define TCPMEDIC_TESTS_AGENT_ACT_FAKE_HOST_H_

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/act/host_control.h"

namespace tcpmedic {

class FakeHost : public HostControl {
 public:
  struct Socket {
    std::string algorithm = "cubic";
    std::vector<int> pids = {100};
    TcpState state = TcpState::kEstablished;
    bool restorable = true;
    bool in_host_netns = true;
    absl::Status refuses = absl::OkStatus();  // every change
  };
  static constexpr uint64_t kNetns = 4097;
  struct Netns {
    std::map<std::string, std::string> sysctls;
    bool in_host_netns = false;
    std::map<std::string, absl::Status> refuses = {};  // by name: every write of it
    absl::Status hidden = absl::OkStatus();            // what looking at it gives
    bool read_back_fails = false;                      // a write is made, and is reported as failed
  };

  // By cookie; inode and descriptor are the cookie plus 1000 and plus 10.
  std::map<uint64_t, Socket> sockets;
  std::map<uint64_t, Netns> namespaces;  // by cookie; inode is the cookie plus 4026530000
  std::map<int, std::string> comms = {{100, "iperf3"}};
  bool all_visible = true;
  int exchanges = 0;
  int full_searches = 0;
  std::function<void()> before_exchange = [] {};

  // "1 cubic 2 bbr"
  std::string Show() const {
    return absl::StrJoin(sockets, " ", [](std::string* out, const auto& socket) {
      absl::StrAppend(out, socket.first, " ", socket.second.algorithm);
    });
  }

  // "net.ipv4.tcp_syncookies=0", of each namespace in turn
  std::string ShowSysctls() const {
    std::vector<std::string> all;
    for (const auto& [cookie, netns] : namespaces) {
      for (const auto& [name, value] : netns.sysctls) all.push_back(absl::StrCat(name, "=", value));
    }
    return absl::StrJoin(all, " ");
  }

  bool Locate(absl::Span<Whereabouts> wanted, absl::Span<const int> pids) override {
    if (pids.empty()) ++full_searches;
    for (Whereabouts& where : wanted) {
      where.holders.clear();
      for (const auto& [cookie, socket] : sockets) {
        if (cookie + 1000 != where.inode) continue;
        for (const int pid : socket.pids) {
          if (pids.empty() || std::ranges::find(pids, pid) != pids.end()) {
            where.holders.push_back({.pid = pid, .fd = static_cast<int>(cookie + 10)});
          }
        }
      }
    }
    return all_visible;
  }

  absl::StatusOr<SocketFacts> Read(const Whereabouts& where) override {
    Socket* const socket = Reach(where);
    if (socket == nullptr) return absl::NotFoundError("no process holds the socket any more");
    return SocketFacts{.state = socket->state,
                       .congestion_control = socket->algorithm,
                       .restorable = socket->restorable,
                       .netns_inode = 4026531840,
                       .in_host_netns = socket->in_host_netns};
  }

  absl::StatusOr<Exchange> ExchangeCongestionControl(const Whereabouts& where,
                                                     absl::string_view from,
                                                     absl::string_view to) override {
    before_exchange();
    ++exchanges;
    Socket* const socket = Reach(where);
    if (socket == nullptr) return absl::NotFoundError("no process holds the socket any more");
    if (socket->algorithm != from) return Exchange{.changed = false, .now = socket->algorithm};
    if (!socket->refuses.ok()) return socket->refuses;
    socket->algorithm = std::string(to);
    return Exchange{.changed = true, .now = socket->algorithm};
  }

  absl::StatusOr<NetnsFacts> FindNetns(const NetnsRef& where) override {
    const absl::StatusOr<Netns*> netns = Enter(where);
    if (!netns.ok()) return netns.status();
    return NetnsFacts{.cookie = where.cookie,
                      .inode = where.cookie + 4026530000,
                      .in_host_netns = (*netns)->in_host_netns};
  }

  absl::StatusOr<std::string> ReadSysctl(const NetnsRef& where, absl::string_view name) override {
    const absl::StatusOr<Netns*> netns = Enter(where);
    if (!netns.ok()) return netns.status();
    const auto found = (*netns)->sysctls.find(std::string(name));
    if (found == (*netns)->sysctls.end()) return absl::FailedPreconditionError("no such setting");
    return found->second;
  }

  absl::StatusOr<Exchange> ExchangeSysctl(const NetnsRef& where, absl::string_view name,
                                          absl::string_view from, absl::string_view to) override {
    before_exchange();
    ++exchanges;
    const absl::StatusOr<std::string> found = ReadSysctl(where, name);
    if (!found.ok()) return found.status();
    if (*found != from) return Exchange{.changed = false, .now = *found};
    Netns& netns = namespaces.at(where.cookie);
    const auto refuses = netns.refuses.find(std::string(name));
    if (refuses != netns.refuses.end()) return refuses->second;
    netns.sysctls[std::string(name)] = std::string(to);
    if (netns.read_back_fails) return absl::UnavailableError("read back: EIO");
    return Exchange{.changed = true, .now = std::string(to)};
  }

  absl::StatusOr<v1::Process> Describe(int pid) override {
    const auto found = comms.find(pid);
    if (found == comms.end()) return absl::NotFoundError("no such process");
    v1::Process process;
    process.set_pid(pid);
    process.set_comm(found->second);
    return process;
  }

 private:
  absl::StatusOr<Netns*> Enter(const NetnsRef& where) {
    const auto found = namespaces.find(where.cookie);
    if (found == namespaces.end()) return absl::NotFoundError("no process has that namespace");
    if (!found->second.hidden.ok()) return found->second.hidden;
    return &found->second;
  }

  Socket* Reach(const Whereabouts& where) {
    const auto found = sockets.find(where.key.cookie);
    if (found == sockets.end() || where.key.netns_cookie != kNetns) return nullptr;
    for (const Holder& holder : where.holders) {
      if (std::ranges::find(found->second.pids, holder.pid) != found->second.pids.end()) {
        return &found->second;
      }
    }
    return nullptr;
  }
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_AGENT_ACT_FAKE_HOST_H_
