// What the settings of every network namespace were while something ran: read again and again from
// the kernel, in the namespaces of the programs that this test has started, and in our own.
#ifndef TCPMEDIC_TESTS_INTEGRATION_SYSCTL_WATCH_H_
#define TCPMEDIC_TESTS_INTEGRATION_SYSCTL_WATCH_H_

#include <sys/types.h>

#include <map>
#include <set>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace tcpmedic::test {

// "net.ipv4.tcp_syncookies" in the network namespace of `pid` (0: ours), without the newline; or
// what keeps it from being known.
std::string SysctlOf(pid_t pid, const std::string& name);

// Watches from construction to Stop. Thread-safe.
class SysctlWatch {
 public:
  SysctlWatch();
  ~SysctlWatch();  // as Stop()
  SysctlWatch(const SysctlWatch&) = delete;
  SysctlWatch& operator=(const SysctlWatch&) = delete;

  void Stop();

  // The values that `name` had, by namespace ("net:[4026531840]"); ours is not among them.
  std::map<std::string, std::set<std::string>> Elsewhere(const std::string& name) const;
  // Settings of our own namespace that had more than one value: "net.ipv4.x: 0, 1".
  std::set<std::string> OwnChanges() const;

 private:
  void Run();
  void Look();

  mutable absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  // By namespace ("net:[…]") and setting.
  std::map<std::string, std::map<std::string, std::set<std::string>>> seen_ ABSL_GUARDED_BY(mutex_);
  const std::string own_;
  std::thread thread_;
};

}  // namespace tcpmedic::test

#endif  // TCPMEDIC_TESTS_INTEGRATION_SYSCTL_WATCH_H_
