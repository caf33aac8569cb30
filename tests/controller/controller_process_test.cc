// The program itself: started, killed, told to reload and to stop.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/default_paths.h"
#include "tcpmedic/v1/agent_gateway.grpc.pb.h"
#include "tcpmedic/v1/operator.grpc.pb.h"
#include "tests/controller/store/temporary_directory.h"

namespace tcpmedic {
namespace {

using std::chrono::steady_clock;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class ControllerProcess : public ::testing::Test {
 protected:
  ControllerProcess() {
    std::filesystem::copy(TCPMEDIC_SOURCE_DIR "/policies", policies_,
                          std::filesystem::copy_options::recursive);
  }
  ~ControllerProcess() override {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }

  void Start() {
    std::vector<std::string> arguments = {TCPMEDIC_BIN_DIR "/tcpmedic-controller",
                                          "--runtime-dir",
                                          runtime_,
                                          "--state-dir",
                                          temporary_.path() + "/state",
                                          "--policies",
                                          policies_,
                                          "--log-level",
                                          "error"};
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    ASSERT_EQ(posix_spawn(&pid_, argv[0], nullptr, nullptr, argv.data(), environ), 0);
  }
  int Wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    return status;
  }

  // Of a fresh connection each time, so that a dead controller's is not waited for.
  std::shared_ptr<grpc::Channel> Channel(const std::string& socket) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 50);
    return grpc::CreateCustomChannel("unix:" + socket, grpc::InsecureChannelCredentials(),
                                     arguments);
  }
  static void Prepare(grpc::ClientContext* context) {
    context->set_wait_for_ready(true);
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  }

  v1::ListIncidentsResponse Incidents() {
    auto stub = v1::Operator::NewStub(Channel(OperatorsSocket(runtime_)));
    grpc::ClientContext context;
    Prepare(&context);
    v1::ListIncidentsResponse response;
    const grpc::Status listed = stub->ListIncidents(&context, {}, &response);
    EXPECT_TRUE(listed.ok()) << listed.error_message();
    return response;
  }
  v1::PolicyStatus PolicyStatus() {
    auto stub = v1::Operator::NewStub(Channel(OperatorsSocket(runtime_)));
    grpc::ClientContext context;
    Prepare(&context);
    v1::PolicyStatus response;
    const grpc::Status got = stub->GetPolicyStatus(&context, {}, &response);
    EXPECT_TRUE(got.ok()) << got.error_message();
    return response;
  }
  v1::ListAuditResponse Audit() {
    auto stub = v1::Operator::NewStub(Channel(OperatorsSocket(runtime_)));
    grpc::ClientContext context;
    Prepare(&context);
    v1::ListAuditResponse response;
    const grpc::Status listed = stub->ListAudit(&context, {}, &response);
    EXPECT_TRUE(listed.ok()) << listed.error_message();
    return response;
  }
  // Once it is acked.
  void ReportOneFinding() {
    auto stub = v1::AgentGateway::NewStub(Channel(AgentsSocket(runtime_)));
    grpc::ClientContext context;
    Prepare(&context);
    auto stream = stub->Connect(&context);
    v1::AgentMessage message;
    message.mutable_hello()->set_host("web1");
    stream->Write(message);
    v1::Finding& finding = *message.mutable_report()->add_findings();
    finding.set_signature("pinned-cwnd");
    finding.set_group("203.0.113.20");
    finding.mutable_netns()->set_cookie(42);
    stream->Write(message);
    v1::ControllerMessage answer;
    while (stream->Read(&answer) && !answer.has_ack()) {
    }
    EXPECT_TRUE(answer.has_ack());
    stream->WritesDone();
    stream->Finish();
  }

  const TemporaryDirectory temporary_;
  const std::string runtime_ = temporary_.path() + "/run";
  const std::string policies_ = temporary_.path() + "/policies";
  pid_t pid_ = 0;
};

TEST_F(ControllerProcess, WhatWasAckedSurvivesKillAndNothingIsDoubled) {
  Start();
  ReportOneFinding();
  const v1::ListIncidentsResponse before = Incidents();
  ASSERT_THAT(before.incidents(), SizeIs(1));
  ASSERT_EQ(before.incidents(0).proposals_size(), 1);
  kill(pid_, SIGKILL);
  EXPECT_TRUE(WIFSIGNALED(Wait()));

  Start();
  EXPECT_EQ(Incidents().DebugString(), before.DebugString());
  ReportOneFinding();
  EXPECT_THAT(Incidents().incidents(), SizeIs(1));
  EXPECT_EQ(Incidents().incidents(0).proposals_size(), 1);
}

TEST_F(ControllerProcess, AnAuditLogThatWasTamperedWithIsShownAfterAStart) {
  Start();
  ReportOneFinding();
  EXPECT_THAT(Audit().problems(), SizeIs(0));
  ASSERT_GT(Audit().entries_size(), 2);
  kill(pid_, SIGTERM);
  Wait();

  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open((temporary_.path() + "/state/controller.db").c_str(), &db), SQLITE_OK);
  const int deleted =
      sqlite3_exec(db, "DELETE FROM audit WHERE sequence = 2", nullptr, nullptr, nullptr);
  sqlite3_close(db);
  ASSERT_EQ(deleted, SQLITE_OK);

  Start();
  const v1::ListAuditResponse audit = Audit();
  ASSERT_THAT(audit.problems(), SizeIs(1));
  EXPECT_EQ(audit.problems(0), "audit entry 2 is missing: 3 follows 1");
  EXPECT_THAT(Incidents().incidents(), SizeIs(1));
}

TEST_F(ControllerProcess, StopsWithinTwoSecondsAlthoughSomeoneWatches) {
  Start();
  auto stub = v1::Operator::NewStub(Channel(OperatorsSocket(runtime_)));
  grpc::ClientContext context;
  Prepare(&context);
  auto watch = stub->Watch(&context, {});
  v1::WatchEvent event;
  ASSERT_TRUE(watch->Read(&event));

  // As a watcher does: it is reading when the end comes. A reader that asks only after the
  // controller has closed the connection may be told "Broken pipe" by its own side instead.
  grpc::Status end;
  std::thread watcher([&] {
    while (watch->Read(&event)) {
    }
    end = watch->Finish();
  });
  const auto told = steady_clock::now();
  kill(pid_, SIGTERM);
  const int status = Wait();
  EXPECT_LT(steady_clock::now() - told, std::chrono::seconds(2));
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  watcher.join();
  EXPECT_EQ(end.error_message(), "the controller is stopping");
}

TEST_F(ControllerProcess, ABrokenRevisionIsShownAndTheOneBeforeStays) {
  Start();
  const v1::PolicyStatus before = PolicyStatus();
  std::ofstream(policies_ + "/responses/broken.yaml") << "apiVersion: tcpmedic/v1\nkind: Polcy\n";
  kill(pid_, SIGHUP);
  const auto until = steady_clock::now() + std::chrono::seconds(10);
  while (PolicyStatus().problems().empty() && steady_clock::now() < until) {
  }
  EXPECT_EQ(PolicyStatus().revision(), before.revision());
  ASSERT_FALSE(PolicyStatus().problems().empty());
  EXPECT_THAT(PolicyStatus().problems(0), HasSubstr("broken.yaml:1:1: "));

  std::filesystem::remove(policies_ + "/responses/broken.yaml");
  std::filesystem::remove(policies_ + "/responses/lossy-path-to-bbr.yaml");
  kill(pid_, SIGHUP);
  while (PolicyStatus().revision() == before.revision() && steady_clock::now() < until) {
  }
  EXPECT_NE(PolicyStatus().revision(), before.revision());
  EXPECT_EQ(PolicyStatus().problems_size(), 0);
}

TEST_F(ControllerProcess, DoesNotStartOnBrokenPolicies) {
  std::ofstream(policies_ + "/responses/broken.yaml") << "kind: [";
  Start();
  const int status = Wait();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1) << status;
  EXPECT_FALSE(std::filesystem::exists(OperatorsSocket(runtime_)));
}

}  // namespace
}  // namespace tcpmedic
