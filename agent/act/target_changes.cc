#include "agent/act/target_changes.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/act/order_rules.h"

namespace tcpmedic {
namespace {

constexpr char kGone[] = "no process holds the socket any more";

void SetState(v1::JournalledTarget* target, v1::Target::State state,
              absl::string_view reason = "") {
  target->mutable_target()->set_state(state);
  target->mutable_target()->set_reason(std::string(reason));
}

std::string SetByOthers(absl::string_view algorithm) {
  return absl::StrCat(algorithm, " is set now, and not by this agent");
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

void TargetChanges::Check(const Targets& targets, absl::string_view algorithm, const Guard& guard,
                          absl::Span<const int> pids) {
  Programs programs(host_);
  const std::vector<absl::Status> results = Reach(
      targets, pids, [&](const Whereabouts& where, v1::JournalledTarget* target) -> absl::Status {
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

void TargetChanges::Apply(const Targets& targets, absl::string_view algorithm) {
  const std::vector<absl::Status> results =
      Reach(targets, {}, [&](const Whereabouts& where, v1::JournalledTarget* target) {
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
}

bool TargetChanges::Undo(const Targets& targets, absl::string_view algorithm) {
  const std::vector<absl::Status> results =
      Reach(targets, {}, [&](const Whereabouts& where, v1::JournalledTarget* target) {
        const std::string& before = target->target().value_before();
        const auto exchange = host_->ExchangeCongestionControl(where, algorithm, before);
        if (!exchange.ok()) return exchange.status();
        if (exchange->now == before) {
          // Not changed: a change that was recorded but never made, or an undo that was made but
          // never recorded.
          SetState(target, v1::Target::STATE_UNDONE,
                   exchange->changed ? "" : absl::StrCat("it used ", before, " already"));
        } else {
          SetState(target, v1::Target::STATE_DRIFTED, SetByOthers(exchange->now));
        }
        target->mutable_target()->set_value_after(exchange->now);
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

bool TargetChanges::Observe(const Targets& targets, absl::string_view algorithm) {
  bool changed = false;
  const std::vector<absl::Status> results =
      Reach(targets, {}, [&](const Whereabouts& where, v1::JournalledTarget* target) {
        const absl::StatusOr<SocketFacts> facts = host_->Read(where);
        if (facts.ok() && facts->congestion_control != algorithm) {
          SetState(target, v1::Target::STATE_DRIFTED, SetByOthers(facts->congestion_control));
          target->mutable_target()->set_value_after(facts->congestion_control);
          changed = true;
        }
        return facts.status();
      });
  for (size_t i = 0; i < targets.size(); ++i) {
    if (!absl::IsNotFound(results[i])) continue;
    SetState(targets[i], v1::Target::STATE_GONE, kGone);
    changed = true;
  }
  return changed;
}

void TargetChanges::Resolve(const Targets& targets, absl::string_view algorithm) {
  const std::vector<absl::Status> results =
      Reach(targets, {}, [&](const Whereabouts& where, v1::JournalledTarget* target) {
        const absl::StatusOr<SocketFacts> facts = host_->Read(where);
        if (facts.ok() && facts->congestion_control == algorithm) {
          SetState(target, v1::Target::STATE_APPLIED);
          target->mutable_target()->set_value_after(facts->congestion_control);
        } else if (facts.ok()) {
          target->set_attempted(false);
        }
        return facts.status();
      });
  for (size_t i = 0; i < targets.size(); ++i) {
    if (absl::IsNotFound(results[i])) SetState(targets[i], v1::Target::STATE_GONE, kGone);
  }
}

bool TargetChanges::AnyExists(const Targets& targets) {
  const std::vector<absl::Status> results = Reach(
      targets, {},
      [&](const Whereabouts& where, v1::JournalledTarget*) { return host_->Read(where).status(); });
  const bool exists = std::any_of(results.begin(), results.end(),
                                  [](const absl::Status& s) { return !absl::IsNotFound(s); });
  if (!exists) {
    for (const v1::JournalledTarget* target : targets) holders_.erase(KeyOf(*target));
  }
  return exists;
}

std::vector<absl::Status> TargetChanges::Reach(const Targets& targets, absl::Span<const int> pids,
                                               Call call) {
  std::vector<absl::Status> results(targets.size(), absl::NotFoundError(kGone));
  const auto attempt = [&](size_t i) {
    const SocketKey key = KeyOf(*targets[i]);
    const auto seen = holders_.find(key);
    if (seen == holders_.end() || seen->second.empty()) return;
    results[i] =
        call({.key = key, .inode = targets[i]->inode(), .holders = seen->second}, targets[i]);
  };
  // True: whoever is not found holds nothing for certain.
  const auto locate_missing = [&](absl::Span<const int> among) {
    std::vector<Whereabouts> missing;
    std::vector<size_t> indices;
    for (size_t i = 0; i < targets.size(); ++i) {
      // Inode 0: no process holds it, as the kernel has it.
      if (!absl::IsNotFound(results[i]) || targets[i]->inode() == 0) continue;
      missing.push_back({.key = KeyOf(*targets[i]), .inode = targets[i]->inode(), .holders = {}});
      indices.push_back(i);
    }
    if (missing.empty()) return true;
    const bool complete = host_->Locate(absl::MakeSpan(missing), among);
    for (size_t m = 0; m < missing.size(); ++m) {
      holders_[missing[m].key] = std::move(missing[m].holders);
      attempt(indices[m]);
    }
    return complete;
  };

  for (size_t i = 0; i < targets.size(); ++i) attempt(i);
  if (!pids.empty()) locate_missing(pids);
  if (!locate_missing({})) {
    for (size_t i = 0; i < targets.size(); ++i) {
      if (!absl::IsNotFound(results[i]) || targets[i]->inode() == 0) continue;
      results[i] = absl::PermissionDeniedError(
          "no process that may be looked at holds the socket (needs CAP_SYS_PTRACE)");
    }
  }
  return results;
}

}  // namespace tcpmedic
