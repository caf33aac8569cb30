#include "diagnosis/socket_watch.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "core/expr/value.h"

namespace tcpmedic {
namespace {

bool LongestFirst(const Match* a, const Match* b) {
  return std::tie(a->since.uptime, a->sample.key) < std::tie(b->since.uptime, b->sample.key);
}

}  // namespace

SocketWatch::SocketWatch(std::shared_ptr<const CompiledSignature> signature)
    : signature_(std::move(signature)), activity_(*signature_) {}

void SocketWatch::BeginScan(Moment now) {
  now_ = now;
  ++scan_;
  activity_.BeginScan();
}

Standing SocketWatch::FromSampleAlone(const SocketSample& sample) const {
  const SocketReading reading{&sample, nullptr};
  const SocketActivation activation(reading);
  Standing standing;
  for (size_t i = 0; i < signature_->conjuncts.size(); ++i) {
    const Conjunct& conjunct = signature_->conjuncts[i];
    if (conjunct.basis == Basis::kWindow || conjunct.expression.Evaluate(activation).is_true()) {
      continue;
    }
    if (standing.kind == Standing::Kind::kSuspect) standing = {Standing::Kind::kYoung, i};
    if (conjunct.basis == Basis::kNow) {
      standing.kind = Standing::Kind::kNo;
      break;
    }
  }
  return standing;
}

Judgement SocketWatch::OverWindow(const SocketReading& reading) const {
  const SocketActivation activation(reading);
  for (size_t i = 0; i < signature_->conjuncts.size(); ++i) {
    const Conjunct& conjunct = signature_->conjuncts[i];
    if (conjunct.basis != Basis::kWindow) continue;
    const expr::Value value = conjunct.expression.Evaluate(activation);
    if (value.is_true()) continue;
    const bool waiting = value.is_unknown() && reading.window == nullptr;
    return {waiting ? Judgement::Kind::kWaiting : Judgement::Kind::kNotTrue, i};
  }
  return JudgeLookAlikes(*signature_, activation);
}

void SocketWatch::Judge(const SocketSample& sample, const Standing& standing,
                        const SocketHistory* history) {
  if (standing.kind != Standing::Kind::kSuspect) {
    activity_.Count({Judgement::Kind::kNotTrue, standing.stopped_at}, {&sample, nullptr});
    return;
  }
  activity_.CountSuspect();
  std::optional<SocketDelta> window;
  if (history != nullptr) window = history->Over(signature_->window);
  const SocketReading reading{&sample, window.has_value() ? &*window : nullptr};
  const Judgement outcome = OverWindow(reading);
  activity_.Count(outcome, reading);

  auto found = tracked_.find(sample.key);
  if (outcome.kind == Judgement::Kind::kMatch) {
    if (found == tracked_.end()) found = tracked_.try_emplace(sample.key).first;
    Tracked& tracked = found->second;
    if (!tracked.member) tracked.match.since = now_;
    tracked.match.sample = sample;
    tracked.match.window = window;
    tracked.match.unknown_look_alikes = outcome.unknown_look_alikes;
    tracked.match.last = now_;
    tracked.group = GroupLine(*signature_, GroupValues(*signature_, sample));
  }
  if (found == tracked_.end()) return;
  found->second.newest = sample;
  found->second.seen_scan = scan_;
  found->second.outcome = outcome.kind;
}

bool SocketWatch::StaysMember(const Tracked& tracked) const {
  switch (tracked.outcome) {
    case Judgement::Kind::kMatch:
      return true;
    case Judgement::Kind::kNotTrue:
      return tracked.member && now_.uptime - tracked.match.last.uptime < signature_->window;
    case Judgement::Kind::kWaiting:  // its window was full once: the counters were reset
    case Judgement::Kind::kLookAlike:
      return false;
  }
  return false;
}

void SocketWatch::GatherGroups(const Surroundings& around) {
  for (auto& [line, group] : groups_) {
    group.members.clear();
    group.leavers.clear();
    group.listed.clear();
    group.matched_now = false;
    // Without members left, the finding's own namespace tells.
    group.as_it_was =
        group.life.is_finding() && around.not_read.contains(group.finding.netns().cookie());
  }
  const auto gone = [&](const auto& entry) {
    return entry.second.seen_scan != scan_ && !around.not_read.contains(entry.first.netns_cookie);
  };
  absl::erase_if(tracked_, gone);
  for (auto& [key, tracked] : tracked_) {
    Group& group = groups_[tracked.group];
    group.listed.push_back(&tracked.match);
    if (tracked.seen_scan != scan_) {
      group.as_it_was = true;
      if (tracked.member) group.members.push_back(&tracked);
      continue;
    }
    tracked.member = StaysMember(tracked);
    if (!tracked.member) {
      group.leavers.push_back(key);
      continue;
    }
    group.members.push_back(&tracked);
    group.matched_now = group.matched_now || tracked.outcome == Judgement::Kind::kMatch;
  }
}

bool SocketWatch::ConditionHolds(const Group& group) const {
  if (group.members.empty()) return false;
  if (!signature_->when.has_value()) return true;
  std::vector<const Match*> matches;
  for (const Tracked* const member : group.members) matches.push_back(&member->match);
  const GroupReading reading = ReadGroup(matches);
  return signature_->when->Evaluate(GroupActivation(reading)).is_true();
}

void SocketWatch::Advance(Group* group, const Surroundings& around) {
  const bool holds = ConditionHolds(*group);
  const auto condition = !holds               ? FindingLife::Condition::kBroken
                         : group->matched_now ? FindingLife::Condition::kTrue
                                              : FindingLife::Condition::kUnbroken;
  group->life.Step(condition, now_, signature_->hold_for, signature_->keep_firing_for);

  const bool rebuild = group->life.is_finding() && condition == FindingLife::Condition::kTrue;
  if (rebuild) {
    GroupFacts facts;
    for (const Tracked* const member : group->members) facts.matches.push_back(&member->match);
    std::sort(facts.matches.begin(), facts.matches.end(), LongestFirst);
    for (const Match* const match : facts.matches) {
      const SocketHistory* const history = around.history(match->sample.key);
      if (history != nullptr) facts.histories.push_back(history);
    }
    facts.life = &group->life;
    facts.netns = around.netns(facts.matches.front()->sample.key.netns_cookie);
    facts.now = now_;
    group->finding = BuildFinding(*signature_, facts, around.max_sockets_per_finding);
    group->listed = std::move(facts.matches);
  } else if (group->life.is_finding()) {
    std::sort(group->listed.begin(), group->listed.end(), LongestFirst);
    ListSockets(group->listed, around.max_sockets_per_finding, &group->finding);
    MarkAsOfLastMatch(&group->finding);
  }
  // Who left is still listed while the finding is that of the last match; then not any more.
  if (rebuild || !group->life.is_finding()) {
    for (const SocketKey& key : group->leavers) tracked_.erase(key);
  }
}

std::vector<SocketWatch::Present> SocketWatch::EndScan(const Surroundings& around) {
  GatherGroups(around);
  std::vector<Present> present;
  for (auto it = groups_.begin(); it != groups_.end();) {
    Group& group = it->second;
    const bool all_gone = group.listed.empty() && !group.as_it_was;
    if (!all_gone && !group.as_it_was) Advance(&group, around);
    if (all_gone || group.life.stage() == FindingLife::Stage::kNone) {
      it = groups_.erase(it);
      continue;
    }
    ++it;
    if (!group.life.is_finding()) continue;
    Present& added = present.emplace_back();
    added.finding = group.finding;
    for (const Match* const match : group.listed) {
      if (static_cast<int>(added.inodes.size()) == around.max_sockets_per_finding) break;
      if (match->sample.inode != 0) added.inodes.push_back(match->sample.inode);
    }
  }
  return present;
}

std::vector<SocketSample> SocketWatch::Members(const v1::Selector& selector, int max) const {
  const size_t components = signature_->group_by.size();
  if (components == 0 || static_cast<size_t>(selector.group_by_size()) != components) return {};
  std::vector<std::string> values;
  for (size_t i = 0; i < components; ++i) {
    const v1::GroupKey& key = selector.group_by(static_cast<int>(i));
    if (key.attribute() != signature_->group_by[i].name) return {};
    values.push_back(key.value());
  }
  const std::string group = GroupLine(*signature_, values);
  std::vector<const Tracked*> members;
  for (const auto& [key, tracked] : tracked_) {
    if (tracked.member && tracked.seen_scan == scan_ && tracked.group == group &&
        key.netns_cookie == selector.netns_cookie()) {
      members.push_back(&tracked);
    }
  }
  std::sort(members.begin(), members.end(),
            [](const Tracked* a, const Tracked* b) { return LongestFirst(&a->match, &b->match); });
  members.resize(std::min(members.size(), static_cast<size_t>(max)));
  std::vector<SocketSample> samples;
  samples.reserve(members.size());
  for (const Tracked* const member : members) samples.push_back(member->newest);
  return samples;
}

}  // namespace tcpmedic
