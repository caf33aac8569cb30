#include "diagnosis/netns_watch.h"

#include <utility>

#include "diagnosis/finding_builder.h"
#include "diagnosis/netns_finding.h"

namespace tcpmedic {

NetnsWatch::NetnsWatch(std::shared_ptr<const CompiledSignature> signature)
    : signature_(std::move(signature)), activity_(*signature_) {}

void NetnsWatch::BeginScan(Moment now) {
  now_ = now;
  ++scan_;
  activity_.BeginScan();
}

std::optional<Judgement> NetnsWatch::StoppedAt(const NetnsReading& reading, bool needs_dump) const {
  const NetnsActivation activation(reading);
  for (size_t i = 0; i < signature_->conjuncts.size(); ++i) {
    const Conjunct& conjunct = signature_->conjuncts[i];
    if (conjunct.needs_dump != needs_dump) continue;
    const expr::Value value = conjunct.expression.Evaluate(activation);
    if (value.is_true()) continue;
    const bool waiting =
        conjunct.basis == Basis::kWindow && value.is_unknown() && reading.window == nullptr;
    return Judgement{waiting ? Judgement::Kind::kWaiting : Judgement::Kind::kNotTrue, i};
  }
  return std::nullopt;
}

bool NetnsWatch::WantsListeners(uint64_t netns_cookie, const NetnsHistory& history) const {
  if (places_.contains(netns_cookie)) return true;
  const std::optional<NetnsDelta> window = history.Over(signature_->window);
  const NetnsReading reading{&history.newest(), window.has_value() ? &*window : nullptr};
  return !StoppedAt(reading, /*needs_dump=*/false).has_value();
}

FindingLife::Condition NetnsWatch::ConditionAfter(const Judgement& outcome,
                                                  const NetnsReading& reading,
                                                  const FindingLife& life) const {
  switch (outcome.kind) {
    case Judgement::Kind::kMatch:
      return FindingLife::Condition::kTrue;
    case Judgement::Kind::kWaiting:  // its window was full once: the counters were reset
    case Judgement::Kind::kLookAlike:
      return FindingLife::Condition::kBroken;
    case Judgement::Kind::kNotTrue:
      break;
  }
  const Conjunct& conjunct = signature_->conjuncts[outcome.index];
  const bool set_otherwise = conjunct.basis == Basis::kNow && !conjunct.needs_dump &&
                             conjunct.expression.Evaluate(NetnsActivation(reading)).is_false();
  const bool within_window = now_.uptime - life.last_true().uptime < signature_->window;
  return within_window && !set_otherwise ? FindingLife::Condition::kUnbroken
                                         : FindingLife::Condition::kBroken;
}

void NetnsWatch::Judge(const NetnsView& view) {
  const std::optional<NetnsDelta> window = view.history.Over(signature_->window);
  const NetnsReading reading{&view.history.newest(), window.has_value() ? &*window : nullptr,
                             view.listeners};
  std::optional<Judgement> outcome = StoppedAt(reading, /*needs_dump=*/false);
  if (!outcome.has_value()) {
    activity_.CountSuspect();
    outcome = StoppedAt(reading, /*needs_dump=*/true);
  }
  if (!outcome.has_value()) outcome = JudgeLookAlikes(*signature_, NetnsActivation(reading));
  activity_.Count(*outcome, view.netns, reading);

  const uint64_t cookie = view.netns.cookie();
  auto found = places_.find(cookie);
  if (found == places_.end()) {
    if (outcome->kind != Judgement::Kind::kMatch) return;
    found = places_.try_emplace(cookie).first;
  }
  Place& place = found->second;
  place.judged_scan = scan_;
  place.life.Step(ConditionAfter(*outcome, reading, place.life), now_, signature_->hold_for,
                  signature_->keep_firing_for);
  if (!place.life.is_finding()) return;
  if (outcome->kind != Judgement::Kind::kMatch) {
    MarkAsOfLastMatch(&place.finding);
    return;
  }
  NetnsFacts facts;
  facts.netns = view.netns;
  facts.reading = reading;
  facts.unknown_look_alikes = outcome->unknown_look_alikes;
  facts.life = &place.life;
  facts.before = Measure(view.history, view.half_open);
  facts.now = now_;
  place.finding = BuildFinding(*signature_, facts);
  const bool listener_known = view.listeners != nullptr && view.listeners->most_pressed.has_value();
  place.inodes = listener_known ? view.listeners->most_pressed->inodes : std::vector<uint32_t>();
}

std::vector<NetnsWatch::Present> NetnsWatch::EndScan(const absl::flat_hash_set<uint64_t>& alive) {
  std::vector<Present> present;
  for (auto it = places_.begin(); it != places_.end();) {
    const Place& place = it->second;
    if (!alive.contains(it->first) || place.life.stage() == FindingLife::Stage::kNone) {
      it = places_.erase(it);
      continue;
    }
    ++it;
    if (place.life.is_finding()) present.push_back({place.finding, place.inodes});
  }
  return present;
}

bool NetnsWatch::HoldsIn(uint64_t netns_cookie) const {
  const auto found = places_.find(netns_cookie);
  return found != places_.end() && found->second.judged_scan == scan_ &&
         found->second.life.stage() == FindingLife::Stage::kFiring;
}

}  // namespace tcpmedic
