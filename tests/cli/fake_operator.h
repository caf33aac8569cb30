// A controller as the command line sees it: an Operator service on a unix socket in a temporary
// directory, whose answers a test sets and whose requests it reads.
#ifndef TCPMEDIC_TESTS_CLI_FAKE_OPERATOR_H_
#define TCPMEDIC_TESTS_CLI_FAKE_OPERATOR_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "tcpmedic/v1/operator.grpc.pb.h"

namespace tcpmedic::cli {

class FakeOperator final : public v1::Operator::Service {
 public:
  FakeOperator();
  ~FakeOperator() override;

  const std::string& directory() const { return directory_; }
  std::string target() const { return "unix:" + directory_ + "/operators.sock"; }
  void Start();
  void Stop();  // ends the streams too

  // Set before Start.
  v1::ListHostsResponse hosts;
  v1::IncidentView incident;  // known by its id
  // What GetIncident gives of it, one after another, the last one ever after; empty: `incident`.
  std::vector<v1::IncidentView> course;
  std::vector<v1::WatchEvent> events;
  bool end_watch = false;  // after the events; else the stream stays open
  grpc::Status failure;    // of every call, where it is not OK
  bool hang = false;       // never answers ListHosts before the deadline
  // Read after the calls.
  v1::RejectRequest rejected;
  std::vector<v1::ApproveRequest> approved;
  v1::RollbackRequest rolled_back;
  v1::ListIncidentsRequest listed;

 private:
  grpc::Status ListHosts(grpc::ServerContext*, const v1::ListHostsRequest*,
                         v1::ListHostsResponse*) override;
  grpc::Status ListIncidents(grpc::ServerContext*, const v1::ListIncidentsRequest*,
                             v1::ListIncidentsResponse*) override;
  grpc::Status GetIncident(grpc::ServerContext*, const v1::GetIncidentRequest*,
                           v1::IncidentView*) override;
  grpc::Status Reject(grpc::ServerContext*, const v1::RejectRequest*, v1::IncidentView*) override;
  grpc::Status Approve(grpc::ServerContext*, const v1::ApproveRequest*, v1::IncidentView*) override;
  grpc::Status Rollback(grpc::ServerContext*, const v1::RollbackRequest*,
                        v1::IncidentView*) override;
  grpc::Status Watch(grpc::ServerContext*, const v1::WatchRequest*,
                     grpc::ServerWriter<v1::WatchEvent>*) override;

  std::string directory_;
  std::atomic<size_t> asked_ = 0;  // how often for `course`
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_TESTS_CLI_FAKE_OPERATOR_H_
