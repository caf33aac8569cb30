// Real connections on CUBIC in a throwaway namespace, held by a child process, and what an
// inet_diag dump from outside says of them.
#ifndef TCPMEDIC_TESTS_AGENT_ACT_HELD_SOCKETS_H_
#define TCPMEDIC_TESTS_AGENT_ACT_HELD_SOCKETS_H_

#include <gtest/gtest.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/act/order_book.h"
#include "observe/namespaces.h"
#include "tests/observe/throwaway_namespace.h"

namespace tcpmedic {

inline bool SetCongestionControl(int fd, const std::string& algorithm) {
  return setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, algorithm.data(), algorithm.size()) == 0;
}

inline uint64_t CookieOf(int fd) {
  uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

class HeldSockets {
 public:
  enum Extra {
    kNone,
    kSharedWithAFork,   // a second process holds the sockets too
    kDescriptorReused,  // client(0) was closed, and its descriptor is another connection's now
  };

  explicit HeldSockets(int connections, Extra extra = kNone)
      : shared_(static_cast<Shared*>(mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
                                          MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    process_.emplace([&] { return Hold(connections, extra); });
    Namespaces::Options options;
    options.only_inodes = {process_->netns_inode()};
    namespaces_.emplace(options);
  }
  ~HeldSockets() { munmap(shared_, sizeof(Shared)); }

  int pid() const { return process_->pid(); }
  int fork_pid() const { return shared_->fork_pid; }
  const NamespaceProcess& process() const { return *process_; }
  uint64_t client_cookie(int i) const { return shared_->cookies[i]; }
  int client_fd(int i) const { return shared_->fds[i]; }
  void Kill() { process_->Kill(); }

  // Every established socket that uses `algorithm`, as a fresh dump has it.
  std::vector<Candidate> Using(const std::string& algorithm) {
    std::vector<Candidate> candidates;
    Dump([&](const SocketSample& sample) {
      if (sample.cc() != algorithm) return;
      Candidate candidate;
      candidate.sample = sample;
      candidate.pids = {pid()};
      if (fork_pid() != 0) candidate.pids.push_back(fork_pid());
      candidates.push_back(candidate);
    });
    return candidates;
  }

  // What a fresh dump says that this socket uses; "none": there is no such socket.
  std::string AlgorithmOf(uint64_t cookie) {
    std::string algorithm = "none";
    Dump([&](const SocketSample& sample) {
      if (sample.key.cookie == cookie) algorithm = std::string(sample.cc());
    });
    return algorithm;
  }

  Whereabouts Where(uint64_t cookie) {
    Whereabouts where;
    Dump([&](const SocketSample& sample) {
      if (sample.key.cookie == cookie) where = {sample.key, sample.inode, {}};
    });
    return where;
  }

 private:
  static constexpr int kMax = 8;
  struct Shared {
    uint64_t cookies[kMax];
    int fds[kMax];
    int fork_pid;
  };

  bool Hold(int connections, Extra extra) {
    for (int i = 0; i < connections; ++i) {
      connections_.push_back(Connect(AF_INET, AF_INET));
      const int client = connections_.back().client.get();
      // The other ends are none of the test's business.
      if (!SetCongestionControl(client, "cubic") ||
          !SetCongestionControl(connections_.back().server.get(), "reno")) {
        return false;
      }
      shared_->cookies[i] = CookieOf(client);
      shared_->fds[i] = client;
    }
    if (extra == kDescriptorReused) {
      connections_[0].client.reset();
      spare_.push_back(Connect(AF_INET, AF_INET));
      const int fd = spare_.back().client.get();
      if (!SetCongestionControl(fd, "cubic") || dup2(fd, shared_->fds[0]) != shared_->fds[0]) {
        return false;
      }
    }
    if (extra == kSharedWithAFork) {
      const pid_t parent = getpid();
      const pid_t forked = fork();
      if (forked == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) _exit(1);
        while (true) pause();
      }
      shared_->fork_pid = forked;
    }
    return true;
  }

  template <typename Visit>
  void Dump(Visit visit) {
    ASSERT_TRUE(namespaces_->Refresh().ok());
    for (const ObservedNamespace& netns : namespaces_->current()) {
      if (netns.sockets == nullptr) continue;
      const DumpRequest established = {.states = MaskOf(TcpState::kEstablished)};
      ASSERT_TRUE(netns.sockets->Dump(established, visit).ok());
    }
  }

  Shared* shared_;
  std::vector<Connection> connections_;  // in the child
  std::vector<Connection> spare_;
  std::optional<NamespaceProcess> process_;
  std::optional<Namespaces> namespaces_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_AGENT_ACT_HELD_SOCKETS_H_
