#include "cli/drill/lossy_path.h"

#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "cli/command.h"
#include "cli/drill/guard_file.h"
#include "cli/drill/left_behind.h"
#include "cli/drill/private_fleet.h"
#include "cli/drill/scratch_directory.h"
#include "cli/follow_order.h"
#include "cli/render/order_words.h"
#include "cli/shipped_policies.h"
#include "core/errno_status.h"
#include "core/unique_fd.h"
#include "lab/lab.h"
#include "observe/inet_diag_socket.h"
#include "proto/proto_time.h"

namespace tcpmedic::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kSignature[] = "pinned-cwnd";
constexpr char kHost[] = "lab";
constexpr uint16_t kPort = 5201;

constexpr absl::Duration kPoll = absl::Milliseconds(200);
constexpr absl::Duration kStartTimeout = absl::Seconds(15);
constexpr absl::Duration kSignatureNeeds = absl::Seconds(10);  // of a fresh transfer
// By now even what a slow-start overshoot looks like has passed.
constexpr absl::Duration kGiveUpAfter = absl::Seconds(22);
// `before` leaves out a transfer's first 5 s and is wanted 10 s long.
constexpr absl::Duration kBeforeSpan = absl::Milliseconds(9500);
constexpr absl::Duration kFollowersPatience = absl::Seconds(5);
constexpr absl::Duration kBeforePatience = absl::Seconds(12);

std::atomic<bool> interrupted{false};

// While it lives, SIGINT and SIGTERM end the drill in order instead of the process.
class InterruptGuard {
 public:
  InterruptGuard() {
    interrupted = false;
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted = true; };
    sigaction(SIGINT, &action, &old_int_);
    sigaction(SIGTERM, &action, &old_term_);
  }
  ~InterruptGuard() {
    sigaction(SIGINT, &old_int_, nullptr);
    sigaction(SIGTERM, &old_term_, nullptr);
  }

 private:
  struct sigaction old_int_ {};
  struct sigaction old_term_ {};
};

std::string Tail(const std::string& path) {
  std::ifstream in(path);
  std::string all((std::istreambuf_iterator<char>(in)), {});
  constexpr size_t kTailBytes = 600;
  return all.size() <= kTailBytes ? all : all.substr(all.size() - kTailBytes);
}

absl::Status PrepareStateDir(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) {
    return absl::UnavailableError(absl::StrCat("--state-dir ", path, ": ", error.message()));
  }
  if (!fs::is_empty(path, error) || error) {
    return absl::FailedPreconditionError(absl::StrCat(
        "--state-dir ", path, " is not empty: a drill keeps its own state; give a new directory"));
  }
  fs::permissions(path, fs::perms::owner_all, error);
  return absl::OkStatus();
}

Outcome OutcomeOf(const v1::Order& order) {
  if (IsVerified(order)) return Outcome::kVerified;
  if (order.state() != v1::Order::STATE_ROLLED_BACK) return Outcome::kOrderFailed;
  return order.verification().result() == v1::Verification::RESULT_INCONCLUSIVE
             ? Outcome::kInconclusive
             : Outcome::kRolledBack;
}

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

  absl::StatusOr<DrillReport> Run();

 private:
  absl::Status SetUp();
  absl::Status CauseFault();
  absl::Status WatchUntilKnown();
  absl::Status LetBeforeGrow();
  absl::Status Alive();
  absl::StatusOr<std::optional<v1::IncidentView>> FindIncident();
  void HoldAgainstReceiver();
  absl::Status Decide();
  absl::Status FollowOrder(absl::Time approved_at);
  absl::Status LookAtLiveSockets();
  absl::Status LookAtActivity();
  std::string WhyNot();
  std::string Elapsed() const;

  const LossyPathOptions& options_;
  Progress& progress_;
  const AskPerson ask_;
  DrillReport report_;

  // In the order of their making; they end in the reverse order.
  std::optional<ScratchDirectory> scratch_;
  std::string directory_;
  std::unique_ptr<lab::Lab> lab_;
  std::unique_ptr<PrivateFleet> fleet_;

  absl::Time fault_at_;
  std::optional<lab::Transfer> transfer_;  // the lab's own
  // By the text of the furthest stop: how often it was seen once the signature had time to fire,
  // and the newest activity that shows it. One scan alone may show a chance: a window without loss.
  std::map<std::string, std::pair<int, v1::SignatureActivity>> stopped_at_;
  pid_t client_pid_ = 0;  // the user's
  pid_t server_pid_ = 0;
};

absl::StatusOr<DrillReport> LossyPathRun::Run() {
  InterruptGuard guard;
  report_.drill = "lossy-path";
  report_.expectation = Expect(options_);
  const std::set<std::string> links_before = LinksHere();

  absl::Status status = SetUp();
  if (status.ok()) status = CauseFault();
  if (status.ok()) status = WatchUntilKnown();
  if (status.ok() && report_.incident) status = LetBeforeGrow();
  if (status.ok() && report_.outcome == Outcome::kProposed) status = Decide();
  if (status.ok()) status = LookAtLiveSockets();
  if (status.ok()) HoldAgainstReceiver();

  progress_.Step("Taking everything down");
  std::vector<uint64_t> inodes;
  if (fleet_) report_.left_behind = fleet_->Stop();
  if (lab_) {
    inodes = {lab_->client().netns_inode, lab_->server().netns_inode};
    for (std::string& line : lab_->Stop()) report_.left_behind.push_back(std::move(line));
    report_.path = lab_->Stats();
    if (!report_.path.clean()) {
      report_.problems.push_back(
          "the lab itself dropped packets that the path did not ask for: this machine was too "
          "busy");
    }
  }
  for (std::string& line : LeftBehind(inodes, links_before)) {
    report_.left_behind.push_back(std::move(line));
  }
  if (scratch_ && !scratch_->Remove()) report_.left_behind.push_back(scratch_->path());
  progress_.Done();
  if (!status.ok()) return status;
  return std::move(report_);
}

absl::Status LossyPathRun::SetUp() {
  progress_.Step(absl::StrFormat(
      "A network of two hosts: %s round trip, %g %% loss, %g Mbit/s%s",
      absl::FormatDuration(options_.path.rtt), options_.path.loss_ratio * 100,
      static_cast<double>(options_.path.rate_bps) / 1e6, options_.ipv6 ? ", IPv6" : ""));
  if (options_.state_dir.empty()) {
    absl::StatusOr<ScratchDirectory> scratch = ScratchDirectory::Create();
    if (!scratch.ok()) return scratch.status();
    scratch_.emplace(*std::move(scratch));
    directory_ = scratch_->path();
  } else {
    if (absl::Status status = PrepareStateDir(options_.state_dir); !status.ok()) return status;
    directory_ = fs::absolute(options_.state_dir);
  }

  lab::LabOptions lab_options;
  lab_options.path = options_.path;
  lab_options.ipv6 = options_.ipv6;
  absl::StatusOr<std::unique_ptr<lab::Lab>> lab = lab::Lab::Start(lab_options);
  if (!lab.ok()) return lab.status();
  lab_ = *std::move(lab);

  progress_.Step("A controller and an agent that watch it, with the shipped policy files");
  PrivateFleetOptions fleet_options;
  fleet_options.directory = directory_;
  fleet_options.host = kHost;
  fleet_options.netns_inodes = {lab_->client().netns_inode, lab_->server().netns_inode};
  fleet_options.policies_dir = options_.policies_dir;
  if (options_.to != "bbr") {
    absl::StatusOr<std::string> policies = PoliciesThatPropose(
        options_.to, options_.policies_dir.empty() ? ShippedPolicies() : options_.policies_dir,
        directory_);
    if (!policies.ok()) return policies.status();
    fleet_options.policies_dir = *std::move(policies);
  }
  if (options_.answer != Answer::kNobody) {
    fleet_options.guard_path = absl::StrCat(directory_, "/guard.yaml");
    const DrillGuard guard{{lab_->client().netns_cookie, lab_->server().netns_cookie},
                           {options_.to, options_.transfer.congestion_control}};
    if (absl::Status status = WriteGuardFile(guard, fleet_options.guard_path); !status.ok()) {
      return status;
    }
  }
  absl::StatusOr<std::unique_ptr<PrivateFleet>> fleet = PrivateFleet::Start(fleet_options);
  if (!fleet.ok()) return fleet.status();
  fleet_ = *std::move(fleet);
  if (absl::Status status = fleet_->WaitUntilWatching(kStartTimeout); !status.ok()) return status;
  absl::StatusOr<v1::PolicyStatus> policies = fleet_->controller().GetPolicyStatus();
  if (!policies.ok()) return policies.status();
  report_.policies_digest = policies->digest();
  return absl::OkStatus();
}

absl::Status LossyPathRun::CauseFault() {
  if (options_.client_command.empty()) {
    const lab::TransferOptions& transfer = options_.transfer;
    progress_.Step(absl::StrCat(
        transfer.flows == 1 ? "A transfer" : absl::StrCat(transfer.flows, " transfers"),
        " from client to server, congestion control ", transfer.congestion_control,
        options_.look_alike.empty() ? "" : absl::StrCat(", ", options_.look_alike)));
    absl::StatusOr<lab::Transfer> started = lab_->RunTransfer(transfer);
    if (!started.ok()) return started.status();
    transfer_ = *std::move(started);
    fault_at_ = transfer_->started_at;
    return absl::OkStatus();
  }

  progress_.Step(absl::StrCat("Your programs: ", options_.client_command));
  const std::string server_log = absl::StrCat(directory_, "/server.log");
  absl::StatusOr<pid_t> server =
      lab_->RunCommand(lab::HostRole::kServer, options_.server_command, kPort, server_log);
  if (!server.ok()) return server.status();
  server_pid_ = *server;
  if (absl::Status status =
          lab_->WaitUntilListening(lab::HostRole::kServer, kPort, absl::Seconds(10), server_pid_);
      !status.ok()) {
    return absl::Status(status.code(),
                        absl::StrCat("--server: ", status.message(), "; it must listen on $PORT (",
                                     kPort, "). What it wrote:\n", Tail(server_log)));
  }
  absl::StatusOr<pid_t> client = lab_->RunCommand(lab::HostRole::kClient, options_.client_command,
                                                  kPort, absl::StrCat(directory_, "/client.log"));
  if (!client.ok()) return client.status();
  client_pid_ = *client;
  fault_at_ = absl::Now();
  return absl::OkStatus();
}

absl::Status LossyPathRun::Alive() {
  if (interrupted) return absl::CancelledError("interrupted; everything was taken down");
  if (absl::Status status = fleet_->Health(); !status.ok()) return status;
  return lab_->Health();
}

// The newest incident of the signature, from the controller, as an operator would see it.
absl::StatusOr<std::optional<v1::IncidentView>> LossyPathRun::FindIncident() {
  v1::ListIncidentsRequest request;
  request.set_include_closed(true);
  absl::StatusOr<v1::ListIncidentsResponse> incidents = fleet_->controller().ListIncidents(request);
  if (!incidents.ok()) return incidents.status();
  for (v1::IncidentView& view : *incidents->mutable_incidents()) {
    if (view.incident().finding().signature() == kSignature) return std::move(view);
  }
  return std::nullopt;
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
    if (absl::Status status = Alive(); !status.ok()) return status;
    absl::StatusOr<std::optional<v1::IncidentView>> found = FindIncident();
    if (!found.ok()) return found.status();
    if (*found && (*found)->incident().has_decision()) {
      report_.incident = **found;
      report_.fault_to_finding = FromProto((*found)->incident().opened_at()) - fault_at_;
      report_.outcome = (*found)->proposals().empty() ? Outcome::kNoted : Outcome::kProposed;
      return absl::OkStatus();
    }
    if (client_pid_ != 0 && client_ended == absl::InfiniteFuture()) {
      absl::StatusOr<std::optional<lab::ExitStatus>> exited = lab_->Exited(client_pid_);
      if (exited.ok() && *exited) {
        if (!(*exited)->ok()) {
          return absl::AbortedError(absl::StrCat("--client ended with exit code ", (*exited)->code,
                                                 ". What it wrote:\n",
                                                 Tail(absl::StrCat(directory_, "/client.log"))));
        }
        client_ended = absl::Now();
      }
    }
    // A client that has ended leaves nothing to find; the agent's last findings are under way.
    if (absl::Now() > client_ended + absl::Seconds(3)) break;
    if (absl::Status status = LookAtActivity(); !status.ok()) return status;
    progress_.Detail(Elapsed());
    absl::SleepFor(kPoll);
  }
  report_.outcome = Outcome::kNotDetected;
  report_.why_not = WhyNot();
  return absl::OkStatus();
}

absl::Status LossyPathRun::LetBeforeGrow() {
  progress_.Step("Found. Measuring it over ten seconds");
  const absl::Time patience = absl::Now() + kBeforePatience;
  while (absl::Now() < patience) {
    if (absl::Status status = Alive(); !status.ok()) return status;
    absl::StatusOr<std::optional<v1::IncidentView>> found = FindIncident();
    if (!found.ok()) return found.status();
    if (!*found || !(*found)->incident().finding_present()) break;
    report_.incident = **found;
    const v1::Measurement& before = report_.incident->incident().finding().before();
    if (FromProto(before.end()) - FromProto(before.start()) >= kBeforeSpan) break;
    progress_.Detail(Elapsed());
    absl::SleepFor(kPoll);
  }
  return absl::OkStatus();
}

// The person's or the flags' answer to the proposal, and what comes of it.
absl::Status LossyPathRun::Decide() {
  const std::string id = report_.incident->incident().id();
  if (options_.answer == Answer::kNobody) return absl::OkStatus();
  if (options_.answer == Answer::kAsk) {
    progress_.Done();
    const std::optional<std::string> refusal = ask_(*report_.incident);
    if (interrupted) return Alive();
    if (refusal) {
      v1::RejectRequest request;
      request.set_id(id);
      request.set_reason(*refusal);
      request.set_actor(Actor());
      absl::StatusOr<v1::IncidentView> rejected = fleet_->controller().Reject(request);
      if (!rejected.ok()) return rejected.status();
      report_.incident = *std::move(rejected);
      report_.outcome = Outcome::kRejected;
      report_.expectation = {Outcome::kRejected, "you said no"};
      return absl::OkStatus();
    }
  }
  const absl::Time approved_at = absl::Now();
  v1::ApproveRequest request;
  request.set_id(id);
  request.set_actor(Actor());
  request.set_digest(report_.incident->proposals(0).digest());
  absl::StatusOr<v1::IncidentView> approved = fleet_->controller().Approve(request);
  if (!approved.ok()) return approved.status();
  report_.incident = *std::move(approved);
  return FollowOrder(approved_at);
}

absl::Status LossyPathRun::FollowOrder(absl::Time approved_at) {
  const std::string proposal_id = report_.incident->proposals(0).id();
  std::string doing;
  while (true) {
    if (absl::Status status = Alive(); !status.ok()) return status;
    absl::StatusOr<v1::IncidentView> view =
        fleet_->controller().GetIncident(report_.incident->incident().id());
    if (!view.ok()) return view.status();
    report_.incident = *std::move(view);
    const OrderStep step = StepOf(*report_.incident, proposal_id, absl::Now());
    if (step.doing != doing) progress_.Step(step.doing);
    doing = step.doing;
    progress_.Detail(step.detail);
    if (step.end) break;
    absl::SleepFor(kPoll);
  }
  // Those that were kept back to compare follow after success; what is shown is how it ended.
  const absl::Time patience = absl::Now() + kFollowersPatience;
  const auto waits = [&] {
    const v1::Order* order = OrderOf(*report_.incident, proposal_id);
    return order != nullptr && IsVerified(*order) &&
           std::any_of(
               order->targets().begin(), order->targets().end(), [](const v1::Target& target) {
                 return target.held_back() && target.state() == v1::Target::STATE_UNSPECIFIED;
               });
  };
  while (waits() && absl::Now() < patience) {
    absl::SleepFor(kPoll);
    absl::StatusOr<v1::IncidentView> view =
        fleet_->controller().GetIncident(report_.incident->incident().id());
    if (!view.ok()) return view.status();
    report_.incident = *std::move(view);
  }

  const v1::Order* order = OrderOf(*report_.incident, proposal_id);
  if (order == nullptr) {
    report_.outcome = Outcome::kOrderFailed;
    return absl::OkStatus();
  }
  report_.outcome = OutcomeOf(*order);
  if (order->has_applied_at()) {
    const absl::Time applied_at = FromProto(order->applied_at());
    report_.approval_to_applied = applied_at - approved_at;
    if (order->has_decided_at()) {
      report_.applied_to_verdict = FromProto(order->decided_at()) - applied_at;
    }
  }
  return absl::OkStatus();
}

// By a dump of our own, not by what the agent reports.
absl::Status LossyPathRun::LookAtLiveSockets() {
  const UniqueFd netns(
      open(absl::StrCat("/proc/", lab_->client().pid, "/ns/net").c_str(), O_RDONLY | O_CLOEXEC));
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

// The agent's own account of where sockets stopped. The furthest stop is the one that came nearest
// to a finding.
absl::Status LossyPathRun::LookAtActivity() {
  if (absl::Now() < fault_at_ + kSignatureNeeds) return absl::OkStatus();
  absl::StatusOr<v1::ListHostsResponse> hosts = fleet_->controller().ListHosts();
  if (!hosts.ok()) return hosts.status();
  if (hosts->hosts().empty()) return absl::OkStatus();
  for (const v1::SignatureActivity& activity : hosts->hosts(0).activity()) {
    if (activity.signature() != kSignature || activity.stops().empty()) continue;
    auto& [times, newest] = stopped_at_[activity.stops(activity.stops_size() - 1).at()];
    ++times;
    newest = activity;
  }
  return absl::OkStatus();
}

std::string LossyPathRun::WhyNot() {
  const auto most = std::max_element(
      stopped_at_.begin(), stopped_at_.end(),
      [](const auto& a, const auto& b) { return a.second.first < b.second.first; });
  if (most == stopped_at_.end()) {
    return absl::StrCat(kSignature, ": the agent saw no TCP socket of a kind that it looks at");
  }
  report_.activity = most->second.second;
  std::vector<std::string> reasons;
  for (auto stop = report_.activity->stops().rbegin(); stop != report_.activity->stops().rend();
       ++stop) {
    reasons.push_back(absl::StrCat(
        stop->sockets(), stop->sockets() == 1 ? " socket " : " sockets ",
        stop->look_alike() ? absl::StrCat("ruled out as ", stop->at())
        : stop->waiting()  ? absl::StrCat("not watched long enough for `", stop->at(), "`")
                           : absl::StrCat("without `", stop->at(), "`"),
        stop->example().empty() ? "" : absl::StrCat(" (", stop->example(), ")")));
  }
  return absl::StrCat(kSignature, ": ", absl::StrJoin(reasons, "; "));
}

}  // namespace

absl::StatusOr<DrillReport> RunLossyPath(const LossyPathOptions& options, Progress& progress,
                                         AskPerson ask) {
  return LossyPathRun(options, progress, ask).Run();
}

}  // namespace tcpmedic::cli
