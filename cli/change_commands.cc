// The commands that change a host: approve and rollback. Both follow what they asked for until the
// agent has said how it ended.
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/command.h"
#include "cli/follow_order.h"
#include "cli/json.h"
#include "cli/operator_client.h"
#include "cli/progress.h"
#include "cli/render/incident_screen.h"
#include "cli/render/order_words.h"
#include "cli/render/repair.h"
#include "cli/render/words.h"

namespace tcpmedic::cli {
namespace {

constexpr absl::Duration kPoll = absl::Milliseconds(250);
// A controller that restarts is back by then.
constexpr absl::Duration kControllerAway = absl::Seconds(30);
// An agent that is connected undoes within a scan or two.
constexpr absl::Duration kUndoTimeout = absl::Seconds(10);

volatile sig_atomic_t interrupted = 0;
void OnInterrupt(int) { interrupted = 1; }

// Ctrl-C ends the waiting, not the order.
void CatchInterrupt() {
  struct sigaction action = {};
  action.sa_handler = OnInterrupt;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

class Follower {
 public:
  Follower(const Invocation& invocation, OperatorClient& client)
      : invocation_(invocation),
        client_(client),
        style_(StyleOf(invocation, STDERR_FILENO)),
        progress_(style_, isatty(STDERR_FILENO) != 0) {}

  // Asks for `view` again and again until `step_of` sees its end; `view` is then the newest.
  // Cancelled: Ctrl-C. DeadlineExceeded: `timeout` has passed. Unavailable: the controller stays
  // away.
  template <typename StepFunction>
  absl::StatusOr<OrderStep::End> Follow(v1::IncidentView& view, absl::Duration timeout,
                                        StepFunction step_of) {
    std::string doing;
    const absl::Time deadline = absl::Now() + timeout;
    absl::Time last_answer = absl::Now();
    for (;;) {
      const OrderStep step = step_of(view, absl::Now());
      if (step.end.has_value()) {
        *step.end == OrderStep::End::kGood ? progress_.Done() : progress_.Failed();
        return *step.end;
      }
      if (!invocation_.json) {
        if (step.doing != std::exchange(doing, step.doing)) progress_.Step(Escaped(step.doing));
        progress_.Detail(Escaped(step.detail));
      }
      absl::SleepFor(kPoll);
      if (interrupted != 0) return GiveUp(absl::CancelledError("interrupted"));
      if (absl::Now() >= deadline) return GiveUp(absl::DeadlineExceededError("no end yet"));
      absl::StatusOr<v1::IncidentView> newer = client_.GetIncident(view.incident().id());
      if (newer.ok()) {
        view = *std::move(newer);
        last_answer = absl::Now();
      } else if (!absl::IsUnavailable(newer.status()) ||
                 absl::Now() - last_answer > kControllerAway) {
        return GiveUp(newer.status());
      } else if (!invocation_.json) {
        progress_.Detail("the controller is away; the agent goes on, and rolls back by itself");
      }
    }
  }

 private:
  absl::Status GiveUp(absl::Status status) {
    progress_.Failed();
    return status;
  }

  const Invocation& invocation_;
  OperatorClient& client_;
  const Style style_;
  Progress progress_;
};

// The order and what to type next, or the whole view as JSON.
void PrintOrder(const Invocation& invocation, const v1::IncidentView& view,
                const v1::Order* order) {
  if (invocation.json) {
    Print(PrintJson(ToJson(view)));
    return;
  }
  const Style style = ReadableStyle(StyleOf(invocation));
  const std::string id = Escaped(view.incident().id());
  if (order == nullptr) return;
  std::vector<std::string> lines = RepairLines(view, *order, absl::Now(), style);
  std::vector<std::vector<Cell>> next;
  const auto suggest = [&](absl::string_view command, absl::string_view does) {
    next.push_back({{absl::StrCat(style.command, " ", command, " ", id), Paint::kCyan},
                    {std::string(does), Paint::kDim}});
  };
  if (CanBeTakenBack(*order)) suggest("rollback", "take the change back");
  suggest("show", "the incident, its evidence and its timeline");
  const std::vector<std::string> table = TableLines(style, {{.whole = true}, {}}, next);
  for (std::string& line : Labelled(style, "Next", table)) lines.push_back(std::move(line));
  Print(Joined(lines));
}

// Why the waiting ended without an end; the order goes on.
int FailToFollow(const Invocation& invocation, const v1::IncidentView& view,
                 const absl::Status& status) {
  const std::string how =
      absl::StrCat("`", invocation.command, " show ", view.incident().id(), "` says how it stands");
  if (absl::IsCancelled(status)) {
    return Fail(invocation,
                absl::CancelledError(absl::StrCat("stopped following; the order goes on: ", how)));
  }
  if (absl::IsDeadlineExceeded(status)) {
    return Fail(invocation, absl::DeadlineExceededError(absl::StrCat(
                                "the agent of ", view.incident().host(),
                                " has not answered yet; it is told as soon as it does: ", how)));
  }
  return Fail(invocation, absl::Status(status.code(), absl::StrCat(status.message(), "; ", how)));
}

// ---- approve

struct ApproveOptions {
  std::vector<std::string> ids;
  bool no_wait = false;
};

struct Approved {
  v1::IncidentView view;
  std::string proposal_id;
};

// The newest proposal is the one that was pending.
std::string ProposalIdOf(const v1::IncidentView& view) {
  return view.proposals().empty() ? view.incident().proposal_id() : view.proposals(0).id();
}

void SayApproved(const Invocation& invocation, const Approved& approved) {
  const Style style = StyleOf(invocation);
  const v1::IncidentView& view = approved.view;
  std::string text = absl::StrCat(approved.proposal_id, " of ", view.incident().id(), " on ",
                                  view.incident().host());
  for (const v1::Proposal& proposal : view.proposals()) {
    if (proposal.id() != approved.proposal_id) continue;
    absl::StrAppend(
        &text, ": ",
        ChangeWords(view.incident().finding(), proposal.action(), proposal.targets_max()));
    if (proposal.state() == v1::Proposal::STATE_PENDING) {
      absl::StrAppend(&text, "; ", proposal.approvals_size(), " of ", proposal.approval().quorum(),
                      " approvals: someone else has to approve it too");
    }
  }
  Print(absl::StrCat(Painted(style, Paint::kGreen, "Approved"), "  ", Escaped(text), "\n"));
}

bool IsDecided(const Approved& approved) {
  for (const v1::Proposal& proposal : approved.view.proposals()) {
    if (proposal.id() == approved.proposal_id) {
      return proposal.state() != v1::Proposal::STATE_PENDING;
    }
  }
  return true;
}

// Follows one to its end and prints it; the exit code.
int FollowApproved(const Invocation& invocation, OperatorClient& client, Approved approved) {
  const auto step_of = [&](const v1::IncidentView& view, absl::Time now) {
    return StepOf(view, approved.proposal_id, now);
  };
  const absl::StatusOr<OrderStep::End> end =
      Follower(invocation, client).Follow(approved.view, absl::InfiniteDuration(), step_of);
  if (!end.ok()) return FailToFollow(invocation, approved.view, end.status());
  const v1::Order* const order = OrderOf(approved.view, approved.proposal_id);
  if (order == nullptr && !invocation.json) {
    return Fail(invocation,
                absl::FailedPreconditionError(absl::StrCat(
                    StepOf(approved.view, approved.proposal_id, absl::Now()).doing, ": `",
                    invocation.command, " show ", approved.view.incident().id(), "`")));
  }
  PrintOrder(invocation, approved.view, order);
  return *end == OrderStep::End::kGood ? kDone : kFailed;
}

int Approve(const Invocation& invocation, const ApproveOptions& options) {
  OperatorClient client(invocation.controller);
  CatchInterrupt();
  int exit_code = kDone;
  // All are approved before the first is followed: their orders go on side by side.
  std::vector<Approved> all;
  for (const std::string& id : options.ids) {
    v1::ApproveRequest request;
    request.set_id(id);
    request.set_actor(Actor());
    absl::StatusOr<v1::IncidentView> view = client.Approve(request);
    if (!view.ok()) {
      exit_code = Fail(invocation, view.status());
      continue;
    }
    const std::string proposal_id = ProposalIdOf(*view);
    all.push_back({*std::move(view), proposal_id});
    if (!invocation.json) SayApproved(invocation, all.back());
  }
  for (Approved& approved : all) {
    if (options.no_wait || !IsDecided(approved)) {
      if (invocation.json) PrintOrder(invocation, approved.view, nullptr);
      continue;
    }
    if (options.ids.size() > 1 && !invocation.json) {
      const v1::Incident& incident = approved.view.incident();
      Print(
          absl::StrCat("\n", Escaped(absl::StrCat(incident.id(), " on ", incident.host())), "\n"));
    }
    exit_code = std::max(exit_code, FollowApproved(invocation, client, std::move(approved)));
  }
  return exit_code;
}

// ---- rollback

// "2" is the second order of the incident, counted from its first; anything else is an order's id.
absl::StatusOr<std::string> OrderId(OperatorClient& client, const std::string& incident_id,
                                    const std::string& typed) {
  int number = 0;
  if (!absl::SimpleAtoi(typed, &number)) return typed;
  const absl::StatusOr<v1::IncidentView> view = client.GetIncident(incident_id);
  if (!view.ok()) return view.status();
  if (number < 1 || number > view->orders_size()) {
    return absl::NotFoundError(absl::StrCat(
        view->incident().id(), " has no order ", number, "; it has ",
        view->orders_size() == 0 ? std::string("none") : absl::StrCat("1 to ", view->orders_size()),
        ": `tcpmedic show ", incident_id, "`"));
  }
  return view->orders(view->orders_size() - number).id();
}

// The order that the rollback was about.
const v1::Order* OrderUndone(const v1::IncidentView& view, const std::string& order_id) {
  for (const v1::Order& order : view.orders()) {
    if (order_id.empty() ? !order.roll_back_by().empty() : order.id() == order_id) return &order;
  }
  return view.orders().empty() ? nullptr : &view.orders(0);
}

int Rollback(const Invocation& invocation, v1::RollbackRequest request) {
  OperatorClient client(invocation.controller);
  CatchInterrupt();
  const absl::StatusOr<std::string> typed = OrderId(client, request.id(), request.order_id());
  if (!typed.ok()) return Fail(invocation, typed.status());
  request.set_order_id(*typed);
  request.set_actor(Actor());
  absl::StatusOr<v1::IncidentView> view = client.Rollback(request);
  if (!view.ok()) return Fail(invocation, view.status());
  const v1::Order* const undone = OrderUndone(*view, request.order_id());
  const std::string order_id = undone == nullptr ? "" : undone->id();
  const auto step_of = [&](const v1::IncidentView& newest, absl::Time) {
    OrderStep step = {.doing = absl::StrCat("Rolling back on ", newest.incident().host()),
                      .detail = {},
                      .end = {}};
    const v1::Order* const order = OrderUndone(newest, order_id);
    if (order == nullptr || IsSettled(*order)) {
      const bool is_back = order != nullptr && order->state() == v1::Order::STATE_ROLLED_BACK;
      step.end = is_back ? OrderStep::End::kGood : OrderStep::End::kBad;
    }
    return step;
  };
  const absl::StatusOr<OrderStep::End> end =
      Follower(invocation, client).Follow(*view, kUndoTimeout, step_of);
  if (!end.ok()) return FailToFollow(invocation, *view, end.status());
  PrintOrder(invocation, *view, OrderUndone(*view, order_id));
  return *end == OrderStep::End::kGood ? kDone : kFailed;
}

}  // namespace

void AddChangeCommands(CLI::App& app, Invocation& invocation) {
  const auto options = std::make_shared<ApproveOptions>();
  CLI::App* const approve = app.add_subcommand(
      "approve", "Apply what is proposed, and follow it until it is verified or rolled back");
  approve->add_option("id", options->ids, "The incidents")->required();
  approve->add_flag("--no-wait", options->no_wait, "Do not follow it");
  approve->callback(
      [&invocation, options] { invocation.exit_code = Approve(invocation, *options); });

  const auto request = std::make_shared<v1::RollbackRequest>();
  CLI::App* const rollback =
      app.add_subcommand("rollback", "Take a change back, also after it was verified");
  rollback
      ->add_option_function<std::string>(
          "id", [request](const std::string& id) { request->set_id(id); }, "The incident")
      ->required();
  rollback->add_option_function<std::string>(
      "--order", [request](const std::string& order) { request->set_order_id(order); },
      "This order: its id, or 1 for the incident's first (default: the newest that is applied)");
  rollback->add_option_function<std::string>(
      "--reason", [request](const std::string& text) { request->set_reason(text); },
      "Why, for the next person who looks");
  rollback->callback(
      [&invocation, request] { invocation.exit_code = Rollback(invocation, *request); });
}

}  // namespace tcpmedic::cli
