#include "controller/service/agent_gateway.h"

#include <grpcpp/support/server_callback.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "controller/log.h"
#include "controller/service/grpc_status.h"
#include "tcpmedic/v1/agent_gateway.grpc.pb.h"

namespace tcpmedic {
namespace {

using controller_log::Level;

class Stream;

// The streams that live, and which of them speaks for which session. Lock order: the coordinator's
// (which carries wishes under it), this, a stream's own.
class Streams {
 public:
  void Add(Stream* stream) {
    absl::MutexLock lock(&mutex_);
    all_.insert(stream);
  }
  void Remove(Stream* stream, uint64_t session) {
    absl::MutexLock lock(&mutex_);
    all_.erase(stream);
    by_session_.erase(session);
    superseded_unnamed_.erase(session);
  }
  // Names the stream's session, and ends that of the session whose host it took over (0: none).
  void Name(Stream* stream, uint64_t session, uint64_t superseded);
  void SendSignatures(const v1::SignatureSet& signatures);
  void SendWishes(uint64_t session, const v1::OrderSet& wishes);
  void EndAll(const absl::Status& why);

 private:
  absl::Mutex mutex_;
  std::set<Stream*> all_ ABSL_GUARDED_BY(mutex_);
  // Taken over between their Hello and their name.
  std::set<uint64_t> superseded_unnamed_ ABSL_GUARDED_BY(mutex_);
  std::map<uint64_t, Stream*> by_session_ ABSL_GUARDED_BY(mutex_);
};

// One agent's stream. gRPC calls OnReadDone one at a time, and OnDone last; then it deletes itself.
class Stream : public grpc::ServerBidiReactor<v1::AgentMessage, v1::ControllerMessage> {
 public:
  Stream(Coordinator* coordinator, Streams* streams)
      : coordinator_(coordinator), streams_(streams) {
    streams_->Add(this);
    StartRead(&incoming_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      End(absl::OkStatus());
      return;
    }
    if (absl::Status taken = Take(incoming_); !taken.ok()) {
      controller_log::Write(Level::kWarning, "ending an agent's stream",
                            {{"host", host_}, {"error", std::string(taken.message())}});
      End(taken);
      return;
    }
    StartRead(&incoming_);
  }
  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&mutex_);
    writing_ = false;
    if (!ok && !ending_.has_value()) ending_ = absl::OkStatus();
    Proceed();
  }
  void OnCancel() override { End(absl::CancelledError("the agent went away")); }
  void OnDone() override {
    if (session_ != 0) {
      coordinator_->OnDisconnected(session_);
      controller_log::Write(Level::kInfo, "agent disconnected", {{"host", host_}});
    }
    streams_->Remove(this, session_);
    delete this;
  }

  void SendSignatures(const v1::SignatureSet& signatures) {
    absl::MutexLock lock(&mutex_);
    // Before the welcome: that carries them.
    if (!sent_digest_.has_value() || *sent_digest_ == signatures.digest()) return;
    sent_digest_ = signatures.digest();
    signatures_.emplace();
    *signatures_->mutable_signatures() = signatures;
    Proceed();
  }
  void SendWishes(const v1::OrderSet& wishes) {
    absl::MutexLock lock(&mutex_);
    wishes_.emplace();
    *wishes_->mutable_orders() = wishes;
    Proceed();
  }
  void End(const absl::Status& why) {
    absl::MutexLock lock(&mutex_);
    if (!ending_.has_value()) ending_ = why;
    Proceed();
  }

 private:
  absl::Status Take(const v1::AgentMessage& message) {
    switch (message.kind_case()) {
      case v1::AgentMessage::kHello:
        return TakeHello(message.hello());
      case v1::AgentMessage::kReport:
        return TakeReport(message.report());
      case v1::AgentMessage::KIND_NOT_SET:
        break;
    }
    // Of a newer agent: what it says is not known here, and may be important to it.
    return absl::UnimplementedError("the controller does not know this kind of message: update it");
  }

  absl::Status TakeHello(const v1::Hello& hello) {
    if (session_ != 0) return absl::FailedPreconditionError("Hello came twice");
    absl::StatusOr<Coordinator::Welcomed> welcomed = coordinator_->OnHello(hello);
    if (!welcomed.ok()) return welcomed.status();
    session_ = welcomed->session;
    host_ = hello.host();
    // Before the welcome: whoever has that can rely on the other stream being over.
    streams_->Name(this, session_, welcomed->superseded);
    {
      absl::MutexLock lock(&mutex_);
      sent_digest_ = welcomed->welcome.signatures().digest();
      welcome_.emplace();
      *welcome_->mutable_welcome() = std::move(welcomed->welcome);
      Proceed();
    }
    // A revision that came into force in between was not in the welcome.
    SendSignatures(coordinator_->Signatures());
    coordinator_->RepeatWishes(session_);
    controller_log::Write(Level::kInfo, "agent connected",
                          {{"host", host_}, {"version", hello.agent_version()}});
    return absl::OkStatus();
  }

  absl::Status TakeReport(const v1::Report& report) {
    if (session_ == 0) return absl::FailedPreconditionError("the first message must be Hello");
    if (absl::Status stored = coordinator_->OnReport(session_, report); !stored.ok()) return stored;
    absl::MutexLock lock(&mutex_);
    ack_.emplace();
    ack_->mutable_ack()->set_sequence(report.sequence());
    Proceed();
    return absl::OkStatus();
  }

  // Starts what can be started: at most one write at a time, and the end only after it.
  void Proceed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (writing_ || finished_) return;
    if (ending_.has_value()) {
      finished_ = true;
      Finish(ToGrpc(*ending_));
      return;
    }
    if (!sent_digest_.has_value()) return;  // the welcome comes first, and is not here yet
    for (std::optional<v1::ControllerMessage>* next : {&welcome_, &wishes_, &signatures_, &ack_}) {
      if (!next->has_value()) continue;
      outgoing_ = *std::move(*next);
      next->reset();
      writing_ = true;
      StartWrite(&outgoing_);
      return;
    }
  }

  Coordinator* const coordinator_;
  Streams* const streams_;
  // Of the reading callbacks alone.
  v1::AgentMessage incoming_;
  uint64_t session_ = 0;
  std::string host_;

  absl::Mutex mutex_;
  std::optional<std::string> sent_digest_ ABSL_GUARDED_BY(mutex_);  // set by the welcome
  std::optional<v1::ControllerMessage> welcome_ ABSL_GUARDED_BY(mutex_);
  std::optional<v1::ControllerMessage> wishes_ ABSL_GUARDED_BY(mutex_);
  std::optional<v1::ControllerMessage> signatures_ ABSL_GUARDED_BY(mutex_);
  std::optional<v1::ControllerMessage> ack_ ABSL_GUARDED_BY(mutex_);  // covers the ones before it
  v1::ControllerMessage outgoing_;                                    // gRPC's while writing_
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<absl::Status> ending_ ABSL_GUARDED_BY(mutex_);
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

void Streams::Name(Stream* stream, uint64_t session, uint64_t superseded) {
  static const absl::Status taken_over =
      absl::AbortedError("another stream of this host has taken over");
  absl::MutexLock lock(&mutex_);
  by_session_[session] = stream;
  if (superseded_unnamed_.erase(session) > 0) stream->End(taken_over);
  if (superseded == 0) return;
  const auto other = by_session_.find(superseded);
  if (other != by_session_.end()) {
    other->second->End(taken_over);
  } else if (superseded < session) {
    superseded_unnamed_.insert(superseded);
  }
}

void Streams::SendSignatures(const v1::SignatureSet& signatures) {
  absl::MutexLock lock(&mutex_);
  for (Stream* stream : all_) stream->SendSignatures(signatures);
}

void Streams::SendWishes(uint64_t session, const v1::OrderSet& wishes) {
  absl::MutexLock lock(&mutex_);
  const auto named = by_session_.find(session);
  // Not named yet: it asks for its wishes when it is.
  if (named != by_session_.end()) named->second->SendWishes(wishes);
}

void Streams::EndAll(const absl::Status& why) {
  absl::MutexLock lock(&mutex_);
  for (Stream* stream : all_) stream->End(why);
}

}  // namespace

class AgentGateway::Impl : public v1::AgentGateway::CallbackService, public WishCarrier {
 public:
  explicit Impl(Coordinator* coordinator) : coordinator_(coordinator) {
    coordinator_->CarryWishes(this);
  }
  ~Impl() override { coordinator_->CarryWishes(nullptr); }

  void OnWishes(uint64_t session, const v1::OrderSet& wishes) override {
    streams_.SendWishes(session, wishes);
  }

  grpc::ServerBidiReactor<v1::AgentMessage, v1::ControllerMessage>* Connect(
      grpc::CallbackServerContext*) override {
    return new Stream(coordinator_, &streams_);
  }

  Coordinator* const coordinator_;
  Streams streams_;
};

AgentGateway::AgentGateway(Coordinator* coordinator) : impl_(new Impl(coordinator)) {}
AgentGateway::~AgentGateway() = default;

grpc::Service* AgentGateway::service() { return impl_.get(); }
void AgentGateway::SendSignatures() {
  impl_->streams_.SendSignatures(impl_->coordinator_->Signatures());
}
void AgentGateway::EndAll(const absl::Status& why) { impl_->streams_.EndAll(why); }

}  // namespace tcpmedic
