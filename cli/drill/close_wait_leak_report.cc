#include "cli/drill/close_wait_leak_report.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/json.h"
#include "cli/render/leak_words.h"
#include "cli/render/quantity.h"
#include "cli/render/words.h"
#include "observe/call_sites/call_sites_message.h"

namespace tcpmedic::cli {
namespace {

using nlohmann::ordered_json;

constexpr absl::string_view kMeasured[] = {"close_wait_sockets", "growth_per_min"};
// Of its sockets, the share on which a server with one bug shows it: what has just come may still
// be under way.
constexpr double kOfOneBug = 0.9;

const v1::CallSites* FoundSites(const DrillReport& report) {
  if (!report.incident) return nullptr;
  for (const v1::Order& order : report.incident->orders()) {
    if (order.call_sites().sites_size() > 0) return &order.call_sites();
  }
  return nullptr;
}

// As the order has them, and beside each site the frame that is the program's own.
ordered_json CallSitesJson(const DrillReport& report) {
  const v1::CallSites* const found = FoundSites(report);
  if (found == nullptr) return nullptr;
  ordered_json json = ToJson(*found);
  for (int i = 0; i < found->sites_size(); ++i) {
    const ordered_json whole = json["sites"][i];
    json["sites"][i] = {{"kind", whole["kind"]},    {"fds", whole["fds"]}, {"function", nullptr},
                        {"source", nullptr},        {"module", nullptr},   {"offset", nullptr},
                        {"frames", whole["frames"]}};
    v1::CallSites alone;
    *alone.add_sites() = found->sites(i);
    const CallSiteReport read = FromProto(alone);
    const CallFrame* const where = read.sites.empty() ? nullptr : read.sites[0].where();
    if (where == nullptr) continue;
    for (const auto& [name, text] :
         {std::pair("function", where->function), std::pair("source", where->source),
          std::pair("module", where->module)}) {
      if (!text.empty()) json["sites"][i][name] = text;
    }
    json["sites"][i]["offset"] = where->offset;
  }
  return json;
}

// What the finding says, under plain names; what it does not know is null. Then all its evidence.
ordered_json EvidenceJson(const DrillReport& report, const ordered_json& named) {
  if (!report.incident) return named;
  const v1::Finding& finding = report.incident->incident().finding();
  const auto fact = [&finding](absl::string_view name) -> ordered_json {
    const v1::Evidence* const evidence = FactIn(finding, name);
    return evidence == nullptr ? ordered_json(nullptr) : ToJson(evidence->value());
  };
  ordered_json json = {
      {"pid", fact("process.pid")},
      {"comm", fact("process.comm")},
      {"close_wait_sockets", fact("process.sockets")},
      {"unread_eof", fact("process.unread_eof")},
      {"read_eof", fact("process.read_eof")},
      {"oldest_seconds", fact("process.oldest")},
      {"growth_per_min", fact("process.growth_per_min")},
      {"rss_growth_bytes_per_min", fact("process.rss_growth_bytes_per_min")},
      {"fd_limit_in_seconds", fact("process.fd_limit_in")},
      {"listener", fact("process.listener")},
      {"call_sites", CallSitesJson(report)},
  };
  for (const auto& [name, value] : named.items()) json[name] = value;
  return json;
}

ordered_json ClientsJson(const std::optional<lab::LeakClientCounts>& counts) {
  if (!counts) return nullptr;
  return {{"begun", counts->begun},
          {"answered", counts->answered},
          {"failed", counts->failed},
          {"closed", counts->closed},
          {"ended_by_server", counts->ended_by_server}};
}

ordered_json OutsideJson(const std::optional<CloseWaitPile>& pile) {
  if (!pile) return nullptr;
  return {{"close_wait_sockets", pile->sockets},
          {"unread_eof", pile->unread_eof},
          {"read_eof", pile->read_eof()}};
}

std::vector<std::string> Truth(const CloseWaitLeakReport& report) {
  std::vector<std::string> lines;
  std::string server = absl::StrCat("The server is pid ", report.server_pid);
  if (report.bug) absl::StrAppend(&server, ", with the bug ", lab::LeakBugName(*report.bug));
  if (report.clients) {
    absl::StrAppend(&server, "; it answered ", CountText(report.clients->answered),
                    " clients, and ", CountText(report.clients->closed), " of them closed");
  }
  lines.push_back(absl::StrCat(server, "."));
  if (report.outside) {
    lines.push_back(absl::StrCat(
        "Sockets in CLOSE-WAIT at the end, seen from outside: ", CountText(report.outside->sockets),
        ", the end of file unread on ", CountText(report.outside->unread_eof), " of them."));
  }
  return lines;
}

}  // namespace

void CheckAgainstLab(CloseWaitLeakReport& report) {
  if (!report.bug || *report.bug == lab::LeakBug::kNone || report.outcome != Outcome::kAlerted) {
    return;
  }
  const v1::Finding& finding = report.incident->incident().finding();
  const std::optional<int64_t> pid = IntIn(finding, "process.pid");
  if (pid != report.server_pid) {
    report.problems.push_back(absl::StrCat("the alert names ",
                                           pid ? absl::StrCat("pid ", *pid) : "no process",
                                           ", and it is pid ", report.server_pid, " that leaks"));
  }
  const int64_t sockets = IntIn(finding, "process.sockets").value_or(0);
  const bool unread = *report.bug == lab::LeakBug::kNeverRead;
  const int64_t of_its_bug =
      IntIn(finding, unread ? "process.unread_eof" : "process.read_eof").value_or(0);
  if (static_cast<double>(of_its_bug) < kOfOneBug * static_cast<double>(sockets)) {
    report.problems.push_back(absl::StrFormat("the alert has the bug %s on %d of %d sockets only",
                                              std::string(lab::LeakBugName(*report.bug)),
                                              of_its_bug, sockets));
  }
}

ordered_json ToJson(const CloseWaitLeakReport& report) {
  ordered_json json = FrameJson(report, kMeasured);
  json["evidence"] = EvidenceJson(report, json["evidence"]);
  json["told"] = ordered_json::array();
  if (report.incident) {
    for (std::string& receiver : ReceiversOf(report.incident->incident().decision())) {
      json["told"].push_back(std::move(receiver));
    }
  }
  json["server"] = {
      {"pid", report.server_pid},
      {"bug", report.bug ? ordered_json(std::string(lab::LeakBugName(*report.bug))) : nullptr}};
  json["clients"] = ClientsJson(report.clients);
  json["outside"] = OutsideJson(report.outside);
  return json;
}

std::string RenderDrill(const CloseWaitLeakReport& report, const Style& style) {
  return RenderFrame(report, "the first client came", Truth(report), style);
}

}  // namespace tcpmedic::cli
