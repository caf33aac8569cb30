#include "tests/observe/call_sites/traced_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "observe/proc_directory.h"

namespace tcpmedic {
namespace {

void Require(bool holds, const char* what) {
  if (holds) return;
  std::perror(what);
  std::abort();
}

}  // namespace

TracedServer::TracedServer(const std::vector<std::string>& command) {
  int ends[2];
  Require(pipe(ends) == 0, "pipe");
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  pid_ = fork();
  Require(pid_ >= 0, "fork");
  if (pid_ == 0) {
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  close(ends[1]);
  std::FILE* const output = fdopen(ends[0], "r");
  Require(std::fscanf(output, "%d", &port_) == 1, command[0].c_str());
  std::fclose(output);
}

TracedServer::~TracedServer() { Kill(); }

void TracedServer::Signal(int number) const { kill(pid_, number); }

void TracedServer::Kill() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

UniqueFd TracedServer::Connect() const {
  UniqueFd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port_));
  Require(connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0,
          "connect");
  return client;
}

void TracedServer::Ask(const UniqueFd& client) {
  char answer;
  Require(send(client.get(), "request", 7, MSG_NOSIGNAL) == 7, "send");
  Require(recv(client.get(), &answer, 1, 0) == 1, "recv");
}

void TracedServer::Visit(bool request) const {
  const UniqueFd client = Connect();
  if (request) Ask(client);
}

void TracedServer::Visits(int count, bool request) const {
  for (int i = 0; i < count; ++i) Visit(request);
}

std::vector<LeakedFd> TracedServer::Leaked() const {
  // "  sl  local_address rem_address   st tx_queue:rx_queue tr:tm->when retrnsmt   uid  timeout
  // inode": Documentation/networking/proc_net_tcp.rst. 08 is TCP_CLOSE_WAIT.
  std::map<uint64_t, bool> close_wait;  // by inode: whether the FIN has been read
  std::ifstream sockets(absl::StrCat("/proc/", pid_, "/net/tcp"));
  std::string line;
  std::getline(sockets, line);
  while (std::getline(sockets, line)) {
    std::istringstream words(line);
    std::string sl, local, remote, state, queues, timer, retransmits, uid, timeout;
    uint64_t inode = 0;
    words >> sl >> local >> remote >> state >> queues >> timer >> retransmits >> uid >> timeout >>
        inode;
    if (state == "08") close_wait[inode] = queues.substr(9) == "00000000";
  }
  std::vector<LeakedFd> leaked;
  const auto fds = ProcDirectory::Open(absl::StrCat("/proc/", pid_, "/fd"));
  if (!fds.ok()) return leaked;
  const absl::Status listed = fds->ForEachNumber([&](int fd, const char* name) {
    uint64_t inode = 0;
    const auto found =
        fds->ReadInodeLink(name, "socket", &inode) == 0 ? close_wait.find(inode) : close_wait.end();
    if (found != close_wait.end()) leaked.push_back({fd, inode, found->second});
    return true;
  });
  Require(listed.ok(), "the server's descriptors");
  return leaked;
}

std::vector<LeakedFd> TracedServer::WaitForLeaked(size_t count, size_t eofs_read) const {
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  while (true) {
    std::vector<LeakedFd> leaked = Leaked();
    const auto eofs = absl::c_count_if(leaked, [](const LeakedFd& fd) { return *fd.eof_read; });
    const bool enough = leaked.size() >= count && static_cast<size_t>(eofs) >= eofs_read;
    if (enough || absl::Now() > deadline) {
      // The state shows before the call that made it returns.
      absl::SleepFor(absl::Milliseconds(20));
      return leaked;
    }
    absl::SleepFor(absl::Milliseconds(5));
  }
}

int64_t TracedServer::CpuNs() const {
  clockid_t clock;
  timespec used{};
  Require(clock_getcpuclockid(pid_, &clock) == 0, "clock_getcpuclockid");
  Require(clock_gettime(clock, &used) == 0, "clock_gettime");
  return int64_t{used.tv_sec} * 1'000'000'000 + used.tv_nsec;
}

}  // namespace tcpmedic
