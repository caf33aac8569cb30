#include "tests/controller/notify/loopback_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace tcpmedic {
namespace {

// Bound to 127.0.0.1 and a free port.
UniqueFd BoundSocket(int* port) {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    abort();
  }
  *port = ntohs(address.sin_port);
  return fd;
}

}  // namespace

LoopbackServer::LoopbackServer() : listener_(BoundSocket(&port_)) {
  if (listen(listener_.get(), 16) != 0) abort();
  thread_ = std::thread([this] { Serve(); });
}

LoopbackServer::~LoopbackServer() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  shutdown(listener_.get(), SHUT_RDWR);  // ends accept
  thread_.join();
}

std::string LoopbackServer::url() const { return absl::StrCat("http://127.0.0.1:", port_); }

void LoopbackServer::AnswerWith(Answer answer) {
  absl::MutexLock lock(&mutex_);
  answer_ = std::move(answer);
}

std::vector<LoopbackServer::Request> LoopbackServer::requests() const {
  absl::MutexLock lock(&mutex_);
  return requests_;
}

bool LoopbackServer::WaitForRequests(size_t count) const {
  absl::MutexLock lock(&mutex_);
  const auto enough = [this, count]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return requests_.size() >= count;
  };
  return mutex_.AwaitWithTimeout(absl::Condition(&enough), absl::Seconds(30));
}

void LoopbackServer::Serve() {
  for (;;) {
    const UniqueFd connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection.valid()) return;
    ServeOne(connection.get());
  }
}

void LoopbackServer::ServeOne(int connection) {
  std::string bytes;
  size_t head = std::string::npos, length = 0;
  Request request;
  while (head == std::string::npos || bytes.size() < head + 4 + length) {
    char buffer[4096];
    const ssize_t got = read(connection, buffer, sizeof(buffer));
    if (got <= 0) return;
    bytes.append(buffer, got);
    if (head != std::string::npos || (head = bytes.find("\r\n\r\n")) == std::string::npos) continue;
    std::vector<std::string> lines = absl::StrSplit(bytes.substr(0, head), "\r\n");
    const std::vector<std::string> first = absl::StrSplit(lines[0], ' ');
    request.method = first[0];
    request.path = first.size() > 1 ? first[1] : "";
    for (size_t i = 1; i < lines.size(); ++i) {
      const std::pair<std::string, std::string> header =
          absl::StrSplit(lines[i], absl::MaxSplits(": ", 1));
      request.headers[absl::AsciiStrToLower(header.first)] = header.second;
    }
    if (!absl::SimpleAtoi(request.headers["content-length"], &length)) length = 0;
  }
  request.body = bytes.substr(head + 4, length);
  Answer answer;
  {
    absl::MutexLock lock(&mutex_);
    requests_.push_back(std::move(request));
    answer = answer_;
    if (answer.after > absl::ZeroDuration()) {
      mutex_.AwaitWithTimeout(absl::Condition(&stopping_), answer.after);
    }
  }
  const std::string out =
      absl::StrCat("HTTP/1.1 ", answer.status, " Whatever\r\nContent-Length: ", answer.body.size(),
                   "\r\nConnection: close\r\n", answer.headers, "\r\n", answer.body);
  if (send(connection, out.data(), out.size(), MSG_NOSIGNAL) < 0) return;
}

SilentPort::SilentPort() : socket_(BoundSocket(&port_)) {}

}  // namespace tcpmedic
