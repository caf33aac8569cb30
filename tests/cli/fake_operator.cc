#include "tests/cli/fake_operator.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

namespace tcpmedic::cli {

FakeOperator::FakeOperator() {
  // Not under TempDir: a unix socket's path is short.
  std::string pattern = "/tmp/tcpmedic-cli-XXXXXX";
  EXPECT_NE(mkdtemp(pattern.data()), nullptr);
  directory_ = pattern;
}

FakeOperator::~FakeOperator() {
  Stop();
  std::filesystem::remove_all(directory_);
}

void FakeOperator::Start() {
  grpc::ServerBuilder builder;
  builder.AddListeningPort(target(), grpc::InsecureServerCredentials());
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  ASSERT_NE(server_, nullptr) << target();
}

void FakeOperator::Stop() {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_.reset();
}

grpc::Status FakeOperator::ListHosts(grpc::ServerContext* context, const v1::ListHostsRequest*,
                                     v1::ListHostsResponse* response) {
  while (hang && !context->IsCancelled()) usleep(1000);
  *response = hosts;
  return failure;
}

grpc::Status FakeOperator::ListIncidents(grpc::ServerContext*,
                                         const v1::ListIncidentsRequest* request,
                                         v1::ListIncidentsResponse* response) {
  listed = *request;
  *response->add_incidents() = incident;
  return failure;
}

grpc::Status FakeOperator::GetIncident(grpc::ServerContext*, const v1::GetIncidentRequest* request,
                                       v1::IncidentView* response) {
  if (!failure.ok()) return failure;
  if (request->id() != incident.incident().id()) {
    return grpc::Status(grpc::StatusCode::NOT_FOUND, "no such incident");
  }
  *response = course.empty() ? incident : course[std::min(asked_++, course.size() - 1)];
  return grpc::Status::OK;
}

grpc::Status FakeOperator::Approve(grpc::ServerContext*, const v1::ApproveRequest* request,
                                   v1::IncidentView* response) {
  approved.push_back(*request);
  if (request->id() == "i-other") {
    return grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, "i-other has no pending proposal");
  }
  *response = incident;
  return failure;
}

grpc::Status FakeOperator::Rollback(grpc::ServerContext*, const v1::RollbackRequest* request,
                                    v1::IncidentView* response) {
  rolled_back = *request;
  *response = incident;
  return failure;
}

grpc::Status FakeOperator::Reject(grpc::ServerContext*, const v1::RejectRequest* request,
                                  v1::IncidentView* response) {
  rejected = *request;
  *response = incident;
  return failure;
}

grpc::Status FakeOperator::Watch(grpc::ServerContext* context, const v1::WatchRequest*,
                                 grpc::ServerWriter<v1::WatchEvent>* writer) {
  if (!failure.ok()) return failure;
  for (const v1::WatchEvent& event : events) writer->Write(event);
  while (!end_watch && !context->IsCancelled()) usleep(1000);
  return grpc::Status::OK;
}

}  // namespace tcpmedic::cli
