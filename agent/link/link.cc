#include "agent/link/link.h"

#include <grpc/support/log.h>
#include <grpcpp/grpcpp.h>
#include <pthread.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "agent/link/send_schedule.h"
#include "agent/log.h"
#include "tcpmedic/v1/agent_gateway.grpc.pb.h"

namespace tcpmedic {
namespace {

// A controller that hangs (stopped, deadlocked, its machine gone) is noticed after both.
constexpr int kKeepaliveEveryMs = 10'000;
constexpr int kKeepaliveAnswerWithinMs = 5'000;
constexpr int kMaxMessageBytes = 4 << 20;

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& target) {
  grpc::ChannelArguments args;
  args.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveEveryMs);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveAnswerWithinMs);
  args.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  args.SetInt(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, kMaxMessageBytes);
  args.SetInt(GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, kMaxMessageBytes);
  // One channel per attempt, and none shared: the link's back-off is then the only one.
  args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), args);
}

// What a stream tells its owner, on gRPC's threads.
class StreamEvents {
 public:
  virtual ~StreamEvents() = default;
  // False: this message has no business here; the stream is ended.
  virtual bool Received(const v1::ControllerMessage& message) = 0;
  virtual void WriteDone(bool ok) = 0;
  virtual void ReadsEnded() = 0;
  virtual void Done(
      const grpc::Status& status) = 0;  // the last: the stream may be destroyed after it
};

// One attempt to connect and what comes of it.
class Stream : public grpc::ClientBidiReactor<v1::AgentMessage, v1::ControllerMessage> {
 public:
  Stream(const std::string& target, StreamEvents* events)
      : stub_(v1::AgentGateway::NewStub(MakeChannel(target))), events_(events) {}

  void Open(const v1::Hello& hello) {
    *outgoing_.mutable_hello() = hello;
    stub_->async()->Connect(&context_, this);
    AddHold();  // writes start outside of reactions
    StartRead(&incoming_);
    StartWrite(&outgoing_);
    StartCall();
  }

  // Not while another write is in flight.
  void Write(const v1::Report& report) {
    *outgoing_.mutable_report() = report;
    StartWrite(&outgoing_);
  }

  // Ends it, if it has not ended. Done follows. Call once; no Write after it.
  void Close() {
    context_.TryCancel();
    RemoveHold();
  }

  void OnWriteDone(bool ok) override { events_->WriteDone(ok); }

  void OnReadDone(bool ok) override {
    if (!ok || !events_->Received(incoming_)) {
      events_->ReadsEnded();
      return;
    }
    StartRead(&incoming_);
  }

  void OnDone(const grpc::Status& status) override { events_->Done(status); }

 private:
  std::unique_ptr<v1::AgentGateway::Stub> stub_;
  grpc::ClientContext context_;
  StreamEvents* const events_;
  v1::AgentMessage outgoing_;
  v1::ControllerMessage incoming_;
};

class GrpcLink : public Link, private StreamEvents {
 public:
  GrpcLink(Options options, OnSignatures on_signatures, OnOrders on_orders, StatusBoard* board,
           const Clock* clock)
      : options_(std::move(options)),
        on_signatures_(std::move(on_signatures)),
        on_orders_(std::move(on_orders)),
        board_(board),
        clock_(clock),
        backoff_(options_.backoff),
        thread_([this] { Run(); }) {}

  ~GrpcLink() override {
    {
      absl::MutexLock lock(&mutex_);
      stopping_ = true;
      changed_.SignalAll();
    }
    thread_.join();
  }

  void Publish(std::shared_ptr<const v1::Report> report) override {
    absl::MutexLock lock(&mutex_);
    newest_ = std::move(report);
    changed_.SignalAll();
  }

  bool Flush(absl::Duration patience) override {
    absl::MutexLock lock(&mutex_);
    const auto stored = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return newest_ == nullptr || acked_sequence_ >= newest_->sequence();
    };
    const auto decided = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return stored() || !status_.connected;
    };
    mutex_.AwaitWithTimeout(absl::Condition(&decided), patience);
    return stored();
  }

 private:
  // The state of the stream that stands now; a new one for each attempt.
  struct Attempt {
    bool hello_sent = false;
    bool write_in_flight = true;  // Hello's, at first
    bool reads_ended = false;
    bool done = false;
    bool welcomed = false;
    absl::Duration welcomed_at;
    std::string problem;  // ours, where we ended it
    grpc::Status status;
  };

  void Run() {
    pthread_setname_np(pthread_self(), "link");
    while (RunOneStream()) {
    }
  }

  // Connects, sends until the stream ends, and waits as long as the back-off says. False: stopping.
  bool RunOneStream() {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return false;
    attempt_ = Attempt();
    Stream stream(options_.controller, this);
    mutex_.Unlock();
    stream.Open(options_.hello);
    mutex_.Lock();
    SendUntilEnded(&stream);
    mutex_.Unlock();
    stream.Close();
    mutex_.Lock();
    while (!attempt_.done) changed_.Wait(&mutex_);
    if (stopping_) return false;

    const absl::Duration lived =
        attempt_.welcomed ? Uptime() - attempt_.welcomed_at : absl::ZeroDuration();
    const absl::Duration wait = backoff_.After(lived, absl::Uniform(random_, 0.0, 1.0));
    NoteEnd(wait);
    const absl::Duration again_at = Uptime() + wait;
    while (!stopping_ && Uptime() < again_at) {
      changed_.WaitWithTimeout(&mutex_, again_at - Uptime());
    }
    return !stopping_;
  }

  void SendUntilEnded(Stream* stream) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    SendSchedule schedule(options_.report_every);
    const absl::Duration welcome_by = Uptime() + options_.welcome_within;
    while (!stopping_ && !attempt_.reads_ended) {
      absl::Duration wake_at = absl::InfiniteDuration();
      if (!attempt_.welcomed) {
        wake_at = welcome_by;
        if (Uptime() >= welcome_by) {
          attempt_.problem =
              absl::StrCat("no Welcome within ", absl::FormatDuration(options_.welcome_within));
          return;
        }
      } else if (newest_ != nullptr && !attempt_.write_in_flight) {
        wake_at = schedule.DueAt(*newest_);
        if (Uptime() >= wake_at) {
          attempt_.write_in_flight = true;
          schedule.Sent(*newest_, Uptime());
          const std::shared_ptr<const v1::Report> report = newest_;
          // gRPC may call back from inside of StartWrite.
          mutex_.Unlock();
          stream->Write(*report);
          mutex_.Lock();
          continue;
        }
      }
      changed_.WaitWithTimeout(&mutex_, wake_at - Uptime());
    }
  }

  bool Received(const v1::ControllerMessage& message) override {
    bool welcomed = false;
    {
      absl::MutexLock lock(&mutex_);
      welcomed = attempt_.welcomed;
      if (!welcomed && !message.has_welcome()) {
        attempt_.problem = "the first message is not Welcome: this is no tcpmedic controller";
        return false;
      }
    }
    switch (message.kind_case()) {
      case v1::ControllerMessage::kWelcome:
        if (message.welcome().has_signatures()) TakeSignatures(message.welcome().signatures());
        if (!welcomed) NoteWelcome(message.welcome());
        break;
      case v1::ControllerMessage::kSignatures:
        TakeSignatures(message.signatures());
        break;
      case v1::ControllerMessage::kAck: {
        absl::MutexLock lock(&mutex_);
        ++status_.reports_acked;
        board_->SetLink(status_);
        acked_sequence_ = std::max(acked_sequence_, message.ack().sequence());
        break;
      }
      case v1::ControllerMessage::kOrders:
        on_orders_(message.orders());
        break;
      case v1::ControllerMessage::KIND_NOT_SET:
        break;  // of a newer controller: not for us
    }
    return true;
  }

  void TakeSignatures(const v1::SignatureSet& set) {
    const absl::Status taken = on_signatures_(set);
    if (taken.ok()) {
      Log(LogLevel::kInfo, "signatures received",
          {{"revision", set.revision()}, {"count", absl::StrCat(set.signatures_size())}});
    } else {
      Log(LogLevel::kError, "signatures refused, the old ones stay",
          {{"reason", std::string(taken.message())}});
    }
  }

  void NoteWelcome(const v1::Welcome& welcome) {
    Log(LogLevel::kInfo, "connected to the controller",
        {{"controller", options_.controller}, {"version", welcome.controller_version()}});
    absl::MutexLock lock(&mutex_);
    attempt_.welcomed = true;
    attempt_.welcomed_at = Uptime();
    logged_problem_.clear();
    ++status_.connects;
    status_.connected = true;
    status_.problem.clear();
    board_->SetLink(status_);
    changed_.SignalAll();
  }

  void NoteEnd(absl::Duration retry_in) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    status_.connected = false;
    status_.problem = !attempt_.problem.empty() ? attempt_.problem
                      : attempt_.status.ok()    ? "the controller ended the stream"
                                                : attempt_.status.error_message();
    board_->SetLink(status_);
    // Every attempt fails alike while the controller is away; once is enough for a log.
    const bool known = status_.problem == logged_problem_;
    logged_problem_ = status_.problem;
    Log(known ? LogLevel::kDebug : LogLevel::kWarning, "not connected to the controller",
        {{"controller", options_.controller},
         {"reason", status_.problem},
         {"retry_in", absl::FormatDuration(absl::Trunc(retry_in, absl::Milliseconds(1)))}});
  }

  void WriteDone(bool ok) override {
    absl::MutexLock lock(&mutex_);
    attempt_.write_in_flight = !ok;  // after a failed write only the end follows
    if (ok && attempt_.hello_sent) {
      ++status_.reports_sent;
      board_->SetLink(status_);
    }
    attempt_.hello_sent = true;
    changed_.SignalAll();
  }

  void ReadsEnded() override {
    absl::MutexLock lock(&mutex_);
    attempt_.reads_ended = true;
    changed_.SignalAll();
  }

  void Done(const grpc::Status& status) override {
    absl::MutexLock lock(&mutex_);
    attempt_.status = status;
    attempt_.done = true;
    changed_.SignalAll();
  }

  absl::Duration Uptime() const { return clock_->Now().uptime; }

  const Options options_;
  const OnSignatures on_signatures_;
  const OnOrders on_orders_;
  StatusBoard* const board_;
  const Clock* const clock_;

  absl::Mutex mutex_;
  absl::CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<const v1::Report> newest_ ABSL_GUARDED_BY(mutex_);
  Attempt attempt_ ABSL_GUARDED_BY(mutex_);
  LinkStatus status_ ABSL_GUARDED_BY(mutex_);
  uint64_t acked_sequence_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string logged_problem_ ABSL_GUARDED_BY(mutex_);
  Backoff backoff_ ABSL_GUARDED_BY(mutex_);
  absl::BitGen random_ ABSL_GUARDED_BY(mutex_);

  std::thread thread_;  // last: it uses everything above
};

}  // namespace

std::unique_ptr<Link> Link::Start(Options options, OnSignatures on_signatures, OnOrders on_orders,
                                  StatusBoard* board, const Clock* clock) {
  // gRPC would write lines of its own between ours; what matters comes back as a status.
  gpr_set_log_function([](gpr_log_func_args* args) {
    Log(LogLevel::kDebug, args->message, {{"from", "grpc"}});
  });
  return std::make_unique<GrpcLink>(std::move(options), std::move(on_signatures),
                                    std::move(on_orders), board, clock);
}

}  // namespace tcpmedic
