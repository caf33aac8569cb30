// A network namespace of the test's own, with real sockets in it.
#ifndef TCPMEDIC_TESTS_AGENT_OWN_NAMESPACE_H_
#define TCPMEDIC_TESTS_AGENT_OWN_NAMESPACE_H_

#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

namespace tcpmedic {

// Moves this process into a new network namespace, with its loopback up, and gives the namespace's
// inode.
inline uint64_t EnterNewNamespace() {
  if (unshare(CLONE_NEWNET) != 0) return 0;
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const bool up = ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  close(fd);
  struct stat netns {};
  return up && stat("/proc/self/ns/net", &netns) == 0 ? netns.st_ino : 0;
}

// Both ends of an established connection over the namespace's loopback; -1 on failure.
struct Connection {
  int client = -1;
  int server = -1;
};
inline Connection Connect() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  Connection connection;
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
      listen(listener, 1) == 0 &&
      getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
    connection.client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(connection.client, reinterpret_cast<sockaddr*>(&address), size) == 0) {
      connection.server = accept(listener, nullptr, nullptr);
    }
  }
  close(listener);
  return connection;
}

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_AGENT_OWN_NAMESPACE_H_
