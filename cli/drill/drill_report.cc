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

ordered_json HeldBackJson(const v1::Measurement& measurement) {
  return measurement.values().empty() ? ordered_json(nullptr) : MeasurementJson(measurement);
}

ordered_json OrderJson(const v1::Order& order) {
  const ordered_json words = ToJson(order);
  return {{"id", words["id"]},
          {"state", words["state"]},
          {"held_back_before", HeldBackJson(order.verification().held_back_before())},
          {"held_back_after", HeldBackJson(order.verification().held_back_after())},
          {"result", words["verification"].is_null() ? ordered_json(nullptr)
                                                     : words["verification"]["result"]},
          {"reason", words["reason"]},
          {"applied_at", words["applied_at"]},
          {"decided_at", words["decided_at"]}};
}

ordered_json SecondsOrNull(const std::optional<absl::Duration>& duration) {
  return duration ? ordered_json(absl::ToDoubleSeconds(*duration)) : ordered_json(nullptr);
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

// "Found 11.0 s after the transfer began; applied 0.04 s after the approval; verdict 20.4 s after
// that."
std::string Times(const DrillReport& report) {
  std::string text = absl::StrFormat("Found %.1f s after the transfer began",
                                     absl::ToDoubleSeconds(*report.fault_to_finding));
  if (!report.approval_to_applied) {
    return absl::StrCat(text, ". Nothing was changed.");
  }
  absl::StrAppendFormat(&text, "; applied %.3f s after the approval",
                        absl::ToDoubleSeconds(*report.approval_to_applied));
  if (report.applied_to_verdict) {
    absl::StrAppendFormat(&text, "; verdict %.1f s after that",
                          absl::ToDoubleSeconds(*report.applied_to_verdict));
  }
  return absl::StrCat(text, ".");
}

// The agent's goodput beside what the receiving program counted in the same windows. The receiver
// counts every flow: also those that were kept back to compare.
std::vector<std::string> HeldAgainstReceiver(const DrillReport& report) {
  std::vector<std::string> lines;
  const auto compare = [&](const char* when, const v1::Measurement* measured,
                           const v1::Measurement& held_back,
                           const std::optional<double>& receiver) {
    const v1::Evidence* goodput = measured == nullptr ? nullptr : Find(*measured, "goodput_bps");
    if (goodput == nullptr || !receiver) return;
    double agent = goodput->value().double_value();
    if (const v1::Evidence* rest = Find(held_back, "goodput_bps"); rest != nullptr) {
      agent += rest->value().double_value();
    }
    lines.push_back(absl::StrFormat(
        "Held against the truth%s: the agent measured %s, the receiving program "
        "counted %s (%.1f %% apart).",
        when, Megabits(agent), Megabits(*receiver), std::abs(agent / *receiver - 1) * 100));
  };
  const v1::Verification verification = report.incident && !report.incident->orders().empty()
                                            ? report.incident->orders(0).verification()
                                            : v1::Verification();
  compare(After(report) == nullptr ? "" : " before", Before(report),
          verification.held_back_before(), report.receiver_before_bps);
  compare(" after", After(report), verification.held_back_after(), report.receiver_after_bps);
  return lines;
}

}  // namespace

const v1::Measurement* Before(const DrillReport& report) {
  if (!report.incident) return nullptr;
  const v1::IncidentView& view = *report.incident;
  if (!view.orders().empty() && view.orders(0).verification().has_before()) {
    return &view.orders(0).verification().before();
  }
  const v1::Finding& finding = view.incident().finding();
  return finding.has_before() ? &finding.before() : nullptr;
}

const v1::Measurement* After(const DrillReport& report) {
  if (!report.incident || report.incident->orders().empty()) return nullptr;
  const v1::Verification& verification = report.incident->orders(0).verification();
  return verification.has_after() ? &verification.after() : nullptr;
}

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
  json["seconds"] = {{"fault_to_finding", SecondsOrNull(report.fault_to_finding)},
                     {"approval_to_applied", SecondsOrNull(report.approval_to_applied)},
                     {"applied_to_verdict", SecondsOrNull(report.applied_to_verdict)}};
  json["before"] = nullptr;
  json["after"] = nullptr;
  json["receiver"] = {{"goodput_bps", OrNull(report.receiver_before_bps)},
                      {"after_goodput_bps", OrNull(report.receiver_after_bps)}};
  if (report.incident) {
    const v1::Finding& finding = report.incident->incident().finding();
    const ordered_json words = ToJson(finding);
    json["signature"] = finding.signature();
    json["confidence"] = words["confidence"];
    json["incident_id"] = report.incident->incident().id();
    if (const v1::Measurement* before = Before(report)) json["before"] = MeasurementJson(*before);
    if (const v1::Measurement* after = After(report)) json["after"] = MeasurementJson(*after);
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
  json["orders"] = ordered_json::array();
  json["targets"] = ordered_json::array();
  if (report.incident) {
    for (const v1::Order& order : report.incident->orders()) {
      json["orders"].push_back(OrderJson(order));
      for (const v1::Target& target : order.targets()) json["targets"].push_back(ToJson(target));
    }
  }
  json["live_sockets"] = ordered_json::array();
  for (const LiveSocket& socket : report.live_sockets) {
    json["live_sockets"].push_back(
        {{"cookie", socket.cookie}, {"congestion_control", socket.congestion_control}});
  }
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
    lines.push_back(Times(report));
  }
  for (const std::string& line : HeldAgainstReceiver(report)) lines.push_back(line);
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
