// POST over HTTP, as receivers of alerts need it. What the configuration says is what is contacted:
// no redirect is followed and no proxy of the environment is used. TLS 1.2 or newer, with the
// server's certificate and name checked. Not thread-safe, except Cancel.
#ifndef TCPMEDIC_CONTROLLER_NOTIFY_HTTP_CLIENT_H_
#define TCPMEDIC_CONTROLLER_NOTIFY_HTTP_CLIENT_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tcpmedic {

inline constexpr absl::Duration kConnectTimeout = absl::Seconds(5);
inline constexpr absl::Duration kAnswerTimeout = absl::Seconds(10);  // for all of it

struct HttpPost {
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  std::string body;
  std::string ca_file;  // empty: the system's certificates
  absl::Duration timeout = kAnswerTimeout;
};

struct HttpAnswer {
  int status = 0;     // 0: none came
  bool sent = false;  // some of the request has left: the server may have acted on it
  std::string body;   // its beginning, at most 1 KiB
  std::string error;  // where none came: why, in curl's words
  std::optional<absl::Duration> retry_after;
};

class HttpClient {
 public:
  virtual ~HttpClient() = default;
  virtual HttpAnswer Post(const HttpPost& post) = 0;
  // Ends the call under way and every later one. From any thread.
  virtual void Cancel() = 0;
};

// Internal: curl does not start.
absl::StatusOr<std::unique_ptr<HttpClient>> MakeHttpClient();

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_NOTIFY_HTTP_CLIENT_H_
