#include "controller/notify/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <atomic>

#include "absl/base/call_once.h"
#include "absl/strings/string_view.h"

namespace tcpmedic {
namespace {

constexpr size_t kBodyKept = 1 << 10;
// An answer of this length is no answer.
constexpr size_t kMaxBody = 1 << 20;
constexpr int kPollMs = 1000;

struct Answering {
  HttpAnswer* answer;
  size_t received = 0;
};

size_t TakeBody(char* data, size_t size, size_t count, void* user) {
  Answering* const answering = static_cast<Answering*>(user);
  const size_t bytes = size * count;
  std::string& body = answering->answer->body;
  body.append(data, std::min(bytes, kBodyKept - std::min(body.size(), kBodyKept)));
  answering->received += bytes;
  return answering->received > kMaxBody ? 0 : bytes;
}

CURLcode InitCurlOnce() {
  static absl::once_flag once;
  static CURLcode code = CURLE_OK;
  absl::call_once(once, [] { code = curl_global_init(CURL_GLOBAL_DEFAULT); });
  return code;
}

// The transfer runs in a multi handle only so that another thread can end it.
class CurlClient : public HttpClient {
 public:
  CurlClient(CURLM* multi, CURL* easy) : multi_(multi), easy_(easy) {}
  ~CurlClient() override {
    curl_easy_cleanup(easy_);
    curl_multi_cleanup(multi_);
  }

  HttpAnswer Post(const HttpPost& post) override {
    HttpAnswer answer;
    Answering answering{&answer};
    char error[CURL_ERROR_SIZE] = "";
    curl_slist* headers = nullptr;
    for (const std::string& header : post.headers) {
      headers = curl_slist_append(headers, header.c_str());
    }
    headers = curl_slist_append(headers, "Expect:");  // no round trip of its own for a long body
    curl_easy_reset(easy_);
    Set(CURLOPT_URL, post.url.c_str());
    Set(CURLOPT_PROTOCOLS_STR, "http,https");
    Set(CURLOPT_FOLLOWLOCATION, 0L);
    Set(CURLOPT_PROXY, "");
    Set(CURLOPT_NOSIGNAL, 1L);
    Set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!post.ca_file.empty()) {
      Set(CURLOPT_CAINFO, post.ca_file.c_str());
      Set(CURLOPT_CAPATH, nullptr);  // no other authority beside it
    }
    Set(CURLOPT_CONNECTTIMEOUT_MS,
        static_cast<long>(absl::ToInt64Milliseconds(std::min(kConnectTimeout, post.timeout))));
    Set(CURLOPT_TIMEOUT_MS, static_cast<long>(absl::ToInt64Milliseconds(post.timeout)));
    Set(CURLOPT_HTTPHEADER, headers);
    Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(post.body.size()));
    Set(CURLOPT_POSTFIELDS, post.body.data());
    Set(CURLOPT_WRITEFUNCTION, &TakeBody);
    Set(CURLOPT_WRITEDATA, &answering);
    Set(CURLOPT_ERRORBUFFER, error);

    const CURLcode code = Perform();
    long status = 0, request_bytes = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy_, CURLINFO_REQUEST_SIZE, &request_bytes);
    answer.sent = request_bytes > 0;
    if (code == CURLE_OK) {
      answer.status = static_cast<int>(status);
      curl_off_t seconds = 0;
      curl_easy_getinfo(easy_, CURLINFO_RETRY_AFTER, &seconds);
      if (seconds > 0) answer.retry_after = absl::Seconds(seconds);
    } else {
      answer.error = error[0] != '\0' ? error : curl_easy_strerror(code);
    }
    // What they point at ends with this call.
    Set(CURLOPT_ERRORBUFFER, nullptr);
    Set(CURLOPT_HTTPHEADER, nullptr);
    curl_slist_free_all(headers);
    return answer;
  }

  void Cancel() override {
    cancelled_ = true;
    curl_multi_wakeup(multi_);  // the one call that any thread may make
  }

 private:
  template <typename T>
  void Set(CURLoption option, T value) {
    curl_easy_setopt(easy_, option, value);
  }

  CURLcode Perform() {
    if (curl_multi_add_handle(multi_, easy_) != CURLM_OK) return CURLE_FAILED_INIT;
    CURLcode code = CURLE_ABORTED_BY_CALLBACK;
    while (!cancelled_) {
      int running = 0;
      if (curl_multi_perform(multi_, &running) != CURLM_OK) break;
      if (running == 0) {
        int left = 0;
        while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
          if (message->msg == CURLMSG_DONE) code = message->data.result;
        }
        break;
      }
      curl_multi_poll(multi_, nullptr, 0, kPollMs, nullptr);
    }
    curl_multi_remove_handle(multi_, easy_);
    return code;
  }

  CURLM* const multi_;
  CURL* const easy_;
  std::atomic<bool> cancelled_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HttpClient>> MakeHttpClient() {
  if (const CURLcode code = InitCurlOnce(); code != CURLE_OK) {
    return absl::InternalError(curl_easy_strerror(code));
  }
  CURLM* const multi = curl_multi_init();
  CURL* const easy = curl_easy_init();
  if (multi == nullptr || easy == nullptr) {
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
    return absl::InternalError("curl has no memory");
  }
  return std::make_unique<CurlClient>(multi, easy);
}

}  // namespace tcpmedic
