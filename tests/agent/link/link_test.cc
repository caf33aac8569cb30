#include "agent/link/link.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tcpmedic/v1/agent_gateway.grpc.pb.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;

// Longer than anything here takes on a busy machine; only a failing test waits that long.
constexpr absl::Duration kPatience = absl::Seconds(20);

// A controller that writes down what it hears: one line per message and stream.
class FakeController : public v1::AgentGateway::Service {
 public:
  struct Behaviour {
    v1::ControllerMessage first;  // sent after Hello
    v1::OrderSet orders = {};     // sent after that, unless empty
    bool acknowledges = true;
    bool ends_at_once = false;  // after `first`
  };
  explicit FakeController(Behaviour behaviour) : behaviour_(std::move(behaviour)) {}

  grpc::Status Connect(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<v1::ControllerMessage, v1::AgentMessage>* stream) override {
    v1::AgentMessage message;
    if (!stream->Read(&message)) return grpc::Status::OK;
    Note(message.has_hello() ? absl::StrCat("hello ", message.hello().host()) : "no hello");
    stream->Write(behaviour_.first);
    if (behaviour_.orders.wishes_size() > 0) {
      v1::ControllerMessage orders;
      *orders.mutable_orders() = behaviour_.orders;
      stream->Write(orders);
    }
    if (behaviour_.ends_at_once) return grpc::Status(grpc::StatusCode::ABORTED, "pushed out");
    while (!context->IsCancelled() && stream->Read(&message)) {
      Note(absl::StrCat("report ", message.report().sequence()));
      if (!behaviour_.acknowledges) continue;
      v1::ControllerMessage answer;
      answer.mutable_ack()->set_sequence(message.report().sequence());
      stream->Write(answer);
    }
    return grpc::Status::OK;
  }

  std::vector<std::string> heard() const {
    absl::MutexLock lock(&mutex_);
    return heard_;
  }
  bool WaitUntilHeard(const std::string& line) const {
    absl::MutexLock lock(&mutex_);
    const auto has_line = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return std::find(heard_.begin(), heard_.end(), line) != heard_.end();
    };
    return mutex_.AwaitWithTimeout(absl::Condition(&has_line), kPatience);
  }

 private:
  void Note(std::string line) {
    absl::MutexLock lock(&mutex_);
    heard_.push_back(std::move(line));
  }

  const Behaviour behaviour_;
  mutable absl::Mutex mutex_;
  std::vector<std::string> heard_ ABSL_GUARDED_BY(mutex_);
};

// The fake on a unix socket; its end cuts every stream, as kill -9 does.
class Served {
 public:
  Served(FakeController* controller, const std::string& address) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, grpc::InsecureServerCredentials());
    builder.RegisterService(controller);
    server_ = builder.BuildAndStart();
  }
  ~Served() {
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
  }
  bool listening() const { return server_ != nullptr; }

 private:
  std::unique_ptr<grpc::Server> server_;
};

v1::ControllerMessage Welcome(const std::string& revision = "r1") {
  v1::ControllerMessage message;
  message.mutable_welcome()->mutable_signatures()->set_revision(revision);
  return message;
}

std::shared_ptr<const v1::Report> Report(uint64_t sequence, const std::string& group = "") {
  auto report = std::make_shared<v1::Report>();
  report->set_sequence(sequence);
  if (!group.empty()) report->add_findings()->set_group(group);
  return report;
}

class LinkTest : public ::testing::Test {
 protected:
  LinkTest() {
    char dir[] = "/tmp/tcpmedic-link-XXXXXX";
    dir_ = mkdtemp(dir);
    address_ = absl::StrCat("unix:", dir_, "/agents.sock");
  }
  ~LinkTest() override { std::filesystem::remove_all(dir_); }

  std::unique_ptr<Link> StartLink(absl::Duration report_every = absl::Hours(1)) {
    Link::Options options;
    options.controller = address_;
    options.hello.set_host("web-1");
    options.report_every = report_every;
    options.backoff = {.first = absl::Milliseconds(5),
                       .last = absl::Milliseconds(50),
                       .proven_after = absl::ZeroDuration()};
    return Link::Start(
        std::move(options),
        [this](const v1::SignatureSet& set) {
          absl::MutexLock lock(&mutex_);
          revisions_.push_back(set.revision());
          return absl::OkStatus();
        },
        [this](const v1::OrderSet& wishes) {
          absl::MutexLock lock(&mutex_);
          for (const v1::OrderWish& wish : wishes.wishes()) orders_.push_back(wish.order().id());
        },
        &board_, Clock::Real());
  }

  bool WaitFor(std::function<bool(const LinkStatus&)> condition) {
    const absl::Time give_up = absl::Now() + kPatience;
    while (!condition(board_.Read().link)) {
      if (absl::Now() > give_up) return false;
      absl::SleepFor(absl::Milliseconds(1));
    }
    return true;
  }

  std::string dir_;
  std::string address_;
  StatusBoard board_;
  absl::Mutex mutex_;
  std::vector<std::string> revisions_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> orders_ ABSL_GUARDED_BY(mutex_);
};

TEST_F(LinkTest, HelloComesFirstThenTheNewestReportOnly) {
  const auto link = StartLink();
  for (uint64_t sequence = 1; sequence <= 100; ++sequence) link->Publish(Report(sequence));
  FakeController controller({.first = Welcome()});
  const Served served(&controller, address_);
  ASSERT_TRUE(served.listening());
  ASSERT_TRUE(WaitFor([](const LinkStatus& s) { return s.reports_acked == 1; }));
  EXPECT_THAT(controller.heard(), ElementsAre("hello web-1", "report 100"));
  absl::MutexLock lock(&mutex_);
  EXPECT_THAT(revisions_, ElementsAre("r1"));
}

TEST_F(LinkTest, ChangedFindingsGoAtOnceAndOthersWait) {
  FakeController controller({.first = Welcome()});
  const Served served(&controller, address_);
  const auto link = StartLink();
  link->Publish(Report(1));
  ASSERT_TRUE(controller.WaitUntilHeard("report 1"));
  link->Publish(Report(2));
  link->Publish(Report(3, "a"));
  ASSERT_TRUE(controller.WaitUntilHeard("report 3"));
  EXPECT_THAT(controller.heard(), ElementsAre("hello web-1", "report 1", "report 3"));
}

TEST_F(LinkTest, UnchangedStateIsSentAgainEveryNowAndThen) {
  FakeController controller({.first = Welcome()});
  const Served served(&controller, address_);
  const auto link = StartLink(/*report_every=*/absl::Milliseconds(5));
  link->Publish(Report(1));
  EXPECT_TRUE(WaitFor([](const LinkStatus& s) { return s.reports_acked >= 3; }));
}

TEST_F(LinkTest, WishesArriveAndTheAnswerGoesAtOnce) {
  FakeController::Behaviour behaviour{.first = Welcome()};
  behaviour.orders.add_wishes()->mutable_order()->set_id("o-1");
  behaviour.orders.add_wishes()->mutable_order()->set_id("o-2");
  FakeController controller(behaviour);
  const Served served(&controller, address_);
  const auto link = StartLink();
  link->Publish(Report(1));
  ASSERT_TRUE(controller.WaitUntilHeard("report 1"));
  {
    absl::MutexLock lock(&mutex_);
    const auto both = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return orders_.size() == 2; };
    ASSERT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&both), kPatience));
    EXPECT_THAT(orders_, ElementsAre("o-1", "o-2"));
  }
  auto answer = std::make_shared<v1::Report>(*Report(2));
  answer->add_orders()->set_order_id("o-1");
  link->Publish(std::move(answer));
  EXPECT_TRUE(controller.WaitUntilHeard("report 2"));
}

TEST_F(LinkTest, FlushEndsWhenTheNewestReportIsStored) {
  FakeController controller({.first = Welcome()});
  const Served served(&controller, address_);
  const auto link = StartLink();
  EXPECT_TRUE(link->Flush(absl::ZeroDuration()));  // nothing to store
  link->Publish(Report(1));
  ASSERT_TRUE(WaitFor([](const LinkStatus& s) { return s.connected; }));
  EXPECT_TRUE(link->Flush(kPatience));
  EXPECT_THAT(controller.heard(), ElementsAre("hello web-1", "report 1"));
}

TEST_F(LinkTest, FlushDoesNotWaitForAnAbsentController) {
  const auto link = StartLink();
  link->Publish(Report(1));
  const absl::Time before = absl::Now();
  EXPECT_FALSE(link->Flush(kPatience));
  EXPECT_LT(absl::Now() - before, absl::Seconds(2));
}

TEST_F(LinkTest, RestartedControllerGetsThePresentStateAgain) {
  const auto link = StartLink();
  link->Publish(Report(1, "a"));
  {
    FakeController controller({.first = Welcome()});
    const Served served(&controller, address_);
    ASSERT_TRUE(controller.WaitUntilHeard("report 1"));
  }
  ASSERT_TRUE(WaitFor([](const LinkStatus& s) { return !s.connected; }));
  EXPECT_NE(board_.Read().link.problem, "");
  link->Publish(Report(2, "a"));
  FakeController restarted({.first = Welcome("r2")});
  const Served served(&restarted, address_);
  ASSERT_TRUE(restarted.WaitUntilHeard("report 2"));
  EXPECT_THAT(restarted.heard(), ElementsAre("hello web-1", "report 2"));
  EXPECT_EQ(board_.Read().link.connects, 2);
  absl::MutexLock lock(&mutex_);
  EXPECT_THAT(revisions_, ElementsAre("r1", "r2"));
}

TEST_F(LinkTest, StreamThatDoesNotBeginWithWelcomeGetsNoReport) {
  v1::ControllerMessage ack;
  ack.mutable_ack()->set_sequence(1);
  FakeController impostor({.first = ack});
  const Served served(&impostor, address_);
  const auto link = StartLink();
  link->Publish(Report(1));
  ASSERT_TRUE(WaitFor([](const LinkStatus& s) { return !s.problem.empty(); }));
  EXPECT_EQ(board_.Read().link.problem,
            "the first message is not Welcome: this is no tcpmedic controller");
  EXPECT_EQ(board_.Read().link.reports_sent, 0);
  for (const std::string& line : impostor.heard()) EXPECT_EQ(line, "hello web-1");
}

TEST_F(LinkTest, AbsentControllerIsReportedAndStoppingDoesNotWaitForIt) {
  auto link = StartLink();
  ASSERT_TRUE(WaitFor([](const LinkStatus& s) { return !s.problem.empty(); }));
  EXPECT_EQ(board_.Read().link.connects, 0);
  const absl::Time before = absl::Now();
  link.reset();
  EXPECT_LT(absl::Now() - before, absl::Seconds(2));
}

TEST_F(LinkTest, StoppingWhileConnectedIsPrompt) {
  FakeController controller({.first = Welcome()});
  const Served served(&controller, address_);
  auto link = StartLink();
  ASSERT_TRUE(WaitFor([](const LinkStatus& s) { return s.connected; }));
  const absl::Time before = absl::Now();
  link.reset();
  EXPECT_LT(absl::Now() - before, absl::Seconds(2));
}

TEST_F(LinkTest, ReasonOfTheControllerIsShown) {
  FakeController controller({.first = Welcome(), .ends_at_once = true});
  const Served served(&controller, address_);
  const auto link = StartLink();
  ASSERT_TRUE(WaitFor([](const LinkStatus& s) { return s.connects >= 2 && !s.connected; }));
  EXPECT_EQ(board_.Read().link.problem, "pushed out");
}

}  // namespace
}  // namespace tcpmedic
