#include "agent/act/order_book.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "agent/act/guard_file.h"
#include "agent/act/host_control.h"
#include "agent/act/journal.h"
#include "agent/act/order_rules.h"
#include "agent/act/sampling.h"
#include "agent/act/socket_changes.h"
#include "agent/act/sysctl_changes.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

// How often targets are looked at. While an order is verified its end should show soon; afterwards
// only how long its inverse is of use; and of a decided order only whether its targets may still
// meet the same action again.
constexpr absl::Duration kObserveApplied = absl::Seconds(5);
constexpr absl::Duration kObserveCommitted = absl::Seconds(30);
constexpr absl::Duration kObserveDecided = absl::Seconds(60);
constexpr absl::Duration kRetry = absl::Seconds(5);
// A decided order whose end no controller has acknowledged is reported for this long at least.
constexpr absl::Duration kKeepUnacknowledged = absl::Hours(1);
// Each is a few hundred bytes per target. Over it, new orders are refused.
constexpr size_t kMaxOrders = 512;
// Of a lease: a renewal is journalled, which costs an fsync, only when it is worth more than this,
// and so a restart loses no more than this.
constexpr int kRenewalsPerLease = 4;

}  // namespace

class OrderBook::Impl {
 public:
  Impl(Options options, std::unique_ptr<Journal> journal, HostControl* host)
      : options_(std::move(options)),
        journal_(std::move(journal)),
        sockets_(host),
        sysctls_(host),
        sampling_(options_.call_sites, host) {}

  void Replay(Moment now);
  void SetWishes(const v1::OrderSet& wishes);
  bool Step(Moment now, HostView* view);
  absl::Duration NextDeadline() const;
  bool wants_fresh_samples() const { return sampling_.wants_fresh_samples(); }
  bool AbandonSampling(const std::string& reason);
  std::vector<Followed> followed() const;
  std::vector<v1::OrderReport> Reports() const;
  Undone UndoAll(Moment now);

 private:
  struct Entry {
    v1::JournalledOrder order;
    bool saved = true;  // as it is here
    absl::Duration observe_at = -absl::InfiniteDuration();
    absl::Duration retry_at = -absl::InfiniteDuration();  // of what could not be undone or followed
    bool may_be_forgotten = false;  // of a decided order: its targets do not need it any more
    // As uptime: of a committed order with a lease. The journal's lags behind it.
    absl::Duration lease_until = absl::InfiniteDuration();
    bool decided_by_replay = false;
    std::optional<v1::CallSites> call_sites;  // found by this agent, and not journalled
  };

  // The part of a step that `wish` asks for.
  void Obey(const v1::OrderWish& wish, Moment now, HostView* view);
  void Apply(const v1::Order& order, Moment now, HostView* view);
  void Sample(const v1::Order& order, const Guard& guard, Entry entry, Moment now, HostView* view);
  // Takes what has come of the campaign under way.
  void TendSampling(Moment now, HostView* view);
  void EndSampling(Entry* entry, absl::string_view reason);
  // Takes back at once what was changed of an order that does not stand.
  void Retract(const v1::Order& order, absl::string_view reason, Entry entry, Moment now);
  void Commit(Entry* entry, Moment now);
  void ApplyHeldBack(Entry* entry, Moment now);
  // Moves the lease on while its condition is seen to hold, and ends the order when it has run out.
  void TendLease(Entry* entry, Moment now, HostView* view);
  void EndLease(Entry* entry, absl::string_view circumstance, Moment now);
  void RollBack(Entry* entry, absl::string_view reason, Moment now);
  void Observe(Entry* entry, Moment now);

  void Refuse(const v1::Order& order, absl::string_view reason,
              const v1::JournalledOrder& record = {});
  TargetChanges& ChangesOf(const v1::JournalledOrder& order) {
    if (order.action().has_set_sysctl()) return sysctls_;
    return sockets_;
  }
  bool Save(Entry* entry);
  void SetState(Entry* entry, v1::Order::State state);
  void Forget(Moment now);

  template <typename Predicate>
  static TargetChanges::Targets TargetsOf(Entry* entry, Predicate predicate) {
    TargetChanges::Targets targets;
    for (v1::JournalledTarget& target : *entry->order.mutable_targets()) {
      if (predicate(target)) targets.push_back(&target);
    }
    return targets;
  }

  const Options options_;
  std::unique_ptr<Journal> journal_;
  SocketChanges sockets_;
  SysctlChanges sysctls_;
  Sampling sampling_;
  std::vector<v1::OrderWish> wishes_;
  std::map<std::string, Entry> entries_;
  std::map<std::string, v1::OrderReport> refusals_;  // nothing was changed; kept while wished for
  bool report_ = false;                              // a state has changed since the last Step
};

void OrderBook::Impl::Replay(Moment now) {
  for (const auto& [id, order] : journal_->orders()) {
    Entry& entry = entries_[id];
    entry.order = order;
    const bool was_live = IsLive(order);
    if (order.boot_id() != options_.boot_id) {
      if (CloseAfterReboot(options_.boot_id, now.uptime, &entry.order)) report_ = true;
      Save(&entry);
    } else if (OnlyReads(order.action())) {
      if (was_live) EndSampling(&entry, "the agent stopped while it was sampling");
    } else if (order.state() == v1::Order::STATE_DISPATCHED) {
      RollBack(&entry, "the agent stopped while it was being applied", now);
    } else if (order.rolling_back()) {
      RollBack(&entry, order.reason(), now);
    } else if (order.state() == v1::Order::STATE_APPLIED && now.uptime >= DeadlineOf(order)) {
      RollBack(&entry, "no commit came in time, while the agent was not running", now);
    } else if (now.uptime >= LeaseUntil(order)) {
      EndLease(&entry, ", while the agent was not running", now);
    } else if (order.state() == v1::Order::STATE_COMMITTED) {
      entry.lease_until = LeaseUntil(order);
      // Held-back targets that were about to follow.
      const auto in_doubt = [](const v1::JournalledTarget& target) {
        return target.attempted() && target.target().state() == v1::Target::STATE_UNSPECIFIED;
      };
      ChangesOf(order).Observe(order, TargetsOf(&entry, in_doubt));
    }
    entry.decided_by_replay = was_live && !IsLive(entry.order);
  }
}

void OrderBook::Impl::SetWishes(const v1::OrderSet& wishes) {
  wishes_.assign(wishes.wishes().begin(), wishes.wishes().end());
  for (const v1::OrderWish& wish : wishes_) {
    const auto found = entries_.find(wish.order().id());
    if (found == entries_.end()) continue;
    v1::JournalledOrder& order = found->second.order;
    const bool acknowledged = wish.stored() == order.state();
    if (order.acknowledged() == acknowledged) continue;
    order.set_acknowledged(acknowledged);
    found->second.saved = false;
  }
}

bool OrderBook::Impl::Step(Moment now, HostView* view) {
  // Deadlines come first: a commit that arrives after its deadline is too late, however late this
  // step is.
  for (auto& [id, entry] : entries_) {
    if (entry.order.state() == v1::Order::STATE_APPLIED && !entry.order.rolling_back() &&
        now.uptime >= DeadlineOf(entry.order)) {
      RollBack(&entry, "no commit came in time", now);
    }
  }
  for (const v1::OrderWish& wish : wishes_) Obey(wish, now, view);
  TendSampling(now, view);
  for (auto& [id, entry] : entries_) {
    if (entry.order.rolling_back() && now.uptime >= entry.retry_at) {
      RollBack(&entry, entry.order.reason(), now);
    }
    if (entry.order.state() == v1::Order::STATE_COMMITTED && now.uptime >= entry.retry_at) {
      ApplyHeldBack(&entry, now);
    }
    if (entry.lease_until < absl::InfiniteDuration()) TendLease(&entry, now, view);
    if (now.uptime >= entry.observe_at) Observe(&entry, now);
    if (!entry.saved) Save(&entry);
  }
  Forget(now);
  return std::exchange(report_, false);
}

void OrderBook::Impl::Obey(const v1::OrderWish& wish, Moment now, HostView* view) {
  const std::string& id = wish.order().id();
  if (id.empty() || wish.wish() == v1::OrderWish::WISH_UNSPECIFIED || refusals_.contains(id))
    return;
  const auto found = entries_.find(id);
  if (found == entries_.end()) {
    if (IsFinal(wish.stored())) return;  // over, and forgotten here
    if (wish.wish() == v1::OrderWish::WISH_APPLY) {
      Apply(wish.order(), now, view);
    } else {
      Refuse(wish.order(), "this host knows no such order");
    }
    return;
  }
  Entry& entry = found->second;
  if (OnlyReads(entry.order.action())) {
    if (wish.wish() == v1::OrderWish::WISH_ROLL_BACK && id == sampling_.order_id()) {
      sampling_.EndEarly(Bounded(wish.reason()));
    }
    return;
  }
  if (entry.order.rolling_back()) return;
  if (wish.wish() == v1::OrderWish::WISH_COMMIT &&
      entry.order.state() == v1::Order::STATE_APPLIED) {
    Commit(&entry, now);
  } else if (wish.wish() == v1::OrderWish::WISH_ROLL_BACK && IsLive(entry.order)) {
    RollBack(&entry, wish.reason(), now);
  }
}

void OrderBook::Impl::Apply(const v1::Order& order, Moment now, HostView* view) {
  const absl::Status valid = CheckOrder(order, options_.session_nonce, now.wall);
  if (!valid.ok()) return Refuse(order, valid.message());
  const absl::StatusOr<Guard> guard = ReadGuard(options_.guard_path);
  if (!guard.ok()) return Refuse(order, guard.status().message());
  const absl::Status allowed = AllowsAction(*guard, order.action());
  if (!allowed.ok()) return Refuse(order, allowed.message());
  if (entries_.size() >= kMaxOrders) {
    return Refuse(order, absl::StrCat("this host remembers ", kMaxOrders, " orders, its most"));
  }
  Entry entry;
  v1::JournalledOrder& record = entry.order;
  record = RecordOf(order, options_.boot_id, now);
  if (OnlyReads(order.action())) return Sample(order, *guard, std::move(entry), now, view);
  TargetChanges& changes = ChangesOf(record);
  TargetChanges::KnownOrders known;
  for (const auto& [id, other] : entries_) known.push_back(&other.order);
  if (const absl::Status chosen = changes.Choose(order, known, view, &record); !chosen.ok()) {
    return Refuse(order, chosen.message());
  }
  const auto is_free = [](const v1::JournalledTarget& target) {
    return target.target().state() == v1::Target::STATE_UNSPECIFIED;
  };
  changes.Check(record, TargetsOf(&entry, is_free), *guard);
  const TargetChanges::Targets usable = TargetsOf(&entry, is_free);
  const auto unusable = std::ranges::find_if_not(record.targets(), is_free);
  if (usable.empty() || (changes.together() && unusable != record.targets().end())) {
    return Refuse(order, unusable->target().reason(), record);
  }
  MarkHeldBack(changes.together() ? 0 : order.holdback_ratio(), usable);

  if (const absl::Status intent = journal_->Put(record); !intent.ok()) {
    return Refuse(order, absl::StrCat("nothing was changed, as it could not be recorded: ",
                                      intent.message()));
  }
  const absl::Status applied = changes.Apply(record, TargetsOf(&entry, IsOurs));
  if (!applied.ok()) return Retract(order, applied.message(), std::move(entry), now);
  SetState(&entry, v1::Order::STATE_APPLIED);
  entry.observe_at = now.uptime + kObserveApplied;
  // Should this not be recorded, the intent is: a restart would undo it at once.
  Save(&entry);
  entries_[order.id()] = std::move(entry);
}

void OrderBook::Impl::Sample(const v1::Order& order, const Guard& guard, Entry entry, Moment now,
                             HostView* view) {
  const absl::Status chosen = sampling_.Choose(order, guard, view, &entry.order);
  if (!chosen.ok()) return Refuse(order, chosen.message());
  if (const absl::Status intent = journal_->Put(entry.order); !intent.ok()) {
    return Refuse(order, absl::StrCat("nothing was sampled, as it could not be recorded: ",
                                      intent.message()));
  }
  sampling_.Begin(order, now);
  entry.observe_at = absl::InfiniteDuration();  // until it has ended
  entries_[order.id()] = std::move(entry);
}

void OrderBook::Impl::TendSampling(Moment now, HostView* view) {
  const std::string id = sampling_.order_id();
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  Sampling::News news = sampling_.Poll(now, view);
  if (std::holds_alternative<Sampling::Began>(news)) {
    SetState(&found->second, v1::Order::STATE_APPLIED);
  } else if (const auto* refused = std::get_if<Sampling::Refused>(&news)) {
    // What stays in the journal if this fails is an order that a restart ends.
    journal_->Forget({&id, 1}).IgnoreError();
    v1::Order order;
    order.set_id(id);
    entries_.erase(found);
    Refuse(order, refused->reason);
  } else if (auto* ended = std::get_if<Sampling::Ended>(&news)) {
    found->second.call_sites = std::move(ended->found);
    EndSampling(&found->second, ended->reason);
  }
}

void OrderBook::Impl::EndSampling(Entry* entry, absl::string_view reason) {
  entry->order.set_reason(Bounded(reason));
  SetState(entry, v1::Order::STATE_ENDED);
  entry->observe_at = -absl::InfiniteDuration();
  Save(entry);
}

bool OrderBook::Impl::AbandonSampling(const std::string& reason) {
  const auto found = entries_.find(sampling_.order_id());
  if (found == entries_.end()) return false;
  sampling_.Abandon();
  EndSampling(&found->second, reason);
  return true;
}

void OrderBook::Impl::Retract(const v1::Order& order, absl::string_view reason, Entry entry,
                              Moment now) {
  if (ChangesOf(entry.order).Undo(entry.order, TargetsOf(&entry, IsOurs))) {
    // What stays in the journal if this fails is an order of which nothing is in force.
    journal_->Forget({&order.id(), 1}).IgnoreError();
    return Refuse(order, reason, entry.order);
  }
  SetState(&entry, v1::Order::STATE_APPLIED);
  Entry& kept = entries_[order.id()] = std::move(entry);
  RollBack(&kept, reason, now);
}

void OrderBook::Impl::Commit(Entry* entry, Moment now) {
  // Only a commit that is on disk is one; until then the deadline stands.
  v1::JournalledOrder committed = entry->order;
  committed.set_state(v1::Order::STATE_COMMITTED);
  committed.set_acknowledged(false);
  if (committed.has_lease()) {
    *committed.mutable_lease_until_uptime() = ToProto(now.uptime + LeaseOf(committed));
  }
  if (!journal_->Put(committed).ok()) return;
  entry->order = std::move(committed);
  entry->lease_until = LeaseUntil(entry->order);
  entry->saved = true;
  report_ = true;
}

void OrderBook::Impl::ApplyHeldBack(Entry* entry, Moment now) {
  const TargetChanges::Targets held_back = TargetsOf(entry, IsHeldBack);
  if (held_back.empty()) return;
  TargetChanges& changes = ChangesOf(entry->order);
  const absl::StatusOr<Guard> guard = ReadGuard(options_.guard_path);
  const absl::Status allowed =
      guard.ok() ? AllowsAction(*guard, entry->order.action()) : guard.status();
  if (allowed.ok()) {
    changes.Check(entry->order, held_back, *guard);
  } else {
    for (v1::JournalledTarget* target : held_back) {
      tcpmedic::SetState(target, v1::Target::STATE_REFUSED, allowed.message());
    }
  }
  const TargetChanges::Targets left = TargetsOf(entry, IsHeldBack);
  for (v1::JournalledTarget* target : left) target->set_attempted(true);
  if (!Save(entry)) {
    for (v1::JournalledTarget* target : left) target->set_attempted(false);
    entry->retry_at = now.uptime + kRetry;
    return;
  }
  // Each by itself: one that fails says so, and takes nothing else with it.
  if (!left.empty()) changes.Apply(entry->order, left).IgnoreError();
  entry->order.set_acknowledged(false);
  report_ = true;
  Save(entry);
}

void OrderBook::Impl::TendLease(Entry* entry, Moment now, HostView* view) {
  v1::JournalledOrder& order = entry->order;
  if (order.state() != v1::Order::STATE_COMMITTED || order.rolling_back()) return;
  const std::string& renew_while = order.lease().renew_while();
  if (!renew_while.empty() && view->Holds(order.netns().cookie(), renew_while).value_or(false)) {
    entry->lease_until = now.uptime + LeaseOf(order);
  }
  if (now.uptime >= entry->lease_until) return EndLease(entry, "", now);
  if (entry->lease_until - LeaseUntil(order) <= LeaseOf(order) / kRenewalsPerLease) return;
  *order.mutable_lease_until_uptime() = ToProto(entry->lease_until);
  order.set_acknowledged(false);
  entry->saved = false;
  report_ = true;
}

void OrderBook::Impl::EndLease(Entry* entry, absl::string_view circumstance, Moment now) {
  entry->order.set_lease_ran_out(true);
  RollBack(entry, absl::StrCat(LeaseRanOut(entry->order), circumstance), now);
}

void OrderBook::Impl::RollBack(Entry* entry, absl::string_view reason, Moment now) {
  v1::JournalledOrder& order = entry->order;
  if (!order.rolling_back()) {
    // Recorded first, so that a crash half-way does not take what is undone already for drift.
    // Undoing does not depend on it.
    order.set_rolling_back(true);
    order.set_reason(Bounded(reason));
    Save(entry);
  }
  if (!ChangesOf(order).Undo(order, TargetsOf(entry, IsOurs))) {
    entry->retry_at = now.uptime + kRetry;
    entry->saved = false;
    report_ = true;
    return;
  }
  order.set_rolling_back(false);
  const bool drifted = std::ranges::any_of(order.targets(), [](const v1::JournalledTarget& target) {
    return target.target().state() == v1::Target::STATE_DRIFTED;
  });
  SetState(entry, order.lease_ran_out() ? v1::Order::STATE_ENDED
                  : drifted             ? v1::Order::STATE_DRIFTED
                                        : v1::Order::STATE_ROLLED_BACK);
  entry->observe_at = now.uptime + kObserveDecided;
  Save(entry);
}

void OrderBook::Impl::Observe(Entry* entry, Moment now) {
  v1::JournalledOrder& order = entry->order;
  if (!IsLive(order)) {
    entry->observe_at = now.uptime + kObserveDecided;
    if (entry->may_be_forgotten) return;
    if (OnlyReads(order.action())) {
      entry->may_be_forgotten = true;
      return;
    }
    const auto was_changed = [](const v1::JournalledTarget& target) { return target.attempted(); };
    entry->may_be_forgotten =
        !ChangesOf(order).MustBeRemembered(order, TargetsOf(entry, was_changed));
    return;
  }
  const bool committed = order.state() == v1::Order::STATE_COMMITTED;
  entry->observe_at = now.uptime + (committed ? kObserveCommitted : kObserveApplied);
  if (order.rolling_back()) return;
  if (ChangesOf(order).Observe(order, TargetsOf(entry, IsOurs))) {
    entry->saved = false;
    report_ = true;
  }
  if (committed && std::ranges::none_of(order.targets(), IsOurs) &&
      std::ranges::none_of(order.targets(), IsHeldBack)) {
    order.set_reason(std::string(ChangesOf(order).nothing_is_left()));
    SetState(entry, v1::Order::STATE_ENDED);
  }
}

// A decided order is remembered while its targets must not meet the same action again, until the
// controller knows its end, and while it could still be sent.
void OrderBook::Impl::Forget(Moment now) {
  std::vector<std::string> forgotten;
  for (const auto& [id, entry] : entries_) {
    const absl::Duration kept = now.uptime - FromProto(entry.order.applied_uptime());
    if (entry.may_be_forgotten && (entry.order.acknowledged() || kept >= kKeepUnacknowledged) &&
        now.wall >= FromProto(entry.order.expires_at())) {
      forgotten.push_back(id);
    }
  }
  if (!forgotten.empty() && journal_->Forget(forgotten).ok()) {
    for (const std::string& id : forgotten) entries_.erase(id);
  }
  std::erase_if(refusals_, [this](const auto& refusal) {
    return std::ranges::none_of(
        wishes_, [&](const v1::OrderWish& wish) { return wish.order().id() == refusal.first; });
  });
}

void OrderBook::Impl::Refuse(const v1::Order& order, absl::string_view reason,
                             const v1::JournalledOrder& record) {
  v1::OrderReport& report = refusals_[order.id()];
  report.set_order_id(order.id());
  report.set_state(v1::Order::STATE_REFUSED);
  report.set_reason(std::string(reason));
  for (const v1::JournalledTarget& target : record.targets()) {
    *report.add_targets() = target.target();
  }
  report_ = true;
}

bool OrderBook::Impl::Save(Entry* entry) {
  entry->saved = journal_->Put(entry->order).ok();
  return entry->saved;
}

void OrderBook::Impl::SetState(Entry* entry, v1::Order::State state) {
  entry->order.set_state(state);
  if (!IsLive(entry->order)) entry->lease_until = absl::InfiniteDuration();
  entry->order.set_acknowledged(false);
  entry->saved = false;
  report_ = true;
}

absl::Duration OrderBook::Impl::NextDeadline() const {
  absl::Duration next = sampling_.poll_at();
  for (const auto& [id, entry] : entries_) {
    if (entry.order.rolling_back()) {
      next = std::min(next, entry.retry_at);
    } else if (entry.order.state() == v1::Order::STATE_APPLIED) {
      next = std::min(next, DeadlineOf(entry.order));
    } else {
      next = std::min(next, entry.lease_until);
    }
  }
  return next;
}

std::vector<OrderBook::Followed> OrderBook::Impl::followed() const {
  std::vector<Followed> result;
  for (const auto& [id, entry] : entries_) {
    if (entry.order.state() != v1::Order::STATE_APPLIED || entry.order.rolling_back() ||
        OnlyReads(entry.order.action())) {
      continue;
    }
    Followed followed;
    followed.order_id = id;
    followed.applied = {.wall = FromProto(entry.order.applied_at()),
                        .uptime = FromProto(entry.order.applied_uptime())};
    if (entry.order.netns().cookie() != 0) followed.netns_cookie = entry.order.netns().cookie();
    for (const v1::JournalledTarget& target : entry.order.targets()) {
      if (!target.target().has_socket()) continue;
      if (IsOurs(target)) followed.targets.push_back(KeyOf(target));
      if (IsHeldBack(target)) followed.held_back.push_back(KeyOf(target));
    }
    result.push_back(std::move(followed));
  }
  return result;
}

std::vector<v1::OrderReport> OrderBook::Impl::Reports() const {
  std::vector<v1::OrderReport> reports;
  for (const auto& [id, entry] : entries_) {
    if (entry.order.state() == v1::Order::STATE_DISPATCHED) continue;  // its campaign is beginning
    if (entry.order.state() == v1::Order::STATE_APPLIED || entry.order.rolling_back() ||
        !entry.order.acknowledged()) {
      v1::OrderReport& report = reports.emplace_back(ReportOf(entry.order));
      if (entry.call_sites.has_value()) *report.mutable_call_sites() = *entry.call_sites;
    }
  }
  for (const v1::OrderWish& wish : wishes_) {
    const auto refusal = refusals_.find(wish.order().id());
    if (refusal != refusals_.end() && wish.stored() != v1::Order::STATE_REFUSED) {
      reports.push_back(refusal->second);
    }
  }
  return reports;
}

OrderBook::Undone OrderBook::Impl::UndoAll(Moment now) {
  Undone undone;
  constexpr char kByHand[] = "undone by hand: tcpmedic-agent --undo";
  AbandonSampling(kByHand);
  for (auto& [id, entry] : entries_) {
    if (!IsLive(entry.order) && !entry.decided_by_replay) continue;
    if (IsLive(entry.order)) RollBack(&entry, kByHand, now);
    for (const v1::JournalledTarget& target : entry.order.targets()) {
      if (!target.attempted()) continue;
      undone.lines.push_back(UndoLine(entry.order, target.target()));
    }
    undone.complete = undone.complete && !IsLive(entry.order);
  }
  return undone;
}

absl::StatusOr<std::unique_ptr<OrderBook>> OrderBook::Open(Options options, HostControl* host,
                                                           Moment now) {
  absl::StatusOr<std::unique_ptr<JournalStorage>> storage = OpenJournalStorage(options.state_dir);
  if (!storage.ok()) return storage.status();
  return Open(std::move(options), *std::move(storage), host, now);
}

absl::StatusOr<std::unique_ptr<OrderBook>> OrderBook::Open(Options options,
                                                           std::unique_ptr<JournalStorage> storage,
                                                           HostControl* host, Moment now) {
  if (options.boot_id.empty()) {
    return absl::InvalidArgumentError("without the boot's id no journal can be trusted");
  }
  absl::StatusOr<std::unique_ptr<Journal>> journal = Journal::Open(std::move(storage));
  if (!journal.ok()) return journal.status();
  auto impl = std::make_unique<Impl>(std::move(options), *std::move(journal), host);
  impl->Replay(now);
  return std::unique_ptr<OrderBook>(new OrderBook(std::move(impl)));
}

OrderBook::OrderBook(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
OrderBook::~OrderBook() = default;

void OrderBook::SetWishes(const v1::OrderSet& wishes) { impl_->SetWishes(wishes); }
bool OrderBook::Step(Moment now, HostView* view) { return impl_->Step(now, view); }
absl::Duration OrderBook::NextDeadline() const { return impl_->NextDeadline(); }
bool OrderBook::wants_fresh_samples() const { return impl_->wants_fresh_samples(); }
bool OrderBook::AbandonSampling(const std::string& reason) {
  return impl_->AbandonSampling(reason);
}
std::vector<OrderBook::Followed> OrderBook::followed() const { return impl_->followed(); }
std::vector<v1::OrderReport> OrderBook::Reports() const { return impl_->Reports(); }
OrderBook::Undone OrderBook::UndoAll(Moment now) { return impl_->UndoAll(now); }

}  // namespace tcpmedic
