// A running leaking_server and its clients, in the calling thread's network namespace; what it
// leaks is read from /proc, not from it. Ends the test's process where something cannot be set up.
#ifndef TCPMEDIC_TESTS_OBSERVE_CALL_SITES_TRACED_SERVER_H_
#define TCPMEDIC_TESTS_OBSERVE_CALL_SITES_TRACED_SERVER_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/unique_fd.h"
#include "observe/call_sites/call_site_sampler.h"

namespace tcpmedic {

class TracedServer {
 public:
  explicit TracedServer(const std::vector<std::string>& command);
  ~TracedServer();
  TracedServer(const TracedServer&) = delete;
  TracedServer& operator=(const TracedServer&) = delete;

  int pid() const { return pid_; }
  void Signal(int number) const;
  void Kill();  // and reaps

  UniqueFd Connect() const;
  // Sends a request and waits for its answer.
  static void Ask(const UniqueFd& client);
  // Connects, and where `request` has the server answer; then closes.
  void Visit(bool request = true) const;
  void Visits(int count, bool request = true) const;

  // Its sockets in CLOSE-WAIT now, by /proc/PID/net/tcp and /proc/PID/fd.
  std::vector<LeakedFd> Leaked() const;
  // Waits until there are so many, of which the server has read the EOF of so many, and until those
  // reads have returned.
  std::vector<LeakedFd> WaitForLeaked(size_t count, size_t eofs_read) const;
  // The CPU time that it has used.
  int64_t CpuNs() const;

 private:
  pid_t pid_ = -1;
  int port_ = 0;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_OBSERVE_CALL_SITES_TRACED_SERVER_H_
