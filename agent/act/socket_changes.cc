#include "agent/act/socket_changes.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/act/order_rules.h"

namespace tcpmedic {
namespace {

constexpr char kGone[] = "no process holds the socket any more";

const std::string& AlgorithmOf(const v1::JournalledOrder& order) {
  return order.action().set_congestion_control().algorithm();
}

// Why `known` keeps an order from changing this socket to `algorithm`; empty: nothing does.
std::string Conflict(const TargetChanges::KnownOrders& known, const SocketKey& socket,
                     absl::string_view algorithm) {
  for (const v1::JournalledOrder* order : known) {
    for (const v1::JournalledTarget& target : order->targets()) {
      if (!target.target().has_socket() || KeyOf(target) != socket) continue;
      if (IsLive(*order) && (IsOurs(target) || IsHeldBack(target))) {
        return absl::StrCat("busy: order ", order->id(), " holds this socket");
      }
      const v1::Target::State state = target.target().state();
      if (AlgorithmOf(*order) == algorithm && target.attempted() &&
          (state == v1::Target::STATE_APPLIED || state == v1::Target::STATE_UNDONE ||
           state == v1::Target::STATE_DRIFTED)) {
        return absl::StrCat("order ", order->id(), " has tried ", algorithm,
                            " on this socket before");
      }
    }
  }
  return "";
}

// The programs behind pids, each read once.
class Programs {
 public:
  explicit Programs(HostControl* host) : host_(host) {}

  // PermissionDenied: one of them may not be looked at. Those that have ended are left out.
  absl::StatusOr<std::vector<v1::Process>> Of(const std::vector<Holder>& holders) {
    std::vector<v1::Process> programs;
    int last_pid = -1;
    for (const Holder& holder : holders) {
      if (std::exchange(last_pid, holder.pid) == holder.pid) continue;  // Locate groups by process
      const auto [it, is_new] = read_.try_emplace(holder.pid, absl::UnknownError(""));
      if (is_new) it->second = host_->Describe(holder.pid);
      if (it->second.ok()) {
        programs.push_back(*it->second);
      } else if (!absl::IsNotFound(it->second.status())) {
        return it->second.status();
      }
    }
    return programs;
  }

 private:
  HostControl* const host_;
  absl::flat_hash_map<int, absl::StatusOr<v1::Process>> read_;
};

}  // namespace

absl::Status SocketChanges::Choose(const v1::Order& order, const KnownOrders& known, HostView* view,
                                   v1::JournalledOrder* record) {
  std::vector<Candidate> candidates = view->Candidates(order.selector());
  if (candidates.empty()) return absl::FailedPreconditionError("no socket matches any more");
  const auto key_of = [](const Candidate& candidate) { return candidate.sample.key; };
  std::ranges::sort(candidates, {}, key_of);
  const auto repeated = std::ranges::unique(candidates, {}, key_of);
  candidates.erase(repeated.begin(), repeated.end());

  Targets free;
  std::vector<int> pids;
  const auto most = static_cast<size_t>(std::min(order.targets_max(), kMaxTargets));
  for (const Candidate& candidate : candidates) {
    if (free.size() == most) break;
    v1::JournalledTarget* const target = record->add_targets();
    *target = TargetOf(candidate.sample);
    const std::string conflict = Conflict(known, candidate.sample.key, AlgorithmOf(*record));
    if (conflict.empty()) {
      free.push_back(target);
      pids.insert(pids.end(), candidate.pids.begin(), candidate.pids.end());
    } else {
      SetState(target, v1::Target::STATE_REFUSED, conflict);
    }
  }
  std::ranges::sort(pids);
  pids.erase(std::ranges::unique(pids).begin(), pids.end());
  if (!pids.empty()) Locate(free, pids);
  return absl::OkStatus();
}

void SocketChanges::Check(const v1::JournalledOrder& order, const Targets& targets,
                          const Guard& guard) {
  const std::string& algorithm = AlgorithmOf(order);
  Programs programs(host_);
  const std::vector<absl::Status> results =
      Reach(targets, [&](const Whereabouts& where, v1::JournalledTarget* target) -> absl::Status {
        const absl::StatusOr<SocketFacts> facts = host_->Read(where);
        if (!facts.ok()) return facts.status();
        const absl::StatusOr<std::vector<v1::Process>> holders = programs.Of(where.holders);
        if (!holders.ok()) return holders.status();
        const NetnsIdentity netns = {.cookie = where.key.netns_cookie,
                                     .inode = facts->netns_inode,
                                     .is_the_hosts = facts->in_host_netns};
        if (absl::Status allowed = AllowsSocket(guard, netns, *holders); !allowed.ok()) {
          return allowed;
        }
        if (facts->state != TcpState::kEstablished) {
          return absl::FailedPreconditionError(absl::StrCat("it is ", Name(facts->state), " now"));
        }
        const std::string& before = target->target().value_before();
        if (facts->congestion_control != before) {
          return absl::FailedPreconditionError(
              absl::StrCat("it uses ", facts->congestion_control, " now, not ", before));
        }
        if (before == algorithm) {
          return absl::FailedPreconditionError(absl::StrCat("it uses ", algorithm, " already"));
        }
        if (!facts->restorable) {
          return absl::PermissionDeniedError(
              absl::StrCat(before,
                           " could not be set again: it is not in "
                           "tcp_allowed_congestion_control (needs CAP_NET_ADMIN)"));
        }
        return absl::OkStatus();
      });
  for (size_t i = 0; i < targets.size(); ++i) {
    if (results[i].ok()) continue;
    if (absl::IsNotFound(results[i])) {
      SetState(targets[i], v1::Target::STATE_GONE, kGone);
    } else {
      SetState(targets[i], v1::Target::STATE_REFUSED, results[i].message());
    }
  }
}

absl::Status SocketChanges::Apply(const v1::JournalledOrder& order, const Targets& targets) {
  const std::string& algorithm = AlgorithmOf(order);
  const std::vector<absl::Status> results =
      Reach(targets, [&](const Whereabouts& where, v1::JournalledTarget* target) {
        const auto exchange =
            host_->ExchangeCongestionControl(where, target->target().value_before(), algorithm);
        if (!exchange.ok()) return exchange.status();
        if (exchange->changed && exchange->now == algorithm) {
          target->mutable_target()->set_value_after(exchange->now);
          SetState(target, v1::Target::STATE_APPLIED);
        } else {
          SetState(target, v1::Target::STATE_REFUSED, SetByOthers(exchange->now));
        }
        return absl::OkStatus();
      });
  for (size_t i = 0; i < targets.size(); ++i) {
    if (absl::IsNotFound(results[i])) {
      SetState(targets[i], v1::Target::STATE_GONE, kGone);
    } else if (!results[i].ok()) {
      SetState(targets[i], v1::Target::STATE_REFUSED, results[i].message());
    }
  }
  const auto applied = [](const v1::JournalledTarget* target) { return IsOurs(*target); };
  if (std::ranges::any_of(targets, applied)) return absl::OkStatus();
  return absl::FailedPreconditionError(targets.front()->target().reason());
}

bool SocketChanges::Undo(const v1::JournalledOrder& order, const Targets& targets) {
  const std::string& algorithm = AlgorithmOf(order);
  const std::vector<absl::Status> results =
      Reach(targets, [&](const Whereabouts& where, v1::JournalledTarget* target) {
        const std::string& before = target->target().value_before();
        const auto exchange = host_->ExchangeCongestionControl(where, algorithm, before);
        if (!exchange.ok()) return exchange.status();
        Restored(*exchange, target);
        return absl::OkStatus();
      });
  bool complete = true;
  for (size_t i = 0; i < targets.size(); ++i) {
    if (results[i].ok()) continue;
    if (absl::IsNotFound(results[i])) {
      SetState(targets[i], v1::Target::STATE_GONE, kGone);
    } else {
      targets[i]->mutable_target()->set_reason(std::string(results[i].message()));
      complete = false;
    }
  }
  return complete;
}

bool SocketChanges::Observe(const v1::JournalledOrder& order, const Targets& targets) {
  const std::string& algorithm = AlgorithmOf(order);
  bool changed = false;
  const std::vector<absl::Status> results =
      Reach(targets, [&](const Whereabouts& where, v1::JournalledTarget* target) {
        const absl::StatusOr<SocketFacts> facts = host_->Read(where);
        if (!facts.ok()) return facts.status();
        changed |= Observed(facts->congestion_control, algorithm, target);
        return absl::OkStatus();
      });
  for (size_t i = 0; i < targets.size(); ++i) {
    if (!absl::IsNotFound(results[i])) continue;
    SetState(targets[i], v1::Target::STATE_GONE, kGone);
    changed = true;
  }
  return changed;
}

bool SocketChanges::MustBeRemembered(const v1::JournalledOrder&, const Targets& targets) {
  const std::vector<absl::Status> results = Reach(
      targets,
      [&](const Whereabouts& where, v1::JournalledTarget*) { return host_->Read(where).status(); });
  const bool exists = std::any_of(results.begin(), results.end(),
                                  [](const absl::Status& s) { return !absl::IsNotFound(s); });
  if (!exists) {
    for (const v1::JournalledTarget* target : targets) holders_.erase(KeyOf(*target));
  }
  return exists;
}

bool SocketChanges::Locate(const Targets& targets, absl::Span<const int> pids) {
  std::vector<Whereabouts> wanted;
  for (const v1::JournalledTarget* target : targets) {
    // Inode 0: no process holds it, as the kernel has it.
    if (target->inode() == 0) continue;
    wanted.push_back({.key = KeyOf(*target), .inode = target->inode(), .holders = {}});
  }
  if (wanted.empty()) return true;
  const bool complete = host_->Locate(absl::MakeSpan(wanted), pids);
  for (Whereabouts& where : wanted) holders_[where.key] = std::move(where.holders);
  return complete;
}

std::vector<absl::Status> SocketChanges::Reach(const Targets& targets, Call call) {
  std::vector<absl::Status> results(targets.size(), absl::NotFoundError(kGone));
  const auto attempt = [&](size_t i) {
    const SocketKey key = KeyOf(*targets[i]);
    const auto seen = holders_.find(key);
    if (seen == holders_.end() || seen->second.empty()) return;
    results[i] =
        call({.key = key, .inode = targets[i]->inode(), .holders = seen->second}, targets[i]);
  };
  for (size_t i = 0; i < targets.size(); ++i) attempt(i);
  Targets missing;
  std::vector<size_t> indices;
  for (size_t i = 0; i < targets.size(); ++i) {
    if (!absl::IsNotFound(results[i]) || targets[i]->inode() == 0) continue;
    missing.push_back(targets[i]);
    indices.push_back(i);
  }
  const bool complete = Locate(missing, {});
  for (const size_t i : indices) {
    attempt(i);
    if (complete || !absl::IsNotFound(results[i])) continue;
    results[i] = absl::PermissionDeniedError(
        "no process that may be looked at holds the socket (needs CAP_SYS_PTRACE)");
  }
  return results;
}

}  // namespace tcpmedic
