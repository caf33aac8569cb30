#include "cli/drill/close_wait_leak.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "cli/drill/drill_ground.h"
#include "cli/drill/interruption.h"
#include "cli/drill/server_view.h"
#include "cli/drill/silence.h"
#include "cli/render/leak_words.h"
#include "cli/render/quantity.h"
#include "cli/render/sampling_words.h"
#include "cli/render/words.h"
#include "proto/proto_time.h"

namespace tcpmedic::cli {
namespace {

// What the policy that samples asks of a host: policies/responses/close-wait-leak-alert.yaml.
constexpr char kCallSitesLabel[] = "call_sites";
// The slopes of memory and descriptors need ten seconds.
constexpr absl::Duration kSlopesPatience = absl::Seconds(15);
// The proposal, its approval by the policy and the agent's answer, beside the time that it samples.
constexpr absl::Duration kSamplingPatience = absl::Seconds(30);
constexpr absl::Duration kMostSampling = absl::Minutes(10);

class CloseWaitLeakRun {
 public:
  CloseWaitLeakRun(const CloseWaitLeakOptions& options, Progress& progress)
      : options_(options), progress_(progress), silence_(kCloseWaitLeak) {}

  absl::StatusOr<CloseWaitLeakReport> Run();

 private:
  absl::Status SetUp();
  absl::Status CauseFault();
  absl::Status WatchUntilKnown();
  absl::Status LetSlopesGrow();
  absl::Status FollowSampling();
  absl::Status SumUp();
  absl::Status Refresh();
  void Settle(v1::IncidentView incident);
  uint16_t port() const { return options_.server.port; }
  std::string Elapsed() const;

  const CloseWaitLeakOptions& options_;
  Progress& progress_;
  CloseWaitLeakReport report_;
  DrillGround ground_;
  std::optional<lab::LeakClients> clients_;
  absl::Time fault_at_;
  Silence silence_;
};

absl::StatusOr<CloseWaitLeakReport> CloseWaitLeakRun::Run() {
  InterruptGuard guard;
  report_.drill = "close-wait-leak";
  report_.expectation = Expect(options_);

  absl::Status status = SetUp();
  if (status.ok()) status = CauseFault();
  if (status.ok()) status = WatchUntilKnown();
  if (status.ok() && report_.outcome == Outcome::kAlerted) {
    status = LetSlopesGrow();
    if (status.ok() && options_.call_sites) status = FollowSampling();
  }
  if (status.ok()) status = SumUp();

  progress_.Step("Taking everything down");
  ground_.TakeDown(report_);
  progress_.Done();
  if (!status.ok()) return status;
  return std::move(report_);
}

absl::Status CloseWaitLeakRun::SetUp() {
  progress_.Step(absl::StrFormat("A network of two hosts: %s round trip%s",
                                 absl::FormatDuration(options_.rtt),
                                 options_.ipv6 ? ", IPv6" : ""));
  if (absl::Status status = ground_.MakeDirectory(options_.state_dir); !status.ok()) return status;
  lab::LabOptions lab_options;
  lab_options.path = {.rtt = options_.rtt, .loss_ratio = 0, .rate_bps = 0, .seed = options_.seed};
  lab_options.ipv6 = options_.ipv6;
  if (absl::Status status = ground_.StartLab(lab_options); !status.ok()) return status;
  if (!options_.server_command.empty()) {
    progress_.Step(absl::StrCat("Your server: ", options_.server_command));
    const absl::StatusOr<pid_t> server = ground_.StartServer(options_.server_command, port());
    if (!server.ok()) return server.status();
    report_.server_pid = *server;
  }

  progress_.Step("A controller and an agent that watch it, with the shipped policy files");
  std::optional<DrillGuard> guard;
  std::map<std::string, std::string> labels;
  if (options_.call_sites) {
    guard.emplace();
    guard->netns_cookies = {ground_.lab().server().netns_cookie};
    guard->sample_call_sites = true;
    labels[kCallSitesLabel] = "on";
  }
  absl::StatusOr<std::string> digest = ground_.StartFleet(options_.policies_dir, guard, labels);
  if (!digest.ok()) return digest.status();
  report_.policies_digest = *std::move(digest);
  return absl::OkStatus();
}

absl::Status CloseWaitLeakRun::CauseFault() {
  if (options_.server_command.empty()) {
    progress_.Step(
        options_.server.bug == lab::LeakBug::kNone
            ? std::string("A server that closes its connections")
            : absl::StrCat("A server with a bug: ", lab::LeakBugName(options_.server.bug)));
    const absl::StatusOr<pid_t> server = ground_.lab().RunLeakyServer(options_.server);
    if (!server.ok()) return server.status();
    report_.server_pid = *server;
    report_.bug = options_.server.bug;
  }
  const lab::LeakClientsOptions& clients = options_.clients;
  progress_.Step(absl::StrCat(
      "Its clients: ", clients.burst > 0
                           ? absl::StrCat(clients.burst, " at once")
                           : absl::StrFormat("%g connections per second", clients.rate_per_s)));
  absl::StatusOr<lab::LeakClients> running = ground_.lab().RunLeakClients(clients);
  if (!running.ok()) return running.status();
  clients_ = *std::move(running);
  fault_at_ = clients_->started_at;
  return absl::OkStatus();
}

std::string CloseWaitLeakRun::Elapsed() const {
  return absl::StrFormat("%.0f s, %s clients answered",
                         absl::ToDoubleSeconds(absl::Now() - fault_at_),
                         CountText(clients_->counts().answered));
}

void CloseWaitLeakRun::Settle(v1::IncidentView incident) {
  report_.incident = std::move(incident);
  report_.fault_to_finding = FromProto(report_.incident->incident().opened_at()) - fault_at_;
  report_.outcome = !ReceiversOf(report_.incident->incident().decision()).empty()
                        ? Outcome::kAlerted
                    : report_.incident->proposals().empty() ? Outcome::kNoted
                                                            : Outcome::kProposed;
}

absl::Status CloseWaitLeakRun::WatchUntilKnown() {
  progress_.Step("Watching");
  const auto decided = [](const v1::IncidentView& view) { return view.incident().has_decision(); };
  while (absl::Now() < fault_at_ + options_.watch) {
    if (absl::Status status = ground_.Alive(); !status.ok()) return status;
    absl::StatusOr<std::optional<v1::IncidentView>> found = ground_.FindIncident(decided);
    if (!found.ok()) return found.status();
    if (*found) {
      Settle(*std::move(*found));
      return absl::OkStatus();
    }
    if (absl::Now() >= fault_at_ + kLeakNeeds) {
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

absl::Status CloseWaitLeakRun::Refresh() {
  absl::StatusOr<v1::IncidentView> view =
      ground_.controller().GetIncident(report_.incident->incident().id());
  if (!view.ok()) return view.status();
  report_.incident = *std::move(view);
  return absl::OkStatus();
}

// Until the forecast rests on slopes of its own.
absl::Status CloseWaitLeakRun::LetSlopesGrow() {
  progress_.Step("Found. Measuring how fast its memory grows");
  const absl::Time patience = absl::Now() + kSlopesPatience;
  while (absl::Now() < patience) {
    if (absl::Status status = ground_.Alive(); !status.ok()) return status;
    if (absl::Status status = Refresh(); !status.ok()) return status;
    const v1::Finding& finding = report_.incident->incident().finding();
    if (FactIn(finding, "process.rss_growth_bytes_per_min") != nullptr) break;
    progress_.Detail(Elapsed());
    absl::SleepFor(kDrillPoll);
  }
  return absl::OkStatus();
}

// To the end of the order that samples. Where none is made, the incident says why.
absl::Status CloseWaitLeakRun::FollowSampling() {
  progress_.Step("Sampling where in its code the descriptors were last used");
  const absl::Time began = absl::Now();
  absl::Time patience = began + kSamplingPatience;
  while (absl::Now() < patience) {
    if (absl::Status status = ground_.Alive(); !status.ok()) return status;
    if (absl::Status status = Refresh(); !status.ok()) return status;
    const v1::Order* const order = SamplingOrder(*report_.incident);
    if (order != nullptr) {
      if (SamplingIsOver(*order)) break;
      const absl::Duration samples = FromProto(order->action().sample_call_sites().duration());
      patience = began + kSamplingPatience + std::min(samples, kMostSampling);
      progress_.Detail(SamplingWords(*order, absl::Now()));
    }
    absl::SleepFor(kDrillPoll);
  }
  return absl::OkStatus();
}

absl::Status CloseWaitLeakRun::SumUp() {
  report_.clients = clients_->counts();
  const absl::StatusOr<CloseWaitPile> pile = LookAtCloseWait(ground_.lab().server().pid);
  if (!pile.ok()) return pile.status();
  report_.outside = *pile;
  CheckAgainstLab(report_);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CloseWaitLeakReport> RunCloseWaitLeak(const CloseWaitLeakOptions& options,
                                                     Progress& progress, AskPerson /*ask*/) {
  return CloseWaitLeakRun(options, progress).Run();
}

}  // namespace tcpmedic::cli
