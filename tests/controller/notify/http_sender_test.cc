// Over a real connection to a server of this test's own: what goes out, and what each answer means.
#include "controller/notify/http_sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "controller/notify/notifier.h"
#include "controller/store/sqlite_store.h"
#include "tests/controller/notify/loopback_server.h"
#include "tests/controller/store/temporary_directory.h"

namespace tcpmedic {
namespace {

using Arrival = SendResult::Arrival;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kSecretPath[] = "/hooks/T0K3N";

Delivery Firing(const std::string& key = "i-1/a") {
  Delivery delivery;
  delivery.receiver = "oncall";
  delivery.version = 3;
  delivery.alert.set_key(key);
  delivery.alert.set_state(v1::Alert::STATE_FIRING);
  (*delivery.alert.mutable_labels())["alertname"] = "close-wait-leak";
  return delivery;
}

class HttpSenderTest : public ::testing::Test {
 protected:
  Receiver To(const std::string& url, Receiver::Kind kind = Receiver::Kind::kWebhook) {
    Receiver receiver;
    receiver.name = "oncall";
    receiver.kind = kind;
    receiver.url = url;
    return receiver;
  }
  SendResult Send(const Receiver& receiver, absl::Duration timeout = absl::Seconds(10)) {
    auto client = MakeHttpClient();
    EXPECT_TRUE(client.ok()) << client.status();
    return MakeHttpSender(receiver, *std::move(client), timeout)->Send({Firing()}, absl::Now());
  }
  SendResult SendFor(LoopbackServer::Answer answer) {
    server_.AnswerWith(std::move(answer));
    return Send(To(server_.url() + kSecretPath));
  }

  LoopbackServer server_;
  const TemporaryDirectory directory_;
};

TEST_F(HttpSenderTest, AWebhookGetsJsonWithAnIdempotencyKey) {
  const SendResult result = SendFor({204});
  EXPECT_EQ(result.arrival, Arrival::kAcknowledged) << result.problem;
  ASSERT_THAT(server_.requests(), SizeIs(1));
  const LoopbackServer::Request request = server_.requests()[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, kSecretPath);
  EXPECT_EQ(request.headers.at("content-type"), "application/json");
  EXPECT_EQ(request.headers.at("idempotency-key"), "\"i-1/a/firing/3\"");
  EXPECT_EQ(request.headers.count("authorization"), 0u);
  EXPECT_THAT(request.body, HasSubstr(R"("labels":{"alertname":"close-wait-leak"})"));
}

TEST_F(HttpSenderTest, AnAlertmanagerGetsAnArray) {
  const SendResult result =
      Send(To(server_.url() + "/api/v2/alerts", Receiver::Kind::kAlertmanager));
  EXPECT_EQ(result.arrival, Arrival::kAcknowledged) << result.problem;
  ASSERT_THAT(server_.requests(), SizeIs(1));
  EXPECT_EQ(server_.requests()[0].path, "/api/v2/alerts");
  EXPECT_EQ(server_.requests()[0].body.substr(0, 2), "[{");
}

TEST_F(HttpSenderTest, ATokenIsReadFromItsFileEachTime) {
  Receiver receiver = To(server_.url());
  receiver.bearer_token_file = directory_.path() + "/token";
  std::ofstream(receiver.bearer_token_file) << "one\n";
  chmod(receiver.bearer_token_file.c_str(), 0600);
  EXPECT_EQ(Send(receiver).arrival, Arrival::kAcknowledged);
  std::ofstream(receiver.bearer_token_file) << "two\n";
  EXPECT_EQ(Send(receiver).arrival, Arrival::kAcknowledged);
  ASSERT_THAT(server_.requests(), SizeIs(2));
  EXPECT_EQ(server_.requests()[0].headers.at("authorization"), "Bearer one");
  EXPECT_EQ(server_.requests()[1].headers.at("authorization"), "Bearer two");
}

TEST_F(HttpSenderTest, WithoutItsTokenNothingIsSent) {
  Receiver receiver = To(server_.url());
  receiver.bearer_token_file = directory_.path() + "/token";
  std::ofstream(receiver.bearer_token_file) << "s3cret\n";
  chmod(receiver.bearer_token_file.c_str(), 0644);
  const SendResult result = Send(receiver);
  EXPECT_EQ(result.arrival, Arrival::kNotArrived);
  EXPECT_FALSE(result.content_refused);
  EXPECT_THAT(result.problem, HasSubstr("open to others"));
  EXPECT_THAT(server_.requests(), IsEmpty());
}

TEST_F(HttpSenderTest, ARefusalOfTheContentIsToldFromOneOfEverything) {
  for (const int status : {400, 409, 413, 422}) {
    const SendResult result = SendFor({status, "", "invalid label\nmore"});
    EXPECT_EQ(result.arrival, Arrival::kNotArrived) << status;
    EXPECT_TRUE(result.content_refused) << status;
    EXPECT_EQ(result.problem,
              absl::StrCat("POST ", server_.url(), ": HTTP ", status, ": invalid label"));
  }
  for (const int status : {301, 401, 403, 404, 429}) {
    const SendResult result = SendFor({status, "", ""});
    EXPECT_EQ(result.arrival, Arrival::kNotArrived) << status;
    EXPECT_FALSE(result.content_refused) << status;
  }
}

TEST_F(HttpSenderTest, AFailingServerMayHaveTakenItAndMaySayWhenToComeBack) {
  const SendResult result = SendFor({503, "Retry-After: 17\r\n", ""});
  EXPECT_EQ(result.arrival, Arrival::kUnknown);
  EXPECT_EQ(result.retry_after, absl::Seconds(17));
  EXPECT_EQ(result.problem, absl::StrCat("POST ", server_.url(), ": HTTP 503"));
}

TEST_F(HttpSenderTest, ProblemsDoNotShowThePath) {
  EXPECT_THAT(SendFor({500, "", ""}).problem, Not(HasSubstr("T0K3N")));
  EXPECT_THAT(Send(To("http://127.0.0.1:1/hooks/T0K3N")).problem, Not(HasSubstr("T0K3N")));
}

TEST_F(HttpSenderTest, ARedirectIsNotFollowed) {
  LoopbackServer elsewhere;
  const SendResult result = SendFor({307, absl::StrCat("Location: ", elsewhere.url(), "\r\n"), ""});
  EXPECT_EQ(result.arrival, Arrival::kNotArrived);
  EXPECT_THAT(elsewhere.requests(), IsEmpty());
}

TEST_F(HttpSenderTest, AProxyOfTheEnvironmentIsNotUsed) {
  LoopbackServer proxy;
  setenv("http_proxy", proxy.url().c_str(), 1);
  const SendResult result = SendFor({200, "", ""});
  unsetenv("http_proxy");
  EXPECT_EQ(result.arrival, Arrival::kAcknowledged);
  EXPECT_THAT(proxy.requests(), IsEmpty());
}

TEST_F(HttpSenderTest, WhereNobodyListensItCertainlyDidNotArrive) {
  const SilentPort silent;
  const SendResult result = Send(To(absl::StrCat("http://127.0.0.1:", silent.port())));
  EXPECT_EQ(result.arrival, Arrival::kNotArrived);
  EXPECT_THAT(result.problem, HasSubstr("Failed to connect"));
}

TEST_F(HttpSenderTest, ASlowServerIsNotWaitedForAndMayHaveTakenIt) {
  server_.AnswerWith({200, "", "", absl::Minutes(1)});
  const absl::Time before = absl::Now();
  const SendResult result = Send(To(server_.url()), absl::Milliseconds(300));
  EXPECT_LT(absl::Now() - before, absl::Seconds(20));
  EXPECT_EQ(result.arrival, Arrival::kUnknown);
  EXPECT_THAT(result.problem, HasSubstr("timed out"));
}

TEST_F(HttpSenderTest, APlainServerBehindHttpsDidNotTakeIt) {
  const SendResult result = Send(To(absl::StrCat("https", server_.url().substr(4))));
  EXPECT_EQ(result.arrival, Arrival::kNotArrived) << result.problem;
}

// ---- The whole road, with its threads and the store on disk.

class NotifierTest : public HttpSenderTest {
 protected:
  void Open() {
    auto store = OpenSqliteStore({directory_.path() + "/state.db"});
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }
  void Start(std::vector<Receiver> receivers) {
    auto notifier = Notifier::Start({std::move(receivers), nullptr, absl::Seconds(30)},
                                    store_.get(), Clock::Real());
    ASSERT_TRUE(notifier.ok()) << notifier.status();
    notifier_ = *std::move(notifier);
  }
  void Commit(const v1::Alert& alert, const std::string& receiver = "oncall") {
    Transaction transaction;
    transaction.alerts.push_back({receiver, alert});
    ASSERT_TRUE(store_->Commit(transaction).ok());
  }
  bool DrainedWithin(absl::Duration patience) {
    for (const absl::Time end = absl::Now() + patience; absl::Now() < end;) {
      if (store_->Waiting()->empty()) return true;
      absl::SleepFor(absl::Milliseconds(20));
    }
    return false;
  }

  std::unique_ptr<Store> store_;
  std::unique_ptr<Notifier> notifier_;
};

TEST_F(NotifierTest, WhatIsCommittedArrives) {
  Open();
  Start({To(server_.url())});
  Commit(Firing().alert);
  EXPECT_TRUE(DrainedWithin(absl::Seconds(30)));
  EXPECT_THAT(server_.requests(), SizeIs(1));
  EXPECT_THAT(notifier_->Problems(), IsEmpty());
}

TEST_F(NotifierTest, WhatWaitedWhenTheControllerEndedArrivesAfterItsNextStart) {
  Open();
  const SilentPort silent;
  Start({To(absl::StrCat("http://127.0.0.1:", silent.port()))});
  Commit(Firing().alert);
  while (notifier_->Problems().empty()) absl::SleepFor(absl::Milliseconds(20));
  EXPECT_THAT(notifier_->Problems(), ElementsAre(HasSubstr("; 1 message waits for it")));
  notifier_.reset();
  store_.reset();

  Open();
  Start({To(server_.url())});
  EXPECT_TRUE(DrainedWithin(absl::Seconds(30)));
  EXPECT_THAT(server_.requests(), SizeIs(1));
}

TEST_F(NotifierTest, ASlowReceiverHoldsUpNeitherAnotherNorTheEnd) {
  Open();
  LoopbackServer slow;
  slow.AnswerWith({200, "", "", absl::Minutes(1)});
  Receiver chat = To(slow.url());
  chat.name = "chat";
  Start({To(server_.url()), chat});
  Commit(Firing().alert, "chat");
  ASSERT_TRUE(slow.WaitForRequests(1));
  Commit(Firing().alert);
  ASSERT_TRUE(server_.WaitForRequests(1));
  while (!store_->Undelivered("oncall", 1)->empty()) absl::SleepFor(absl::Milliseconds(20));
  const absl::Time before = absl::Now();
  notifier_.reset();
  EXPECT_LT(absl::Now() - before, absl::Seconds(1.5));
  EXPECT_THAT(*store_->Waiting(), ElementsAre(std::pair("chat", 1)));
}

TEST_F(NotifierTest, AReceiverThatIsNotConfiguredIsAProblem) {
  Open();
  Start({});
  EXPECT_THAT(notifier_->Problems(), IsEmpty());
  Commit(Firing().alert);
  EXPECT_THAT(notifier_->Problems(),
              ElementsAre("no receiver 'oncall' is configured; 1 message waits"));
}

TEST_F(NotifierTest, EventsOfYesterdayAreGivenUpAndCounted) {
  Open();
  v1::Alert event = Firing().alert;
  event.set_state(v1::Alert::STATE_EVENT);
  event.mutable_starts_at()->set_seconds(absl::ToUnixSeconds(absl::Now() - absl::Hours(25)));
  Commit(event);
  Start({});
  EXPECT_THAT(notifier_->Problems(),
              ElementsAre("1 messages were given up: nobody took them in time"));
}

}  // namespace
}  // namespace tcpmedic
