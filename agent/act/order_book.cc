#include "agent/act/order_book.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "agent/act/guard_file.h"
#include "agent/act/host_control.h"
#include "agent/act/journal.h"
#include "agent/act/order_rules.h"
#include "agent/act/target_changes.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

// How often targets are looked at. While an order is verified its end should show soon; afterwards
// only how long its inverse is of use; and of a decided order only whether its sockets may still
// meet the same action again.
constexpr absl::Duration kObserveApplied = absl::Seconds(5);
constexpr absl::Duration kObserveCommitted = absl::Seconds(30);
constexpr absl::Duration kObserveDecided = absl::Seconds(60);
constexpr absl::Duration kRetry = absl::Seconds(5);
// A decided order whose end no controller has acknowledged is reported for this long at least.
constexpr absl::Duration kKeepUnacknowledged = absl::Hours(1);
// Each is a few hundred bytes per target. Over it, new orders are refused.
constexpr size_t kMaxOrders = 512;
constexpr int kMaxTargets = 1000;  // of one order, whatever it says

}  // namespace

class OrderBook::Impl {
 public:
  Impl(Options options, std::unique_ptr<Journal> journal, HostControl* host)
      : options_(std::move(options)), journal_(std::move(journal)), changes_(host) {}

  void Replay(Moment now);
  void SetWishes(const v1::OrderSet& wishes);
  bool Step(Moment now, FindCandidates find);
  absl::Duration NextDeadline() const;
  std::vector<Followed> followed() const;
  std::vector<v1::OrderReport> Reports() const;
  Undone UndoAll(Moment now);

 private:
  struct Entry {
    v1::JournalledOrder order;
    bool saved = true;  // as it is here
    absl::Duration observe_at = -absl::InfiniteDuration();
    absl::Duration retry_at = -absl::InfiniteDuration();  // of what could not be undone or followed
    bool sockets_ended = false;  // of a decided order: it need not be remembered for their sake
    bool decided_by_replay = false;
  };

  // The part of a step that `wish` asks for.
  void Obey(const v1::OrderWish& wish, Moment now, FindCandidates find);
  void Apply(const v1::Order& order, Moment now, FindCandidates find);
  void Commit(Entry* entry);
  void ApplyHeldBack(Entry* entry, Moment now);
  void RollBack(Entry* entry, absl::string_view reason, Moment now);
  void Observe(Entry* entry, Moment now);

  void Refuse(const v1::Order& order, absl::string_view reason,
              const std::vector<v1::JournalledTarget>& targets = {});
  // Why an order may not change this socket to `algorithm`; empty: nothing speaks against it.
  std::string Conflict(const SocketKey& socket, absl::string_view algorithm) const;
  std::vector<v1::JournalledTarget> Choose(std::vector<Candidate> candidates,
                                           const v1::Order& order, const Guard& guard);
  // What became of an order of another boot: nothing of it exists.
  void CloseAfterReboot(Entry* entry, Moment now);
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
  static const std::string& AlgorithmOf(const v1::JournalledOrder& order) {
    return order.action().set_congestion_control().algorithm();
  }

  const Options options_;
  std::unique_ptr<Journal> journal_;
  TargetChanges changes_;
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
      CloseAfterReboot(&entry, now);
    } else if (order.state() == v1::Order::STATE_DISPATCHED) {
      RollBack(&entry, "the agent stopped while it was being applied", now);
    } else if (order.rolling_back()) {
      RollBack(&entry, order.reason(), now);
    } else if (order.state() == v1::Order::STATE_APPLIED && now.uptime >= DeadlineOf(order)) {
      RollBack(&entry, "no commit came in time, while the agent was not running", now);
    } else if (order.state() == v1::Order::STATE_COMMITTED) {
      changes_.Resolve(TargetsOf(&entry,
                                 [](const v1::JournalledTarget& target) {
                                   return target.attempted() &&
                                          target.target().state() == v1::Target::STATE_UNSPECIFIED;
                                 }),
                       AlgorithmOf(order));
    }
    entry.decided_by_replay = was_live && !IsLive(entry.order);
  }
}

void OrderBook::Impl::CloseAfterReboot(Entry* entry, Moment now) {
  v1::JournalledOrder& order = entry->order;
  for (v1::JournalledTarget* target : TargetsOf(entry, IsOurs)) {
    target->mutable_target()->set_state(v1::Target::STATE_GONE);
    target->mutable_target()->set_reason("the host has restarted");
  }
  // No cookie of that boot means anything now.
  for (v1::JournalledTarget& target : *order.mutable_targets()) target.set_inode(0);
  order.set_boot_id(options_.boot_id);
  *order.mutable_applied_uptime() = ToProto(now.uptime);
  order.set_rolling_back(false);
  entry->saved = false;
  if (order.state() == v1::Order::STATE_COMMITTED) {
    order.set_reason("the host has restarted");
    SetState(entry, v1::Order::STATE_ENDED);
  } else if (IsLive(order)) {
    order.set_reason("the host has restarted");
    SetState(entry, v1::Order::STATE_ROLLED_BACK);
  }
  Save(entry);
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

bool OrderBook::Impl::Step(Moment now, FindCandidates find) {
  // Deadlines come first: a commit that arrives after its deadline is too late, however late this
  // step is.
  for (auto& [id, entry] : entries_) {
    if (entry.order.state() == v1::Order::STATE_APPLIED && !entry.order.rolling_back() &&
        now.uptime >= DeadlineOf(entry.order)) {
      RollBack(&entry, "no commit came in time", now);
    }
  }
  for (const v1::OrderWish& wish : wishes_) Obey(wish, now, find);
  for (auto& [id, entry] : entries_) {
    if (entry.order.rolling_back() && now.uptime >= entry.retry_at) {
      RollBack(&entry, entry.order.reason(), now);
    }
    if (entry.order.state() == v1::Order::STATE_COMMITTED && now.uptime >= entry.retry_at) {
      ApplyHeldBack(&entry, now);
    }
    if (now.uptime >= entry.observe_at) Observe(&entry, now);
    if (!entry.saved) Save(&entry);
  }
  Forget(now);
  return std::exchange(report_, false);
}

void OrderBook::Impl::Obey(const v1::OrderWish& wish, Moment now, FindCandidates find) {
  const std::string& id = wish.order().id();
  if (id.empty() || wish.wish() == v1::OrderWish::WISH_UNSPECIFIED || refusals_.contains(id))
    return;
  const auto found = entries_.find(id);
  if (found == entries_.end()) {
    if (IsFinal(wish.stored())) return;  // over, and forgotten here
    if (wish.wish() == v1::OrderWish::WISH_APPLY) {
      Apply(wish.order(), now, find);
    } else {
      Refuse(wish.order(), "this host knows no such order");
    }
    return;
  }
  Entry& entry = found->second;
  if (entry.order.rolling_back()) return;
  if (wish.wish() == v1::OrderWish::WISH_COMMIT &&
      entry.order.state() == v1::Order::STATE_APPLIED) {
    Commit(&entry);
  } else if (wish.wish() == v1::OrderWish::WISH_ROLL_BACK && IsLive(entry.order)) {
    RollBack(&entry, wish.reason(), now);
  }
}

std::string OrderBook::Impl::Conflict(const SocketKey& socket, absl::string_view algorithm) const {
  for (const auto& [id, entry] : entries_) {
    for (const v1::JournalledTarget& target : entry.order.targets()) {
      if (KeyOf(target) != socket) continue;
      if (IsLive(entry.order) && (IsOurs(target) || IsHeldBack(target))) {
        return absl::StrCat("busy: order ", id, " holds this socket");
      }
      const v1::Target::State state = target.target().state();
      if (AlgorithmOf(entry.order) == algorithm && target.attempted() &&
          (state == v1::Target::STATE_APPLIED || state == v1::Target::STATE_UNDONE ||
           state == v1::Target::STATE_DRIFTED)) {
        return absl::StrCat("order ", id, " has tried ", algorithm, " on this socket before");
      }
    }
  }
  return "";
}

std::vector<v1::JournalledTarget> OrderBook::Impl::Choose(std::vector<Candidate> candidates,
                                                          const v1::Order& order,
                                                          const Guard& guard) {
  const std::string& algorithm = order.action().set_congestion_control().algorithm();
  const auto key_of = [](const Candidate& candidate) { return candidate.sample.key; };
  std::ranges::sort(candidates, {}, key_of);
  const auto repeated = std::ranges::unique(candidates, {}, key_of);
  candidates.erase(repeated.begin(), repeated.end());

  std::vector<v1::JournalledTarget> targets;
  std::vector<int> pids;
  int free = 0;
  for (const Candidate& candidate : candidates) {
    if (free == std::min(order.targets_max(), kMaxTargets)) break;
    v1::JournalledTarget target = TargetOf(candidate.sample);
    const std::string conflict = Conflict(candidate.sample.key, algorithm);
    if (conflict.empty()) {
      ++free;
      pids.insert(pids.end(), candidate.pids.begin(), candidate.pids.end());
    } else {
      target.mutable_target()->set_state(v1::Target::STATE_REFUSED);
      target.mutable_target()->set_reason(conflict);
    }
    targets.push_back(std::move(target));
  }
  std::ranges::sort(pids);
  pids.erase(std::ranges::unique(pids).begin(), pids.end());

  const auto usable = [&targets] {
    TargetChanges::Targets result;
    for (v1::JournalledTarget& target : targets) {
      if (target.target().state() == v1::Target::STATE_UNSPECIFIED) result.push_back(&target);
    }
    return result;
  };
  changes_.Check(usable(), algorithm, guard, pids);
  const TargetChanges::Targets left = usable();
  const std::vector<bool> held_back = ChooseHeldBack(left.size(), order.holdback_ratio());
  for (size_t i = 0; i < left.size(); ++i) {
    left[i]->mutable_target()->set_held_back(held_back[i]);
    left[i]->set_attempted(!held_back[i]);
  }
  return targets;
}

void OrderBook::Impl::Apply(const v1::Order& order, Moment now, FindCandidates find) {
  const absl::Status valid = CheckOrder(order, options_.session_nonce, now.wall);
  if (!valid.ok()) return Refuse(order, valid.message());
  const absl::StatusOr<Guard> guard = ReadGuard(options_.guard_path);
  if (!guard.ok()) return Refuse(order, guard.status().message());
  const absl::Status allowed = AllowsAction(*guard, order.action());
  if (!allowed.ok()) return Refuse(order, allowed.message());
  if (entries_.size() >= kMaxOrders) {
    return Refuse(order, absl::StrCat("this host remembers ", kMaxOrders, " orders, its most"));
  }
  std::vector<Candidate> candidates = find(order.selector());
  if (candidates.empty()) return Refuse(order, "no socket matches any more");
  std::vector<v1::JournalledTarget> targets = Choose(std::move(candidates), order, *guard);
  const auto refused = std::ranges::find_if(targets, [](const v1::JournalledTarget& target) {
    return !target.target().reason().empty();
  });
  if (std::ranges::none_of(targets, IsOurs)) {
    return Refuse(order, refused->target().reason(), targets);
  }

  Entry entry;
  v1::JournalledOrder& record = entry.order;
  record = RecordOf(order, options_.boot_id, now);
  record.mutable_targets()->Assign(targets.begin(), targets.end());
  if (const absl::Status intent = journal_->Put(record); !intent.ok()) {
    return Refuse(order, absl::StrCat("nothing was changed, as it could not be recorded: ",
                                      intent.message()));
  }

  changes_.Apply(TargetsOf(&entry, IsOurs), AlgorithmOf(record));
  const TargetChanges::Targets applied = TargetsOf(&entry, IsOurs);
  if (applied.empty()) {
    // What stays in the journal if this fails is an order that never changed anything.
    journal_->Forget({&order.id(), 1}).IgnoreError();
    targets.assign(record.targets().begin(), record.targets().end());
    const auto first = std::ranges::find_if(
        targets, [](const v1::JournalledTarget& target) { return target.attempted(); });
    return Refuse(order, first->target().reason(), targets);
  }
  SetState(&entry, v1::Order::STATE_APPLIED);
  entry.observe_at = now.uptime + kObserveApplied;
  // Should this not be recorded, the intent is: a restart would undo it at once.
  Save(&entry);
  entries_[order.id()] = std::move(entry);
}

void OrderBook::Impl::Commit(Entry* entry) {
  // Only a commit that is on disk is one; until then the deadline stands.
  v1::JournalledOrder committed = entry->order;
  committed.set_state(v1::Order::STATE_COMMITTED);
  committed.set_acknowledged(false);
  if (!journal_->Put(committed).ok()) return;
  entry->order = std::move(committed);
  entry->saved = true;
  report_ = true;
}

void OrderBook::Impl::ApplyHeldBack(Entry* entry, Moment now) {
  const TargetChanges::Targets held_back = TargetsOf(entry, IsHeldBack);
  if (held_back.empty()) return;
  const v1::SetCongestionControl& action = entry->order.action().set_congestion_control();
  const absl::StatusOr<Guard> guard = ReadGuard(options_.guard_path);
  const absl::Status allowed =
      guard.ok() ? AllowsAction(*guard, entry->order.action()) : guard.status();
  if (allowed.ok()) {
    changes_.Check(held_back, action.algorithm(), *guard, {});
  } else {
    for (v1::JournalledTarget* target : held_back) {
      target->mutable_target()->set_state(v1::Target::STATE_REFUSED);
      target->mutable_target()->set_reason(std::string(allowed.message()));
    }
  }
  const TargetChanges::Targets left = TargetsOf(entry, IsHeldBack);
  for (v1::JournalledTarget* target : left) target->set_attempted(true);
  if (!Save(entry)) {
    for (v1::JournalledTarget* target : left) target->set_attempted(false);
    entry->retry_at = now.uptime + kRetry;
    return;
  }
  changes_.Apply(left, action.algorithm());
  entry->order.set_acknowledged(false);
  report_ = true;
  Save(entry);
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
  if (!changes_.Undo(TargetsOf(entry, IsOurs), AlgorithmOf(order))) {
    entry->retry_at = now.uptime + kRetry;
    entry->saved = false;
    report_ = true;
    return;
  }
  order.set_rolling_back(false);
  const bool drifted = std::ranges::any_of(order.targets(), [](const v1::JournalledTarget& target) {
    return target.target().state() == v1::Target::STATE_DRIFTED;
  });
  SetState(entry, drifted ? v1::Order::STATE_DRIFTED : v1::Order::STATE_ROLLED_BACK);
  entry->observe_at = now.uptime + kObserveDecided;
  Save(entry);
}

void OrderBook::Impl::Observe(Entry* entry, Moment now) {
  v1::JournalledOrder& order = entry->order;
  if (!IsLive(order)) {
    entry->observe_at = now.uptime + kObserveDecided;
    if (entry->sockets_ended) return;
    const auto was_changed = [](const v1::JournalledTarget& target) { return target.attempted(); };
    entry->sockets_ended = !changes_.AnyExists(TargetsOf(entry, was_changed));
    return;
  }
  const bool committed = order.state() == v1::Order::STATE_COMMITTED;
  entry->observe_at = now.uptime + (committed ? kObserveCommitted : kObserveApplied);
  if (order.rolling_back()) return;
  if (changes_.Observe(TargetsOf(entry, IsOurs), AlgorithmOf(order))) {
    entry->saved = false;
    report_ = true;
  }
  if (committed && std::ranges::none_of(order.targets(), IsOurs) &&
      std::ranges::none_of(order.targets(), IsHeldBack)) {
    order.set_reason("its sockets have ended, or others have changed them since");
    SetState(entry, v1::Order::STATE_ENDED);
  }
}

// A decided order is remembered while its sockets exist, so that they do not meet the same action
// again, until the controller knows its end, and while it could still be sent.
void OrderBook::Impl::Forget(Moment now) {
  std::vector<std::string> forgotten;
  for (const auto& [id, entry] : entries_) {
    const absl::Duration kept = now.uptime - FromProto(entry.order.applied_uptime());
    if (entry.sockets_ended && (entry.order.acknowledged() || kept >= kKeepUnacknowledged) &&
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
                             const std::vector<v1::JournalledTarget>& targets) {
  v1::OrderReport& report = refusals_[order.id()];
  report.set_order_id(order.id());
  report.set_state(v1::Order::STATE_REFUSED);
  report.set_reason(std::string(reason));
  for (const v1::JournalledTarget& target : targets) *report.add_targets() = target.target();
  report_ = true;
}

bool OrderBook::Impl::Save(Entry* entry) {
  entry->saved = journal_->Put(entry->order).ok();
  return entry->saved;
}

void OrderBook::Impl::SetState(Entry* entry, v1::Order::State state) {
  entry->order.set_state(state);
  entry->order.set_acknowledged(false);
  entry->saved = false;
  report_ = true;
}

absl::Duration OrderBook::Impl::NextDeadline() const {
  absl::Duration next = absl::InfiniteDuration();
  for (const auto& [id, entry] : entries_) {
    if (entry.order.rolling_back()) {
      next = std::min(next, entry.retry_at);
    } else if (entry.order.state() == v1::Order::STATE_APPLIED) {
      next = std::min(next, DeadlineOf(entry.order));
    }
  }
  return next;
}

std::vector<OrderBook::Followed> OrderBook::Impl::followed() const {
  std::vector<Followed> result;
  for (const auto& [id, entry] : entries_) {
    if (entry.order.state() != v1::Order::STATE_APPLIED || entry.order.rolling_back()) continue;
    Followed followed;
    followed.order_id = id;
    followed.applied = {.wall = FromProto(entry.order.applied_at()),
                        .uptime = FromProto(entry.order.applied_uptime())};
    for (const v1::JournalledTarget& target : entry.order.targets()) {
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
    if (entry.order.state() == v1::Order::STATE_APPLIED || entry.order.rolling_back() ||
        !entry.order.acknowledged()) {
      reports.push_back(ReportOf(entry.order));
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
  for (auto& [id, entry] : entries_) {
    if (!IsLive(entry.order) && !entry.decided_by_replay) continue;
    if (IsLive(entry.order)) RollBack(&entry, "undone by hand: tcpmedic-agent --undo", now);
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
bool OrderBook::Step(Moment now, FindCandidates candidates) { return impl_->Step(now, candidates); }
absl::Duration OrderBook::NextDeadline() const { return impl_->NextDeadline(); }
std::vector<OrderBook::Followed> OrderBook::followed() const { return impl_->followed(); }
std::vector<v1::OrderReport> OrderBook::Reports() const { return impl_->Reports(); }
OrderBook::Undone OrderBook::UndoAll(Moment now) { return impl_->UndoAll(now); }

}  // namespace tcpmedic
