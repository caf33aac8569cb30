#include "cli/operator_client.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "cli/unix_socket.h"
#include "tcpmedic/v1/operator.grpc.pb.h"

namespace tcpmedic::cli {
namespace {

// A hundred incidents with all their sockets and timelines stay well below.
constexpr int kMaxReplyBytes = 64 << 20;

absl::Status NotReached(const std::string& target, const grpc::Status& status) {
  const int error = ConnectErrno(absl::StripPrefix(target, "unix:"));
  switch (error) {
    case 0:
      return absl::UnavailableError(absl::StrCat("the controller at ", target, " went away (",
                                                 status.error_message(), "): try again"));
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(
          absl::StrCat("the controller at ", target,
                       " belongs to another user: run this as that user, for example with sudo"));
    case ENAMETOOLONG:
      return absl::InvalidArgumentError(absl::StrCat(
          "the path in ", target, " is longer than the 107 bytes that a unix socket may have"));
    default:
      return absl::UnavailableError(
          absl::StrCat("no controller answers at ", target, ": start one with `tcpmedic up`"));
  }
}

absl::Status ToAbsl(const std::string& target, absl::string_view id, absl::Duration timeout,
                    const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
      return absl::OkStatus();
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::UNKNOWN:  // gRPC's answer where the target itself is impossible
      return NotReached(target, status);
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return absl::DeadlineExceededError(
          absl::StrCat("the controller at ", target, " did not answer within ",
                       absl::FormatDuration(timeout), ": its log may say what it is busy with"));
    case grpc::StatusCode::NOT_FOUND:
      if (absl::StrContains(status.error_message(), '`')) break;
      return absl::NotFoundError(
          absl::StrCat("no incident '", id, "': `tcpmedic incidents --all` lists them"));
    case grpc::StatusCode::UNIMPLEMENTED:
      return absl::UnimplementedError(absl::StrCat(
          "the controller at ", target,
          " does not know this command: it is older than this tcpmedic, and needs an update"));
    default:
      break;
  }
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

// A refusal that does not say itself what to type next is told where the incident stands.
absl::StatusOr<v1::IncidentView> OrWhereToLook(absl::StatusOr<v1::IncidentView> answer,
                                               absl::string_view id) {
  const absl::Status& status = answer.status();
  const bool refused = absl::IsFailedPrecondition(status) || absl::IsAborted(status);
  if (!refused || absl::StrContains(status.message(), '`')) return answer;
  return absl::Status(status.code(), absl::StrCat(status.message(), ": `tcpmedic show ", id,
                                                  "` says how it stands"));
}

}  // namespace

class OperatorClient::Impl {
 public:
  Impl(std::string target, absl::Duration timeout) : target_(std::move(target)), timeout_(timeout) {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(kMaxReplyBytes);
    // A watcher reconnects to a controller that restarts in a second or two.
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 200);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
    stub_ = v1::Operator::NewStub(
        grpc::CreateCustomChannel(target_, grpc::InsecureChannelCredentials(), arguments));
  }

  template <typename Request, typename Reply>
  absl::StatusOr<Reply> Call(grpc::Status (v1::Operator::Stub::*method)(grpc::ClientContext*,
                                                                        const Request&, Reply*),
                             const Request& request, absl::string_view id = "") {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(timeout_));
    Reply reply;
    const grpc::Status status = (stub_.get()->*method)(&context, request, &reply);
    if (!status.ok()) return ToAbsl(target_, id, timeout_, status);
    return reply;
  }

  absl::Status Watch(absl::Duration tick, absl::FunctionRef<bool(const v1::WatchEvent*)> on_event) {
    enum Tag : intptr_t { kStarted, kRead, kFinished };
    const auto as_tag = [](Tag tag) { return reinterpret_cast<void*>(tag); };

    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    grpc::Status status;
    v1::WatchEvent event;
    const auto stream = stub_->AsyncWatch(&context, v1::WatchRequest(), &queue, as_tag(kStarted));
    bool wanted = true;
    const auto keep_on = [&](const v1::WatchEvent* next) {
      if (!wanted) return;
      wanted = on_event(next);
      if (!wanted) context.TryCancel();
    };
    for (bool finished = false; !finished;) {
      void* tag = nullptr;
      bool ok = false;
      const auto deadline = std::chrono::system_clock::now() + absl::ToChronoMilliseconds(tick);
      if (queue.AsyncNext(&tag, &ok, deadline) == grpc::CompletionQueue::TIMEOUT) {
        keep_on(nullptr);
        continue;
      }
      if (tag == as_tag(kFinished)) {
        finished = true;
      } else if (!ok) {
        stream->Finish(&status, as_tag(kFinished));
      } else {
        if (tag == as_tag(kRead)) keep_on(&event);
        stream->Read(&event, as_tag(kRead));
      }
    }
    queue.Shutdown();
    if (!wanted) return absl::OkStatus();
    if (status.ok()) {
      return absl::UnavailableError(
          absl::StrCat("the controller at ", target_, " ended the watch"));
    }
    return ToAbsl(target_, "", timeout_, status);
  }

 private:
  const std::string target_;
  const absl::Duration timeout_;
  std::unique_ptr<v1::Operator::Stub> stub_;
};

OperatorClient::OperatorClient(std::string target, absl::Duration timeout)
    : impl_(std::make_unique<Impl>(std::move(target), timeout)) {}
OperatorClient::~OperatorClient() = default;

absl::StatusOr<v1::ListHostsResponse> OperatorClient::ListHosts() {
  return impl_->Call(&v1::Operator::Stub::ListHosts, v1::ListHostsRequest());
}

absl::StatusOr<v1::ListIncidentsResponse> OperatorClient::ListIncidents(
    const v1::ListIncidentsRequest& request) {
  return impl_->Call(&v1::Operator::Stub::ListIncidents, request);
}

absl::StatusOr<v1::IncidentView> OperatorClient::GetIncident(absl::string_view id) {
  v1::GetIncidentRequest request;
  request.set_id(std::string(id));
  return impl_->Call(&v1::Operator::Stub::GetIncident, request, id);
}

absl::StatusOr<v1::IncidentView> OperatorClient::Approve(const v1::ApproveRequest& request) {
  return OrWhereToLook(impl_->Call(&v1::Operator::Stub::Approve, request, request.id()),
                       request.id());
}

absl::StatusOr<v1::IncidentView> OperatorClient::Rollback(const v1::RollbackRequest& request) {
  return OrWhereToLook(impl_->Call(&v1::Operator::Stub::Rollback, request, request.id()),
                       request.id());
}

absl::StatusOr<v1::IncidentView> OperatorClient::Reject(const v1::RejectRequest& request) {
  return impl_->Call(&v1::Operator::Stub::Reject, request, request.id());
}

absl::StatusOr<v1::IncidentView> OperatorClient::Propose(const v1::ProposeRequest& request) {
  return impl_->Call(&v1::Operator::Stub::Propose, request, request.id());
}

absl::StatusOr<v1::PolicyStatus> OperatorClient::GetPolicyStatus() {
  return impl_->Call(&v1::Operator::Stub::GetPolicyStatus, v1::GetPolicyStatusRequest());
}

absl::StatusOr<v1::ListAuditResponse> OperatorClient::ListAudit(
    const v1::ListAuditRequest& request) {
  return impl_->Call(&v1::Operator::Stub::ListAudit, request, request.id());
}

absl::Status OperatorClient::Watch(absl::Duration tick,
                                   absl::FunctionRef<bool(const v1::WatchEvent*)> on_event) {
  return impl_->Watch(tick, on_event);
}

}  // namespace tcpmedic::cli
