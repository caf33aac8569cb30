#include "cli/diagnose/diagnosis_screen.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "cli/diagnose/connections.h"
#include "cli/diagnose/remedy.h"
#include "cli/render/leak_words.h"
#include "cli/render/quantity.h"
#include "cli/render/why.h"
#include "cli/render/words.h"

namespace tcpmedic::cli {
namespace {

using Lines = std::vector<std::string>;

constexpr int kMaxTextLines = 12;
constexpr int kMostUnread = 20;
constexpr int kWideValue = 24;
constexpr int kMostCell = 44;  // as TableLines cuts it
constexpr int kLeastSource = 20;

std::string Counted(int64_t count, absl::string_view one) {
  return absl::StrCat(CountText(count), " ", one, count == 1 ? "" : "s");
}

void Append(Lines more, Lines* lines) {
  for (std::string& line : more) lines->push_back(std::move(line));
}

// An evidence's basis without what was taken for a member that was not reported, and that:
// "lifetime" and "bytes_sent / mss for data_segs_out".
std::pair<std::string, std::string> BasisAndStandIn(const v1::Evidence& evidence) {
  const std::string& basis = evidence.basis();
  const size_t comma = basis.find(", ");
  if (comma == std::string::npos) return {basis, ""};
  return {basis.substr(0, comma), basis.substr(comma + 2)};
}

bool IsPlace(absl::string_view text) {
  const size_t colon = text.rfind(':');
  return colon != absl::string_view::npos && colon + 1 < text.size() &&
         std::all_of(text.begin() + static_cast<std::ptrdiff_t>(colon) + 1, text.end(),
                     [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); });
}

struct SourceAndPlaces {
  std::string source;
  std::vector<std::string> places;
};

// Where an evidence's source ends with the places that it was read from ("nstat
// TcpExtSyncookiesSent, incident.txt:9"), they apart: a place must not be cut.
SourceAndPlaces Apart(const v1::Evidence& evidence) {
  SourceAndPlaces apart{evidence.source(), {}};
  while (true) {
    const size_t comma = apart.source.rfind(", ");
    if (comma == std::string::npos) return apart;
    const std::string last = apart.source.substr(comma + 2);
    if (!IsPlace(last) && last != "…") return apart;
    apart.places.insert(apart.places.begin(), last);
    apart.source.resize(comma);
  }
}

class Screen {
 public:
  Screen(const DiagnosisView& view, const Style& style) : view_(view), style_(style) {}

  std::string Render(const std::vector<const TrackedConnection*>& drawn,
                     const ShownConnections& shown) const {
    std::vector<Lines> blocks = {Head()};
    for (const DiagnosedFinding& found : view_.findings) blocks.push_back(Verdict(found));
    for (const DiagnosedFinding& found : view_.findings) blocks.push_back(Details(found));
    blocks.push_back(ConnectionLines(view_.trace, drawn, shown, style_));
    blocks.push_back(Noticed());
    blocks.push_back(NotRead());
    blocks.push_back(Next());
    Lines screen;
    for (Lines& block : blocks) {
      if (block.empty()) continue;
      if (!screen.empty()) screen.emplace_back();
      Append(std::move(block), &screen);
    }
    return Joined(screen);
  }

 private:
  int text_columns() const { return std::max(style_.width - kLabelColumns, 20); }

  Lines Labelled(absl::string_view label, absl::string_view text) const {
    if (text.empty()) return {};
    return cli::Labelled(style_, label, Wrap(text, text_columns(), kMaxTextLines));
  }

  Lines Head() const {
    std::string head;
    if (view_.findings.empty()) {
      // What may not be looked at may be where it is.
      head = absl::StrCat(!view_.live && !view_.read.shows_tcp() ? "No evidence in "
                          : !view_.not_seen.empty() ? "No incident in what may be seen of "
                          : view_.live              ? "No incident on "
                                                    : "No incident in ",
                          view_.of);
    } else {
      head = absl::StrCat(Counted(static_cast<int64_t>(view_.findings.size()), "incident"),
                          view_.live ? " on " : " in ", view_.of);
    }
    const bool well =
        view_.findings.empty() && view_.not_seen.empty() && (view_.live || view_.read.shows_tcp());
    // Wrapped as it will be read: runs of white space count as one.
    head = absl::StrJoin(Wrap(head, 1 << 16, 1), "");
    Lines lines =
        Wrap(absl::StrCat(head, ": ", view_.live ? WatchedText() : ReadText()), style_.width, 4);
    if (absl::StartsWith(lines[0], head)) {
      lines[0] = absl::StrCat(Painted(style_, well ? Paint::kGreen : Paint::kBold, head),
                              lines[0].substr(head.size()));
    }
    return lines;
  }

  std::string WatchedText() const {
    return absl::StrCat(Counted(view_.namespaces_seen, "namespace"), " watched for ",
                        DurationText(absl::Trunc(view_.watched, absl::Seconds(1))), ", ",
                        Counted(view_.sockets_seen, "socket"), " examined");
  }

  std::string ReadText() const {
    const EvidenceRead& read = view_.read;
    if (!read.anything()) {
      return "nothing in it is a line of ss, nstat, netstat -s, ps or tcpdump, nor a TCP packet";
    }
    std::vector<std::string> parts;
    if (read.segments > 0) parts.push_back(Counted(read.segments, "segment"));
    if (read.sockets > 0) parts.push_back(Counted(read.sockets, "socket"));
    if (read.counts > 0) {
      parts.push_back(absl::StrCat(Counted(read.counts, "count"), " of sockets"));
    }
    if (read.counters > 0) parts.push_back(Counted(read.counters, "counter"));
    if (read.processes > 0) {
      parts.push_back(
          absl::StrCat(CountText(read.processes), read.processes == 1 ? " process" : " processes"));
    }
    return absl::StrCat(absl::StrJoin(parts, ", "), " read",
                        read.shows_tcp() ? "" : ", and no process list says anything of TCP");
  }

  Lines Verdict(const DiagnosedFinding& found) const {
    const v1::Finding& finding = found.finding;
    const std::string severity = absl::AsciiStrToUpper(SeverityWord(finding.severity()));
    Lines lines = {absl::StrCat(Painted(style_, SeverityPaint(finding.severity()), severity), "  ",
                                Painted(style_, Paint::kBold, Escaped(finding.title())), "  ",
                                Painted(style_, Paint::kDim, Escaped(finding.signature())))};
    std::string confidence = ConfidenceWord(finding.confidence());
    if (finding.confidence() == v1::CONFIDENCE_CERTAIN) {
      absl::StrAppend(&confidence, finding.subject() == v1::SUBJECT_CONNECTION
                                       ? ": the trace shows it"
                                       : ": every look-alike was ruled out");
    } else if (finding.not_shown_size() > 0) {
      absl::StrAppend(&confidence, ": ",
                      absl::StrJoin(finding.not_shown(), ", ",
                                    [](std::string* out, const v1::NotShown& not_shown) {
                                      absl::StrAppend(out, not_shown.look_alike());
                                    }),
                      " could not be ruled out");
    }
    Append(Wrap(confidence, style_.width, 3), &lines);
    lines.emplace_back();
    for (const std::string& line : Wrap(finding.verdict(), style_.width - 4, kMaxTextLines)) {
      lines.push_back(absl::StrCat("  ", line));
    }
    return lines;
  }

  Lines Details(const DiagnosedFinding& found) const {
    const v1::Finding& finding = found.finding;
    Lines lines;
    if (view_.findings.size() > 1) {
      lines.push_back(Painted(style_, Paint::kBold, Escaped(finding.title())));
    }
    Append(Labelled("Program", ProgramText(finding)), &lines);
    Append(Labelled("Where", WhereText(finding)), &lines);
    Append(Labelled("Advice", finding.advice()), &lines);
    Append(Labelled("Remedy", RemedyText(found)), &lines);
    Append(Labelled("Wrong if", WithoutIf(finding.disproof())), &lines);
    lines.emplace_back();
    Append(Evidence(finding), &lines);
    Append(Unclear(found), &lines);
    return lines;
  }

  // The label says it.
  static std::string WithoutIf(absl::string_view disproof) {
    return std::string(absl::StartsWith(disproof, "If ") ? disproof.substr(3) : disproof);
  }

  static std::string ProgramText(const v1::Finding& finding) {
    if (finding.processes().empty()) return "";
    const v1::Process& process = finding.processes(0);
    std::string text = absl::StrCat(process.comm(), " (pid ", process.pid(), ")");
    if (const std::string home = HomeText(process); !home.empty()) {
      absl::StrAppend(&text, ", ", home);
    }
    if (!process.cmdline().empty()) absl::StrAppend(&text, ": ", CommandText(process));
    if (const int others = finding.processes_size() - 1; others > 0) {
      absl::StrAppend(&text, "; and ", others,
                      others == 1 ? " other holds them too" : " others hold them too");
    }
    return text;
  }

  static std::string WhereText(const v1::Finding& finding) {
    switch (finding.subject()) {
      case v1::SUBJECT_SOCKET: {
        const v1::SocketRef& exemplar = finding.exemplar();
        return absl::StrCat(SubjectText(finding), ": ", CountText(finding.socket_count()),
                            finding.socket_count() == 1 ? " socket, " : " sockets, such as ",
                            EndpointText(exemplar.local()), " → ", EndpointText(exemplar.remote()),
                            InNetns(finding));
      }
      case v1::SUBJECT_NETNS:
        return finding.netns().name().empty() && !finding.has_exemplar() ? "" : NetnsText(finding);
      case v1::SUBJECT_PROCESS: {
        const std::string listener = ListenerText(finding);
        return listener.empty() ? finding.netns().name() : absl::StrCat(listener, InNetns(finding));
      }
      default:
        return absl::StrJoin(finding.group_by(), ", ",
                             [](std::string* out, const v1::GroupKey& key) {
                               absl::StrAppend(out, key.attribute(), " ", key.value());
                             });
    }
  }

  static std::string InNetns(const v1::Finding& finding) {
    return finding.netns().name().empty() ? ""
                                          : absl::StrCat(", namespace: ", finding.netns().name());
  }

  std::string RemedyText(const DiagnosedFinding& found) const {
    const std::string by = found.decision.policy().empty()
                               ? ""
                               : absl::StrCat(", by policy ", found.decision.policy());
    if (const v1::Action* const remedy = RemedyOf(found.decision)) {
      return absl::StrCat(RemedyWords(found.finding, *remedy), by);
    }
    if (const std::string& note = NoteOf(found.decision); !note.empty()) {
      return absl::StrCat("none on this host", by, ". ", note);
    }
    const std::vector<std::string> receivers = ReceiversOf(found.decision);
    if (!receivers.empty()) {
      return absl::StrCat("none on this host; ", absl::StrJoin(receivers, ", "), " would be told",
                          by);
    }
    return found.decision.considered().empty() ? "" : "none: no policy matches it";
  }

  // The evidence that there is; of the rest only the names.
  Lines Evidence(const v1::Finding& finding) const {
    std::vector<std::vector<Cell>> rows;
    std::vector<std::string> not_reported;
    std::vector<std::string> wide_values;  // by row; empty: it fits
    std::vector<std::pair<std::string, std::vector<std::string>>> stand_ins;  // with whose they are
    int columns[4] = {};  // all but the source's
    for (const v1::Evidence& evidence : finding.evidence()) {
      if (evidence.value().kind_case() == v1::Value::KIND_NOT_SET) {
        not_reported.push_back(evidence.name());
        continue;
      }
      const auto [source, places] = Apart(evidence);
      const auto [basis, stand_in] = BasisAndStandIn(evidence);
      if (!stand_in.empty()) NamesOf(stand_in, &stand_ins).push_back(evidence.name());
      const std::string value = EvidenceText(evidence);
      const bool wide = Columns(Escaped(value)) > kWideValue;
      wide_values.push_back(wide ? value : "");
      rows.push_back({{evidence.name()},
                      {wide ? "" : value, Paint::kBold},
                      {wide ? "" : basis, Paint::kDim},
                      {wide ? "" : ShortPlaces(places)},
                      {wide ? "" : source, Paint::kDim}});
      for (size_t i = 0; i < 4; ++i) {
        columns[i] =
            std::max(columns[i], std::min(Columns(Escaped(rows.back()[i].text)), kMostCell));
      }
    }
    if (rows.empty()) return Labelled("Evidence", "none was reported");
    // What is cut to its first word says nothing; the place says where to look.
    const int before_source = columns[0] + columns[1] + columns[2] + columns[3] + 4 * 2;
    if (text_columns() - before_source < kLeastSource) {
      for (std::vector<Cell>& row : rows) row.back().text.clear();
    }
    Style narrow = style_;
    narrow.width = text_columns();
    Lines lines = TableLines(narrow, {{}, {}, {}, {}, {}}, rows);
    // A text that would push the others' columns out has its line for itself.
    for (size_t i = 0; i < rows.size(); ++i) {
      if (wide_values[i].empty()) continue;
      const std::string name = Cut(Escaped(rows[i][0].text), columns[0]);
      lines[i] = absl::StrCat(
          name, std::string(static_cast<size_t>(columns[0] - Columns(name) + 2), ' '),
          Painted(style_, Paint::kBold,
                  Cut(Escaped(wide_values[i]), std::max(text_columns() - columns[0] - 2, 1))));
    }
    for (const auto& [stand_in, names] : stand_ins) {
      AppendDim(absl::StrCat("taken instead: ", stand_in, " (", absl::StrJoin(names, ", "), ")"),
                &lines);
    }
    if (!not_reported.empty()) {
      AppendDim(absl::StrCat("not reported: ", absl::StrJoin(not_reported, ", ")), &lines);
    }
    return cli::Labelled(style_, "Evidence", std::move(lines));
  }

  static std::vector<std::string>& NamesOf(
      const std::string& stand_in,
      std::vector<std::pair<std::string, std::vector<std::string>>>* stand_ins) {
    for (auto& [known, names] : *stand_ins) {
      if (known == stand_in) return names;
    }
    return stand_ins->emplace_back(stand_in, std::vector<std::string>()).second;
  }

  void AppendDim(absl::string_view text, Lines* lines) const {
    for (const std::string& line : Wrap(text, text_columns(), kMaxTextLines)) {
      lines->push_back(Painted(style_, Paint::kDim, line));
    }
  }

  // Of the one input without its directory, which would push the rest out of the line.
  std::string WithoutDirectory(absl::string_view text) const {
    const size_t slash = view_.of.rfind('/');
    if (slash == std::string::npos) return std::string(text);
    return absl::StrReplaceAll(
        text, {{absl::StrCat(view_.of, ":"), absl::StrCat(view_.of.substr(slash + 1), ":")}});
  }

  // Of the one input its lines or packets, of several without their directories.
  std::string ShortPlaces(const std::vector<std::string>& places) const {
    std::vector<std::string> shorter;
    bool all_of_input = !places.empty();
    for (const std::string& place : places) {
      const size_t colon = place.rfind(':');
      const bool of_input = colon != std::string::npos && place.substr(0, colon) == view_.of;
      all_of_input = all_of_input && (of_input || place == "…");
      const size_t before = of_input ? colon : place.rfind('/', colon);
      shorter.push_back(before == std::string::npos ? place : place.substr(before + 1));
    }
    const absl::string_view what = view_.read.lines ? "line" : "packet";
    return absl::StrCat(!all_of_input ? "" : absl::StrCat(what, places.size() > 1 ? "s " : " "),
                        absl::StrJoin(shorter, ", "));
  }

  Lines Unclear(const DiagnosedFinding& found) const {
    Lines lines;
    for (const v1::NotShown& not_shown : found.finding.not_shown()) {
      const std::string text = absl::StrCat(
          not_shown.look_alike(), ": ", not_shown.expression(),
          not_shown.missing().empty()
              ? ""
              : absl::StrCat(" (", absl::StrJoin(not_shown.missing(), ", "), " not reported)"));
      Append(Wrap(text, text_columns(), 3), &lines);
    }
    Lines labelled = cli::Labelled(style_, "Unclear", std::move(lines));
    Lines remarks;
    for (const std::string& remark : found.remarks) {
      Append(Wrap(WithoutDirectory(remark), text_columns(), kMaxTextLines), &remarks);
    }
    Append(cli::Labelled(style_, "Beware", std::move(remarks)), &labelled);
    return labelled;
  }

  // What belongs to no finding, and what could not be looked at.
  Lines Noticed() const {
    Lines noticed;
    for (const std::string& remark : view_.remarks) {
      Append(Wrap(WithoutDirectory(remark), text_columns(), kMaxTextLines), &noticed);
    }
    Lines lines = cli::Labelled(style_, "Noticed", std::move(noticed));
    Lines not_seen;
    for (const std::string& sentence : view_.not_seen) {
      Append(Wrap(sentence, text_columns(), kMaxTextLines), &not_seen);
    }
    for (std::string& line : not_seen) line = Painted(style_, Paint::kYellow, line);
    Append(cli::Labelled(style_, "Not seen", std::move(not_seen)), &lines);
    return lines;
  }

  Lines NotRead() const {
    Lines lines;
    for (const Unread& unread : view_.unread) {
      if (lines.size() == kMostUnread) break;
      std::string text =
          WithoutDirectory(absl::StrCat(PlaceText(unread.place), ": ", unread.reason));
      if (unread.lines > 1) {
        absl::StrAppend(&text, " (", CountText(unread.lines),
                        unread.packets ? " packets)" : " lines)");
      }
      if (!unread.excerpt.empty()) absl::StrAppend(&text, ": ", unread.excerpt);
      lines.push_back(Cut(Escaped(text), text_columns()));
    }
    const int64_t more = static_cast<int64_t>(view_.unread.size() - lines.size());
    if (more > 0) lines.push_back(absl::StrCat("… ", CountText(more), " more: -o json"));
    return cli::Labelled(style_, "Not read", std::move(lines));
  }

  Lines Next() const {
    const bool remedy = std::any_of(
        view_.findings.begin(), view_.findings.end(),
        [](const DiagnosedFinding& found) { return RemedyOf(found.decision) != nullptr; });
    if (!style_.next_commands || !remedy) return {};
    // The command is copied, so it stands whole; what it does stands beside it where there is room.
    const std::string command = absl::StrCat("sudo ", style_.command, " up");
    const std::string does =
        view_.live ? "proposes this change, checks that it helps, takes it back if not"
                   : "on that host: proposes this change, takes it back if it does not help";
    const std::string painted = Painted(style_, Paint::kCyan, Escaped(command));
    if (Columns(Escaped(command)) + 2 + Columns(does) <= text_columns()) {
      return cli::Labelled(style_, "Next",
                           {absl::StrCat(painted, "  ", Painted(style_, Paint::kDim, does))});
    }
    Lines lines = {painted};
    AppendDim(does, &lines);
    return cli::Labelled(style_, "Next", std::move(lines));
  }

  const DiagnosisView& view_;
  const Style& style_;
};

// That the signature has a finding on the screen. Empty: it has none.
std::string FiredText(const DiagnosisView& view, const std::string& signature) {
  const int64_t findings = std::count_if(
      view.findings.begin(), view.findings.end(),
      [&](const DiagnosedFinding& found) { return found.finding.signature() == signature; });
  if (findings == 0) return "";
  return absl::StrCat("It fired: ", Counted(findings, "finding"), ", above.");
}

}  // namespace

std::string RenderDiagnosis(const DiagnosisView& view,
                            const std::vector<const TrackedConnection*>& drawn,
                            const ShownConnections& shown, const Style& style) {
  return Screen(view, style).Render(drawn, shown);
}

std::string RenderWhyNot(const DiagnosisView& view, const Style& style) {
  std::string text;
  for (const v1::SignatureActivity& activity : view.activity) {
    if (!text.empty()) absl::StrAppend(&text, "\n");
    const std::string fired = FiredText(view, activity.signature());
    if (view.live) {
      absl::StrAppend(&text, RenderActivity(activity, view.of, style));
      if (!fired.empty()) absl::StrAppend(&text, Joined({absl::StrCat("  ", fired)}));
      continue;
    }
    Lines lines = {Painted(style, Paint::kBold, Escaped(activity.signature()))};
    if (!fired.empty()) {
      lines.push_back(absl::StrCat("  ", fired));
    } else if (activity.stops().empty()) {
      lines.push_back(activity.suspects() > 0
                          ? absl::StrCat("  ", CountText(activity.suspects()),
                                         " passed: told with another finding, or too few.")
                          : "  Nothing that it looks at was read.");
    }
    Append(StopLines(activity, style), &lines);
    absl::StrAppend(&text, Joined(lines));
  }
  return text;
}

std::string InputsText(const std::vector<std::string>& inputs) {
  if (inputs.size() > 1) return absl::StrCat(inputs.size(), " files");
  if (inputs.empty() || inputs[0] == "-") return "the standard input";
  return inputs[0];
}

}  // namespace tcpmedic::cli
