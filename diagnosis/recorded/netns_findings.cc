#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "diagnosis/listeners.h"
#include "diagnosis/netns_activity.h"
#include "diagnosis/netns_schema.h"
#include "diagnosis/recorded/findings.h"
#include "diagnosis/recorded/one_sample.h"
#include "diagnosis/recorded/remarks.h"
#include "observe/recorded/shell_command.h"
#include "observe/recorded/ss_command.h"

namespace tcpmedic {
namespace {

struct RecordedNetns {
  NetnsPoint point;
  NetnsDelta delta;
  bool increases = false;  // the counters are increases, not totals
  bool any = false;        // a counter, a setting or a listener
  std::optional<ListenersSeen> listeners;
  const RecordedCount* half_open_count = nullptr;  // where not all half-open ones are listed
};

// `ss … state syn-recv | wc -l`. (`ss -s` of old kernels says 0 whatever there is.)
const RecordedCount* CountOfHalfOpen(const Gathered& gathered) {
  const RecordedCount* largest = nullptr;
  for (const RecordedCount& count : gathered.counts()) {
    if (count.state != Name(TcpState::kSynRecv) || count.only_some || SocketsOf(count) == 0) {
      continue;
    }
    if (largest == nullptr || SocketsOf(count) > SocketsOf(*largest)) largest = &count;
  }
  return largest;
}

// Where the half-open connections are not listed, or only some: the listener if there is but one,
// and how many they are where that was counted.
void SeeListenersAlone(const Gathered& gathered, RecordedNetns* netns) {
  Listeners listeners;
  for (const RecordedSocket& socket : gathered.sockets()) {
    if (socket.sample.state == TcpState::kListen) listeners.Add(socket.sample);
  }
  ListenersSeen seen = listeners.Count(&netns->point);
  netns->half_open_count = CountOfHalfOpen(gathered);
  if (!seen.most_pressed.has_value() && netns->half_open_count == nullptr) return;
  seen.half_open_listed = false;
  seen.half_open_counted = netns->half_open_count != nullptr;
  if (seen.half_open_counted) {
    seen.syn_recv_sockets = SocketsOf(*netns->half_open_count);
    if (seen.most_pressed.has_value()) {
      seen.most_pressed->syn_recv_sockets = seen.syn_recv_sockets;
    }
  }
  netns->listeners = std::move(seen);
}

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (size_t i = 0; i < kNetnsCounters; ++i) {
    names.emplace_back(Name(static_cast<NetnsCounter>(i)));
  }
  return names;
}

// Whether somebody has asked for all half-open connections: then that none was shown means that
// there was none.
bool ShowsHalfOpen(const Gathered& gathered) {
  for (const RecordedSocket& socket : gathered.sockets()) {
    if (socket.sample.state == TcpState::kSynRecv && !socket.only_some) return true;
  }
  for (const RecordedCommand& command : gathered.commands()) {
    const ShellCommand parsed = ParseShellCommand(command.text);
    if (parsed.tool() != "ss") continue;
    const SsOutput output = ParseSsOutput(parsed);
    if (output.only_some || output.hides_states) continue;
    const SsFlags flags = ParseSsFlags(parsed.stages[0]);
    if (flags.summary) continue;
    if (flags.only_state == TcpState::kSynRecv) return true;
    if (flags.only_state.has_value() || absl::StrContains(command.text, "state ")) continue;
    for (const std::string& word : parsed.stages[0]) {
      const bool short_flags = absl::StartsWith(word, "-") && !absl::StartsWith(word, "--");
      if (word == "--all" || (short_flags && absl::StrContains(word, "a"))) return true;
    }
  }
  return false;
}

RecordedNetns NetnsOf(const Gathered& gathered) {
  RecordedNetns netns;
  CounterSample sample;
  const auto take = [&](bool increase) {
    bool any = false;
    for (const std::string& name : Names()) {
      const RecordedCounter* const counter = gathered.CounterOf(name, increase);
      if (counter == nullptr) continue;
      sample.Set(name, counter->value);
      any = true;
    }
    return any;
  };
  netns.any = take(/*increase=*/false);
  if (!netns.any) netns.any = netns.increases = take(/*increase=*/true);
  for (size_t i = 0; i < kNetnsSettings; ++i) {
    const std::string name(Name(static_cast<NetnsSetting>(i)));
    const RecordedCounter* const setting = gathered.CounterOf(name, /*increase=*/false);
    if (setting == nullptr) continue;
    sample.Set(name, setting->value);
    netns.any = true;
  }
  netns.point = PointOf(sample, Moment());
  netns.delta = OverOneReading(netns.point,
                               netns.increases ? CountedOver::kLastRead : CountedOver::kLifetime);
  if (ShowsHalfOpen(gathered)) {
    Listeners listeners;
    for (const RecordedSocket& socket : gathered.sockets()) listeners.Add(socket.sample);
    netns.listeners = listeners.Count(&netns.point);
    netns.any = true;
  } else {
    SeeListenersAlone(gathered, &netns);
  }
  return netns;
}

// The counters that the source names, and the places that they were read from:
// "TcpExtSyncookiesRecv / TcpExtSyncookiesSent".
std::vector<Place> PlacesOf(absl::string_view source, const Gathered& gathered, bool increases) {
  std::vector<Place> places;
  size_t begin = 0;
  const auto is_name = [](char c) { return absl::ascii_isalnum(c) || c == '_' || c == '.'; };
  while (begin < source.size()) {
    size_t end = begin;
    while (end < source.size() && is_name(source[end])) ++end;
    if (end > begin) {
      const std::string name(source.substr(begin, end - begin));
      const RecordedCounter* const counter =
          gathered.CounterOf(name, increases && !absl::StrContains(name, "."));
      if (counter != nullptr) places.push_back(counter->place);
    }
    begin = std::max(end, begin + 1);
  }
  return places;
}

std::vector<Place> ListenerPlaces(const RecordedNetns& netns, const Gathered& gathered) {
  std::vector<Place> places;
  if (!netns.listeners.has_value() || !netns.listeners->most_pressed.has_value()) return places;
  for (const RecordedSocket& socket : gathered.sockets()) {
    if (socket.sample.key == netns.listeners->most_pressed->key) places.push_back(socket.place);
  }
  return places;
}

// What half-open connections say was read from their lines, or counted by a command.
std::vector<Place> NameHalfOpen(const RecordedNetns& netns, const Gathered& gathered,
                                v1::Evidence* evidence) {
  if (netns.half_open_count != nullptr) {
    evidence->set_source(SourceOf(*netns.half_open_count, gathered));
    return {netns.half_open_count->place};
  }
  const bool of_listener = absl::StartsWith(evidence->name(), "listener.");
  std::vector<Place> first;
  int64_t lines = 0;
  for (const RecordedSocket& socket : gathered.sockets()) {
    if (socket.sample.state != TcpState::kSynRecv) continue;
    if (of_listener && socket.sample.local_port != netns.listeners->most_pressed->local_port) {
      continue;
    }
    if (lines++ == 0) first = {socket.place};
  }
  if (lines > 1) {
    evidence->set_source(absl::StrCat(evidence->source(), ", the first of ", lines, " lines"));
  }
  return first;
}

std::vector<Place> PlacesOf(const RecordedNetns& netns, const Gathered& gathered, int slot,
                            v1::Evidence* evidence) {
  if (evidence->value().kind_case() == v1::Value::KIND_NOT_SET) return {};
  if (!NetnsAttributes()[slot].needs_dump) {
    return PlacesOf(evidence->source(), gathered, netns.increases);
  }
  return absl::StrContains(evidence->source(), "SYN-RECV") ? NameHalfOpen(netns, gathered, evidence)
                                                           : ListenerPlaces(netns, gathered);
}

// Half-open connections were shown, but not all: what those few tell, and that they are few. Empty:
// none was, or all were.
std::string RemarkOnFewHalfOpen(const RecordedNetns& netns, const Gathered& gathered) {
  if (netns.listeners.has_value() && netns.listeners->half_open_listed) return "";
  Listeners listeners;
  for (const RecordedSocket& socket : gathered.sockets()) listeners.Add(socket.sample);
  const ListenersSeen shown = listeners.Count(&netns.point);
  if (shown.syn_recv_sockets == 0) return "";
  const int64_t counted = netns.half_open_count == nullptr ? 0 : SocketsOf(*netns.half_open_count);
  std::string at;
  if (shown.most_pressed.has_value() &&
      shown.most_pressed->syn_recv_sockets == shown.syn_recv_sockets) {
    at = absl::StrCat(", all at ", shown.most_pressed->address, " (backlog ",
                      shown.most_pressed->backlog, ")");
  }
  return absl::StrCat(
      "only ", shown.syn_recv_sockets,
      counted > shown.syn_recv_sockets ? absl::StrCat(" of ", counted) : "",
      " half-open connections are shown", at,
      netns.listeners.has_value() && netns.listeners->most_pressed.has_value() &&
              netns.listeners->half_open_counted
          ? ": where they come from is not shown"
          : ": how many there are at each listener, and where they come from, is not shown");
}

}  // namespace

FoundBySignature FindInNetns(const CompiledSignature& given, const Gathered& gathered) {
  const CompiledSignature& signature = ForOneSample(given);
  const RecordedNetns netns = NetnsOf(gathered);
  NetnsActivity activity(signature);
  FoundBySignature found;
  if (!netns.any) {
    found.activity = activity.Report();
    return found;
  }
  const NetnsReading reading{&netns.point, &netns.delta,
                             netns.listeners.has_value() ? &*netns.listeners : nullptr};
  const NetnsActivation activation(reading);
  const Judgement judgement = JudgeOneSample(signature, activation);
  v1::NetworkNamespace name;
  name.set_name("the recorded host");
  activity.Count(judgement, name, reading);
  if (judgement.kind == Judgement::Kind::kMatch) {
    activity.CountSuspect();
    RecordedFinding& added = found.findings.emplace_back();
    v1::Finding& finding = added.finding;
    finding = BeginRecordedFinding(signature, {""});
    finding.set_verdict(signature.verdict.Render(activation));
    for (const int slot : signature.evidence_slots) {
      v1::Evidence evidence = MakeEvidence(slot, reading);
      const std::vector<Place> places = PlacesOf(netns, gathered, slot, &evidence);
      AddEvidence(std::move(evidence), places, &finding);
    }
    AddNotShown(signature, judgement, NetnsSchema(), activation, &finding);
    finding.set_confidence(v1::CONFIDENCE_LIKELY);
    if (reading.listeners != nullptr && reading.listeners->most_pressed.has_value()) {
      const Listener& listener = *reading.listeners->most_pressed;
      finding.mutable_exemplar()->mutable_local()->set_ip(listener.local_ip.ToString());
      finding.mutable_exemplar()->mutable_local()->set_port(listener.local_port);
    }
    added.remarks.emplace_back(
        netns.increases
            ? "the counters are increases since nstat's last run: how long that is ago, and so how "
              "fast it is, is not shown"
            : "the counters are totals since boot: when that was, and whether it goes on, is not "
              "shown; two readings a minute apart would tell");
    if (Reads(signature, NetnsSchema(), "listener.syn_recv_sockets")) {
      std::string remark = RemarkOnFewHalfOpen(netns, gathered);
      if (!remark.empty()) added.remarks.push_back(std::move(remark));
    }
  }
  found.activity = activity.Report();
  return found;
}

}  // namespace tcpmedic
