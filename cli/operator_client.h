// The controller as an operator's command sees it: synchronous calls with a deadline, whose errors
// say what to do next. Thread-safe. Makes gRPC's threads at the first call: start child processes
// before.
#ifndef TCPMEDIC_CLI_OPERATOR_CLIENT_H_
#define TCPMEDIC_CLI_OPERATOR_CLIENT_H_

#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tcpmedic/v1/operator.pb.h"

namespace tcpmedic::cli {

constexpr absl::Duration kCallTimeout = absl::Seconds(5);

// Every call: Unavailable: no controller answers there. PermissionDenied: its socket belongs to
// someone else. DeadlineExceeded: it did not answer in time. NotFound: no such incident.
// Unimplemented: it is older than this command. Other codes are the controller's own
// (operator.proto names them).
class OperatorClient {
 public:
  // `target` as gRPC names it: "unix:/run/tcpmedic/operators.sock". Does not connect yet.
  explicit OperatorClient(std::string target, absl::Duration timeout = kCallTimeout);
  ~OperatorClient();

  absl::StatusOr<v1::ListHostsResponse> ListHosts();
  absl::StatusOr<v1::ListIncidentsResponse> ListIncidents(const v1::ListIncidentsRequest& request);
  absl::StatusOr<v1::IncidentView> GetIncident(absl::string_view id);
  absl::StatusOr<v1::IncidentView> Approve(const v1::ApproveRequest& request);
  absl::StatusOr<v1::IncidentView> Rollback(const v1::RollbackRequest& request);
  absl::StatusOr<v1::IncidentView> Reject(const v1::RejectRequest& request);
  absl::StatusOr<v1::IncidentView> Propose(const v1::ProposeRequest& request);
  absl::StatusOr<v1::PolicyStatus> GetPolicyStatus();
  absl::StatusOr<v1::ListAuditResponse> ListAudit(const v1::ListAuditRequest& request);

  // Calls `on_event` with each event, and with nullptr whenever `tick` passes without one, so that
  // the caller can redraw or stop. Returns OK once it returns false, else the error that ended the
  // stream: Unavailable when the controller goes away.
  absl::Status Watch(absl::Duration tick,
                     absl::FunctionRef<bool(const v1::WatchEvent* event)> on_event);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_OPERATOR_CLIENT_H_
