#include "cli/diagnose/diagnosis_json.h"

#include <nlohmann/json.hpp>
#include <string>

#include "absl/time/time.h"
#include "cli/diagnose/ladder.h"
#include "cli/diagnose/remedy.h"
#include "cli/json.h"
#include "core/ip_address.h"
#include "proto/words.h"

namespace tcpmedic::cli {
namespace {

using nlohmann::ordered_json;

template <typename T>
ordered_json OrNull(const std::optional<T>& value) {
  if (!value) return nullptr;
  return *value;
}

ordered_json OrNull(const std::string& text) {
  if (text.empty()) return nullptr;
  return text;
}

ordered_json RemedyJson(const v1::Decision& decision) {
  const v1::Action* const remedy = RemedyOf(decision);
  if (remedy == nullptr) return nullptr;
  const std::string name = ActionName(*remedy);
  ordered_json json = {{"action", name}};
  json.update(ToJson(*remedy).at(name));
  return json;
}

// A duration is its seconds here, and says so.
ordered_json EvidenceJson(const v1::Evidence& evidence) {
  ordered_json json = ToJson(evidence);
  if (evidence.value().has_duration_value() && evidence.unit().empty()) json["unit"] = "s";
  return json;
}

// A text that is not known is empty there.
ordered_json ProcessJson(const v1::Process& process) {
  ordered_json json = ToJson(process);
  for (auto& [key, value] : json.items()) {
    if (value.is_string() && value.get_ref<const std::string&>().empty()) value = nullptr;
  }
  return json;
}

ordered_json FindingJson(const DiagnosedFinding& found) {
  const v1::Finding& finding = found.finding;
  const auto list = [](const auto& messages) {
    ordered_json array = ordered_json::array();
    for (const auto& message : messages) array.push_back(ToJson(message));
    return array;
  };
  ordered_json json;
  json["signature"] = finding.signature();
  json["subject"] = OrNull(Name(finding.subject()));
  json["severity"] = OrNull(Name(finding.severity()));
  json["confidence"] = OrNull(Name(finding.confidence()));
  json["title"] = finding.title();
  json["group"] = finding.group();
  json["verdict"] = finding.verdict();
  json["advice"] = finding.advice();
  json["disproof"] = finding.disproof();
  json["remedy"] = RemedyJson(found.decision);
  json["not_shown"] = list(finding.not_shown());
  json["remarks"] = found.remarks;
  json["policy"] = OrNull(found.decision.policy());
  json["note"] = OrNull(NoteOf(found.decision));
  json["evidence"] = ordered_json::array();
  for (const v1::Evidence& evidence : finding.evidence()) {
    json["evidence"].push_back(EvidenceJson(evidence));
  }
  json["netns"] = nullptr;
  if (finding.has_netns()) json["netns"] = ToJson(finding.netns());
  json["sockets"] =
      finding.socket_count() == 0 ? ordered_json(nullptr) : ordered_json(finding.socket_count());
  json["processes"] = ordered_json::array();
  for (const v1::Process& process : finding.processes()) {
    json["processes"].push_back(ProcessJson(process));
  }
  return json;
}

// As tcpdump prints it, but for seconds since the first packet.
ordered_json TimeJson(const std::optional<absl::Duration>& time, TimeBase base) {
  if (!time) return nullptr;
  if (base == TimeBase::kFirstPacket) return absl::ToDoubleSeconds(*time);
  return absl::FormatTime(base == TimeBase::kEpoch ? "%Y-%m-%dT%H:%M:%E6SZ" : "%H:%M:%E6S",
                          absl::UnixEpoch() + *time, absl::UTCTimeZone());
}

ordered_json StateJson(EndState state) {
  if (state == EndState::kUnknown) return nullptr;
  return std::string(Name(state));
}

ordered_json SegmentJson(const TrackedSegment& segment, TimeBase base) {
  ordered_json json;
  json["number"] = segment.number;
  json["time"] = TimeJson(segment.time, base);
  json["from"] = segment.from_client ? "client" : "server";
  json["flags"] = FlagText(segment.flags);
  json["seq"] = OrNull(segment.seq);
  json["rel_seq"] = OrNull(segment.rel_seq);
  json["ack"] = OrNull(segment.ack);
  json["rel_ack"] = OrNull(segment.rel_ack);
  json["length"] = segment.payload_bytes;
  json["window_bytes"] = OrNull(segment.window_bytes);
  json["client_state"] = StateJson(segment.client_state);
  json["server_state"] = StateJson(segment.server_state);
  ordered_json events = ordered_json::array();
  for (const SegmentEvent event : segment.events) events.push_back(std::string(Name(event)));
  json["events"] = std::move(events);
  json["note"] = OrNull(segment.note);
  return json;
}

// Null: the input as a whole, whose lines nobody has counted.
ordered_json LinesJson(const Unread& unread) {
  if (unread.place.line == 0) return nullptr;
  return unread.lines;
}

ordered_json IcmpJson(const IcmpReport& report) {
  ordered_json json = {{"number", report.number},
                       {"count", report.count},
                       {"from", report.from.ToString()},
                       {"error", std::string(Name(report.error))},
                       {"mtu", nullptr},
                       {"about", report.of_client ? "client" : "server"},
                       {"after_s", nullptr}};
  if (report.mtu > 0) json["mtu"] = report.mtu;
  if (report.after) json["after_s"] = absl::ToDoubleSeconds(*report.after);
  return json;
}

std::string EndpointJson(const TraceEndpoint& endpoint) {
  return EndpointText(endpoint.ip, endpoint.port);
}

ordered_json ConnectionJson(const TrackedConnection& connection) {
  ordered_json json;
  json["source"] = connection.input;
  json["client"] = EndpointJson(connection.client);
  json["server"] = EndpointJson(connection.server);
  json["client_is_guess"] = connection.client_is_guess;
  json["outcome"] = std::string(Name(connection.outcome));
  json["summary"] = connection.summary;
  json["client_isn"] = OrNull(connection.client_isn);
  json["server_isn"] = OrNull(connection.server_isn);
  json["first_data_seq"] = OrNull(connection.first_data_seq);
  json["handshake_rtt_us"] = nullptr;
  if (connection.handshake_rtt) {
    json["handshake_rtt_us"] = absl::ToInt64Microseconds(*connection.handshake_rtt);
  }
  ordered_json spacing = ordered_json::array();
  for (const absl::Duration gap : connection.syn_spacing) {
    spacing.push_back(absl::ToDoubleSeconds(gap));
  }
  json["syn_spacing_s"] = std::move(spacing);
  json["reset_by"] = nullptr;
  if (connection.reset_by) json["reset_by"] = EndpointJson(*connection.reset_by);
  const ConnectionTotals& totals = connection.totals;
  json["totals"] = {{"segments", totals.segments},
                    {"client_bytes", totals.client_bytes},
                    {"server_bytes", totals.server_bytes},
                    {"retransmissions", totals.retransmissions},
                    {"spurious_retransmissions", totals.spurious_retransmissions},
                    {"out_of_order", totals.out_of_order},
                    {"keep_alives", totals.keep_alives},
                    {"zero_windows", totals.zero_windows},
                    {"duplicate_acks", totals.duplicate_acks},
                    {"syns", totals.syns},
                    {"syn_acks", totals.syn_acks},
                    {"captured_twice", totals.captured_twice}};
  ordered_json icmp = ordered_json::array();
  for (const IcmpReport& report : connection.icmp) icmp.push_back(IcmpJson(report));
  json["icmp_errors"] = std::move(icmp);
  ordered_json segments = ordered_json::array();
  for (const TrackedSegment& segment : connection.segments) {
    segments.push_back(SegmentJson(segment, connection.time_base));
  }
  json["segments"] = std::move(segments);
  json["segments_left_out"] = connection.segments_left_out;
  return json;
}

ordered_json TraceJson(const TraceResult& trace) {
  ordered_json outcomes = ordered_json::object();
  for (size_t i = 0; i < trace.by_outcome.size(); ++i) {
    if (trace.by_outcome[i] == 0) continue;
    outcomes[std::string(Name(static_cast<Outcome>(i)))] = trace.by_outcome[i];
  }
  return {{"connections_seen", trace.connections_seen},
          {"connections_left_out", trace.connections_left_out},
          {"segments", trace.segments},
          {"outcomes", std::move(outcomes)}};
}

}  // namespace

absl::Status WriteDiagnosisJson(const DiagnosisView& view,
                                const std::vector<const TrackedConnection*>& only,
                                const JsonObjectWriter::Write& write, bool why) {
  JsonObjectWriter json(write);
  json.BeginList("findings");
  for (const DiagnosedFinding& found : view.findings) json.Element(FindingJson(found));
  json.BeginList("connections");
  if (only.empty()) {
    for (const TrackedConnection& connection : view.trace.connections) {
      if (!json.ok()) break;
      json.Element(ConnectionJson(connection));
    }
  }
  for (const TrackedConnection* const connection : only) {
    if (!json.ok()) break;
    json.Element(ConnectionJson(*connection));
  }
  json.BeginList("unread");
  for (const Unread& unread : view.unread) {
    json.Element({{"source", PlaceText(unread.place)},
                  {"reason", unread.reason},
                  {"lines", LinesJson(unread)},
                  {"excerpt", OrNull(unread.excerpt)}});
  }
  json.Member("remarks", view.remarks);
  json.Member("trace", TraceJson(view.trace));
  ordered_json read, live;  // null where it is the other
  if (view.live) {
    live = {{"watched_s", absl::ToDoubleSeconds(view.watched)},
            {"sockets", view.sockets_seen},
            {"namespaces", view.namespaces_seen},
            {"not_seen", view.not_seen}};
  } else {
    read = {{"sockets", view.read.sockets},
            {"counts", view.read.counts},
            {"counters", view.read.counters},
            {"processes", view.read.processes},
            {"segments", view.read.segments}};
  }
  json.Member("read", read);
  json.Member("live", live);
  if (why) {
    json.BeginList("why");
    for (const v1::SignatureActivity& activity : view.activity) json.Element(ToJson(activity));
  }
  return json.Finish();
}

}  // namespace tcpmedic::cli
