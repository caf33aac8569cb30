// A server with known bugs, one function each, for the tests of call sites. It knows nothing of
// tcpmedic.
//
//   leaking_server MODE [WORK]      prints the port that it listens on; dies with its parent
//
// A request is one write of the client's, the answer one byte. WORK is the length of a computation
// that each request costs. The tests find the lines by their "// site:" marks.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace leaky {

volatile uint64_t sink;
long work = 0;

void Compute() {
  uint64_t x = 88172645463325252;
  for (long i = 0; i < work; ++i) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
  }
  sink = x;
}

// False: the peer has closed.
[[gnu::noinline]] bool AnswerOneRequest(int fd) {
  char buffer[512];
  const ssize_t size = read(fd, buffer, sizeof(buffer));  // site: request
  if (size <= 0) return false;
  Compute();
  return write(fd, "k", 1) == 1;
}

// Bug: the early return forgets the socket.
[[gnu::noinline]] void DropAfterEof(int fd) {
  char buffer[512];
  while (true) {
    const ssize_t size = recv(fd, buffer, sizeof(buffer), 0);  // site: read-eof
    if (size <= 0) return;
    sink = sink + size;
  }
}

// Bug: nobody looks at the connection again.
[[gnu::noinline]] void ParkConnection(int fd) {
  if (AnswerOneRequest(fd)) sink = sink + fd;  // site: parked
}

[[gnu::always_inline]] inline ssize_t FillBuffer(int fd, char* buffer, size_t size) {
  iovec part{buffer, size};
  return readv(fd, &part, 1);  // site: inlined
}

[[gnu::noinline]] void DropInInlinedCode(int fd) {
  char buffer[64];
  while (FillBuffer(fd, buffer, sizeof(buffer)) > 0) sink = sink + 1;  // site: inliner
}

// No bug: every path closes.
[[gnu::noinline]] void ServeAndClose(int fd) {
  while (AnswerOneRequest(fd)) {
  }
  close(fd);
}

[[gnu::noinline]] int AcceptNext(int listener) {
  const int fd = accept(listener, nullptr, nullptr);  // site: accept
  sink = sink + 1;
  return fd;
}

// A frame that is much larger than what is copied of a stack.
[[gnu::noinline]] void DropWithLargeFrame(int fd) {
  char buffer[100'000];
  while (true) {
    const ssize_t size = read(fd, buffer, sizeof(buffer));  // site: large
    if (size <= 0) return;
    sink = sink + buffer[size - 1];
  }
}

// Maps the program's own code a second time, as V8 does.
void MapCodeAgain() {
  std::FILE* const maps = std::fopen("/proc/self/maps", "r");
  char line[512];
  while (std::fgets(line, sizeof(line), maps) != nullptr) {
    unsigned long start, end, offset;
    char permissions[5];
    if (std::sscanf(line, "%lx-%lx %4s %lx", &start, &end, permissions, &offset) != 4) continue;
    if (permissions[2] != 'x') continue;
    const int self = open("/proc/self/exe", O_RDONLY);
    mmap(nullptr, end - start, PROT_READ | PROT_EXEC, MAP_PRIVATE, self,
         static_cast<off_t>(offset));
    close(self);
    break;
  }
  std::fclose(maps);
}

void Serve(const std::string& mode, int fd) {
  if (mode == "read-eof" || mode == "mapped-twice") {
    if (AnswerOneRequest(fd)) DropAfterEof(fd);
  } else if (mode == "never-read") {
    ParkConnection(fd);
  } else if (mode == "inlined") {
    DropInInlinedCode(fd);
  } else if (mode == "large-frame") {
    DropWithLargeFrame(fd);
  } else if (mode == "close") {
    ServeAndClose(fd);
  }  // "accept": nothing is ever read
}

void AcceptLoop(const std::string& mode, int listener) {
  for (int n = 0;; ++n) {
    const int fd = AcceptNext(listener);
    if (fd < 0) return;
    if (mode == "thread-each") {
      std::thread(Serve, "read-eof", fd).detach();
    } else if (mode == "both") {
      Serve(n % 3 == 0 ? "never-read" : "read-eof", fd);
    } else if (mode == "reuse") {
      // The first connection is read to its end and closed; the second gets its number, and is
      // forgotten.
      Serve(n % 2 == 0 ? "close" : "accept", fd);
    } else {
      Serve(mode, fd);
    }
  }
}

char* const* arguments;
void RunAnother(int) {
  char self[] = "/proc/self/exe";
  char mode[] = "close";
  char* const next[] = {arguments[0], mode, nullptr};
  execv(self, next);
  _exit(1);
}

}  // namespace leaky

int main(int argc, char** argv) {
  using namespace leaky;
  const std::string mode = argc > 1 ? argv[1] : "close";
  work = argc > 2 ? std::atol(argv[2]) : 0;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGPIPE, SIG_IGN);
  arguments = argv;
  signal(SIGUSR1, RunAnother);

  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener, any, size) != 0 || listen(listener, 1024) != 0) return 1;
  if (getsockname(listener, any, &size) != 0) return 1;
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);

  if (mode == "mapped-twice") MapCodeAgain();
  if (mode == "forks") {
    // Children of a traced thread, born while it is traced.
    while (true) {
      if (fork() == 0) {
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) _exit(1);
        char byte = 0;
        for (int i = 0; i < 100; ++i) {
          if (write(ends[0], &byte, 1) != 1 || read(ends[1], &byte, 1) != 1) break;
        }
        _exit(0);
      }
      poll(nullptr, 0, 5);
      signal(SIGCHLD, SIG_IGN);
    }
  }
  if (mode == "workers") {
    std::vector<std::thread> workers;
    for (int i = 0; i < 4; ++i) workers.emplace_back(AcceptLoop, "read-eof", listener);
    for (std::thread& worker : workers) worker.join();
  }
  AcceptLoop(mode, listener);
}
