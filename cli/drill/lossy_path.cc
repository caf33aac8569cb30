#include "cli/drill/lossy_path.h"

#include <fcntl.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "cli/drill/drill_ground.h"
#include "cli/drill/interruption.h"
#include "cli/drill/silence.h"
#include "cli/shipped_policies.h"
#include "core/errno_status.h"
#include "core/unique_fd.h"
#include "observe/inet_diag_socket.h"
#include "proto/proto_time.h"

namespace tcpmedic::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kSignature[] = "pinned-cwnd";
constexpr uint16_t kPort = 5201;

constexpr absl::Duration kSignatureNeeds = absl::Seconds(10);  // of a fresh transfer
// By now even what a slow-start overshoot looks like has passed.
constexpr absl::Duration kGiveUpAfter = absl::Seconds(22);

// The shipped files, or the user's, with another algorithm in the one action that they have.
absl::StatusOr<std::string> PoliciesThatPropose(const std::string& algorithm,
                                                const std::string& original,
                                                const std::string& directory) {
  const std::string copy = absl::StrCat(directory, "/policies");
  std::error_code error;
  fs::copy(original, copy, fs::copy_options::recursive, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("copy ", original, " to ", copy, ": ", error.message()));
  }
  const std::string path = copy + "/responses/lossy-path-to-bbr.yaml";
  std::ifstream in(path);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const std::string changed =
      absl::StrReplaceAll(text, {{"algorithm: bbr", absl::StrCat("algorithm: ", algorithm)}});
  std::ofstream out(path);
  out << changed;
  out.close();
  if (changed == text || !out) {
    return absl::UnavailableError(absl::StrCat("--to ", algorithm, ": cannot change ", path));
  }
  return copy;
}

class LossyPathRun {
 public:
  LossyPathRun(const LossyPathOptions& options, Progress& progress, AskPerson ask)
      : options_(options), progress_(progress), ask_(ask) {}

  absl::StatusOr<LossyPathReport> Run();

 private:
  absl::Status SetUp();
  absl::Status CauseFault();
  absl::Status WatchUntilKnown();
  absl::StatusOr<bool> HasClientEnded();
  std::string ClientLog() const;
  void HoldAgainstReceiver();
  absl::Status LookAtLiveSockets();
  std::string Elapsed() const;

  const LossyPathOptions& options_;
  Progress& progress_;
  const AskPerson ask_;
  LossyPathReport report_;
  DrillGround ground_;

  absl::Time fault_at_;
  std::optional<lab::Transfer> transfer_;  // the lab's own
  Silence silence_{kSignature};
  pid_t client_pid_ = 0;  // the user's
};

absl::StatusOr<LossyPathReport> LossyPathRun::Run() {
  InterruptGuard guard;
  report_.drill = "lossy-path";
  report_.expectation = Expect(options_);

  absl::Status status = SetUp();
  if (status.ok()) status = CauseFault();
  if (status.ok()) status = WatchUntilKnown();
  const auto elapsed = [this] { return Elapsed(); };
  if (status.ok() && report_.incident) {
    status = LetBeforeGrow(ground_, fault_at_, elapsed, progress_, report_);
  }
  if (status.ok() && report_.outcome == Outcome::kProposed) {
    status = AnswerProposal(ground_, options_.answer, ask_, progress_, report_);
  }
  if (status.ok()) status = LookAtLiveSockets();
  if (status.ok()) HoldAgainstReceiver();

  progress_.Step("Taking everything down");
  ground_.TakeDown(report_);
  progress_.Done();
  if (!status.ok()) return status;
  return std::move(report_);
}

absl::Status LossyPathRun::SetUp() {
  progress_.Step(absl::StrFormat(
      "A network of two hosts: %s round trip, %g %% loss, %g Mbit/s%s",
      absl::FormatDuration(options_.path.rtt), options_.path.loss_ratio * 100,
      static_cast<double>(options_.path.rate_bps) / 1e6, options_.ipv6 ? ", IPv6" : ""));
  if (absl::Status status = ground_.MakeDirectory(options_.state_dir); !status.ok()) return status;
  lab::LabOptions lab_options;
  lab_options.path = options_.path;
  lab_options.ipv6 = options_.ipv6;
  if (absl::Status status = ground_.StartLab(lab_options); !status.ok()) return status;

  progress_.Step("A controller and an agent that watch it, with the shipped policy files");
  std::string policies_dir = options_.policies_dir;
  if (options_.to != "bbr") {
    absl::StatusOr<std::string> policies = PoliciesThatPropose(
        options_.to, policies_dir.empty() ? ShippedPolicies() : policies_dir, ground_.directory());
    if (!policies.ok()) return policies.status();
    policies_dir = *std::move(policies);
  }
  std::optional<DrillGuard> guard;
  if (options_.answer != Answer::kNobody) {
    guard = {{ground_.lab().client().netns_cookie, ground_.lab().server().netns_cookie},
             {options_.to, options_.transfer.congestion_control}};
  }
  absl::StatusOr<std::string> digest = ground_.StartFleet(policies_dir, guard);
  if (!digest.ok()) return digest.status();
  report_.policies_digest = *std::move(digest);
  return absl::OkStatus();
}

absl::Status LossyPathRun::CauseFault() {
  if (options_.client_command.empty()) {
    const lab::TransferOptions& transfer = options_.transfer;
    progress_.Step(absl::StrCat(
        transfer.flows == 1 ? "A transfer" : absl::StrCat(transfer.flows, " transfers"),
        " from client to server, congestion control ", transfer.congestion_control,
        options_.look_alike.empty() ? "" : absl::StrCat(", ", options_.look_alike)));
    absl::StatusOr<lab::Transfer> started = ground_.lab().RunTransfer(transfer);
    if (!started.ok()) return started.status();
    transfer_ = *std::move(started);
    fault_at_ = transfer_->started_at;
    return absl::OkStatus();
  }

  progress_.Step(absl::StrCat("Your programs: ", options_.client_command));
  const absl::StatusOr<pid_t> server = ground_.StartServer(options_.server_command, kPort);
  if (!server.ok()) return server.status();
  absl::StatusOr<pid_t> client =
      ground_.lab().RunCommand(lab::HostRole::kClient, options_.client_command, kPort, ClientLog());
  if (!client.ok()) return client.status();
  client_pid_ = *client;
  fault_at_ = absl::Now();
  return absl::OkStatus();
}

std::string LossyPathRun::ClientLog() const {
  return absl::StrCat(ground_.directory(), "/client.log");
}

std::string LossyPathRun::Elapsed() const {
  const absl::Time now = absl::Now();
  std::string text = absl::StrFormat("%.0f s", absl::ToDoubleSeconds(now - fault_at_));
  if (transfer_) {
    // The newest samples may not reach to now.
    const absl::Time to = now - absl::Milliseconds(100);
    const absl::StatusOr<double> bps = transfer_->timeline.GoodputBps(to - absl::Seconds(1), to);
    if (bps.ok()) absl::StrAppendFormat(&text, ", receiving %.2f Mbit/s", *bps / 1e6);
  }
  return text;
}

absl::Status LossyPathRun::WatchUntilKnown() {
  absl::Time client_ended = absl::InfiniteFuture();
  while (absl::Now() < fault_at_ + kGiveUpAfter) {
    if (absl::Status status = ground_.Alive(); !status.ok()) return status;
    absl::StatusOr<std::optional<v1::IncidentView>> found =
        ground_.FindIncident([](const v1::IncidentView& view) {
          return view.incident().finding().signature() == kSignature &&
                 view.incident().has_decision();
        });
    if (!found.ok()) return found.status();
    if (*found) {
      report_.incident = *std::move(*found);
      const v1::Incident& incident = report_.incident->incident();
      report_.fault_to_finding = FromProto(incident.opened_at()) - fault_at_;
      report_.outcome =
          report_.incident->proposals().empty() ? Outcome::kNoted : Outcome::kProposed;
      return absl::OkStatus();
    }
    if (client_ended == absl::InfiniteFuture()) {
      const absl::StatusOr<bool> ended = HasClientEnded();
      if (!ended.ok()) return ended.status();
      if (*ended) client_ended = absl::Now();
    }
    // A client that has ended leaves nothing to find; the agent's last findings are under way.
    if (absl::Now() > client_ended + absl::Seconds(3)) break;
    if (absl::Now() >= fault_at_ + kSignatureNeeds) {
      if (absl::Status status = ground_.AddActivity(silence_); !status.ok()) return status;
    }
    progress_.Detail(Elapsed());
    absl::SleepFor(kDrillPoll);
  }
  report_.outcome = Outcome::kNotDetected;
  report_.why_not = silence_.Words();
  report_.activity = silence_.MostOften();
  return absl::OkStatus();
}

// The user's own, and well. Aborted: it failed.
absl::StatusOr<bool> LossyPathRun::HasClientEnded() {
  if (client_pid_ == 0) return false;
  absl::StatusOr<std::optional<lab::ExitStatus>> exited = ground_.lab().Exited(client_pid_);
  if (!exited.ok() || !*exited) return false;
  if ((*exited)->ok()) return true;
  return absl::AbortedError(absl::StrCat("--client ended with exit code ", (*exited)->code,
                                         ". What it wrote:\n", TailOf(ClientLog())));
}

// By a dump of our own, not by what the agent reports.
absl::Status LossyPathRun::LookAtLiveSockets() {
  const UniqueFd netns(open(absl::StrCat("/proc/", ground_.lab().client().pid, "/ns/net").c_str(),
                            O_RDONLY | O_CLOEXEC));
  if (!netns.valid()) return ErrnoStatus("open the client's network namespace");
  absl::StatusOr<std::unique_ptr<InetDiagSocket>> sockets =
      InetDiagSocket::OpenInNamespace(netns.get());
  if (!sockets.ok()) return sockets.status();
  return (*sockets)
      ->Dump({.states = MaskOf(TcpState::kEstablished)},
             [&](const SocketSample& sample) {
               if (sample.remote_port != kPort) return;
               report_.live_sockets.push_back({sample.key.cookie, std::string(sample.cc())});
             })
      .status();
}

void LossyPathRun::HoldAgainstReceiver() {
  if (!transfer_) return;
  const auto counted = [&](const v1::Measurement* window) -> std::optional<double> {
    if (window == nullptr || !window->has_start() || !window->has_end()) return std::nullopt;
    const absl::StatusOr<double> bps =
        transfer_->timeline.GoodputBps(FromProto(window->start()), FromProto(window->end()));
    return bps.ok() ? std::optional(*bps) : std::nullopt;
  };
  report_.receiver_before_bps = counted(Before(report_));
  report_.receiver_after_bps = counted(After(report_));
}

}  // namespace

absl::StatusOr<LossyPathReport> RunLossyPath(const LossyPathOptions& options, Progress& progress,
                                             AskPerson ask) {
  return LossyPathRun(options, progress, ask).Run();
}

}  // namespace tcpmedic::cli
