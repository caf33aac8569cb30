// Anonymous network namespaces for tests on the real kernel: they end with the thread or process
// that made them, and nothing of the machine's own is touched.
#ifndef TCPMEDIC_TESTS_OBSERVE_THROWAWAY_NAMESPACE_H_
#define TCPMEDIC_TESTS_OBSERVE_THROWAWAY_NAMESPACE_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>

#include "core/unique_fd.h"

namespace tcpmedic {

// Runs `body` on a thread of its own, in a new namespace with loopback up.
void InThrowawayNamespace(const std::function<void()>& body);

// A child process in a new namespace with loopback up, or in that of the process `join_pid`. It
// runs `body` and then waits to be killed; it dies with the test. Construct it while the test has
// no other thread.
class NamespaceProcess {
 public:
  // Returns when `body` has; ends the test where it gave false.
  explicit NamespaceProcess(const std::function<bool()>& body, int join_pid = 0);
  ~NamespaceProcess();
  NamespaceProcess(const NamespaceProcess&) = delete;
  NamespaceProcess& operator=(const NamespaceProcess&) = delete;

  int pid() const { return pid_; }
  UniqueFd OpenNetns() const;
  uint64_t netns_inode() const;
  void Kill();  // and reaps

 private:
  pid_t pid_ = -1;
};

// A connection over loopback: both ends, and the listener where it is kept.
struct Connection {
  UniqueFd listener;
  UniqueFd client;
  UniqueFd server;
};
// The families of the listening and the connecting socket. An AF_INET6 listener is dual-stack,
// bound to ::. A client of AF_INET6 that is to meet an AF_INET listener, or `mapped`, connects to
// ::ffff:127.0.0.1.
Connection Connect(int listening_family, int connecting_family, bool mapped = false);

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_OBSERVE_THROWAWAY_NAMESPACE_H_
