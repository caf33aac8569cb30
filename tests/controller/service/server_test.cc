// The two services over real gRPC, on unix sockets in a temporary directory.
#include "controller/service/server.h"

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "controller/store/memory_store.h"
#include "controller/wire_time.h"
#include "tcpmedic/v1/agent_gateway.grpc.pb.h"
#include "tcpmedic/v1/operator.grpc.pb.h"
#include "tests/controller/store/temporary_directory.h"

namespace tcpmedic {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

PolicySet Policies(const std::string& digest) {
  PolicySet set;
  set.revision = set.digest = digest;
  set.signatures.set_digest(digest);
  set.signatures.add_signatures()->set_name("pinned-cwnd");
  v1::Policy policy;
  policy.set_name("to-bbr");
  policy.set_signature("pinned-cwnd");
  policy.add_actions()->mutable_set_congestion_control()->set_algorithm("bbr");
  policy.mutable_approval()->mutable_expires()->set_seconds(3600);
  policy.mutable_limits()->set_targets_per_host(200);
  set.policies.push_back(policy);
  return set;
}

v1::Finding Pinned(const std::string& group, v1::Severity severity = v1::SEVERITY_WARNING) {
  v1::Finding finding;
  finding.set_signature("pinned-cwnd");
  finding.set_group(group);
  finding.set_severity(severity);
  finding.mutable_netns()->set_cookie(42);
  return finding;
}

class FaultyStore : public MemoryStore {
 public:
  absl::Status Commit(const Transaction& transaction) override {
    if (full) return absl::ResourceExhaustedError("write controller.db: disk full");
    return MemoryStore::Commit(transaction);
  }
  std::atomic<bool> full = false;
};

class SilentAnnouncer : public Announcer {
 public:
  absl::Status Announce(const OutboxEntry&) override { return absl::OkStatus(); }
};

// No call of these tests takes longer, unless it hangs.
auto Deadline() { return std::chrono::system_clock::now() + std::chrono::seconds(20); }

// An agent at the other end of the stream.
class Agent {
 public:
  explicit Agent(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(v1::AgentGateway::NewStub(channel)) {
    context_.set_deadline(Deadline());
    stream_ = stub_->Connect(&context_);
  }
  ~Agent() { context_.TryCancel(); }

  void SayHello(const std::string& host) {
    v1::AgentMessage message;
    message.mutable_hello()->set_host(host);
    stream_->Write(message);
  }
  void Report(uint64_t sequence, std::vector<v1::Finding> findings,
              std::vector<v1::OrderReport> orders = {}) {
    v1::AgentMessage message;
    v1::Report& report = *message.mutable_report();
    report.set_sequence(sequence);
    *report.mutable_at() = ToWire(kStart);
    report.mutable_orders()->Assign(orders.begin(), orders.end());
    report.mutable_findings()->Assign(findings.begin(), findings.end());
    stream_->Write(message);
  }
  // The next message, or an empty one at the end of the stream.
  v1::ControllerMessage Next() {
    v1::ControllerMessage message;
    if (!stream_->Read(&message)) message.Clear();
    return message;
  }
  grpc::Status Finish() {
    stream_->WritesDone();
    while (Next().kind_case() != v1::ControllerMessage::KIND_NOT_SET) {
    }
    return stream_->Finish();
  }

 private:
  std::unique_ptr<v1::AgentGateway::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::AgentMessage, v1::ControllerMessage>> stream_;
};

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() {
    auto directory = RuntimeDirectory::Claim(temporary_.path() + "/run");
    EXPECT_TRUE(directory.ok()) << directory.status();
    directory_ = *std::move(directory);
    auto coordinator = Coordinator::Start({}, Policies("d1"), &store_, &announcer_, &clock_);
    EXPECT_TRUE(coordinator.ok()) << coordinator.status();
    coordinator_ = *std::move(coordinator);
    auto server = Server::Start(*directory_, coordinator_.get());
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    agents_ = grpc::CreateCustomChannel("unix:" + directory_->agents_socket(),
                                        grpc::InsecureChannelCredentials(), arguments);
    operators_ = grpc::CreateCustomChannel("unix:" + directory_->operators_socket(),
                                           grpc::InsecureChannelCredentials(), arguments);
    operator_stub_ = v1::Operator::NewStub(operators_);
  }
  ~ServerTest() override { server_->Stop(absl::ZeroDuration()); }

  v1::ListIncidentsResponse Incidents() {
    grpc::ClientContext context;
    context.set_deadline(Deadline());
    v1::ListIncidentsResponse response;
    const grpc::Status listed = operator_stub_->ListIncidents(&context, {}, &response);
    EXPECT_TRUE(listed.ok()) << listed.error_message();
    return response;
  }

  const TemporaryDirectory temporary_;
  SimulatedClock clock_{kStart};
  FaultyStore store_;
  SilentAnnouncer announcer_;
  std::unique_ptr<RuntimeDirectory> directory_;
  std::unique_ptr<Coordinator> coordinator_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> agents_, operators_;
  std::unique_ptr<v1::Operator::Stub> operator_stub_;
};

TEST_F(ServerTest, AReportIsAckedOnceItIsAnIncident) {
  Agent agent(agents_);
  agent.SayHello("web1");
  const v1::ControllerMessage welcome = agent.Next();
  EXPECT_EQ(welcome.welcome().signatures().DebugString(), Policies("d1").signatures.DebugString());
  agent.Report(7, {Pinned("a")});
  EXPECT_EQ(agent.Next().ack().sequence(), 7u);
  ASSERT_THAT(Incidents().incidents(), SizeIs(1));
  EXPECT_EQ(Incidents().incidents(0).proposals(0).state(), v1::Proposal::STATE_PENDING);
}

// From the answer of an operator to the agent's word, and again after a lost link.
TEST_F(ServerTest, AnApprovalReachesTheAgentAtOnceAndAgainWithItsNextStream) {
  auto agent = std::make_unique<Agent>(agents_);
  agent->SayHello("web1");
  EXPECT_TRUE(agent->Next().has_welcome());
  agent->Report(1, {Pinned("a")});
  EXPECT_TRUE(agent->Next().has_ack());

  v1::IncidentView view;
  {
    grpc::ClientContext context;
    context.set_deadline(Deadline());
    v1::ApproveRequest request;
    request.set_id(Incidents().incidents(0).incident().id());
    request.set_actor("ann");
    const absl::Time asked = absl::Now();
    const grpc::Status approved = operator_stub_->Approve(&context, request, &view);
    ASSERT_TRUE(approved.ok()) << approved.error_message();
    const v1::ControllerMessage told = agent->Next();
    EXPECT_LT(absl::Now() - asked, absl::Seconds(1));
    ASSERT_THAT(told.orders().wishes(), SizeIs(1));
    EXPECT_EQ(told.orders().wishes(0).wish(), v1::OrderWish::WISH_APPLY);
    EXPECT_EQ(told.orders().wishes(0).order().id(), view.orders(0).id());
  }
  EXPECT_EQ(agent->Finish().error_code(), grpc::StatusCode::OK);

  agent = std::make_unique<Agent>(agents_);
  agent->SayHello("web1");
  EXPECT_TRUE(agent->Next().has_welcome());
  EXPECT_THAT(agent->Next().orders().wishes(), SizeIs(1));
  v1::OrderReport applied;
  applied.set_order_id(view.orders(0).id());
  applied.set_state(v1::Order::STATE_APPLIED);
  applied.add_targets()->set_state(v1::Target::STATE_APPLIED);
  *applied.mutable_applied_at() = ToWire(kStart);
  agent->Report(2, {Pinned("a")}, {applied});
  EXPECT_EQ(agent->Next().orders().wishes(0).stored(), v1::Order::STATE_APPLIED);
  EXPECT_EQ(agent->Next().ack().sequence(), 2u);

  grpc::ClientContext context;
  context.set_deadline(Deadline());
  v1::RollbackRequest request;
  request.set_id(view.incident().id());
  request.set_actor("bob");
  const grpc::Status asked = operator_stub_->Rollback(&context, request, &view);
  ASSERT_TRUE(asked.ok()) << asked.error_message();
  EXPECT_EQ(view.orders(0).roll_back_by(), "bob");
  EXPECT_EQ(agent->Next().orders().wishes(0).wish(), v1::OrderWish::WISH_ROLL_BACK);
}

TEST_F(ServerTest, TheFirstMessageMustBeHello) {
  Agent agent(agents_);
  agent.Report(1, {});
  const grpc::Status ended = agent.Finish();
  EXPECT_EQ(ended.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ended.error_message(), "the first message must be Hello");
}

TEST_F(ServerTest, HelloComesOnce) {
  Agent agent(agents_);
  agent.SayHello("web1");
  agent.SayHello("web1");
  EXPECT_EQ(agent.Finish().error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(ServerTest, ASecondStreamOfAHostEndsTheFirst) {
  Agent first(agents_);
  first.SayHello("web1");
  EXPECT_TRUE(first.Next().has_welcome());
  Agent second(agents_);
  second.SayHello("web1");
  EXPECT_TRUE(second.Next().has_welcome());
  const grpc::Status ended = first.Finish();
  EXPECT_EQ(ended.error_code(), grpc::StatusCode::ABORTED) << ended.error_message();
  second.Report(1, {});
  EXPECT_EQ(second.Next().ack().sequence(), 1u);
}

TEST_F(ServerTest, WhatCannotBeStoredIsNotAcked) {
  Agent agent(agents_);
  agent.SayHello("web1");
  EXPECT_TRUE(agent.Next().has_welcome());
  store_.full = true;
  agent.Report(1, {Pinned("a")});
  const grpc::Status ended = agent.Finish();
  EXPECT_EQ(ended.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(ended.error_message(), HasSubstr("disk full"));
  store_.full = false;
  EXPECT_THAT(Incidents().incidents(), SizeIs(0));
}

TEST_F(ServerTest, AnOversizedMessageIsRefused) {
  Agent agent(agents_);
  agent.SayHello("web1");
  EXPECT_TRUE(agent.Next().has_welcome());
  v1::Finding huge = Pinned("a");
  huge.set_verdict(std::string(kMaxAgentMessageBytes + 1, 'x'));
  agent.Report(1, {huge});
  EXPECT_NE(agent.Finish().error_code(), grpc::StatusCode::OK);
  EXPECT_THAT(Incidents().incidents(), SizeIs(0));
}

TEST_F(ServerTest, NewSignaturesReachAConnectedAgent) {
  Agent agent(agents_);
  agent.SayHello("web1");
  EXPECT_EQ(agent.Next().welcome().signatures().digest(), "d1");
  ASSERT_TRUE(coordinator_->ReplacePolicies(Policies("d2")).ok());
  server_->SendSignatures();
  EXPECT_EQ(agent.Next().signatures().digest(), "d2");
}

TEST_F(ServerTest, AnAgentThatLeavesIsShownAsDisconnected) {
  {
    Agent agent(agents_);
    agent.SayHello("web1");
    EXPECT_TRUE(agent.Next().has_welcome());
    EXPECT_TRUE(coordinator_->ListHosts().hosts(0).connected());
    EXPECT_TRUE(agent.Finish().ok());
  }
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (coordinator_->ListHosts().hosts(0).connected() &&
         std::chrono::steady_clock::now() < until) {
  }
  EXPECT_FALSE(coordinator_->ListHosts().hosts(0).connected());
}

TEST_F(ServerTest, OperatorsErrorsComeWithTheirWords) {
  grpc::ClientContext context;
  context.set_deadline(Deadline());
  v1::GetIncidentRequest request;
  request.set_id("i-zzz");
  v1::IncidentView view;
  const grpc::Status got = operator_stub_->GetIncident(&context, request, &view);
  EXPECT_EQ(got.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(got.error_message(), "there is no incident i-zzz: `tcpmedic incidents` lists them");
}

TEST_F(ServerTest, AWatcherSeesWhatIsOpenAndThenEachChange) {
  Agent agent(agents_);
  agent.SayHello("web1");
  agent.Report(1, {Pinned("a")});
  EXPECT_TRUE(agent.Next().has_welcome());
  EXPECT_TRUE(agent.Next().has_ack());

  grpc::ClientContext context;
  context.set_deadline(Deadline());
  auto watch = operator_stub_->Watch(&context, {});
  v1::WatchEvent event;
  ASSERT_TRUE(watch->Read(&event));
  EXPECT_TRUE(event.initial());
  EXPECT_EQ(event.incident().incident().finding().group(), "a");
  ASSERT_TRUE(watch->Read(&event));
  EXPECT_TRUE(event.synced());
  agent.Report(2, {Pinned("a"), Pinned("b")});
  ASSERT_TRUE(watch->Read(&event));
  EXPECT_FALSE(event.initial());
  EXPECT_EQ(event.incident().incident().finding().group(), "b");

  server_->Stop(absl::Seconds(5));
  EXPECT_FALSE(watch->Read(&event));
  const grpc::Status ended = watch->Finish();
  EXPECT_EQ(ended.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ended.error_message(), "the controller is stopping");
}

TEST_F(ServerTest, AWatcherThatDoesNotReadIsEnded) {
  grpc::ClientContext context;
  context.set_deadline(Deadline());
  auto watch = operator_stub_->Watch(&context, {});
  v1::WatchEvent event;
  ASSERT_TRUE(watch->Read(&event));
  ASSERT_TRUE(event.synced());
  // Far more than the transport takes before it pushes back, and then the queue: 24 MB in 3,000
  // changes.
  v1::Hello hello;
  hello.set_host("web1");
  const uint64_t session = coordinator_->OnHello(hello)->session;
  for (int round = 0; round < 30; ++round) {
    v1::Report report;
    for (int i = 0; i < 100; ++i) {
      v1::Finding& finding = *report.add_findings();
      finding = Pinned(absl::StrCat("10.0.0.", i),
                       round % 2 == 0 ? v1::SEVERITY_WARNING : v1::SEVERITY_CRITICAL);
      finding.set_verdict(std::string(8000, 'v'));
    }
    ASSERT_TRUE(coordinator_->OnReport(session, report).ok());
  }
  while (watch->Read(&event)) {
  }
  EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

// Health and reflection speak protocols of gRPC's own, here as bytes.
std::string CallOnce(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                     const std::string& request) {
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  context.set_deadline(Deadline());
  auto stream = stub.PrepareCall(&context, method, &queue);
  void* tag = nullptr;
  bool ok = false;
  const auto wait = [&] { return queue.Next(&tag, &ok) && ok; };
  grpc::Slice slice(request);
  stream->StartCall(nullptr);
  if (!wait()) return "cannot call";
  stream->Write(grpc::ByteBuffer(&slice, 1), nullptr);
  if (!wait()) return "cannot write";
  grpc::ByteBuffer answer;
  stream->Read(&answer, nullptr);
  if (!wait()) return "cannot read";
  context.TryCancel();
  std::vector<grpc::Slice> slices;
  EXPECT_TRUE(answer.Dump(&slices).ok());
  std::string bytes;
  for (const grpc::Slice& part : slices) {
    bytes.append(reinterpret_cast<const char*>(part.begin()), part.size());
  }
  grpc::Status ended;
  stream->Finish(&ended, nullptr);
  queue.Next(&tag, &ok);
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
  return bytes;
}

TEST_F(ServerTest, BothSocketsAnswerForHealthAndReflection) {
  const std::string serving = {'\x08', '\x01'};  // HealthCheckResponse{status: SERVING}
  const std::string list_services = {'\x3a', '\x01',
                                     '*'};  // ServerReflectionRequest{list_services}
  for (const auto& [channel, service] : {std::make_pair(agents_, "tcpmedic.v1.AgentGateway"),
                                         std::make_pair(operators_, "tcpmedic.v1.Operator")}) {
    SCOPED_TRACE(service);
    EXPECT_EQ(CallOnce(channel, "/grpc.health.v1.Health/Check", ""), serving);
    EXPECT_THAT(CallOnce(channel, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                         list_services),
                HasSubstr(service));
  }
  EXPECT_THAT(CallOnce(agents_, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                       list_services),
              ::testing::Not(HasSubstr("tcpmedic.v1.Operator")));
}

}  // namespace
}  // namespace tcpmedic
