#include "cli/drill/drill_report.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/json.h"
#include "cli/render/why.h"

namespace tcpmedic::cli {
namespace {

using nlohmann::ordered_json;

const v1::Evidence* Find(const v1::Measurement& measurement, absl::string_view name) {
  for (const v1::Evidence& evidence : measurement.values()) {
    if (evidence.name() == name && evidence.has_value()) return &evidence;
  }
  return nullptr;
}

ordered_json ValueOrNull(const v1::Measurement& measurement, absl::string_view name) {
  const v1::Evidence* evidence = Find(measurement, name);
  return evidence == nullptr ? ordered_json(nullptr) : ToJson(evidence->value());
}

ordered_json MeasurementJson(const v1::Measurement& measurement) {
  ordered_json json;
  for (const char* name : {"congestion_control", "goodput_bps", "rtt_us", "cwnd_segments",
                           "ssthresh_segments", "retrans_ratio"}) {
    json[name] = ValueOrNull(measurement, name);
  }
  json["start"] = ToJson(measurement)["start"];
  json["end"] = ToJson(measurement)["end"];
  return json;
}

ordered_json ProposalJson(const v1::IncidentView& view) {
  if (view.proposals().empty()) return nullptr;
  const v1::Proposal& proposal = view.proposals(0);
  return {{"id", proposal.id()},
          {"action", "set_congestion_control"},
          {"algorithm", proposal.action().set_congestion_control().algorithm()},
          {"targets_max", proposal.targets_max()},
          {"digest", proposal.digest()}};
}

ordered_json DirectionJson(const lab::DirectionStats& stats) {
  return {{"packets", stats.packets_in},
          {"lost", stats.lost},
          {"queue_full", stats.queue_full},
          {"reordered", stats.reordered},
          {"max_queue_bytes", stats.max_queue_bytes},
          {"lab_drops", stats.device_drops + stats.emulator_drops}};
}

template <typename T>
ordered_json OrNull(const std::optional<T>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

std::string Megabits(double bps) { return absl::StrFormat("%.2f Mbit/s", bps / 1e6); }

}  // namespace

ordered_json ToJson(const DrillReport& report) {
  ordered_json json = {{"drill", report.drill},
                       {"as_expected", report.as_expected()},
                       {"outcome", std::string(Name(report.outcome))},
                       {"expected", std::string(Name(report.expectation.outcome))},
                       {"expected_because", report.expectation.reason}};
  ordered_json evidence = ordered_json::object();
  ordered_json processes = ordered_json::array();
  json["signature"] = nullptr;
  json["confidence"] = nullptr;
  json["incident_id"] = nullptr;
  json["policies_digest"] = report.policies_digest;
  json["seconds"] = {
      {"fault_to_finding", report.fault_to_finding
                               ? ordered_json(absl::ToDoubleSeconds(*report.fault_to_finding))
                               : ordered_json(nullptr)}};
  json["before"] = nullptr;
  json["receiver"] = {{"goodput_bps", OrNull(report.receiver_goodput_bps)}};
  if (report.incident) {
    const v1::Finding& finding = report.incident->incident().finding();
    const ordered_json words = ToJson(finding);
    json["signature"] = finding.signature();
    json["confidence"] = words["confidence"];
    json["incident_id"] = report.incident->incident().id();
    json["before"] = MeasurementJson(finding.before());
    for (const v1::Evidence& fact : finding.evidence()) {
      evidence[fact.name()] = fact.has_value() ? ToJson(fact.value()) : ordered_json(nullptr);
    }
    for (const v1::Process& process : finding.processes()) {
      processes.push_back({{"pid", process.pid()},
                           {"comm", process.comm()},
                           {"cmdline", absl::StrJoin(process.cmdline(), " ")}});
    }
  }
  json["evidence"] = evidence;
  json["processes"] = processes;
  json["proposal"] = report.incident ? ProposalJson(*report.incident) : ordered_json(nullptr);
  json["why_not"] = report.why_not.empty() ? ordered_json(nullptr) : ordered_json(report.why_not);
  json["path"] = {{"to_server", DirectionJson(report.path.to_server)},
                  {"to_client", DirectionJson(report.path.to_client)}};
  json["problems"] = report.problems;
  json["left_behind"] = report.left_behind;
  return json;
}

std::string RenderDrill(const DrillReport& report, const Style& style) {
  std::vector<std::string> lines;
  if (report.outcome == Outcome::kNotDetected) {
    lines.push_back(Painted(style, Paint::kBold, "Nothing was found."));
    lines.push_back(report.activity ? std::string(absl::StripTrailingAsciiWhitespace(
                                          RenderActivity(*report.activity, "lab", style)))
                                    : Escaped(report.why_not));
  } else if (report.fault_to_finding) {
    lines.push_back(absl::StrFormat(
        "Found %.1f s after the transfer began. Nothing was changed: the drill only observed.",
        absl::ToDoubleSeconds(*report.fault_to_finding)));
  }
  if (report.incident && report.receiver_goodput_bps) {
    const v1::Measurement& before = report.incident->incident().finding().before();
    if (const v1::Evidence* goodput = Find(before, "goodput_bps"); goodput != nullptr) {
      const double agent = goodput->value().double_value();
      const double receiver = *report.receiver_goodput_bps;
      lines.push_back(absl::StrFormat(
          "Held against the truth: the agent measured %s, the receiving program counted %s in the "
          "same "
          "window (%.1f %% apart).",
          Megabits(agent), Megabits(receiver), std::abs(agent / receiver - 1) * 100));
    }
  }
  for (const std::string& problem : report.problems) {
    lines.push_back(Painted(style, Paint::kRed, absl::StrCat("Void: ", Escaped(problem))));
  }
  lines.push_back(
      report.left_behind.empty()
          ? "Left behind: nothing. The network, its programs and both daemons are gone."
          : Painted(style, Paint::kRed,
                    absl::StrCat("Left behind: ", absl::StrJoin(report.left_behind, ", "))));
  const std::string expected =
      absl::StrCat(Name(report.expectation.outcome), ": ", report.expectation.reason);
  lines.push_back(
      report.as_expected()
          ? Painted(style, Paint::kGreen, absl::StrCat("✓ As expected (", expected, ")."))
          : Painted(style, Paint::kRed,
                    absl::StrCat("✗ Not as expected: ", Name(report.outcome), " instead of ",
                                 expected, ".")));
  return Joined(lines);
}

}  // namespace tcpmedic::cli
