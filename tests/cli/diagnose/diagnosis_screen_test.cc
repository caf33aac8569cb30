#include "cli/diagnose/diagnosis_screen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "cli/diagnose/connections.h"
#include "tests/cli/diagnose/diagnosis_examples.h"
#include "tests/cli/golden.h"

namespace tcpmedic::cli {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string Rendered(const DiagnosisView& view, Style style = {}) {
  return RenderDiagnosis(view, *ConnectionsToDraw(view.trace, {}), {}, style);
}

TEST(DiagnosisScreen, OfATraceWithoutAnIncidentIsItsHandshake) {
  ExpectGolden("diagnose_handshake.txt", Rendered(NothingWrong()));
}

TEST(DiagnosisScreen, ShowsEvidenceWithTheLineThatItCameFrom) {
  ExpectGolden("diagnose_pinned.txt", Rendered(PinnedWindow()));
}

TEST(DiagnosisScreen, ShowsItInColour) {
  ExpectGolden("diagnose_pinned_color.txt", Rendered(PinnedWindow(), {.color = true}));
}

TEST(DiagnosisScreen, SaysTheVerdictsOfSeveralFirst) {
  ExpectGolden("diagnose_two.txt", Rendered(FloodAndLeak()));
}

TEST(DiagnosisScreen, OfAHealthyHostIsOneLine) {
  EXPECT_EQ(Rendered(HealthyHost(), {.width = 80}),
            "No incident on this host: 3 namespaces watched for 20 s, 1,204 sockets examined\n");
}

TEST(DiagnosisScreen, SaysWhatThisUserMayNotSee) {
  EXPECT_THAT(Rendered(HostOfOneOwner()),
              EndsWith("\nNot seen  who holds sockets is not known of 41 processes of other users "
                       "(EACCES)\n"));
}

TEST(DiagnosisScreen, CallsNoHostHealthyThatItMayNotSeeWhole) {
  EXPECT_THAT(Rendered(HostOfOneOwner()),
              StartsWith("No incident in what may be seen of this host: "));
}

TEST(DiagnosisScreen, NamesTheOneFileWithoutItsDirectoryAndRemarksToTheirEnd) {
  DiagnosisView view = NothingWrong();
  view.of = "/var/tmp/incidents/2026-11-22/session.txt";
  std::string remark = "the totals do not add up:";
  for (int i = 0; i < 80; ++i) remark += " further";
  view.remarks = {remark + " (" + view.of + ":6)"};
  view.unread = {{{view.of, 5}, "not a line of ss", "Dear diary", 1}};

  const std::string text = Rendered(view, {.width = 100});
  EXPECT_THAT(text, HasSubstr("further (session.txt:6)\n"));
  EXPECT_THAT(text, HasSubstr("Not read  session.txt:5: not a line of ss: Dear diary\n"));
}

TEST(DiagnosisScreen, KeepsACommandWholeWhereItsMeaningHasNoRoomBesideIt) {
  Style style{.width = 80};
  style.command = "/opt/tcpmedic/build/release/bin/tcpmedic";

  EXPECT_THAT(
      Rendered(PinnedWindow(), style),
      EndsWith(
          "Next      sudo /opt/tcpmedic/build/release/bin/tcpmedic up\n"
          "          on that host: proposes this change, takes it back if it does not help\n"));
}

TEST(DiagnosisScreen, SaysThatNothingWasEvidence) {
  DiagnosisView view;
  view.of = "notes.txt";
  view.unread = {{{"notes.txt", 1}, "not a line of any tool that is known", "Dear diary", 7}};

  EXPECT_EQ(Rendered(view, {.width = 1000}),
            "No evidence in notes.txt: nothing in it is a line of ss, nstat, netstat -s, ps or "
            "tcpdump, nor a TCP packet\n"
            "\n"
            "Not read  notes.txt:1: not a line of any tool that is known (7 lines): Dear diary\n");
}

TEST(DiagnosisScreen, TakesAListOfProcessesForNoHealth) {
  DiagnosisView view;
  view.of = "ps.txt";
  view.read.processes = 107;

  EXPECT_EQ(Rendered(view, {.width = 1000}),
            "No evidence in ps.txt: 107 processes read, and no process list says anything of "
            "TCP\n");
}

TEST(DiagnosisScreen, DoesNotObeyWhatWasRead) {
  DiagnosisView view = FloodAndLeak();
  view.of = "\x1b]0;title\x07.txt";
  view.remarks.push_back("\x1b[2J");
  view.findings[0].finding.set_title("\x1b[2J");
  view.findings[0].finding.mutable_evidence(0)->set_source("\x1b[2J, \x1b[2J:1");

  EXPECT_THAT(Rendered(view), Not(HasSubstr("\x1b")));
}

TEST(DiagnosisScreen, ListsOfMuchThatWasNotReadTheFirst) {
  DiagnosisView view = NothingWrong();
  for (int i = 1; i <= 50; ++i) view.unread.push_back({{"trace.txt", i}, "not a line", "", 1});

  EXPECT_THAT(Rendered(view), EndsWith("… 30 more: -o json\n"));
}

TEST(DiagnosisScreen, IsNoWiderThanTheTerminal) {
  for (const int width : {80, 100}) {
    for (const DiagnosisView& view :
         {NothingWrong(), PinnedWindow(), FloodAndLeak(), HostOfOneOwner()}) {
      const std::string text = Rendered(view, {.width = width});
      for (size_t at = 0; at < text.size();) {
        const size_t end = text.find('\n', at);
        EXPECT_LE(Columns(text.substr(at, end - at)), width) << text.substr(at, end - at);
        at = end + 1;
      }
    }
  }
}

TEST(DiagnosisScreen, SaysOfEachSignatureWhatKeptItFromAFinding) {
  DiagnosisView view = NothingWrong();
  view.activity.resize(2);
  view.activity[0].set_signature("pinned-cwnd");
  view.activity[1].set_signature("handshake-refused");
  v1::SignatureActivity::Stop& stop = *view.activity[1].add_stops();
  stop.set_at("connection.outcome == \"refused\"");
  stop.set_sockets(1);
  stop.set_example("10.0.0.5:51514 → 10.0.0.9:6379: connection.outcome = established");

  EXPECT_EQ(
      RenderWhyNot(view, Style{}),
      "pinned-cwnd\n"
      "  Nothing that it looks at was read.\n"
      "\n"
      "handshake-refused\n"
      "        1  not true: connection.outcome == \"refused\"\n"
      "           such as 10.0.0.5:51514 → 10.0.0.9:6379: connection.outcome = established\n");
}

TEST(DiagnosisScreen, OfASignatureThatFiredSaysSo) {
  DiagnosisView view = FloodAndLeak();
  view.activity.resize(2);
  view.activity[0].set_signature("close-wait-leak");
  view.activity[0].set_suspects(9821);
  view.activity[1].set_signature("handshake-half-open");
  view.activity[1].set_suspects(3);

  EXPECT_EQ(RenderWhyNot(view, Style{}),
            "close-wait-leak\n"
            "  It fired: 1 finding, above.\n"
            "\n"
            "handshake-half-open\n"
            "  3 passed: told with another finding, or too few.\n");
}

TEST(DiagnosisScreen, OfACaptureNamesPacketsAndOfATextLines) {
  DiagnosisView view = PinnedWindow();
  EXPECT_THAT(Rendered(view), AllOf(HasSubstr("line 3"), Not(HasSubstr("packet"))));
  view.read.lines = false;
  EXPECT_THAT(Rendered(view), AllOf(HasSubstr("packet 3"), Not(HasSubstr("line 3"))));
}

TEST(DiagnosisScreen, NamesItsInputs) {
  EXPECT_EQ(InputsText({"a.txt"}), "a.txt");
  EXPECT_EQ(InputsText({"a.txt", "b.pcap"}), "2 files");
  EXPECT_EQ(InputsText({"-"}), "the standard input");
}

}  // namespace
}  // namespace tcpmedic::cli
