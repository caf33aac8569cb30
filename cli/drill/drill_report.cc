#include "cli/drill/drill_report.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/json.h"
#include "cli/render/why.h"

namespace tcpmedic::cli {
namespace {

using nlohmann::ordered_json;

ordered_json ValueOrNull(const v1::Measurement& measurement, absl::string_view name) {
  const v1::Evidence* evidence = FindMeasured(measurement, name);
  return evidence == nullptr ? ordered_json(nullptr) : ToJson(evidence->value());
}

using Names = absl::Span<const absl::string_view>;

ordered_json ProposalJson(const v1::IncidentView& view) {
  if (view.proposals().empty()) return nullptr;
  const v1::Proposal& proposal = view.proposals(0);
  ordered_json json = {{"id", proposal.id()}};
  if (proposal.action().has_set_sysctl()) {
    json["action"] = "set_sysctl";
    json["settings"] = ordered_json::object();
    for (const v1::SetSysctl::Setting& setting : proposal.action().set_sysctl().settings()) {
      json["settings"][setting.name()] = setting.value();
    }
    json["lease"] = proposal.has_lease() ? ToJson(proposal.lease()) : ordered_json(nullptr);
  } else if (proposal.action().has_sample_call_sites()) {
    json["action"] = "sample_call_sites";
    json["duration_seconds"] = ToJson(proposal.action().sample_call_sites().duration());
  } else {
    json["action"] = "set_congestion_control";
    json["algorithm"] = proposal.action().set_congestion_control().algorithm();
  }
  json["targets_max"] = proposal.targets_max();
  json["digest"] = proposal.digest();
  return json;
}

ordered_json HeldBackJson(const v1::Measurement& measurement, Names names) {
  return measurement.values().empty() ? ordered_json(nullptr) : MeasurementJson(measurement, names);
}

ordered_json OrderJson(const v1::Order& order, Names names) {
  const ordered_json words = ToJson(order);
  return {{"id", words["id"]},
          {"state", words["state"]},
          {"held_back_before", HeldBackJson(order.verification().held_back_before(), names)},
          {"held_back_after", HeldBackJson(order.verification().held_back_after(), names)},
          {"result", words["verification"].is_null() ? ordered_json(nullptr)
                                                     : words["verification"]["result"]},
          {"reason", words["reason"]},
          {"applied_at", words["applied_at"]},
          {"decided_at", words["decided_at"]},
          {"lease_until", words["lease_until"]}};
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

// "Found 11.0 s after the transfer began; applied 0.04 s after the approval; verdict 20.4 s after
// that."
std::string Times(const DrillReport& report, absl::string_view fault) {
  std::string text = absl::StrFormat("Found %.1f s after %s",
                                     absl::ToDoubleSeconds(*report.fault_to_finding), fault);
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

}  // namespace

std::string DrillReport::signature() const {
  return incident ? incident->incident().finding().signature() : "";
}

bool DrillReport::as_expected() const {
  const bool by_it = expectation.signature.empty() || signature() == expectation.signature;
  return outcome == expectation.outcome && by_it && problems.empty() && left_behind.empty();
}

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

const v1::Evidence* FindMeasured(const v1::Measurement& measurement, absl::string_view name) {
  for (const v1::Evidence& evidence : measurement.values()) {
    if (evidence.name() == name && evidence.has_value()) return &evidence;
  }
  return nullptr;
}

ordered_json MeasurementJson(const v1::Measurement& measurement, Names names) {
  ordered_json json;
  for (const absl::string_view name : names) {
    json[std::string(name)] = ValueOrNull(measurement, name);
  }
  json["start"] = ToJson(measurement)["start"];
  json["end"] = ToJson(measurement)["end"];
  return json;
}

ordered_json FrameJson(const DrillReport& report, Names measured) {
  ordered_json json = {{"drill", report.drill},
                       {"as_expected", report.as_expected()},
                       {"outcome", std::string(Name(report.outcome))},
                       {"expected", std::string(Name(report.expectation.outcome))},
                       {"expected_because", report.expectation.reason},
                       {"expected_signature", report.expectation.signature.empty()
                                                  ? ordered_json(nullptr)
                                                  : ordered_json(report.expectation.signature)}};
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
  if (report.incident) {
    const v1::Finding& finding = report.incident->incident().finding();
    const ordered_json words = ToJson(finding);
    json["signature"] = finding.signature();
    json["confidence"] = words["confidence"];
    json["incident_id"] = report.incident->incident().id();
    if (const v1::Measurement* before = Before(report)) {
      json["before"] = MeasurementJson(*before, measured);
    }
    if (const v1::Measurement* after = After(report)) {
      json["after"] = MeasurementJson(*after, measured);
    }
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
      json["orders"].push_back(OrderJson(order, measured));
      for (const v1::Target& target : order.targets()) json["targets"].push_back(ToJson(target));
    }
  }
  json["why_not"] = report.why_not.empty() ? ordered_json(nullptr) : ordered_json(report.why_not);
  json["path"] = {{"to_server", DirectionJson(report.path.to_server)},
                  {"to_client", DirectionJson(report.path.to_client)}};
  json["problems"] = report.problems;
  json["left_behind"] = report.left_behind;
  return json;
}

std::string RenderFrame(const DrillReport& report, absl::string_view fault,
                        const std::vector<std::string>& truth, const Style& style) {
  std::vector<std::string> lines;
  if (report.outcome == Outcome::kNotDetected) {
    lines.push_back(Painted(style, Paint::kBold, "Nothing was found."));
    lines.push_back(report.activity ? std::string(absl::StripTrailingAsciiWhitespace(
                                          RenderActivity(*report.activity, "lab", style)))
                                    : Escaped(report.why_not));
  } else if (report.fault_to_finding) {
    lines.push_back(Times(report, fault));
  }
  lines.insert(lines.end(), truth.begin(), truth.end());
  for (const std::string& problem : report.problems) {
    lines.push_back(Painted(style, Paint::kRed, absl::StrCat("Void: ", Escaped(problem))));
  }
  lines.push_back(
      report.left_behind.empty()
          ? "Left behind: nothing. The network, its programs and both daemons are gone."
          : Painted(style, Paint::kRed,
                    absl::StrCat("Left behind: ", absl::StrJoin(report.left_behind, ", "))));
  const auto called = [](Outcome outcome, const std::string& signature) {
    return signature.empty() ? std::string(Name(outcome))
                             : absl::StrCat(Name(outcome), " as ", signature);
  };
  const Expectation& expectation = report.expectation;
  const std::string expected =
      absl::StrCat(called(expectation.outcome, expectation.signature), ": ", expectation.reason);
  // Where any signature would do, it is not named.
  const std::string got =
      called(report.outcome, expectation.signature.empty() ? "" : report.signature());
  lines.push_back(
      report.as_expected()
          ? Painted(style, Paint::kGreen, absl::StrCat("✓ As expected (", expected, ")."))
          : Painted(style, Paint::kRed,
                    absl::StrCat("✗ Not as expected: ", got, " instead of ", expected, ".")));
  return Joined(lines);
}

}  // namespace tcpmedic::cli
