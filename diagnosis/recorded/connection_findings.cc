#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/expr/template.h"
#include "diagnosis/connection_schema.h"
#include "diagnosis/finding_builder.h"
#include "diagnosis/recorded/findings.h"
#include "diagnosis/recorded/one_sample.h"

namespace tcpmedic {
namespace {

struct Group {
  std::vector<std::string> values;
  const TrackedConnection* exemplar = nullptr;  // the first in the trace
  Judgement judgement;                          // of it
  ConnectionGroupReading reading;
  std::set<IpAddress> clients;
};

// Where its segments are: the first, and the last that were kept.
std::vector<Place> PlacesOf(const TrackedConnection& connection) {
  if (connection.segments.empty()) return {{connection.input, 0}};
  return {{connection.input, connection.segments.front().number},
          {connection.input, connection.segments.back().number}};
}

// TCP_TIMEOUT_INIT, after which a SYN without an answer is sent again, and what a timer is late.
constexpr absl::Duration kSynSentAgain = absl::Milliseconds(1100);

// When the last segment of each input was captured, of those that were kept.
std::map<std::string, absl::Duration> EndsOf(const TraceResult& trace) {
  std::map<std::string, absl::Duration> ends;
  for (const TrackedConnection& connection : trace.connections) {
    for (const TrackedSegment& segment : connection.segments) {
      if (!segment.time.has_value()) continue;
      absl::Duration& end = ends.try_emplace(connection.input, *segment.time).first->second;
      end = std::max(end, *segment.time);
    }
  }
  return ends;
}

// Whether the client sent its SYN again; nullopt: the trace ends too early to tell.
std::optional<bool> SentSynAgain(const TrackedConnection& connection,
                                 const std::map<std::string, absl::Duration>& ends) {
  if (connection.totals.syns > 1) return true;
  const auto end = ends.find(connection.input);
  if (connection.totals.syns == 0 || connection.segments.empty() || end == ends.end()) {
    return std::nullopt;
  }
  const TrackedSegment& first = connection.segments.front();
  if (!first.time.has_value() || end->second - *first.time <= kSynSentAgain) return std::nullopt;
  return false;
}

// The busiest example of where connections stopped is the first: they all weigh the same.
struct Example {
  std::string text;
};

}  // namespace

FoundBySignature FindInConnections(const CompiledSignature& given, const TraceResult& trace) {
  const CompiledSignature& signature = ForOneSample(given);
  Stops<Example> stops(signature);
  std::map<std::string, Group> groups;
  const std::map<std::string, absl::Duration> ends = EndsOf(trace);
  FoundBySignature found;
  found.activity.set_signature(signature.definition.name());
  found.activity.set_subject(v1::SUBJECT_CONNECTION);
  found.activity.set_sockets_seen(static_cast<int64_t>(trace.connections.size()));
  for (const TrackedConnection& connection : trace.connections) {
    const ConnectionReading reading(connection);
    const ConnectionActivation activation(reading);
    const Judgement judgement = JudgeOneSample(signature, activation);
    if (auto* const stop = stops.At(judgement)) {
      if (stop->subjects++ == 0) {
        stop->example.text =
            absl::StrCat(reading.client, " → ", reading.server,
                         ValuesText(stops.ExpressionOf(judgement), ConnectionSchema(), activation));
      }
      continue;
    }
    found.activity.set_suspects(found.activity.suspects() + 1);
    std::vector<std::string> values;
    for (const GroupComponent& component : signature.group_by) {
      values.push_back(expr::ToText(activation.Get(*component.slot)));
    }
    Group& group = groups[GroupLine(signature, values)];
    if (group.exemplar == nullptr) {
      group.values = std::move(values);
      group.exemplar = &connection;
      group.judgement = judgement;
    }
    ++group.reading.count;
    if (const std::optional<bool> again = SentSynAgain(connection, ends); again.has_value()) {
      ++(*again ? group.reading.syns_again : group.reading.syns_once);
    }
    group.clients.insert(connection.client.ip);
  }
  for (auto& [line, group] : groups) {
    group.reading.clients = static_cast<int64_t>(group.clients.size());
    const ConnectionReading exemplar(*group.exemplar);
    RecordedFinding& added = found.findings.emplace_back();
    v1::Finding& finding = added.finding;
    finding = BeginRecordedFinding(signature, group.values);
    finding.set_verdict(
        signature.verdict.Render(ConnectionVerdictActivation(exemplar, group.reading)));
    for (const int slot : signature.evidence_slots) {
      AddEvidence(MakeEvidence(slot, exemplar, group.reading), PlacesOf(*group.exemplar), &finding);
    }
    AddNotShown(signature, group.judgement, ConnectionSchema(), ConnectionActivation(exemplar),
                &finding);
    for (const IcmpReport& report : group.exemplar->icmp) {
      added.remarks.push_back(absl::StrCat(ReportText(report), " (",
                                           PlaceText({group.exemplar->input, report.number}), ")"));
    }
    v1::SocketRef* const ref = finding.mutable_exemplar();
    ref->mutable_local()->set_ip(group.exemplar->client.ip.ToString());
    ref->mutable_local()->set_port(group.exemplar->client.port);
    ref->mutable_remote()->set_ip(group.exemplar->server.ip.ToString());
    ref->mutable_remote()->set_port(group.exemplar->server.port);
    finding.set_socket_count(static_cast<int32_t>(group.reading.count));
  }
  stops.AddTo(&found.activity,
              [](const Example& example, const expr::Expression&) { return example.text; });
  return found;
}

}  // namespace tcpmedic
