#include "diagnosis/process_watch.h"

#include <algorithm>
#include <utility>

#include "diagnosis/finding_builder.h"
#include "diagnosis/process_finding.h"
#include "diagnosis/process_schema.h"
#include "diagnosis/socket_schema.h"

namespace tcpmedic {

ProcessWatch::ProcessWatch(std::shared_ptr<const CompiledSignature> signature)
    : signature_(std::move(signature)), activity_(*signature_) {}

void ProcessWatch::BeginScan(Moment now) {
  now_ = now;
  activity_.BeginScan();
  for (auto& [cookie, place] : places_) place.read = false;
}

TcpStateMask ProcessWatch::StatesWanted(uint64_t netns_cookie) const {
  const auto found = places_.find(netns_cookie);
  const bool listeners = found != places_.end() && found->second.pile.WantsListeners(now_);
  return signature_->states | (listeners ? MaskOf(TcpState::kListen) : 0);
}

void ProcessWatch::BeginNamespace(uint64_t netns_cookie) {
  namespace_ = netns_cookie;
  const auto found = places_.find(netns_cookie);
  listeners_wanted_ = found != places_.end() && found->second.pile.WantsListeners(now_);
  if (found != places_.end()) found->second.pile.BeginDump(now_);
}

bool ProcessWatch::Passes(const SocketSample& sample) const {
  if ((MaskOf(sample.state) & signature_->states) == 0) return false;
  const SocketReading reading{&sample, nullptr};
  const SocketActivation activation(reading);
  return std::all_of(
      signature_->of_sockets.begin(), signature_->of_sockets.end(),
      [&](const Conjunct& conjunct) { return conjunct.expression.Evaluate(activation).is_true(); });
}

void ProcessWatch::Observe(const SocketSample& sample) {
  const bool listens = sample.state == TcpState::kListen;
  if (listens ? !listeners_wanted_ : !Passes(sample)) return;
  const bool may_add = sockets_ < kMaxSockets;
  auto found = places_.find(namespace_);
  if (found == places_.end() && may_add) {
    found = places_.try_emplace(namespace_, signature_->window).first;
    found->second.pile.BeginDump(now_);
  }
  if (found == places_.end()) {
    ++not_kept_;
    return;
  }
  ProcessPile& pile = found->second.pile;
  const size_t before = pile.size();
  if (!pile.Add(sample, may_add)) ++not_kept_;
  sockets_ += pile.size() - before;
}

void ProcessWatch::EndNamespace(bool complete) {
  const auto found = places_.find(namespace_);
  if (found == places_.end() || !complete) return;
  found->second.pile.EndDump(listeners_wanted_);
  found->second.read = true;
}

Judgement ProcessWatch::JudgementOf(const ProcessReading& reading) const {
  const ProcessActivation activation(reading);
  for (size_t i = 0; i < signature_->conjuncts.size(); ++i) {
    if (signature_->conjuncts[i].expression.Evaluate(activation).is_true()) continue;
    return {Judgement::Kind::kNotTrue, i};
  }
  return JudgeLookAlikes(*signature_, activation);
}

FindingLife::Condition ProcessWatch::ConditionAfter(const Judgement& outcome,
                                                    const ProcessReading& reading,
                                                    const FindingLife& life) const {
  if (outcome.kind == Judgement::Kind::kMatch) return FindingLife::Condition::kTrue;
  if (outcome.kind == Judgement::Kind::kLookAlike || reading.closed.value_or(0) > 0) {
    return FindingLife::Condition::kBroken;
  }
  return now_.uptime - life.last_true().uptime < signature_->window
             ? FindingLife::Condition::kUnbroken
             : FindingLife::Condition::kBroken;
}

void ProcessWatch::Judge(ProcessPile::Group* group, Place* place, const Surroundings& around) {
  ProcessReading& reading = group->reading;
  reading.process = around.holders->Describe(group->key.process);
  Judged& judged = place->groups[group->key];
  judged.outcome = JudgementOf(reading);
  judged.sockets = reading.sockets;
  judged.stop_text = StopText(*signature_, judged.outcome, reading);
  judged.life.Step(ConditionAfter(judged.outcome, reading, judged.life), now_, signature_->hold_for,
                   signature_->keep_firing_for);
  if (!judged.life.is_finding()) return;
  if (judged.outcome.kind != Judgement::Kind::kMatch) {
    MarkAsOfLastMatch(&judged.finding);
    return;
  }
  ProcessFacts facts;
  facts.netns = &place->netns;
  facts.group = group;
  facts.unknown_look_alikes = judged.outcome.unknown_look_alikes;
  facts.life = &judged.life;
  facts.now = now_;
  judged.finding = BuildFinding(*signature_, facts, around.max_sockets_per_finding);
  judged.inodes.clear();
  for (const ProcessPile::Socket* const member : group->members) {
    if (static_cast<int>(judged.inodes.size()) == around.max_sockets_per_finding) break;
    judged.inodes.push_back(member->inode);
  }
}

void ProcessWatch::Advance(Place* place, const Surroundings& around) {
  if (place->read && place->pile.ReadingIsDue(now_)) {
    auto seen = place->pile.Read(now_, around.holders);
    if (seen.has_value()) {
      for (ProcessPile::Group& group : *seen) Judge(&group, place, around);
    }
  }
  bool watched = false;
  for (auto it = place->groups.begin(); it != place->groups.end();) {
    // Its sockets were closed, or are another process's now.
    if (place->pile.MembersOf(it->first) == 0) {
      it = place->groups.erase(it);
      continue;
    }
    watched = watched || it->second.life.stage() != FindingLife::Stage::kNone;
    ++it;
  }
  place->pile.set_watched(watched);
}

std::vector<ProcessWatch::Present> ProcessWatch::EndScan(const Surroundings& around) {
  std::vector<Present> present;
  sockets_ = 0;
  for (auto it = places_.begin(); it != places_.end();) {
    Place& place = it->second;
    v1::NetworkNamespace netns = around.netns(it->first);
    if (netns.cookie() == 0 || (place.pile.size() == 0 && place.read)) {
      it = places_.erase(it);
      continue;
    }
    place.netns = std::move(netns);
    Advance(&place, around);
    sockets_ += place.pile.size();
    activity_.CountSuspects(static_cast<int64_t>(place.pile.size()));
    for (const auto& [key, judged] : place.groups) {
      activity_.Count(judged.outcome, judged.sockets, judged.stop_text);
      if (judged.life.is_finding()) {
        present.push_back({judged.finding, judged.inodes, key.process.pid});
      }
    }
    ++it;
  }
  return present;
}

std::optional<ProcessFound> ProcessWatch::Find(const v1::Selector& selector) const {
  const auto found = places_.find(selector.netns_cookie());
  if (found == places_.end() || selector.group_by_size() != 2 ||
      selector.group_by(0).attribute() != "process" ||
      selector.group_by(1).attribute() != "listener") {
    return std::nullopt;
  }
  const Place& place = found->second;
  for (const auto& [key, judged] : place.groups) {
    const std::vector<std::string> values = GroupValues(key);
    if (values[0] != selector.group_by(0).value() || values[1] != selector.group_by(1).value()) {
      continue;
    }
    if (!place.read || !judged.life.is_finding()) return std::nullopt;
    // A socket that was too young for one reading is counted by the next.
    const absl::Duration youngest = 2 * signature_->window / kReadingsPerWindow;
    ProcessFound process{key.process, place.netns, {}, now_.uptime - youngest};
    for (const ProcessPile::Socket* const member : place.pile.Members(key)) {
      HeldSocket held{member->key, member->inode, -1, !member->eof_unread};
      for (const SocketHolder& holder : member->holders) {
        if (holder.process == key.process) held.fd = holder.fd;
      }
      process.sockets.push_back(held);
    }
    return process;
  }
  return std::nullopt;
}

}  // namespace tcpmedic
