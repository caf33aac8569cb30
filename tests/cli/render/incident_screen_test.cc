#include "cli/render/incident_screen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/cli/flood_examples.h"
#include "tests/cli/golden.h"
#include "tests/cli/leak_examples.h"
#include "tests/cli/order_examples.h"

namespace tcpmedic::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

struct Size {
  int lines = 0;
  int columns = 0;
  bool trailing_space = false;
};

Size Measure(const std::string& screen) {
  Size size;
  for (const absl::string_view line : absl::StrSplit(screen, '\n')) {
    size.lines += line.empty() && line.data() == screen.data() + screen.size() ? 0 : 1;
    size.columns = std::max(size.columns, Columns(line));
    size.trailing_space = size.trailing_space || (!line.empty() && line.back() == ' ');
  }
  return size;
}

TEST(IncidentScreen, AProposalIsOneScreen) {
  ExpectGolden("show_proposed.txt", RenderIncident(PinnedCwndProposed(), kNow, {}));
}

TEST(IncidentScreen, WhatCouldNotBeRuledOutIsNamed) {
  ExpectGolden("show_likely.txt", RenderIncident(PinnedCwndLikely(), kNow, {}));
}

TEST(IncidentScreen, ARejectionSaysByWhomAndWhy) {
  ExpectGolden("show_rejected.txt", RenderIncident(PinnedCwndRejected(), kNow, {}));
}

TEST(IncidentScreen, AnOrderOnItsWayIsOneScreen) {
  ExpectGolden("show_sent.txt", RenderIncident(PinnedCwndSent(), kNow, {}));
}

TEST(IncidentScreen, AnOrderThatIsBeingVerifiedIsOneScreen) {
  ExpectGolden("show_verifying.txt", RenderIncident(PinnedCwndVerifying(), kNow, {}));
}

TEST(IncidentScreen, AVerifiedOrderIsOneScreen) {
  ExpectGolden("show_verified.txt", RenderIncident(PinnedCwndVerified(), kNow, {}));
}

TEST(IncidentScreen, ARolledBackOrderIsOneScreen) {
  ExpectGolden("show_rolled_back.txt", RenderIncident(PinnedCwndRolledBack(), kNow, {}));
}

TEST(IncidentScreen, ARefusedOrderIsOneScreen) {
  ExpectGolden("show_refused.txt", RenderIncident(PinnedCwndRefused(), kNow, {}));
}

TEST(IncidentScreen, ADriftedOrderIsOneScreen) {
  ExpectGolden("show_drifted.txt", RenderIncident(PinnedCwndDrifted(), kNow, {}));
}

TEST(IncidentScreen, AnInconclusiveOrderIsOneScreen) {
  ExpectGolden("show_inconclusive.txt", RenderIncident(PinnedCwndInconclusive(), kNow, {}));
}

TEST(IncidentScreen, AnOrderOfASilentAgentIsOneScreen) {
  ExpectGolden("show_silent.txt", RenderIncident(PinnedCwndSilent(), kNow, {}));
}

TEST(IncidentScreen, ALeakSaysWhichBugUntilWhenAndWhoIsTold) {
  ExpectGolden("show_leak_alerted.txt", RenderIncident(LeakAlerted(), kNow, {}));
}

TEST(IncidentScreen, ALeakThatIsBeingSampledHasNothingToTakeBack) {
  ExpectGolden("show_leak_sampling.txt", RenderIncident(LeakSampling(), kNow, {}));
  EXPECT_THAT(RenderIncident(LeakSampling(), kNow, {}), Not(HasSubstr("rollback")));
}

TEST(IncidentScreen, ALeakThatWasSampledNamesTheLine) {
  ExpectGolden("show_leak_sampled.txt", RenderIncident(LeakSampled(), kNow, {}));
}

TEST(IncidentScreen, ALeakThatMayNotBeSampledIsCompleteWithoutIt) {
  ExpectGolden("show_leak_not_sampled.txt", RenderIncident(LeakNotSampled(), kNow, {}));
}

TEST(IncidentScreen, ALeakOfAClientNamesItsUpstreamAndItsOtherHolders) {
  ExpectGolden("show_leak_upstream.txt", RenderIncident(LeakUpstream(), kNow, {}));
}

TEST(IncidentScreen, ALeakThatIsOverSaysThatItWasTold) {
  ExpectGolden("show_leak_over.txt", RenderIncident(LeakOver(), kNow, {}));
}

TEST(IncidentScreen, ALeakWhoseCallSitesMayBeSampledAsks) {
  ExpectGolden("show_leak_proposed.txt", RenderIncident(LeakProposed(), kNow, {}));
}

TEST(IncidentScreen, AnAbsorbedFloodIsANoteAndNothingToType) {
  ExpectGolden("show_flood_absorbed.txt", RenderIncident(FloodAbsorbed(), kNow, {}));
}

TEST(IncidentScreen, ASettingsProposalSaysWhatWhereHowItIsUndoneAndHowLongItStays) {
  ExpectGolden("show_flood_proposed.txt", RenderIncident(FloodProposed(), kNow, {}));
}

TEST(IncidentScreen, ASettingThatIsBeingVerifiedIsOneScreen) {
  ExpectGolden("show_flood_verifying.txt", RenderIncident(FloodVerifying(), kNow, {}));
}

TEST(IncidentScreen, AVerifiedSettingSaysUntilWhenItStays) {
  ExpectGolden("show_flood_verified.txt", RenderIncident(FloodVerified(), kNow, {}));
}

TEST(IncidentScreen, ALeaseThatRanOutSaysThatTheOldValueIsBack) {
  ExpectGolden("show_flood_lease_over.txt", RenderIncident(FloodLeaseOver(), kNow, {}));
}

TEST(IncidentScreen, AnAdministratorsLaterValueIsShownAsDrift) {
  ExpectGolden("show_flood_drifted.txt", RenderIncident(FloodDrifted(), kNow, {}));
}

TEST(IncidentScreen, ARefusedSettingIsOneScreen) {
  ExpectGolden("show_flood_refused.txt", RenderIncident(FloodRefused(), kNow, {}));
}

TEST(IncidentScreen, WithoutAListenerOrAProgramTheNamespaceIsStillNamed) {
  v1::IncidentView view = FloodProposed();
  view.mutable_incident()->mutable_finding()->clear_exemplar();
  view.mutable_incident()->mutable_finding()->clear_processes();
  EXPECT_THAT(RenderIncident(view, kNow, {}),
              AllOf(HasSubstr("\nWhere     netns of pid 812 (nginx)\n"),
                    HasSubstr("no process holds this listener")));
}

TEST(IncidentScreen, ASettingWhoseValueWasNotReportedIsNotGuessed) {
  v1::IncidentView view = FloodProposed();
  view.mutable_incident()->mutable_finding()->mutable_evidence(0)->clear_value();
  EXPECT_THAT(RenderIncident(view, kNow, {}),
              HasSubstr("\nProposed  net.ipv4.tcp_syncookies = 1 in netns of pid 812 (nginx), "));
}

TEST(IncidentScreen, AMachineWideSettingDoesNotClaimToStayInItsNamespace) {
  v1::IncidentView view = FloodProposed();
  v1::SetSysctl::Setting& setting =
      *view.mutable_proposals(0)->mutable_action()->mutable_set_sysctl()->mutable_settings(0);
  setting.set_name("net.core.netdev_max_backlog");
  setting.set_value("5000");
  EXPECT_THAT(RenderIncident(view, kNow, {}),
              AllOf(HasSubstr("net.core.netdev_max_backlog = 5000 for the whole machine"),
                    Not(HasSubstr("nowhere else"))));
}

TEST(IncidentScreen, HoweverMuchALeasedProposalHoldsItStaysOneScreen) {
  v1::IncidentView view = FloodProposed();
  std::string long_text;
  for (int i = 0; i < 300; ++i) absl::StrAppend(&long_text, "word", i, " ");
  v1::Incident& incident = *view.mutable_incident();
  v1::Finding& finding = *incident.mutable_finding();
  finding.set_verdict(long_text);
  finding.set_advice(long_text);
  finding.set_disproof(long_text);
  incident.set_host(std::string(300, 'h'));
  finding.mutable_processes(0)->add_cmdline(long_text);
  v1::Proposal& proposal = *view.mutable_proposals(0);
  proposal.set_undo(long_text);
  proposal.set_policy(long_text);
  proposal.mutable_verify()->set_expect(long_text);
  proposal.mutable_lease()->set_renew_while(long_text);
  for (int i = 0; i < 8; ++i) {
    *proposal.mutable_action()->mutable_set_sysctl()->add_settings() =
        proposal.action().set_sysctl().settings(0);
  }
  for (int i = 0; i < 100; ++i) {
    *finding.add_not_shown() = FromText<v1::NotShown>("look_alike: 'x' missing: 'y'");
    *incident.add_timeline() = incident.timeline(0);
  }
  EXPECT_LE(Measure(RenderIncident(view, kNow, {})).lines, kScreenLines)
      << RenderIncident(view, kNow, {});

  for (v1::IncidentView leak : {LeakAlerted(), LeakProposed(), LeakSampled()}) {
    v1::Finding* leaked = leak.mutable_incident()->mutable_finding();
    leaked->set_verdict(long_text);
    leaked->set_advice(long_text);
    leaked->set_disproof(long_text);
    *leaked->mutable_not_shown() = finding.not_shown();
    for (v1::Order& order : *leak.mutable_orders()) {
      for (int i = 0; i < 100; ++i) *order.mutable_call_sites()->add_degraded() = long_text;
    }
    EXPECT_LE(Measure(RenderIncident(leak, kNow, {})).lines, kScreenLines)
        << RenderIncident(leak, kNow, {});
  }

  v1::IncidentView noted = FloodAbsorbed();
  *noted.mutable_incident()->mutable_finding() = finding;
  noted.mutable_incident()->mutable_decision()->mutable_actions(0)->mutable_note()->set_text(
      long_text);
  EXPECT_LE(Measure(RenderIncident(noted, kNow, {})).lines, kScreenLines)
      << RenderIncident(noted, kNow, {});
}

TEST(IncidentScreen, AnOrderKeepsToTheScreenHoweverNarrow) {
  for (const v1::IncidentView& view :
       {FloodAbsorbed(),       FloodProposed(),      FloodVerifying(),
        FloodVerified(),       FloodLeaseOver(),     FloodDrifted(),
        FloodRefused(),        LeakAlerted(),        LeakProposed(),
        LeakSampling(),        LeakSampled(),        LeakNotSampled(),
        LeakUpstream(),        LeakOver(),           PinnedCwndSent(),
        PinnedCwndVerifying(), PinnedCwndVerified(), PinnedCwndRolledBack(),
        PinnedCwndRefused(),   PinnedCwndDrifted(),  PinnedCwndInconclusive(),
        PinnedCwndSilent()}) {
    for (const int width : {72, 100, 1000}) {
      const std::string screen = RenderIncident(view, kNow, {.width = width});
      const Size size = Measure(screen);
      EXPECT_LE(size.lines, kScreenLines) << screen;
      EXPECT_LE(size.columns, std::min(width, kScreenColumns)) << screen;
      EXPECT_FALSE(size.trailing_space) << screen;
    }
  }
}

TEST(IncidentScreen, ANewProposalAfterAFailedOrderIsWhatCounts) {
  v1::IncidentView view = PinnedCwndProposed();
  *view.mutable_orders() = PinnedCwndRolledBack().orders();
  const std::string screen = RenderIncident(view, kNow, {});
  EXPECT_LE(Measure(screen).lines, kScreenLines) << screen;
  EXPECT_THAT(screen, AllOf(HasSubstr("\nEarlier   o-2b7e11: rolled back 45 s ago because"),
                            HasSubstr("\nProposed  move at most"), Not(HasSubstr("\nRepair")),
                            HasSubstr("tcpmedic approve i-7f3a91c2")));
}

TEST(IncidentScreen, EarlierOrdersTakeOneLine) {
  v1::IncidentView view = PinnedCwndVerified();
  *view.add_orders() = PinnedCwndRolledBack().orders(0);
  *view.add_orders() = PinnedCwndRefused().orders(0);
  const std::string screen = RenderIncident(view, kNow, {});
  EXPECT_LE(Measure(screen).lines, kScreenLines) << screen;
  EXPECT_THAT(screen, AllOf(HasSubstr("\nRepair    verified"),
                            HasSubstr("\nEarlier   o-2b7e11: rolled back")));
}

TEST(IncidentScreen, WithoutAControllerNothingIsSuggested) {
  const std::string screen = RenderIncident(PinnedCwndVerified(), kNow, {.next_commands = false});
  EXPECT_THAT(screen, AllOf(Not(HasSubstr("tcpmedic")), Not(HasSubstr("Next"))));
}

TEST(IncidentScreen, ATerminalGetsColour) {
  ExpectGolden("show_proposed_color.txt",
               RenderIncident(PinnedCwndProposed(), kNow, {.color = true}));
}

TEST(IncidentScreen, ANarrowTerminalGetsShorterLines) {
  const Size size = Measure(RenderIncident(PinnedCwndProposed(), kNow, {.width = 72}));
  EXPECT_LE(size.columns, 72);
  EXPECT_LE(size.lines, kScreenLines);
}

TEST(IncidentScreen, HoweverMuchItHoldsItStaysOneScreen) {
  v1::IncidentView view = PinnedCwndLikely();
  *view.mutable_proposals() = PinnedCwndProposed().proposals();
  v1::Incident& incident = *view.mutable_incident();
  v1::Finding& finding = *incident.mutable_finding();
  const std::string long_text = [] {
    std::string text;
    for (int i = 0; i < 300; ++i) absl::StrAppend(&text, "word", i, " ");
    return text;
  }();
  finding.set_title(long_text);
  finding.set_verdict(long_text);
  finding.set_advice(long_text);
  finding.set_disproof(long_text);
  incident.set_host(std::string(300, 'h'));
  view.mutable_proposals(0)->set_undo(long_text);
  view.mutable_proposals(0)->set_policy(long_text);
  view.mutable_proposals(0)->mutable_verify()->set_expect(long_text);
  view.mutable_proposals(0)->mutable_selector()->set_signature(long_text);
  *finding.add_processes() = FromText<v1::Process>("pid: 1 comm: 'java'");
  finding.mutable_processes(0)->add_cmdline(long_text);
  finding.mutable_not_shown(0)->add_missing(long_text);
  for (int i = 0; i < 100; ++i) {
    *finding.add_evidence() = finding.evidence(0);
    *finding.add_not_shown() = finding.not_shown(1);
    *incident.add_timeline() = incident.timeline(0);
  }

  const std::string screen = RenderIncident(view, kNow, {});

  const Size size = Measure(screen);
  EXPECT_LE(size.lines, kScreenLines) << screen;
  EXPECT_LE(size.columns, 100) << screen;
  EXPECT_FALSE(size.trailing_space) << screen;
  EXPECT_THAT(screen, AllOf(HasSubstr("more: tcpmedic show i-7f3a91c2 -o json"),
                            HasSubstr("Lately"), HasSubstr("and 100 more")));
}

TEST(IncidentScreen, HoweverMuchAnOrderHoldsItStaysOneScreen) {
  v1::IncidentView view = PinnedCwndVerified();
  std::string long_text;
  for (int i = 0; i < 300; ++i) absl::StrAppend(&long_text, "word", i, " ");
  v1::Incident& incident = *view.mutable_incident();
  v1::Finding& finding = *incident.mutable_finding();
  finding.set_verdict(long_text);
  finding.set_advice(long_text);
  finding.set_disproof(long_text);
  incident.set_host(std::string(300, 'h'));
  finding.mutable_processes(0)->add_cmdline(long_text);
  view.mutable_proposals(0)->set_reason(long_text);
  for (int i = 0; i < 3; ++i) {
    *finding.add_not_shown() = FromText<v1::NotShown>("look_alike: 'reordering'");
  }
  for (int i = 0; i < 100; ++i) *incident.add_timeline() = incident.timeline(0);
  v1::Order& order = *view.mutable_orders(0);
  order.set_state(v1::Order::STATE_ROLLED_BACK);
  order.set_reason(long_text);
  order.mutable_targets(7)->set_reason(long_text);
  order.mutable_verification()->set_expect(long_text);
  *view.add_orders() = order;

  const std::string screen = RenderIncident(view, kNow, {});

  const Size size = Measure(screen);
  EXPECT_LE(size.lines, kScreenLines) << screen;
  EXPECT_LE(size.columns, kScreenColumns) << screen;
}

TEST(IncidentScreen, AnEmptyIncidentIsStillAScreen) {
  const std::string screen = RenderIncident(v1::IncidentView(), kNow, {});
  EXPECT_FALSE(Measure(screen).trailing_space) << screen;
  EXPECT_THAT(screen, HasSubstr("Evidence  none was reported"));
}

TEST(IncidentScreen, HostileTextCannotReachTheTerminal) {
  const std::string attack = "\x1b]0;owned\x07\x1b[2J\r\n\xe2\x80\xae\xc2\x9b\xff";
  v1::IncidentView view = PinnedCwndRejected();
  v1::Incident& incident = *view.mutable_incident();
  v1::Finding& finding = *incident.mutable_finding();
  incident.set_id(attack);
  incident.set_host(attack);
  finding.set_title(attack);
  finding.set_verdict(attack);
  finding.mutable_netns()->set_name(attack);
  finding.mutable_evidence(0)->mutable_value()->set_string_value(attack);
  finding.mutable_processes(0)->set_comm(attack);
  finding.mutable_processes(0)->add_cmdline(attack);
  view.mutable_proposals(0)->set_reason(attack);
  incident.mutable_timeline(0)->set_text(attack);

  const std::string screen = RenderIncident(view, kNow, {});

  for (const char c : screen) EXPECT_TRUE(c == '\n' || static_cast<uint8_t>(c) >= 0x20) << int{c};
  EXPECT_THAT(screen, AllOf(Not(HasSubstr("\xe2\x80\xae")), Not(HasSubstr("\xc2\x9b")),
                            Not(HasSubstr("\xff")), HasSubstr("\\x1b]0;owned\\x07\\x1b[2J")));
}

}  // namespace
}  // namespace tcpmedic::cli
