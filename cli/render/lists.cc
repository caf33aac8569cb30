#include "cli/render/lists.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "cli/render/order_words.h"
#include "cli/render/quantity.h"
#include "cli/render/words.h"
#include "proto/proto_time.h"

namespace tcpmedic::cli {
namespace {

using Lines = std::vector<std::string>;
using Rows = std::vector<std::vector<Cell>>;

void Append(Lines* lines, const Lines& more) {
  lines->insert(lines->end(), more.begin(), more.end());
}

// A sentence of ours or of an agent's, wrapped at the width.
void Say(Lines* lines, const Style& style, absl::string_view sentence, int max_lines = 4) {
  Append(lines, Wrap(sentence, style.width, max_lines));
}

// What to type next: commands aligned, with what they do.
void Suggest(Lines* lines, const Style& style,
             const std::vector<std::pair<std::string, std::string>>& commands) {
  Rows rows;
  for (const auto& [command, does] : commands) {
    rows.push_back(
        {{absl::StrCat(style.command, " ", command), Paint::kCyan}, {does, Paint::kDim}});
  }
  Append(lines, TableLines(style, {{.whole = true}, {}}, rows, 2));
}

std::string ProposalCell(const v1::IncidentView& view) {
  const v1::Incident& incident = view.incident();
  if (incident.proposal_id().empty()) {
    const auto& actions = incident.decision().actions();
    if (std::any_of(actions.begin(), actions.end(),
                    [](const v1::Action& action) { return action.has_raise_alert(); })) {
      return "alerted";
    }
    return actions.size() == 1 && actions[0].has_note() ? "noted" : "none";
  }
  // How it went says more than what it was.
  const bool approved = incident.proposal_state() == v1::Proposal::STATE_APPROVED;
  if (approved && !view.orders().empty()) return OrderWord(view.orders(0));
  std::string action = incident.proposal_id();
  for (const v1::Action& of_policy : incident.decision().actions()) {
    if (of_policy.has_raise_alert() || of_policy.has_note()) continue;  // is not proposed
    action = ActionWord(of_policy);
    break;
  }
  return absl::StrCat(action, " ", ProposalWord(incident.proposal_state()));
}

std::string SubjectCell(const v1::Finding& finding) {
  if (finding.socket_count() <= 1) return SubjectText(finding);
  return absl::StrCat(SubjectText(finding), " ×", CountText(finding.socket_count()));
}

std::string ProgramCell(const v1::Finding& finding) {
  if (finding.processes().empty()) return "?";
  const v1::Process& process = finding.processes(0);
  const std::string others =
      finding.processes_size() > 1 ? absl::StrCat(" +", finding.processes_size() - 1) : "";
  return absl::StrCat(process.comm(), "[", process.pid(), "]", others);
}

}  // namespace

std::string RenderHosts(const v1::ListHostsResponse& hosts, absl::Time now, const Style& style) {
  Lines lines;
  if (hosts.hosts().empty()) {
    Say(&lines, style, "No host has reported to this controller yet: no agent is connected.");
    Suggest(&lines, style, {{"up", "starts a controller and an agent for this host"}});
    return Joined(lines);
  }
  Rows rows;
  Lines notes;
  for (const v1::Host& host : hosts.hosts()) {
    const v1::ScanStats& stats = host.stats();
    const bool scanned = host.has_stats();
    rows.push_back(
        {{host.name(), Paint::kBold},
         {host.connected() ? "connected" : "gone", host.connected() ? Paint::kGreen : Paint::kRed},
         {host.has_last_report_at() ? AgeText(FromProto(host.last_report_at()), now) : "never"},
         {CountText(host.open_incidents()),
          host.open_incidents() > 0 ? Paint::kYellow : Paint::kPlain},
         {scanned ? CountText(stats.sockets()) : "?"},
         {scanned ? CountText(stats.namespaces()) : "?"},
         {scanned ? CountText(stats.suspects()) : "?"},
         {scanned && stats.has_interval() ? DurationText(FromProto(stats.interval())) : "?"},
         {absl::StrCat(host.agent_version(), " on Linux ", host.kernel())}});
    if (!host.connected()) {
      Say(&notes, style,
          absl::StrCat(
              host.name(),
              ": its agent is not connected, so nothing below is newer than its last report"));
    }
    for (const std::string& degraded : stats.degraded()) {
      Say(&notes, style, absl::StrCat(host.name(), " cannot see everything: ", degraded));
    }
    if (stats.suspects_not_kept() > 0) {
      Say(&notes, style,
          absl::StrCat(host.name(), " has too many suspects: ",
                       CountText(stats.suspects_not_kept()), " were not followed"));
    }
  }
  Append(&lines, TableLines(style,
                            {{"HOST"},
                             {"AGENT"},
                             {"LAST REPORT"},
                             {"OPEN", true},
                             {"SOCKETS", true},
                             {"NAMESPACES", true},
                             {"SUSPECTS", true},
                             {"EVERY", true},
                             {"VERSION"}},
                            rows));
  if (!notes.empty()) {
    lines.emplace_back();
    for (const std::string& note : notes) lines.push_back(Painted(style, Paint::kYellow, note));
  }
  return Joined(lines);
}

std::string RenderIncidents(const v1::ListIncidentsResponse& incidents,
                            const v1::ListIncidentsRequest& request, absl::Time now,
                            const Style& style) {
  Lines lines;
  if (incidents.incidents().empty()) {
    std::string scope;
    if (!request.host().empty()) absl::StrAppend(&scope, " on host ", request.host());
    if (!request.signature().empty())
      absl::StrAppend(&scope, " of signature ", request.signature());
    Say(&lines, style,
        request.include_closed()
            ? absl::StrCat("No incident", scope, " was ever opened here.")
            : absl::StrCat(
                  "No incident", scope,
                  " is open: no signature in force holds anywhere that an agent can see."));
    std::vector<std::pair<std::string, std::string>> next = {
        {"why", "what each signature looked at, and why it did not hold"},
        {"hosts", "whether the agents are connected, and what they cannot see"}};
    if (!request.include_closed()) next.push_back({"incidents --all", "closed ones too"});
    Suggest(&lines, style, next);
    return Joined(lines);
  }
  Rows rows;
  for (const v1::IncidentView& view : incidents.incidents()) {
    const v1::Incident& incident = view.incident();
    const v1::Finding& finding = incident.finding();
    rows.push_back(
        {{incident.id(), Paint::kBold},
         {SeverityWord(finding.severity()), SeverityPaint(finding.severity())},
         {StateWord(incident)},
         {incident.host()},
         {finding.signature()},
         {DurationText(absl::Trunc(now - FromProto(incident.opened_at()), absl::Seconds(1)))},
         {SubjectCell(finding)},
         {ProgramCell(finding)},
         {ProposalCell(view)}});
  }
  Append(&lines, TableLines(style,
                            {{.title = "INCIDENT", .whole = true},
                             {"SEVERITY"},
                             {"STATE"},
                             {"HOST"},
                             {"SIGNATURE"},
                             {"AGE", true},
                             {"SUBJECT"},
                             {"PROGRAM"},
                             {"PROPOSAL"}},
                            rows));
  if (incidents.truncated()) {
    Say(&lines, style,
        "There are more: narrow the list with --host or --signature, or raise --limit.");
  }
  return Joined(lines);
}

std::string RenderIncidentLine(const v1::IncidentView& view, absl::Time now, const Style& style) {
  const v1::Incident& incident = view.incident();
  const v1::Finding& finding = incident.finding();
  const bool happened = !incident.timeline().empty();
  const v1::TimelineEntry newest =
      happened ? incident.timeline(incident.timeline_size() - 1) : v1::TimelineEntry();
  const std::string clock =
      ClockText(happened ? FromProto(newest.at()) : FromProto(incident.opened_at()), now);
  return absl::StrCat(Painted(style, Paint::kDim, clock), "  ",
                      Painted(style, Paint::kBold, Escaped(incident.id())), "  ",
                      Painted(style, SeverityPaint(finding.severity()), StateWord(incident)), "  ",
                      Escaped(absl::StrCat(incident.host(), "  ", finding.signature(), "  ",
                                           SubjectText(finding), "  ", newest.text())),
                      "\n");
}

std::string RenderAudit(const v1::ListAuditResponse& audit, absl::Time now, const Style& style) {
  Lines lines;
  for (const std::string& problem : audit.problems()) {
    const std::string sentence = absl::StrCat(
        "This log cannot be trusted. Found when the controller started: ", Escaped(problem));
    for (const std::string& line : Wrap(sentence, style.width, 4)) {
      lines.push_back(Painted(style, Paint::kRed, line));
    }
    lines.emplace_back();
  }
  if (audit.entries().empty()) {
    Say(&lines, style,
        "Nothing is recorded: no incident was opened and nobody has decided anything.");
    Suggest(&lines, style, {{"incidents", "what is open now"}});
    return Joined(lines);
  }
  Rows rows;
  for (const v1::AuditEntry& entry : audit.entries()) {
    rows.push_back({{CountText(entry.sequence()), Paint::kDim},
                    {ClockText(FromProto(entry.at()), now)},
                    {entry.actor(), Paint::kBold},
                    {entry.action()},
                    {entry.subject()},
                    {entry.hash().substr(0, 8), Paint::kDim},
                    {entry.detail()}});
  }
  Append(&lines,
         TableLines(style, {{"#", true}, {"AT"}, {"WHO"}, {"DID"}, {"TO"}, {"HASH"}, {"DETAIL"}},
                    rows));
  return Joined(lines);
}

std::string RenderPolicyStatus(const v1::PolicyStatus& status, absl::Time now, const Style& style) {
  const auto names = [](const auto& list) {
    return list.empty() ? std::string("none") : absl::StrJoin(list, ", ");
  };
  Lines lines = TableLines(
      style, {{}, {}},
      {{{"In force", Paint::kBold}, {absl::StrCat("revision ", status.revision())}},
       {{"From", Paint::kBold},
        {absl::StrCat(status.source(), ", read ", AgeText(FromProto(status.loaded_at()), now))}},
       {{"Signatures", Paint::kBold}, {names(status.signatures())}},
       {{"Policies", Paint::kBold}, {names(status.policies())}}});
  const auto tell = [&](absl::string_view headline, const auto& problems) {
    if (problems.empty()) return;
    lines.emplace_back();
    lines.push_back(Painted(style, Paint::kRed, headline));
    for (const std::string& problem : problems) {
      for (const absl::string_view line : absl::StrSplit(problem, '\n', absl::SkipEmpty())) {
        const std::string safe = Escaped(line);
        lines.push_back(absl::StrCat("  ", safe.substr(0, safe.find_last_not_of(' ') + 1)));
      }
    }
  };
  tell("A newer revision has mistakes and is not in force until they are mended:",
       status.problems());
  tell("Not every receiver of alerts hears; what waits for it is kept:",
       status.receiver_problems());
  return Joined(lines);
}

}  // namespace tcpmedic::cli
