// An HTTP server for tests: 127.0.0.1, a port of the kernel's choice, one request for each
// connection, and an answer that the test decides. Thread-safe.
#ifndef TCPMEDIC_TESTS_CONTROLLER_NOTIFY_LOOPBACK_SERVER_H_
#define TCPMEDIC_TESTS_CONTROLLER_NOTIFY_LOOPBACK_SERVER_H_

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/unique_fd.h"

namespace tcpmedic {

class LoopbackServer {
 public:
  struct Request {
    std::string method, path, body;
    std::map<std::string, std::string> headers;  // names in lower case
  };
  struct Answer {
    int status = 200;
    std::string headers = {};  // whole lines, with \r\n
    std::string body = {};
    absl::Duration after = {};  // how long the client waits for it
  };

  LoopbackServer();
  ~LoopbackServer();

  std::string url() const;  // "http://127.0.0.1:40123"
  void AnswerWith(Answer answer);
  std::vector<Request> requests() const;
  // False: there were not so many within some seconds.
  bool WaitForRequests(size_t count) const;

 private:
  void Serve();
  void ServeOne(int connection);

  int port_ = 0;  // before the socket that sets it
  UniqueFd listener_;
  mutable absl::Mutex mutex_;
  Answer answer_ ABSL_GUARDED_BY(mutex_);
  std::vector<Request> requests_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

// A port of 127.0.0.1 on which nobody listens: bound, and never listened on.
class SilentPort {
 public:
  SilentPort();
  int port() const { return port_; }
  // Gives it up, so that a server can take it.
  void Release() { socket_.reset(); }

 private:
  int port_ = 0;  // before the socket that sets it
  UniqueFd socket_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_CONTROLLER_NOTIFY_LOOPBACK_SERVER_H_
