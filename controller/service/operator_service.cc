#include "controller/service/operator_service.h"

#include <grpcpp/support/server_callback.h>

#include <deque>
#include <optional>
#include <set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "controller/service/grpc_status.h"
#include "tcpmedic/v1/operator.grpc.pb.h"

namespace tcpmedic {
namespace {

class WatchStream;

class WatchStreams {
 public:
  void Add(WatchStream* stream) {
    absl::MutexLock lock(&mutex_);
    all_.insert(stream);
  }
  void Remove(WatchStream* stream) {
    absl::MutexLock lock(&mutex_);
    all_.erase(stream);
  }
  void EndAll(const absl::Status& why);

 private:
  absl::Mutex mutex_;  // before a stream's own lock
  std::set<WatchStream*> all_ ABSL_GUARDED_BY(mutex_);
};

// One watcher. The coordinator calls OnEvent, gRPC the rest, OnDone last; then it deletes itself.
class WatchStream : public grpc::ServerWriteReactor<v1::WatchEvent>, public Watcher {
 public:
  WatchStream(Coordinator* coordinator, WatchStreams* streams)
      : coordinator_(coordinator), streams_(streams) {
    streams_->Add(this);
    coordinator_->Watch(this);
  }

  void OnEvent(const v1::WatchEvent& event) override {
    absl::MutexLock lock(&mutex_);
    if (ending_.has_value()) return;
    const bool beginning = event.initial() || event.synced();
    if (!beginning && queue_.size() >= kMaxQueuedWatchEvents + beginning_in_queue_) {
      ending_ = absl::ResourceExhaustedError(absl::StrCat(
          "this watcher is more than ", kMaxQueuedWatchEvents, " changes behind: begin again"));
      queue_.clear();
    } else {
      beginning_in_queue_ += beginning;
      queue_.push_back(event);
    }
    Proceed();
  }
  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&mutex_);
    writing_ = false;
    if (!ok && !ending_.has_value()) ending_ = absl::CancelledError("the watcher went away");
    Proceed();
  }
  void OnCancel() override { End(absl::CancelledError("the watcher went away")); }
  void OnDone() override {
    coordinator_->Unwatch(this);
    streams_->Remove(this);
    delete this;
  }
  void End(const absl::Status& why) {
    absl::MutexLock lock(&mutex_);
    if (!ending_.has_value()) ending_ = why;
    Proceed();
  }

 private:
  // Starts what can be started: at most one write at a time, and the end only after it.
  void Proceed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (writing_ || finished_) return;
    if (ending_.has_value()) {
      finished_ = true;
      Finish(ToGrpc(*ending_));
      return;
    }
    if (queue_.empty()) return;
    outgoing_ = std::move(queue_.front());
    queue_.pop_front();
    if (outgoing_.initial() || outgoing_.synced()) --beginning_in_queue_;
    writing_ = true;
    StartWrite(&outgoing_);
  }

  Coordinator* const coordinator_;
  WatchStreams* const streams_;

  absl::Mutex mutex_;
  std::deque<v1::WatchEvent> queue_ ABSL_GUARDED_BY(mutex_);
  size_t beginning_in_queue_ ABSL_GUARDED_BY(mutex_) = 0;
  v1::WatchEvent outgoing_;  // gRPC's while writing_
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<absl::Status> ending_ ABSL_GUARDED_BY(mutex_);
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

void WatchStreams::EndAll(const absl::Status& why) {
  absl::MutexLock lock(&mutex_);
  for (WatchStream* stream : all_) stream->End(why);
}

using Context = grpc::CallbackServerContext;
using Unary = grpc::ServerUnaryReactor;

Unary* Done(Context* context, const absl::Status& status) {
  Unary* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpc(status));
  return reactor;
}

template <typename Response>
Unary* Answer(Context* context, absl::StatusOr<Response> answer, Response* response) {
  if (answer.ok()) *response = *std::move(answer);
  return Done(context, answer.status());
}

}  // namespace

class OperatorService::Impl : public v1::Operator::CallbackService {
 public:
  explicit Impl(Coordinator* coordinator) : coordinator_(coordinator) {}

  Unary* ListHosts(Context* context, const v1::ListHostsRequest*,
                   v1::ListHostsResponse* response) override {
    *response = coordinator_->ListHosts();
    return Done(context, absl::OkStatus());
  }
  Unary* ListIncidents(Context* context, const v1::ListIncidentsRequest* request,
                       v1::ListIncidentsResponse* response) override {
    return Answer(context, coordinator_->ListIncidents(*request), response);
  }
  Unary* GetIncident(Context* context, const v1::GetIncidentRequest* request,
                     v1::IncidentView* response) override {
    return Answer(context, coordinator_->GetIncident(request->id()), response);
  }
  grpc::ServerWriteReactor<v1::WatchEvent>* Watch(Context*, const v1::WatchRequest*) override {
    return new WatchStream(coordinator_, &watches_);
  }
  Unary* Approve(Context* context, const v1::ApproveRequest* request,
                 v1::IncidentView* response) override {
    return Answer(context, coordinator_->Approve(*request), response);
  }
  Unary* Rollback(Context* context, const v1::RollbackRequest* request,
                  v1::IncidentView* response) override {
    return Answer(context, coordinator_->Rollback(*request), response);
  }
  Unary* Reject(Context* context, const v1::RejectRequest* request,
                v1::IncidentView* response) override {
    return Answer(context, coordinator_->Reject(*request), response);
  }
  Unary* Propose(Context* context, const v1::ProposeRequest* request,
                 v1::IncidentView* response) override {
    return Answer(context, coordinator_->Propose(*request), response);
  }
  Unary* GetPolicyStatus(Context* context, const v1::GetPolicyStatusRequest*,
                         v1::PolicyStatus* response) override {
    *response = coordinator_->GetPolicyStatus();
    return Done(context, absl::OkStatus());
  }
  Unary* ListAudit(Context* context, const v1::ListAuditRequest* request,
                   v1::ListAuditResponse* response) override {
    return Answer(context, coordinator_->ListAudit(*request), response);
  }

  Coordinator* const coordinator_;
  WatchStreams watches_;
};

OperatorService::OperatorService(Coordinator* coordinator) : impl_(new Impl(coordinator)) {}
OperatorService::~OperatorService() = default;

grpc::Service* OperatorService::service() { return impl_.get(); }
void OperatorService::EndAll(const absl::Status& why) { impl_->watches_.EndAll(why); }

}  // namespace tcpmedic
