#include "tests/observe/throwaway_namespace.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

namespace tcpmedic {
namespace {

// A test whose stage cannot be set has nothing to say, and must not go on in the machine's own
// namespace.
void Require(bool done, const char* what) {
  if (done) return;
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(errno));
  std::abort();
}

void MakeNamespace() {
  Require(unshare(CLONE_NEWNET) == 0, "unshare(CLONE_NEWNET)");
  const UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  Require(ioctl(fd.get(), SIOCSIFFLAGS, &request) == 0, "bring loopback up");
}

UniqueFd OpenNetnsOf(int pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/ns/net";
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  Require(fd.valid(), path.c_str());
  return fd;
}

}  // namespace

void InThrowawayNamespace(const std::function<void()>& body) {
  std::thread([&] {
    MakeNamespace();
    body();
  }).join();
}

NamespaceProcess::NamespaceProcess(const std::function<bool()>& body, int join_pid) {
  int ready[2];
  Require(pipe2(ready, O_CLOEXEC) == 0, "pipe2");
  const pid_t parent = getpid();
  pid_ = fork();
  Require(pid_ >= 0, "fork");
  if (pid_ == 0) {
    Require(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent, "PR_SET_PDEATHSIG");
    if (join_pid == 0) {
      MakeNamespace();
    } else {
      Require(setns(OpenNetnsOf(join_pid).get(), CLONE_NEWNET) == 0, "setns");
    }
    if (!body() || write(ready[1], "+", 1) != 1) _exit(1);
    while (true) pause();
  }
  close(ready[1]);
  char answer = 0;
  Require(read(ready[0], &answer, 1) == 1, "the child's body");
  close(ready[0]);
}

NamespaceProcess::~NamespaceProcess() { Kill(); }

UniqueFd NamespaceProcess::OpenNetns() const { return OpenNetnsOf(pid_); }

uint64_t NamespaceProcess::netns_inode() const {
  struct stat identity;
  Require(fstat(OpenNetns().get(), &identity) == 0, "fstat");
  return identity.st_ino;
}

void NamespaceProcess::Kill() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

Connection Connect(int listening_family, int connecting_family, bool mapped) {
  Connection connection;
  connection.listener.reset(socket(listening_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage address{};
  address.ss_family = listening_family;  // any address, any port
  socklen_t size = listening_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  Require(
      bind(connection.listener.get(), reinterpret_cast<sockaddr*>(&address), size) == 0 &&
          listen(connection.listener.get(), 16) == 0 &&
          getsockname(connection.listener.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0,
      "listen");
  const in_port_t port = listening_family == AF_INET
                             ? reinterpret_cast<sockaddr_in&>(address).sin_port
                             : reinterpret_cast<sockaddr_in6&>(address).sin6_port;
  sockaddr_storage target{};
  target.ss_family = connecting_family;
  if (connecting_family == AF_INET) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(target);
    v4.sin_port = port;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    size = sizeof(v4);
  } else {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(target);
    v6.sin6_port = port;
    const bool to_v4 = mapped || listening_family == AF_INET;
    inet_pton(AF_INET6, to_v4 ? "::ffff:127.0.0.1" : "::1", &v6.sin6_addr);
    size = sizeof(v6);
  }
  connection.client.reset(socket(connecting_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  Require(connect(connection.client.get(), reinterpret_cast<sockaddr*>(&target), size) == 0,
          "connect");
  connection.server.reset(accept4(connection.listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  Require(connection.server.valid(), "accept");
  return connection;
}

}  // namespace tcpmedic
