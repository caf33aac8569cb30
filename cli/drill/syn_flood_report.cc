#include "cli/drill/syn_flood_report.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/json.h"
#include "cli/render/quantity.h"
#include "core/sysctl_catalogue.h"

namespace tcpmedic::cli {
namespace {

using nlohmann::ordered_json;

constexpr absl::string_view kMeasured[] = {"syncookies_sent_per_s", "syncookies_recv_ratio",
                                           "syn_recv_sockets", "listen_drops_per_s",
                                           "syn_drops_per_s"};

ordered_json LegitJson(const std::optional<lab::ConnectStats>& stats) {
  if (!stats) return nullptr;
  return {{"success_ratio", OrNull(stats->success_ratio)},
          {"connects", stats->connects},
          {"connect_p50_us", OrNull(stats->connect_p50_us)}};
}

// As the finding names it; a fact that it does not have is null.
ordered_json ListenerJson(const DrillReport& report) {
  if (!report.incident) return nullptr;
  const v1::Finding& finding = report.incident->incident().finding();
  const auto fact = [&finding](absl::string_view name) -> ordered_json {
    for (const v1::Evidence& evidence : finding.evidence()) {
      if (evidence.name() == name && evidence.has_value()) return ToJson(evidence.value());
    }
    return nullptr;
  };
  const bool named = finding.has_exemplar();
  const bool held = !finding.processes().empty();
  const auto known = [](bool is_known, auto value) {
    return is_known ? ordered_json(value) : ordered_json(nullptr);
  };
  return {{"address", known(named, finding.exemplar().local().ip())},
          {"port", known(named, finding.exemplar().local().port())},
          {"backlog", fact("listener.backlog")},
          {"accept_queue", fact("listener.accept_queue")},
          {"pid", held ? ordered_json(finding.processes(0).pid()) : ordered_json(nullptr)},
          {"comm", held ? ordered_json(finding.processes(0).comm()) : ordered_json(nullptr)}};
}

ordered_json NumberOrText(const std::string& value) {
  const absl::StatusOr<int64_t> number = ParseSysctl(value);
  return number.ok() ? ordered_json(*number) : ordered_json(value);
}

ordered_json SysctlsJson(const SynFloodReport& report) {
  const auto value = [](const Sysctls& values, const std::string& name) {
    const auto found = values.find(name);
    return found == values.end() ? ordered_json(nullptr) : NumberOrText(found->second);
  };
  ordered_json json = ordered_json::object();
  for (const auto& [name, before] : report.sysctls_before) {
    json[name] = {{"before", NumberOrText(before)}, {"after", value(report.sysctls_after, name)}};
  }
  return json;
}

// "before: 4 % of 240 connects, 40.1 ms".
std::string LegitText(absl::string_view when, const lab::ConnectStats& stats) {
  std::string text = absl::StrCat(when, " ", PercentText(stats.success_ratio.value_or(0)), " of ",
                                  CountText(stats.connects));
  if (stats.connect_p50_us) {
    absl::StrAppend(&text, " in ", DurationText(absl::Microseconds(*stats.connect_p50_us)));
  }
  return text;
}

std::vector<std::string> Truth(const SynFloodReport& report) {
  std::vector<std::string> lines;
  std::vector<std::string> legit;
  for (const auto& [when, stats] :
       {std::pair("baseline", report.legit_baseline), std::pair("before", report.legit_before),
        std::pair("after", report.legit_after)}) {
    if (stats && stats->success_ratio) legit.push_back(LegitText(when, *stats));
  }
  if (!legit.empty()) {
    lines.push_back(
        absl::StrCat("Legitimate clients that got in: ", absl::StrJoin(legit, "; "), "."));
  }
  std::vector<std::string> settings;
  for (const auto& [name, before] : report.sysctls_before) {
    const auto after = report.sysctls_after.find(name);
    if (after == report.sysctls_after.end() || after->second == before) continue;
    settings.push_back(absl::StrCat(name, " ", before, " → ", after->second));
  }
  lines.push_back(absl::StrCat("Settings of the server's namespace, seen from outside: ",
                               settings.empty() ? "unchanged" : absl::StrJoin(settings, ", "),
                               "."));
  return lines;
}

}  // namespace

ordered_json ToJson(const SynFloodReport& report) {
  ordered_json json = FrameJson(report, kMeasured);
  json["baseline"] =
      report.baseline ? MeasurementJson(*report.baseline, kMeasured) : ordered_json(nullptr);
  json["legit"] = {{"baseline", LegitJson(report.legit_baseline)},
                   {"before", LegitJson(report.legit_before)},
                   {"after", LegitJson(report.legit_after)}};
  json["syns_sent"] = OrNull(report.syns_sent);
  json["listener"] = ListenerJson(report);
  json["sysctls"] = SysctlsJson(report);
  return json;
}

std::string RenderDrill(const SynFloodReport& report, const Style& style) {
  return RenderFrame(report, "the flood began", Truth(report), style);
}

}  // namespace tcpmedic::cli
