#include "cli/operator_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "tests/cli/examples.h"
#include "tests/cli/fake_operator.h"

namespace tcpmedic::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class OperatorClientTest : public ::testing::Test {
 protected:
  FakeOperator controller_;
};

TEST_F(OperatorClientTest, AnswersArriveWhole) {
  controller_.hosts = TwoHosts();
  controller_.incident = PinnedCwndProposed();
  controller_.Start();
  OperatorClient client(controller_.target());

  const auto hosts = client.ListHosts();
  ASSERT_TRUE(hosts.ok()) << hosts.status();
  EXPECT_EQ(hosts->ShortDebugString(), controller_.hosts.ShortDebugString());
  const auto incident = client.GetIncident("i-7f3a91c2");
  ASSERT_TRUE(incident.ok()) << incident.status();
  EXPECT_EQ(incident->ShortDebugString(), controller_.incident.ShortDebugString());
}

TEST_F(OperatorClientTest, WithoutAControllerItSaysHowToStartOne) {
  EXPECT_EQ(OperatorClient(controller_.target()).ListHosts().status(),
            absl::UnavailableError(absl::StrCat("no controller answers at ", controller_.target(),
                                                ": start one with `tcpmedic up`")));
}

TEST_F(OperatorClientTest, ASocketThatADeadControllerLeftIsTheSame) {
  controller_.Start();
  OperatorClient client(controller_.target());
  ASSERT_TRUE(client.ListHosts().ok());
  controller_.Stop();
  std::ofstream(controller_.directory() + "/operators.sock") << "";
  EXPECT_THAT(std::string(client.ListHosts().status().message()),
              HasSubstr("start one with `tcpmedic up`"));
}

TEST_F(OperatorClientTest, AnUnknownIncidentNamesTheList) {
  controller_.Start();
  EXPECT_EQ(OperatorClient(controller_.target()).GetIncident("abc").status(),
            absl::NotFoundError("no incident 'abc': `tcpmedic incidents --all` lists them"));
}

TEST_F(OperatorClientTest, ACallThatTheControllerDoesNotKnowMeansAnOldController) {
  controller_.Start();
  const absl::Status status = OperatorClient(controller_.target()).GetPolicyStatus().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(status.message()), HasSubstr("older than this tcpmedic"));
}

TEST_F(OperatorClientTest, TheControllersOwnWordsArePassedOn) {
  controller_.failure = grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, "i-1 is closed: see X");
  controller_.Start();
  EXPECT_EQ(OperatorClient(controller_.target()).Reject({}).status(),
            absl::FailedPreconditionError("i-1 is closed: see X"));
}

TEST_F(OperatorClientTest, ARefusalThatNamesNoCommandIsToldWhereToLook) {
  controller_.failure = grpc::Status(grpc::StatusCode::ABORTED, "the proposal is another by now");
  controller_.Start();
  v1::ApproveRequest request;
  request.set_id("i-1");
  EXPECT_EQ(
      OperatorClient(controller_.target()).Approve(request).status(),
      absl::AbortedError("the proposal is another by now: `tcpmedic show i-1` says how it stands"));
}

TEST_F(OperatorClientTest, ARefusalThatNamesACommandIsPassedOn) {
  controller_.failure = grpc::Status(grpc::StatusCode::FAILED_PRECONDITION,
                                     "it has expired: `tcpmedic propose i-1` asks anew");
  controller_.Start();
  EXPECT_EQ(OperatorClient(controller_.target()).Rollback({}).status(),
            absl::FailedPreconditionError("it has expired: `tcpmedic propose i-1` asks anew"));
}

TEST_F(OperatorClientTest, AnOrderThatIsNotThereIsNotAnIncidentThatIsNotThere) {
  controller_.failure =
      grpc::Status(grpc::StatusCode::NOT_FOUND, "i-1 has no order o-9: `tcpmedic show i-1`");
  controller_.Start();
  EXPECT_EQ(OperatorClient(controller_.target()).Rollback({}).status(),
            absl::NotFoundError("i-1 has no order o-9: `tcpmedic show i-1`"));
}

TEST_F(OperatorClientTest, AControllerThatHangsIsGivenUp) {
  controller_.hang = true;
  controller_.Start();
  const absl::Status status =
      OperatorClient(controller_.target(), absl::Milliseconds(100)).ListHosts().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(status.message()), HasSubstr("did not answer within 100ms"));
}

TEST_F(OperatorClientTest, APathThatIsTooLongIsSaid) {
  const std::string target = "unix:/" + std::string(200, 'x');
  EXPECT_THAT(OperatorClient(target).ListHosts().status().ToString(), HasSubstr("107 bytes"));
}

TEST_F(OperatorClientTest, AWatchGivesEveryEventUntilTheCallerHasEnough) {
  controller_.events.resize(3);
  controller_.events[0].set_initial(true);
  *controller_.events[0].mutable_incident() = PinnedCwndProposed();
  controller_.events[1].set_synced(true);
  *controller_.events[2].mutable_incident() = PinnedCwndRejected();
  controller_.Start();

  std::vector<std::string> seen;
  const absl::Status status = OperatorClient(controller_.target())
                                  .Watch(absl::Seconds(20), [&](const v1::WatchEvent* event) {
                                    if (event == nullptr) return false;
                                    seen.push_back(event->SerializeAsString());
                                    return seen.size() < 3;
                                  });

  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(seen, ElementsAre(controller_.events[0].SerializeAsString(),
                                controller_.events[1].SerializeAsString(),
                                controller_.events[2].SerializeAsString()));
}

TEST_F(OperatorClientTest, AQuietWatchTicks) {
  controller_.Start();
  int ticks = 0;
  const absl::Status status = OperatorClient(controller_.target())
                                  .Watch(absl::Milliseconds(5), [&](const v1::WatchEvent* event) {
                                    EXPECT_EQ(event, nullptr);
                                    return ++ticks < 3;
                                  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(ticks, 3);
}

TEST_F(OperatorClientTest, AWatchThatTheControllerEndsIsUnavailable) {
  controller_.end_watch = true;
  controller_.Start();
  const absl::Status status =
      OperatorClient(controller_.target()).Watch(absl::Milliseconds(50), [](const v1::WatchEvent*) {
        return true;
      });
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace tcpmedic::cli
