#include "controller/notify/http_sender.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "controller/notify/payload.h"
#include "controller/notify/secret_file.h"

namespace tcpmedic {
namespace {

using Arrival = SendResult::Arrival;
using Kind = Receiver::Kind;

constexpr size_t kQuotedBytes = 120;

// Scheme, host and port.
std::string WhereOf(const std::string& url) {
  return url.substr(0, url.find_first_of("/?#", url.find("://") + 3));
}

// The first line of an answer, for people.
std::string Quoted(absl::string_view body) {
  std::string line(absl::StripAsciiWhitespace(body.substr(0, body.find('\n'))));
  if (line.size() > kQuotedBytes) line.resize(kQuotedBytes);
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return !absl::ascii_isprint(c); }, '?');
  return line.empty() ? "" : absl::StrCat(": ", line);
}

class HttpSender : public Sender {
 public:
  HttpSender(Receiver receiver, std::unique_ptr<HttpClient> client, absl::Duration timeout)
      : receiver_(std::move(receiver)),
        where_(WhereOf(receiver_.url)),
        client_(std::move(client)),
        timeout_(timeout) {}

  SendResult Send(absl::Span<const Delivery> deliveries, absl::Time now) override {
    HttpPost post;
    post.url = receiver_.url;
    post.ca_file = receiver_.ca_file;
    post.timeout = timeout_;
    post.headers = {"Content-Type: application/json", "User-Agent: tcpmedic"};
    if (receiver_.kind == Kind::kAlertmanager) {
      post.body = AlertmanagerBody(deliveries, now);
    } else {
      post.body = WebhookBody(deliveries.front());
      post.headers.push_back(absl::StrCat("Idempotency-Key: ", IdempotencyKey(deliveries.front())));
    }
    if (!receiver_.bearer_token_file.empty()) {
      const absl::StatusOr<std::string> token = ReadSecretFile(receiver_.bearer_token_file);
      if (!token.ok()) {
        SendResult result;
        result.arrival = Arrival::kNotArrived;
        result.problem = std::string(token.status().message());
        return result;
      }
      post.headers.push_back(absl::StrCat("Authorization: Bearer ", *token));
    }
    return ResultOf(client_->Post(post), where_);
  }

  int most_at_once() const override {
    return receiver_.kind == Kind::kAlertmanager ? kMostAlertsAtOnce : 1;
  }
  std::optional<absl::Duration> repeat_every() const override {
    if (receiver_.kind != Kind::kAlertmanager) return std::nullopt;
    return receiver_.repeat_every;
  }
  void Cancel() override { client_->Cancel(); }

 private:
  const Receiver receiver_;
  const std::string where_;
  const std::unique_ptr<HttpClient> client_;
  const absl::Duration timeout_;
};

}  // namespace

SendResult ResultOf(const HttpAnswer& answer, const std::string& where) {
  SendResult result;
  result.retry_after = answer.retry_after;
  const int status = answer.status;
  if (status == 0) {
    result.arrival = answer.sent ? Arrival::kUnknown : Arrival::kNotArrived;
    result.problem = absl::StrCat("POST ", where, ": ", answer.error);
    return result;
  }
  if (status >= 200 && status < 300) {
    result.arrival = Arrival::kAcknowledged;
    return result;
  }
  result.arrival = status >= 500 ? Arrival::kUnknown : Arrival::kNotArrived;
  static constexpr int kWhateverItSays[] = {401, 403, 404, 405, 407, 408, 429};
  result.content_refused = status >= 400 && status < 500 &&
                           std::find(std::begin(kWhateverItSays), std::end(kWhateverItSays),
                                     status) == std::end(kWhateverItSays);
  result.problem = absl::StrCat("POST ", where, ": HTTP ", status, Quoted(answer.body));
  return result;
}

std::unique_ptr<Sender> MakeHttpSender(Receiver receiver, std::unique_ptr<HttpClient> client,
                                       absl::Duration timeout) {
  return std::make_unique<HttpSender>(std::move(receiver), std::move(client), timeout);
}

}  // namespace tcpmedic
