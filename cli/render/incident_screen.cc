#include "cli/render/incident_screen.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "cli/render/leak_words.h"
#include "cli/render/order_words.h"
#include "cli/render/quantity.h"
#include "cli/render/repair.h"
#include "cli/render/sampling_words.h"
#include "cli/render/words.h"
#include "proto/proto_time.h"

namespace tcpmedic::cli {
namespace {

using Lines = std::vector<std::string>;

constexpr int kMinEvidence = 5;
// Once something was changed, how that went is what counts.
constexpr int kMinEvidenceBesideRepair = 3;
constexpr int kWideValue = 24;
constexpr int kMostName = 44;  // as TableLines cuts it
constexpr int kMinTimeline = 2;
constexpr int kMaxTimeline = 5;
// Of a process: each with its callers, and what they are of.
constexpr int kMostSites = 2;
constexpr int kMostSiteLines = 4;
constexpr int kMostFds = 5;

class Screen {
 public:
  Screen(const v1::IncidentView& view, absl::Time now, const Style& style)
      : view_(view),
        incident_(view.incident()),
        finding_(view.incident().finding()),
        now_(now),
        style_(style) {}

  std::string Render() const {
    const Lines head = Head();
    const Lines who = Who();
    const Lines repair = of_process() ? Join(Leak(), Repair()) : Repair();
    const Lines not_shown = NotShown();
    const Lines plan = Plan();
    const Lines next = style_.next_commands ? Next() : Lines();
    // The blocks, a blank line before each but the first, are bounded; what is left goes to the
    // timeline and to the evidence.
    const int blanks = repair.empty() ? 4 : 5;
    const int fixed = static_cast<int>(head.size() + who.size() + repair.size() + not_shown.size() +
                                       plan.size() + next.size()) +
                      blanks;
    // What counts of a process's evidence is in words above it.
    const int min_evidence = repairing() || of_process() ? kMinEvidenceBesideRepair : kMinEvidence;
    const int room = std::max(kScreenLines - fixed, min_evidence + kMinTimeline);
    const int wanted_evidence = repairing() ? min_evidence : std::max(finding_.evidence_size(), 1);
    const int timeline_room = std::clamp(room - wanted_evidence, kMinTimeline, kMaxTimeline);
    const Lines timeline = Timeline(timeline_room);
    const Lines evidence = Evidence(room - static_cast<int>(timeline.size()));

    Lines screen = head;
    for (const Lines& block :
         {who, repair, Join(evidence, not_shown), plan, Join(timeline, next)}) {
      if (block.empty()) continue;
      screen.emplace_back();
      screen.insert(screen.end(), block.begin(), block.end());
    }
    return Joined(screen);
  }

 private:
  static Lines Join(Lines first, const Lines& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
  }

  const v1::Proposal* proposal() const {
    return view_.proposals().empty() ? nullptr : &view_.proposals(0);
  }
  bool pending() const {
    return proposal() != nullptr && proposal()->state() == v1::Proposal::STATE_PENDING;
  }
  // The newest that changes something; what only reads is told with what it has read.
  const v1::Order* order() const {
    return view_.orders().empty() || Samples(view_.orders(0)) ? nullptr : &view_.orders(0);
  }
  bool leased() const { return pending() && proposal()->has_lease(); }
  // The newest order is the matter at hand: nothing newer waits for a decision.
  bool repairing() const { return order() != nullptr && !pending(); }
  bool of_netns() const { return finding_.subject() == v1::SUBJECT_NETNS; }
  bool of_process() const { return finding_.subject() == v1::SUBJECT_PROCESS; }
  bool alerts() const { return !ReceiversOf(incident_.decision()).empty(); }
  int text_columns() const { return std::max(style_.width - kLabelColumns, 20); }

  Lines Labelled(absl::string_view label, Lines text) const {
    return cli::Labelled(style_, label, std::move(text));
  }
  Lines Labelled(absl::string_view label, absl::string_view text, int max_lines) const {
    return Labelled(label, Wrap(text, text_columns(), max_lines));
  }

  Lines Head() const {
    const std::string severity = absl::AsciiStrToUpper(SeverityWord(finding_.severity()));
    const std::string right = absl::StrCat(Escaped(incident_.id()), "  ", StateWords(incident_));
    const int title_room = style_.width - Columns(severity) - Columns(right) - 4;
    const std::string title = Cut(Escaped(finding_.title()), std::max(title_room, 10));
    const int gap = std::max(title_room - Columns(title) + 2, 2);
    Lines lines = {absl::StrCat(Painted(style_, SeverityPaint(finding_.severity()), severity), "  ",
                                Painted(style_, Paint::kBold, title), std::string(gap, ' '),
                                right)};
    const absl::Time since = FromProto(finding_.since());
    std::string second =
        absl::StrCat(incident_.host(), ", since ", ClockText(since, now_), " (",
                     AgeText(since, now_), "), ", ConfidenceWord(finding_.confidence()));
    if (finding_.confidence() == v1::CONFIDENCE_CERTAIN) {
      absl::StrAppend(&second, ": every look-alike was ruled out");
    } else if (finding_.not_shown_size() > 0) {
      absl::StrAppend(&second, ": ",
                      absl::StrJoin(finding_.not_shown(), ", ",
                                    [](std::string* out, const v1::NotShown& not_shown) {
                                      absl::StrAppend(out, not_shown.look_alike());
                                    }),
                      " could not be ruled out");
    }
    if (incident_.state() == v1::Incident::STATE_CLOSED && incident_.has_closed_at()) {
      absl::StrAppend(&second, "; closed ", AgeText(FromProto(incident_.closed_at()), now_));
    }
    for (std::string& line : Wrap(second, style_.width, 2)) lines.push_back(std::move(line));
    lines.emplace_back();
    for (const std::string& line :
         Wrap(finding_.verdict(), style_.width - 4, repairing() || of_process() ? 3 : 4)) {
      lines.push_back(absl::StrCat("  ", line));
    }
    return lines;
  }

  Lines Who() const {
    Lines lines;
    if (finding_.processes().empty()) {
      lines = Labelled(
          "Program",
          absl::StrCat("not known: no process holds ",
                       of_netns() ? "this listener" : "these sockets",
                       ", or the agent may not look",
                       style_.next_commands
                           ? absl::StrCat(" (`", style_.command, " hosts` says what it cannot see)")
                           : ""),
          2);
    } else {
      const v1::Process& process = finding_.processes(0);
      std::string who = absl::StrCat(process.comm(), " (pid ", process.pid(), ")");
      if (process.has_uid()) {
        absl::StrAppend(&who, ", ",
                        process.uid() == 0 ? "user root" : absl::StrCat("uid ", process.uid()));
      }
      if (const std::string home = HomeText(process); !home.empty()) {
        absl::StrAppend(&who, ", ", home);
      }
      if (process.has_started_at()) {
        absl::StrAppend(&who, ", started ", AgeText(FromProto(process.started_at()), now_));
      }
      if (const int others = finding_.processes_size() - 1; others > 0) {
        absl::StrAppend(&who, "; and ", others, others == 1 ? " other holds" : " others hold",
                        " them too");
      }
      if (const std::string at = of_process() ? ListenerText(finding_) : ""; !at.empty()) {
        absl::StrAppend(&who, "; ", at);
      }
      lines = Labelled("Program", who, of_process() ? 2 : 1);
      lines = Join(std::move(lines),
                   Labelled("", CommandText(process), repairing() || of_process() ? 1 : 2));
    }
    if (of_process()) return Join(std::move(lines), Labelled("Where", HeldWhereText(), 1));
    if (of_netns()) return Join(std::move(lines), Labelled("Where", NetnsText(finding_), 1));
    const v1::SocketRef& exemplar = finding_.exemplar();
    std::string peer =
        absl::StrCat(SubjectText(finding_), ": ", CountText(finding_.socket_count()),
                     finding_.socket_count() == 1 ? " socket, " : " sockets, such as ",
                     EndpointText(exemplar.local()), " → ", EndpointText(exemplar.remote()));
    if (!finding_.netns().name().empty()) {
      absl::StrAppend(&peer, ", namespace: ", finding_.netns().name());
    }
    return Join(std::move(lines), Labelled("Peer", peer, 1));
  }

  // Where the program is, and what it holds there: a descriptor to look at, and who is at the other
  // end.
  std::string HeldWhereText() const {
    std::vector<std::string> parts;
    if (!finding_.netns().name().empty()) parts.push_back(finding_.netns().name());
    if (!finding_.processes().empty() && !finding_.processes(0).fds().empty()) {
      const auto& fds = finding_.processes(0).fds();
      parts.push_back(absl::StrCat(
          "descriptors such as ",
          absl::StrJoin(fds.begin(), fds.begin() + std::min(fds.size(), kMostFds), ", ")));
    }
    if (const v1::Evidence* const peers = FactIn(finding_, "process.peers")) {
      parts.push_back(absl::StrCat("peers ", EvidenceText(*peers)));
    }
    return absl::StrJoin(parts, "; ");
  }

  // What the program does not close, by which bug, until when that lasts, and where in its code.
  Lines Leak() const {
    Lines lines = Labelled("Leak", PileText(finding_), 2);
    lines = Join(std::move(lines), Labelled("", EndOfFileText(finding_), 2));
    lines = Join(std::move(lines), Labelled("Forecast", ForecastText(finding_), 2));
    if (const std::string memory = MemoryText(finding_); !memory.empty()) {
      lines = Join(std::move(lines), Labelled("", absl::StrCat("resident memory ", memory), 1));
    }
    Lines code;
    if (const v1::Order* const sampling = SamplingOrder(view_)) {
      for (const std::string& line : CallSiteLines(*sampling, kMostSites, now_)) {
        code = Join(std::move(code), Wrap(line, text_columns(), 2));
      }
      if (static_cast<int>(code.size()) > kMostSiteLines) code.resize(kMostSiteLines);
    } else if (alerts()) {
      code = Wrap(pending()
                      ? absl::StrCat("not sampled yet: ", proposal()->id(), " waits for a person")
                      : absl::StrCat("not sampled: policy ", incident_.decision().policy(),
                                     " does not ask for it"),
                  text_columns(), 1);
    }
    return Join(std::move(lines), Labelled("Code", std::move(code)));
  }

  // The newest order at length, or in one line where a newer proposal waits; the older ones in one
  // line.
  Lines Repair() const {
    if (order() == nullptr) return {};
    Lines lines;
    int told = 0;
    if (repairing()) {
      lines = RepairLines(view_, *order(), now_, style_);
      told = 1;
    }
    if (told == view_.orders_size()) return lines;
    const v1::Order& earlier = view_.orders(told);
    const int more = view_.orders_size() - told - 1;
    const std::string text =
        absl::StrCat(earlier.id(), ": ", OrderWords(earlier, now_),
                     more == 0 ? "" : absl::StrCat("; and ", more, " before it"));
    return Join(std::move(lines), Labelled("Earlier", text, repairing() ? 1 : 2));
  }

  Lines Evidence(int max_lines) const {
    if (finding_.evidence().empty()) return Labelled("Evidence", {"none was reported"});
    const bool all = finding_.evidence_size() <= max_lines;
    const int shown = all ? finding_.evidence_size() : std::max(max_lines - 1, 1);
    const bool with_source = style_.width >= kScreenColumns;
    std::vector<std::vector<Cell>> rows;
    int name_columns = 0;
    for (int i = 0; i < shown; ++i) {
      const v1::Evidence& evidence = finding_.evidence(i);
      const bool wide = Columns(Escaped(EvidenceText(evidence))) > kWideValue;
      rows.push_back({{evidence.name()},
                      {wide ? "" : EvidenceText(evidence), Paint::kBold},
                      {wide ? "" : evidence.basis(), Paint::kDim},
                      {wide || !with_source ? "" : evidence.source(), Paint::kDim}});
      name_columns = std::max(name_columns, Columns(Escaped(evidence.name())));
    }
    Style narrow = style_;
    narrow.width = text_columns();
    Lines lines = TableLines(narrow, {{}, {}, {}, {}}, rows);
    // A text that would push the others' columns out has its line for itself.
    for (int i = 0; i < shown; ++i) {
      const std::string value = Escaped(EvidenceText(finding_.evidence(i)));
      if (Columns(value) <= kWideValue) continue;
      const int at = std::min(name_columns, kMostName);
      const std::string name = Cut(Escaped(finding_.evidence(i).name()), at);
      lines[i] = absl::StrCat(
          name, std::string(at - Columns(name) + 2, ' '),
          Painted(style_, Paint::kBold, Cut(value, std::max(text_columns() - at - 2, 1))));
    }
    if (!all) {
      lines.push_back(absl::StrCat(
          "… ", finding_.evidence_size() - shown, " more",
          style_.next_commands
              ? absl::StrCat(": ", style_.command, " show ", Escaped(incident_.id()), " -o json")
              : ""));
    }
    return Labelled("Evidence", std::move(lines));
  }

  Lines NotShown() const {
    // A lease's two lines come from here.
    const int most = repairing() || leased() || of_process() ? 1 : 2;
    Lines lines;
    for (int i = 0; i < std::min(finding_.not_shown_size(), most); ++i) {
      const v1::NotShown& not_shown = finding_.not_shown(i);
      const std::string text =
          absl::StrCat(not_shown.look_alike(), ": ", not_shown.expression(), " (",
                       absl::StrJoin(not_shown.missing(), ", "), " not reported)");
      lines.push_back(Cut(Wrap(text, 1 << 16, 1)[0], text_columns()));
    }
    if (const int more = finding_.not_shown_size() - most; more > 0) {
      const std::string and_more = absl::StrCat("; and ", more, " more");
      lines.back() = absl::StrCat(Cut(lines.back(), text_columns() - Columns(and_more)), and_more);
    }
    return Labelled("Unclear", std::move(lines));
  }

  Lines Plan() const {
    Lines lines;
    if (alerts()) lines = Labelled("Told", ToldText(), 1);
    if (alerts() && order() == nullptr) {
      // What would only be read waits for a person, or is told with what it has read.
      if (pending()) {
        const std::string what = ActionWords(proposal()->action(), proposal()->targets_max());
        lines = Join(std::move(lines), Labelled("Proposed", what, 1));
        lines = Join(std::move(lines), Labelled("", ProposalOrigin(*proposal()), 1));
      }
    } else if (proposal() == nullptr) {
      // What there is to say is all that there is to do.
      lines = note() != nullptr ? Labelled("Note", NoteText(), 8)
                                : Labelled("Decision", NoProposalText(), repairing() ? 1 : 3);
    } else if (repairing()) {
      lines = Labelled("Proposal", ProposalOrigin(*proposal()), 1);
    } else {
      lines = ProposalLines(*proposal());
    }
    // What was advised is done; what it means if it did not help is told where it did not.
    const bool failed = repairing() && OrderPaint(*order()) == Paint::kYellow;
    // A note is the advice, at length.
    const bool advised = proposal() == nullptr && note() != nullptr;
    if (!failed && !advised) {
      lines = Join(std::move(lines), Labelled("Advice", finding_.advice(), 2));
    }
    if (repairing() && !failed) return lines;
    // Most authors begin with the word that the label already says.
    absl::string_view disproof = absl::StripLeadingAsciiWhitespace(finding_.disproof());
    absl::ConsumePrefix(&disproof, "If ");
    return Join(std::move(lines), Labelled("Wrong if", disproof, of_process() ? 1 : 2));
  }

  std::string ToldText() const {
    const bool over = incident_.state() == v1::Incident::STATE_CLOSED;
    return absl::StrCat(absl::StrJoin(ReceiversOf(incident_.decision()), ", "),
                        over ? ": that it began, and that it is over"
                             : ": an alert that stands until this has gone",
                        " (policy ", incident_.decision().policy(), ")");
  }

  // Of a policy that wants nothing but a note.
  const v1::Note* note() const {
    const v1::Decision& decision = incident_.decision();
    return decision.actions_size() == 1 && decision.actions(0).has_note()
               ? &decision.actions(0).note()
               : nullptr;
  }
  std::string NoteText() const {
    return absl::StrCat(note()->text(), " (policy ", incident_.decision().policy(),
                        "; nothing is changed)");
  }

  std::string NoProposalText() const {
    if (!incident_.has_decision()) return "none yet";
    const v1::Decision& decision = incident_.decision();
    if (!decision.policy().empty()) {
      return absl::StrCat(
          "policy ", decision.policy(), ": ",
          absl::StrJoin(decision.actions(), "; ", [](std::string* out, const v1::Action& action) {
            absl::StrAppend(out, ActionWords(action, 1));
          }));
    }
    if (decision.considered().empty()) {
      return "noted only: there is no policy for this signature";
    }
    return absl::StrCat(
        "noted only, as no policy matched: ",
        absl::StrJoin(decision.considered(), "; ",
                      [](std::string* out, const v1::Decision::Considered& considered) {
                        absl::StrAppend(out, considered.policy(), " (", considered.result(), ")");
                      }));
  }

  static std::string SelectorText(const v1::Selector& selector) {
    std::vector<std::string> keys;
    for (const v1::GroupKey& key : selector.group_by()) {
      if (key.attribute() == "netns") continue;  // a number; the peer's line names it
      keys.push_back(absl::StrCat(absl::StripPrefix(key.attribute(), "socket."), " ", key.value()));
    }
    return absl::StrCat("those on ", selector.host(), " that match ", selector.signature(),
                        keys.empty() ? "" : " with ", absl::StrJoin(keys, ", "), " at that moment");
  }

  // By whom, under which revision, and what became of it.
  std::string ProposalOrigin(const v1::Proposal& proposal) const {
    std::string origin = absl::StrCat(proposal.id(), " by policy ", proposal.policy());
    // One line has no room for it.
    if (!repairing()) absl::StrAppend(&origin, ", revision ", proposal.revision());
    if (pending()) {
      absl::StrAppend(&origin, "; expires ", AgeText(FromProto(proposal.expires_at()), now_),
                      "; nothing is changed yet");
      return origin;
    }
    absl::StrAppend(&origin, "; ", ProposalWord(proposal.state()));
    if (!proposal.decided_by().empty()) absl::StrAppend(&origin, " by ", proposal.decided_by());
    if (proposal.has_decided_at()) {
      absl::StrAppend(&origin, " ", AgeText(FromProto(proposal.decided_at()), now_));
    }
    if (!proposal.reason().empty()) absl::StrAppend(&origin, ": ", proposal.reason());
    return origin;
  }

  Lines ProposalLines(const v1::Proposal& proposal) const {
    std::string what = ChangeWords(finding_, proposal.action(), proposal.targets_max());
    if (proposal.action().has_set_congestion_control()) {
      absl::StrAppend(&what, ": ", SelectorText(proposal.selector()));
    }
    if (proposal.holdback_ratio() > 0) {
      absl::StrAppend(&what, "; ", PercentText(proposal.holdback_ratio()), " kept back to compare");
    }
    Lines lines = Labelled(pending() ? "Proposed" : "Proposal", what, leased() ? 2 : 3);
    lines = Join(std::move(lines), Labelled("", ProposalOrigin(proposal), 2));
    if (!pending()) return lines;
    if (proposal.has_verify()) {
      const std::string check = absl::StrCat(DurationText(FromProto(proposal.verify().after())),
                                             " after: ", proposal.verify().expect());
      lines = Join(std::move(lines), Labelled("Check", check, 1));
    }
    lines = Join(std::move(lines), Labelled("Undo", proposal.undo(), 2));
    if (!leased()) return lines;
    return Join(std::move(lines), Labelled("Lease", LeaseText(proposal.lease()), 2));
  }

  Lines Timeline(int max_lines) const {
    const int skipped = std::max(incident_.timeline_size() - max_lines, 0);
    std::vector<std::vector<Cell>> rows;
    for (int i = skipped; i < incident_.timeline_size(); ++i) {
      const v1::TimelineEntry& entry = incident_.timeline(i);
      // The head names the time zone, the text names the policy.
      const std::string clock = ClockText(FromProto(entry.at()), now_);
      const bool by_policy = absl::StartsWith(entry.actor(), "policy ");
      rows.push_back({{std::string(absl::StripSuffix(clock, " UTC")), Paint::kDim},
                      {by_policy ? "policy" : entry.actor(), Paint::kDim},
                      {entry.text()}});
    }
    Style narrow = style_;
    narrow.width = text_columns();
    return Labelled(skipped == 0 ? "Timeline" : "Lately", TableLines(narrow, {{}, {}, {}}, rows));
  }

  Lines Next() const {
    const std::string id = Escaped(incident_.id());
    std::vector<std::pair<std::string, std::string>> commands;
    const bool can_propose = incident_.finding_present() &&
                             !incident_.decision().policy().empty() && note() == nullptr &&
                             (!alerts() || proposal() != nullptr);
    if (pending()) {
      commands.emplace_back(absl::StrCat("approve ", id),
                            proposal()->action().has_sample_call_sites()
                                ? "sample, and tell what was found"
                                : "apply it, and see whether it helps");
      commands.emplace_back(absl::StrCat("reject ", id, " --reason TEXT"),
                            "turn the proposal down, and record why");
    } else if (order() != nullptr && CanBeTakenBack(*order())) {
      commands.emplace_back(absl::StrCat("rollback ", id), "take the change back");
    } else if (order() != nullptr && !IsSettled(*order())) {
      commands.emplace_back(absl::StrCat("show ", id), "how it stands then");
    } else if (can_propose) {
      commands.emplace_back(absl::StrCat("propose ", id), "ask the policies for a new proposal");
    } else if (alerts()) {
      commands.emplace_back(absl::StrCat("show ", id, " -o json"),
                            "every socket, holder and call site, for programs");
    } else if (incident_.finding_present() && note() == nullptr) {
      commands.emplace_back("policy status",
                            "which policies there are, and what is wrong with them");
    } else {
      commands.emplace_back("incidents", "what is open now");
    }
    if (!pending()) commands.emplace_back("watch", "follow what changes");
    commands.emplace_back(absl::StrCat("audit ", id), "who decided what, and when");
    std::vector<std::vector<Cell>> rows;
    for (const auto& [command, does] : commands) {
      rows.push_back(
          {{absl::StrCat(style_.command, " ", command), Paint::kCyan}, {does, Paint::kDim}});
    }
    Style narrow = style_;
    narrow.width = text_columns();
    return Labelled("Next", TableLines(narrow, {{.whole = true}, {}}, rows));
  }

  const v1::IncidentView& view_;
  const v1::Incident& incident_;
  const v1::Finding& finding_;
  const absl::Time now_;
  const Style& style_;
};

}  // namespace

Style ReadableStyle(const Style& style) {
  Style readable = style;
  readable.width = std::min(style.width, kScreenColumns);
  return readable;
}

std::string RenderIncident(const v1::IncidentView& view, absl::Time now, const Style& style) {
  const Style readable = ReadableStyle(style);
  return Screen(view, now, readable).Render();
}

}  // namespace tcpmedic::cli
