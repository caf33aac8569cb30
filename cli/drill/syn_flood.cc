#include "cli/drill/syn_flood.h"

#include <algorithm>
#include <map>
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
#include "cli/render/quantity.h"
#include "lab/connects.h"
#include "lab/listener.h"
#include "lab/port_scan.h"
#include "lab/syn_flood.h"
#include "proto/proto_time.h"

namespace tcpmedic::cli {
namespace {

constexpr uint16_t kPort = 443;
constexpr absl::string_view kSyncookies = "net.ipv4.tcp_syncookies";
constexpr absl::string_view kWatchedSysctls[] = {kSyncookies, "net.ipv4.tcp_max_syn_backlog",
                                                 "net.core.somaxconn"};

// However long a person takes to answer.
constexpr absl::Duration kProgramsLast = absl::Minutes(10);
// So that more than half of its attempts have had their whole timeout.
constexpr absl::Duration kBaseline = absl::Seconds(7);
// What a signature needs once the queue is full: a window of 5 s and 5 s of `for`.
constexpr absl::Duration kSignatureNeeds = absl::Seconds(10);
constexpr absl::Duration kGiveUpAfter = absl::Seconds(25);
// A note is no end: what is said to be harmless is watched on.
constexpr absl::Duration kWatchOn = absl::Seconds(10);

class SynFloodRun {
 public:
  SynFloodRun(const SynFloodOptions& options, Progress& progress, AskPerson ask)
      : options_(options),
        progress_(progress),
        ask_(ask),
        silence_(options.cookies ? kFloodAbsorbed : kFloodUnprotected) {}

  absl::StatusOr<SynFloodReport> Run();

 private:
  absl::Status SetUp();
  absl::Status StartPrograms();
  absl::Status TakeBaseline();
  absl::Status CauseFault();
  absl::Status WatchUntilKnown();
  absl::Status WatchOn();
  absl::Status Repair();
  absl::Status WaitForConnects(const lab::ConnectLog& log, absl::Time from);
  absl::Status SumUp();
  absl::Status CheckOtherNamespaces();
  void Settle(v1::IncidentView incident);
  // When the queue has had time to fill.
  absl::Time FullFrom() const;
  // When what was found was changed; nullopt: nothing was.
  std::optional<absl::Time> AppliedAt() const;
  std::string Elapsed() const;

  const SynFloodOptions& options_;
  Progress& progress_;
  const AskPerson ask_;
  SynFloodReport report_;
  DrillGround ground_;

  std::optional<lab::Connects> clients_;  // before the fault, under it and after the change
  std::optional<lab::Connects> burst_;
  std::optional<lab::SynFlood> syns_;  // a flood or a port scan
  absl::Time fault_at_;
  // Of the namespaces that nobody may change: ours and the client's.
  std::map<pid_t, Sysctls> others_before_;
  Silence silence_;
};

absl::StatusOr<SynFloodReport> SynFloodRun::Run() {
  InterruptGuard guard;
  report_.drill = "syn-flood";
  report_.expectation = Expect(options_);

  absl::Status status = SetUp();
  if (status.ok()) status = TakeBaseline();
  if (status.ok()) status = CauseFault();
  if (status.ok()) status = WatchUntilKnown();
  if (status.ok() && report_.incident) {
    status = report_.outcome == Outcome::kProposed ? Repair() : WatchOn();
  }
  if (status.ok()) status = SumUp();

  progress_.Step("Taking everything down");
  ground_.TakeDown(report_);
  progress_.Done();
  if (!status.ok()) return status;
  return std::move(report_);
}

absl::Status SynFloodRun::SetUp() {
  progress_.Step(absl::StrFormat(
      "A network of two hosts: %s round trip%s; SYN cookies %s, backlog %d, tcp_max_syn_backlog %d",
      absl::FormatDuration(options_.rtt), options_.ipv6 ? ", IPv6" : "",
      options_.cookies ? "on" : "off", options_.backlog, options_.max_syn_backlog));
  if (absl::Status status = ground_.MakeDirectory(options_.state_dir); !status.ok()) return status;
  lab::LabOptions lab_options;
  lab_options.path = {.rtt = options_.rtt, .loss_ratio = 0, .rate_bps = 0, .seed = options_.seed};
  lab_options.ipv6 = options_.ipv6;
  lab_options.server_sysctls = {
      {std::string(kSyncookies), options_.cookies ? "1" : "0"},
      {"net.ipv4.tcp_max_syn_backlog", absl::StrCat(options_.max_syn_backlog)},
      // What listen() is cut to: the user's server gets no more than the lab's own.
      {"net.core.somaxconn", absl::StrCat(options_.backlog)},
      // A client that tcp_metrics remembers as proven would still get in where ¾ of
      // tcp_max_syn_backlog is reached first (tcp_peer_is_proven in net/ipv4/tcp_metrics.c).
      {"net.ipv4.tcp_no_metrics_save", "1"}};
  if (absl::Status status = ground_.StartLab(lab_options); !status.ok()) return status;
  absl::StatusOr<Sysctls> before = ReadSysctls(ground_.lab().server().pid, kWatchedSysctls);
  if (!before.ok()) return before.status();
  report_.sysctls_before = *std::move(before);
  for (const pid_t pid : {pid_t{0}, ground_.lab().client().pid}) {
    absl::StatusOr<Sysctls> other = ReadSysctls(pid, kWatchedSysctls);
    if (!other.ok()) return other.status();
    others_before_[pid] = *std::move(other);
  }
  if (absl::Status status = StartPrograms(); !status.ok()) return status;

  progress_.Step("A controller and an agent that watch it, with the shipped policy files");
  std::optional<DrillGuard> guard;
  if (options_.answer != Answer::kNobody) {
    guard.emplace();
    guard->netns_cookies = {ground_.lab().server().netns_cookie};
    guard->sysctls = {std::string(kSyncookies)};
  }
  absl::StatusOr<std::string> digest = ground_.StartFleet(options_.policies_dir, guard);
  if (!digest.ok()) return digest.status();
  report_.policies_digest = *std::move(digest);
  return absl::OkStatus();
}

absl::Status SynFloodRun::StartPrograms() {
  progress_.Step(absl::StrFormat("%s, and legitimate clients: %g connects per second",
                                 options_.server_command.empty()
                                     ? "A server that accepts at once"
                                     : absl::StrCat("Your server: ", options_.server_command),
                                 options_.legit_per_s));
  const absl::StatusOr<pid_t> server =
      options_.server_command.empty()
          ? ground_.lab().RunListener(
                {.port = kPort, .backlog = options_.backlog, .duration = kProgramsLast})
          : ground_.StartServer(options_.server_command, kPort);
  if (!server.ok()) return server.status();
  absl::StatusOr<lab::Connects> clients =
      ground_.lab().RunConnects({.rate_per_s = options_.legit_per_s,
                                 .port = kPort,
                                 .timeout = kConnectTimeout,
                                 .duration = kProgramsLast});
  if (!clients.ok()) return clients.status();
  clients_ = *std::move(clients);
  return absl::OkStatus();
}

absl::Status SynFloodRun::TakeBaseline() {
  progress_.Step("All is well: the baseline");
  const absl::StatusOr<ServerView> first = LookAtServer(ground_.lab().server().pid);
  if (!first.ok()) return first.status();
  const absl::Time began = absl::Now();
  while (absl::Now() < std::max(clients_->started_at + kBaseline, began + absl::Seconds(5))) {
    if (absl::Status status = ground_.Alive(); !status.ok()) return status;
    absl::SleepFor(kDrillPoll);
  }
  const absl::StatusOr<ServerView> last = LookAtServer(ground_.lab().server().pid);
  if (!last.ok()) return last.status();
  report_.baseline = MeasureBetween(*first, *last);
  return absl::OkStatus();
}

absl::Status SynFloodRun::CauseFault() {
  fault_at_ = absl::Now();
  switch (options_.fault) {
    case SynFault::kFlood: {
      progress_.Step(absl::StrFormat("A flood: %g SYNs per second from addresses that nobody owns",
                                     options_.rate_pps));
      absl::StatusOr<lab::SynFlood> flood =
          ground_.lab().RunSynFlood({.rate_pps = options_.rate_pps,
                                     .port = kPort,
                                     .duration = kProgramsLast,
                                     .seed = options_.seed});
      if (!flood.ok()) return flood.status();
      syns_ = *std::move(flood);
      break;
    }
    case SynFault::kPortScan: {
      progress_.Step(
          absl::StrFormat("A port scan: %g SYNs per second, port after port", options_.rate_pps));
      absl::StatusOr<lab::PortScan> scan =
          ground_.lab().RunPortScan({.rate_pps = options_.rate_pps, .duration = kProgramsLast});
      if (!scan.ok()) return scan.status();
      syns_ = *std::move(scan);
      break;
    }
    case SynFault::kBurst: {
      progress_.Step(absl::StrFormat("A burst: %d honest clients at once", options_.burst));
      absl::StatusOr<lab::Connects> burst = ground_.lab().RunConnects({.rate_per_s = 0,
                                                                       .burst = options_.burst,
                                                                       .port = kPort,
                                                                       .timeout = kConnectTimeout,
                                                                       .duration = kProgramsLast});
      if (!burst.ok()) return burst.status();
      burst_ = *std::move(burst);
      fault_at_ = burst_->started_at;
      break;
    }
    case SynFault::kNone:
      progress_.Step("Nothing but these clients");
      break;
  }
  if (syns_) fault_at_ = syns_->started_at;
  report_.legit_baseline = clients_->log.EndedBefore(fault_at_);
  return absl::OkStatus();
}

absl::Time SynFloodRun::FullFrom() const {
  if (options_.fault == SynFault::kBurst) return fault_at_;
  const absl::Duration fill =
      options_.fault == SynFault::kFlood ? FillTime(options_) : absl::ZeroDuration();
  // At least a second, for what is on its way; where it never fills, that is all.
  return fault_at_ + std::max(absl::Seconds(1),
                              fill == absl::InfiniteDuration() ? absl::ZeroDuration() : 1.2 * fill);
}

std::optional<absl::Time> SynFloodRun::AppliedAt() const {
  if (!report_.incident || report_.incident->orders().empty()) return std::nullopt;
  const v1::Order& order = report_.incident->orders(0);
  if (!order.has_applied_at()) return std::nullopt;
  return FromProto(order.applied_at());
}

std::string SynFloodRun::Elapsed() const {
  const absl::Time now = absl::Now();
  std::string text = absl::StrFormat("%.0f s", absl::ToDoubleSeconds(now - fault_at_));
  if (syns_) absl::StrAppend(&text, ", ", CountText(syns_->sent()), " SYNs sent");
  const lab::ConnectStats newest =
      clients_->log.Between(now - kConnectTimeout - absl::Seconds(3), now);
  if (newest.success_ratio) {
    absl::StrAppend(&text, ", ", PercentText(*newest.success_ratio), " of the clients get in");
  }
  return text;
}

void SynFloodRun::Settle(v1::IncidentView incident) {
  report_.incident = std::move(incident);
  report_.fault_to_finding = FromProto(report_.incident->incident().opened_at()) - fault_at_;
  report_.outcome = report_.incident->proposals().empty() ? Outcome::kNoted : Outcome::kProposed;
}

absl::Status SynFloodRun::WatchUntilKnown() {
  const std::string& expected = report_.expectation.signature;
  const auto decided = [](const v1::IncidentView& view) { return view.incident().has_decision(); };
  const auto is_expected = [&](const v1::IncidentView& view) {
    return decided(view) && view.incident().finding().signature() == expected;
  };
  while (absl::Now() < FullFrom() + kGiveUpAfter) {
    if (absl::Status status = ground_.Alive(); !status.ok()) return status;
    absl::StatusOr<std::optional<v1::IncidentView>> found = ground_.FindIncident(is_expected);
    if (!found.ok()) return found.status();
    if (*found) {
      Settle(*std::move(*found));
      return absl::OkStatus();
    }
    if (absl::Now() >= FullFrom() + kSignatureNeeds) {
      if (absl::Status status = ground_.AddActivity(silence_); !status.ok()) return status;
    }
    progress_.Detail(Elapsed());
    absl::SleepFor(kDrillPoll);
  }
  // Whatever else was found is what came of it.
  absl::StatusOr<std::optional<v1::IncidentView>> other = ground_.FindIncident(decided);
  if (!other.ok()) return other.status();
  if (*other) {
    Settle(*std::move(*other));
    return absl::OkStatus();
  }
  report_.outcome = Outcome::kNotDetected;
  report_.why_not = silence_.Words();
  report_.activity = silence_.MostOften();
  return absl::OkStatus();
}

// Until enough attempts that began from `from` on have had their time.
absl::Status SynFloodRun::WaitForConnects(const lab::ConnectLog& log, absl::Time from) {
  const absl::Time give_up = absl::Now() + kConnectTimeout +
                             1.5 * absl::Seconds(kConnectsWanted / options_.legit_per_s) +
                             absl::Seconds(5);
  while (absl::Now() < give_up && log.StartedFrom(from).connects < kConnectsWanted) {
    if (absl::Status status = ground_.Alive(); !status.ok()) return status;
    progress_.Detail(Elapsed());
    absl::SleepFor(kDrillPoll);
  }
  return absl::OkStatus();
}

absl::Status SynFloodRun::Repair() {
  const auto elapsed = [this] { return Elapsed(); };
  absl::Status status = LetBeforeGrow(ground_, fault_at_, elapsed, progress_, report_);
  if (status.ok()) status = WaitForConnects(clients_->log, FullFrom());
  if (!status.ok()) return status;
  status = AnswerProposal(ground_, options_.answer, ask_, progress_, report_);
  if (!status.ok()) return status;
  const std::optional<absl::Time> applied_at = AppliedAt();
  if (!applied_at) return absl::OkStatus();
  return WaitForConnects(clients_->log, *applied_at);
}

absl::Status SynFloodRun::WatchOn() {
  const auto elapsed = [this] { return Elapsed(); };
  // Ten seconds after a burst there is nothing left of it to measure.
  const absl::Time from = burst_ ? absl::InfinitePast() : fault_at_;
  absl::Status status = LetBeforeGrow(ground_, from, elapsed, progress_, report_);
  if (!status.ok()) return status;
  progress_.Step("Nothing is to be changed. Watching on");
  const absl::Time until = fault_at_ + *report_.fault_to_finding + kWatchOn;
  while (absl::Now() < until) {
    if (status = ground_.Alive(); !status.ok()) return status;
    progress_.Detail(Elapsed());
    absl::SleepFor(kDrillPoll);
  }
  return burst_ ? absl::OkStatus() : WaitForConnects(clients_->log, FullFrom());
}

absl::Status SynFloodRun::SumUp() {
  const std::optional<absl::Time> applied_at = AppliedAt();
  const absl::Time before_ends = applied_at.value_or(absl::Now());
  report_.legit_before = (burst_ ? burst_ : clients_)->log.Between(FullFrom(), before_ends);
  if (applied_at) report_.legit_after = clients_->log.StartedFrom(*applied_at);
  if (syns_) report_.syns_sent = syns_->sent();
  absl::StatusOr<Sysctls> after = ReadSysctls(ground_.lab().server().pid, kWatchedSysctls);
  if (!after.ok()) return after.status();
  report_.sysctls_after = *std::move(after);
  if (!applied_at && report_.sysctls_after != report_.sysctls_before) {
    report_.problems.push_back(
        "a setting of the server's namespace has changed, and nobody says why");
  }
  return CheckOtherNamespaces();
}

absl::Status SynFloodRun::CheckOtherNamespaces() {
  for (const auto& [pid, before] : others_before_) {
    const absl::StatusOr<Sysctls> after = ReadSysctls(pid, kWatchedSysctls);
    if (!after.ok()) return after.status();
    if (*after == before) continue;
    report_.problems.push_back(absl::StrCat("a setting of ",
                                            pid == 0 ? "this machine's own" : "the client's",
                                            " network namespace has changed meanwhile"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SynFloodReport> RunSynFlood(const SynFloodOptions& options, Progress& progress,
                                           AskPerson ask) {
  return SynFloodRun(options, progress, ask).Run();
}

}  // namespace tcpmedic::cli
