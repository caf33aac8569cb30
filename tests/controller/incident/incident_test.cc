#include "controller/incident/incident.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "absl/strings/str_cat.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

v1::Finding Pinned(v1::Severity severity = v1::SEVERITY_WARNING,
                   v1::Confidence confidence = v1::CONFIDENCE_CERTAIN) {
  v1::Finding finding;
  finding.set_signature("pinned-cwnd");
  finding.set_group("netns 42, 203.0.113.20");
  finding.set_title("Window pinned");
  finding.set_severity(severity);
  finding.set_confidence(confidence);
  return finding;
}

v1::Decision Bbr(const std::string& revision = "r1") {
  v1::Decision decision;
  decision.set_policy("to-bbr");
  decision.set_revision(revision);
  decision.add_actions()->mutable_set_congestion_control()->set_algorithm("bbr");
  return decision;
}

v1::Decision Noted() {
  v1::Decision decision;
  decision.set_revision("r1");
  return decision;
}

v1::Proposal PendingProposal(const std::string& id = "p-1") {
  v1::Proposal proposal;
  proposal.set_id(id);
  proposal.set_incident_id("i-1");
  proposal.set_policy("to-bbr");
  proposal.set_state(v1::Proposal::STATE_PENDING);
  *proposal.mutable_action() = Bbr().actions(0);
  proposal.set_targets_max(200);
  *proposal.mutable_expires_at() = ToProto(kStart + absl::Hours(1));
  return proposal;
}

std::string Name(const Effect& effect) {
  struct Namer {
    std::string operator()(const AskPolicy& ask) const {
      if (ask.only_decide) return "ask what to tell";
      return ask.asked_by.empty() ? "ask" : absl::StrCat("ask for ", ask.asked_by);
    }
    std::string operator()(const Propose&) const { return "propose"; }
    std::string operator()(const EndProposal& end) const {
      return absl::StrCat("end ", v1::Proposal::State_Name(end.ending.how), " by ", end.ending.by);
    }
    std::string operator()(const TakeApproval& approval) const {
      return absl::StrCat("take approval by ", approval.by);
    }
    std::string operator()(const IssueOrder&) const { return "issue order"; }
    std::string operator()(const LookForUntried&) const { return "look for untried"; }
    std::string operator()(const Announce& announce) const {
      return absl::StrCat("announce ", announce.what);
    }
  };
  return std::visit(Namer{}, effect);
}

std::vector<std::string> Names(const std::vector<Effect>& effects) {
  std::vector<std::string> names;
  for (const Effect& effect : effects) names.push_back(Name(effect));
  return names;
}

std::vector<std::string> Words(const v1::Incident& incident) {
  std::vector<std::string> words;
  for (const v1::TimelineEntry& entry : incident.timeline()) words.push_back(entry.what());
  return words;
}

// The states that an incident can be in, each made by the events that lead there.
v1::Incident After(std::vector<Event> events) {
  v1::Incident incident = OpenIncident("i-1", "db1", Pinned(), kStart)->next;
  for (const Event& event : events) {
    absl::StatusOr<Step> step = Advance(incident, event, kStart);
    EXPECT_TRUE(step.ok()) << step.status();
    incident = step->next;
  }
  return incident;
}
v1::Incident Opened() { return After({}); }
v1::Incident OpenNoted() { return After({Decided{Noted(), false, ""}}); }
v1::Incident OpenPending() {
  return After({Decided{Bbr(), true, ""}, Proposed{PendingProposal()}});
}
v1::Incident OpenExpired() {
  return After({Decided{Bbr(), true, ""}, Proposed{PendingProposal()}, ProposalExpired{}});
}
v1::Incident RejectedStillThere() {
  return After({Decided{Bbr(), true, ""}, Proposed{PendingProposal()}, Rejected{"ann", "backup"}});
}
v1::Incident RejectedAndGone() {
  return After({Decided{Bbr(), true, ""}, Proposed{PendingProposal()}, Rejected{"ann", "backup"},
                FindingGone{}});
}
v1::Incident Cleared() {
  return After({Decided{Bbr(), true, ""}, Proposed{PendingProposal()}, FindingGone{}});
}
v1::Incident ClearedAfterExpiry() {
  return After(
      {Decided{Bbr(), true, ""}, Proposed{PendingProposal()}, ProposalExpired{}, FindingGone{}});
}

TEST(OpenIncident, IsOpenWithItsFindingAndAsksThePolicies) {
  absl::StatusOr<Step> step = OpenIncident("i-1", "db1", Pinned(), kStart);
  ASSERT_TRUE(step.ok());
  EXPECT_EQ(step->next.id(), "i-1");
  EXPECT_EQ(step->next.host(), "db1");
  EXPECT_EQ(step->next.state(), v1::Incident::STATE_OPEN);
  EXPECT_TRUE(step->next.finding_present());
  EXPECT_EQ(FromProto(step->next.opened_at()), kStart);
  EXPECT_THAT(Words(step->next), ElementsAre("opened"));
  EXPECT_EQ(step->next.timeline(0).text(), "Window pinned (warning, certain)");
  EXPECT_THAT(Names(step->effects), ElementsAre("announce opened", "ask"));
}

TEST(OpenIncident, RefusesAFindingWithoutSignature) {
  EXPECT_EQ(OpenIncident("i-1", "db1", v1::Finding(), kStart).status().code(),
            absl::StatusCode::kInvalidArgument);
}

struct LifeCase {
  std::string name;
  v1::Incident before;
  Event event;
  absl::Duration later;
  v1::Incident::State state;
  v1::Incident::Outcome outcome;
  v1::Proposal::State proposal;
  std::vector<std::string> happened;
  std::vector<std::string> effects;
};

class IncidentLife : public ::testing::TestWithParam<LifeCase> {};

TEST_P(IncidentLife, LeadsTo) {
  const LifeCase& life = GetParam();
  absl::StatusOr<Step> step = Advance(life.before, life.event, kStart + life.later);
  ASSERT_TRUE(step.ok()) << step.status();
  EXPECT_EQ(step->next.state(), life.state);
  EXPECT_EQ(step->next.outcome(), life.outcome);
  EXPECT_EQ(step->next.proposal_state(), life.proposal);
  std::vector<std::string> happened;
  for (const v1::TimelineEntry& entry : step->happened) happened.push_back(entry.what());
  EXPECT_EQ(happened, life.happened);
  EXPECT_EQ(Names(step->effects), life.effects);
  EXPECT_EQ(step->next.has_closed_at(), life.state == v1::Incident::STATE_CLOSED);
}

constexpr auto kOpen = v1::Incident::STATE_OPEN;
constexpr auto kClosed = v1::Incident::STATE_CLOSED;
constexpr auto kNoOutcome = v1::Incident::OUTCOME_UNSPECIFIED;
constexpr auto kNoProposal = v1::Proposal::STATE_UNSPECIFIED;
constexpr auto kPending = v1::Proposal::STATE_PENDING;
constexpr auto kExpired = v1::Proposal::STATE_EXPIRED;
constexpr auto kVoid = v1::Proposal::STATE_VOID;
constexpr auto kProposalRejected = v1::Proposal::STATE_REJECTED;

INSTANTIATE_TEST_SUITE_P(
    Incident, IncidentLife,
    ::testing::Values(LifeCase{"SameFindingChangesNothingWorthReading",
                               OpenPending(),
                               FindingObserved{Pinned()},
                               absl::Seconds(1),
                               kOpen,
                               kNoOutcome,
                               kPending,
                               {},
                               {}},
                      LifeCase{"DecisionForAnActionProposes",
                               Opened(),
                               Decided{Bbr(), true, ""},
                               absl::ZeroDuration(),
                               kOpen,
                               kNoOutcome,
                               kNoProposal,
                               {"decided"},
                               {"propose"}},
                      LifeCase{"DecisionForNothingIsNoted",
                               Opened(),
                               Decided{Noted(), false, ""},
                               absl::ZeroDuration(),
                               kOpen,
                               kNoOutcome,
                               kNoProposal,
                               {"decided"},
                               {}},
                      LifeCase{"SameDecisionAgainIsNotTold",
                               OpenNoted(),
                               Decided{Noted(), false, ""},
                               absl::Seconds(1),
                               kOpen,
                               kNoOutcome,
                               kNoProposal,
                               {},
                               {}},
                      LifeCase{"ProposalIsTold",
                               Opened(),
                               Proposed{PendingProposal()},
                               absl::ZeroDuration(),
                               kOpen,
                               kNoOutcome,
                               kPending,
                               {"proposed"},
                               {"announce proposed"}},
                      LifeCase{"ProposalThatCannotBeMadeIsSaid",
                               Opened(),
                               CannotPropose{"no namespace"},
                               absl::ZeroDuration(),
                               kOpen,
                               kNoOutcome,
                               kNoProposal,
                               {"not_proposed"},
                               {}},
                      LifeCase{"SeverityRiseDoesNotDisturbAPendingProposal",
                               OpenPending(),
                               FindingObserved{Pinned(v1::SEVERITY_CRITICAL)},
                               absl::Seconds(1),
                               kOpen,
                               kNoOutcome,
                               kPending,
                               {"severity"},
                               {}},
                      LifeCase{"SeverityRiseAsksAgainAfterAnExpiry",
                               OpenExpired(),
                               FindingObserved{Pinned(v1::SEVERITY_CRITICAL)},
                               absl::Hours(2),
                               kOpen,
                               kNoOutcome,
                               kExpired,
                               {"severity"},
                               {"ask"}},
                      LifeCase{"SeverityFallAfterAnExpiryAsksNobody",
                               OpenExpired(),
                               FindingObserved{Pinned(v1::SEVERITY_INFO)},
                               absl::Hours(2),
                               kOpen,
                               kNoOutcome,
                               kExpired,
                               {"severity"},
                               {}},
                      LifeCase{"ConfidenceChangeAsksAgainWhereNothingWasProposed",
                               OpenNoted(),
                               FindingObserved{Pinned(v1::SEVERITY_WARNING, v1::CONFIDENCE_LIKELY)},
                               absl::Seconds(1),
                               kOpen,
                               kNoOutcome,
                               kNoProposal,
                               {"confidence"},
                               {"ask"}},
                      LifeCase{"ConfidenceChangeAfterAnExpiryAsksNobody",
                               OpenExpired(),
                               FindingObserved{Pinned(v1::SEVERITY_WARNING, v1::CONFIDENCE_LIKELY)},
                               absl::Seconds(1),
                               kOpen,
                               kNoOutcome,
                               kExpired,
                               {"confidence"},
                               {}},
                      LifeCase{"ExpiryKeepsTheIncidentOpen",
                               OpenPending(),
                               ProposalExpired{},
                               absl::Hours(1),
                               kOpen,
                               kNoOutcome,
                               kExpired,
                               {"expired"},
                               {"announce expired", "end STATE_EXPIRED by controller"}},
                      LifeCase{"ReportsAfterAnExpiryProposeNothing",
                               OpenExpired(),
                               FindingObserved{Pinned()},
                               absl::Hours(2),
                               kOpen,
                               kNoOutcome,
                               kExpired,
                               {},
                               {}},
                      LifeCase{"AskingAfterAnExpiryAsksThePoliciesForThatPerson",
                               OpenExpired(),
                               ProposeRequested{"ann"},
                               absl::Hours(2),
                               kOpen,
                               kNoOutcome,
                               kExpired,
                               {"asked"},
                               {"ask for ann"}},
                      LifeCase{"RejectionClosesAtOnce",
                               OpenPending(),
                               Rejected{"ann", "backup runs"},
                               absl::Minutes(1),
                               kClosed,
                               v1::Incident::OUTCOME_REJECTED,
                               kProposalRejected,
                               {"rejected"},
                               {"end STATE_REJECTED by ann", "announce rejected"}},
                      LifeCase{"RejectedAbsorbsItsFinding",
                               RejectedStillThere(),
                               FindingObserved{Pinned(v1::SEVERITY_CRITICAL)},
                               absl::Hours(5),
                               kClosed,
                               v1::Incident::OUTCOME_REJECTED,
                               kProposalRejected,
                               {},
                               {}},
                      LifeCase{"RejectedStaysSoWhenTheFindingGoes",
                               RejectedStillThere(),
                               FindingGone{},
                               absl::Hours(5),
                               kClosed,
                               v1::Incident::OUTCOME_REJECTED,
                               kProposalRejected,
                               {"gone"},
                               {}},
                      LifeCase{"AskingReopensARejectedOne",
                               RejectedStillThere(),
                               ProposeRequested{"bob"},
                               absl::Hours(5),
                               kOpen,
                               kNoOutcome,
                               kProposalRejected,
                               {"reopened"},
                               {"announce reopened", "ask for bob"}},
                      LifeCase{"GoneFindingClearsAndVoidsTheProposal",
                               OpenPending(),
                               FindingGone{},
                               absl::Minutes(3),
                               kClosed,
                               v1::Incident::OUTCOME_CLEARED,
                               kVoid,
                               {"voided", "cleared"},
                               {"end STATE_VOID by controller", "announce cleared"}},
                      LifeCase{"GoneFindingOfANotedOneEndsNoted",
                               OpenNoted(),
                               FindingGone{},
                               absl::Minutes(3),
                               kClosed,
                               v1::Incident::OUTCOME_NOTED,
                               kNoProposal,
                               {"noted"},
                               {"announce noted"}},
                      LifeCase{"FlapReopensAndAsksAgainWhereNobodyHadAnswered",
                               Cleared(),
                               FindingObserved{Pinned()},
                               absl::Seconds(60),
                               kOpen,
                               kNoOutcome,
                               kVoid,
                               {"reopened"},
                               {"announce reopened", "ask"}},
                      LifeCase{"FlapAfterAnExpiryReopensAndAsksNobody",
                               ClearedAfterExpiry(),
                               FindingObserved{Pinned()},
                               absl::Seconds(30),
                               kOpen,
                               kNoOutcome,
                               kExpired,
                               {"reopened"},
                               {"announce reopened"}},
                      LifeCase{"ChangedPoliciesVoidWhatIsPendingAndAreAsked",
                               OpenPending(),
                               PoliciesChanged{"r2"},
                               absl::Minutes(1),
                               kOpen,
                               kNoOutcome,
                               kVoid,
                               {"voided"},
                               {"end STATE_VOID by controller", "ask"}},
                      LifeCase{"ChangedPoliciesAreAskedAboutANotedOne",
                               OpenNoted(),
                               PoliciesChanged{"r2"},
                               absl::Minutes(1),
                               kOpen,
                               kNoOutcome,
                               kNoProposal,
                               {},
                               {"ask"}},
                      LifeCase{"ChangedPoliciesAreNotAskedAfterAnExpiry",
                               OpenExpired(),
                               PoliciesChanged{"r2"},
                               absl::Minutes(1),
                               kOpen,
                               kNoOutcome,
                               kExpired,
                               {},
                               {}},
                      LifeCase{"LostAgentIsOnTheTimelineAndNothingElse",
                               OpenPending(),
                               AgentLost{kStart},
                               absl::Minutes(1),
                               kOpen,
                               kNoOutcome,
                               kPending,
                               {"agent_lost"},
                               {}},
                      LifeCase{"AgentThatIsBackIsToo",
                               OpenPending(),
                               AgentBack{},
                               absl::Minutes(2),
                               kOpen,
                               kNoOutcome,
                               kPending,
                               {"agent_back"},
                               {}}),
    [](const auto& test) { return test.param.name; });

struct IllegalCase {
  std::string name;
  v1::Incident before;
  Event event;
  absl::Duration later;
  absl::StatusCode code;
  std::string message;
};

class IllegalEvent : public ::testing::TestWithParam<IllegalCase> {};

TEST_P(IllegalEvent, IsRefusedInWords) {
  const IllegalCase& illegal = GetParam();
  absl::StatusOr<Step> step = Advance(illegal.before, illegal.event, kStart + illegal.later);
  EXPECT_EQ(step.status().code(), illegal.code) << step.status();
  EXPECT_THAT(std::string(step.status().message()), HasSubstr(illegal.message));
}

v1::Finding Other() {
  v1::Finding finding = Pinned();
  finding.set_group("netns 42, 203.0.113.99");
  return finding;
}

constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;
constexpr auto kArgument = absl::StatusCode::kInvalidArgument;

INSTANTIATE_TEST_SUITE_P(
    Incident, IllegalEvent,
    ::testing::Values(
        IllegalCase{"FindingOfAnotherGroup", OpenPending(), FindingObserved{Other()},
                    absl::ZeroDuration(), kArgument, "not pinned-cwnd of netns 42, 203.0.113.99"},
        IllegalCase{"FindingLongAfterClearing", Cleared(), FindingObserved{Pinned()},
                    absl::Seconds(61), kPrecondition, "open a new incident"},
        IllegalCase{"FindingAfterARejectedOneHadGone", RejectedAndGone(), FindingObserved{Pinned()},
                    absl::Seconds(1), kPrecondition, "open a new incident"},
        IllegalCase{"GoneTwice", Cleared(), FindingGone{}, absl::Seconds(1), kPrecondition,
                    "has no finding that could go"},
        IllegalCase{"DecidedAfterClosing", Cleared(), Decided{Bbr(), true, ""}, absl::Seconds(1),
                    kPrecondition, "i-1 is closed (cleared)"},
        IllegalCase{"DecidedOverAPendingProposal", OpenPending(), Decided{Bbr("r2"), true, ""},
                    absl::Seconds(1), kPrecondition, "pending proposal"},
        IllegalCase{"AskedForAndNoPolicyMatches", OpenNoted(), Decided{Noted(), false, "ann"},
                    absl::Seconds(1), kPrecondition, "matches no policy"},
        IllegalCase{"ProposedTwice", OpenPending(), Proposed{PendingProposal("p-2")},
                    absl::Seconds(1), kPrecondition, "pending proposal already"},
        IllegalCase{"ProposedAfterClosing", Cleared(), Proposed{PendingProposal("p-2")},
                    absl::Seconds(1), kPrecondition, "is closed"},
        IllegalCase{"ProposalOfAnotherIncident", Opened(), Proposed{v1::Proposal()},
                    absl::Seconds(1), kArgument, "not a pending one"},
        IllegalCase{"ExpiryOfNothing", OpenNoted(), ProposalExpired{}, absl::Hours(1),
                    kPrecondition, "no pending proposal"},
        IllegalCase{"RejectionOfNothing", OpenExpired(), Rejected{"ann", "no"}, absl::Hours(1),
                    kPrecondition, "no pending proposal to reject"},
        IllegalCase{"RejectionTwice", RejectedStillThere(), Rejected{"ann", "no"}, absl::Seconds(1),
                    kPrecondition, "is closed (rejected)"},
        IllegalCase{"RejectionWithoutReason", OpenPending(), Rejected{"ann", " "}, absl::Seconds(1),
                    kArgument, "--reason"},
        IllegalCase{"RejectionByNobody", OpenPending(), Rejected{"", "no"}, absl::Seconds(1),
                    kArgument, "needs a name"},
        IllegalCase{"AskingWhileOneIsPending", OpenPending(), ProposeRequested{"ann"},
                    absl::Seconds(1), kPrecondition, "p-1"},
        IllegalCase{"AskingWhenTheFindingIsGone", Cleared(), ProposeRequested{"ann"},
                    absl::Seconds(1), kPrecondition, "nothing left to act on"},
        IllegalCase{"AskingByNobody", OpenExpired(), ProposeRequested{""}, absl::Seconds(1),
                    kArgument, "needs a name"},
        IllegalCase{"PoliciesChangedAfterClosing", Cleared(), PoliciesChanged{"r2"},
                    absl::Seconds(1), kPrecondition, "is closed"},
        IllegalCase{"CannotProposeAfterClosing", Cleared(), CannotPropose{"x"}, absl::Seconds(1),
                    kPrecondition, "is closed"},
        IllegalCase{"AgentLostAfterClosing", Cleared(), AgentLost{kStart}, absl::Seconds(1),
                    kPrecondition, "is closed"},
        IllegalCase{"AgentBackAfterClosing", Cleared(), AgentBack{}, absl::Seconds(1),
                    kPrecondition, "is closed"}),
    [](const auto& test) { return test.param.name; });

TEST(Incident, TheNewestFindingReplacesTheOld) {
  v1::Finding newer = Pinned();
  newer.set_verdict("780 kbit/s");
  newer.set_socket_count(7);
  absl::StatusOr<Step> step = Advance(OpenPending(), FindingObserved{newer}, kStart);
  ASSERT_TRUE(step.ok());
  EXPECT_EQ(step->next.finding().SerializeAsString(), newer.SerializeAsString());
}

TEST(Incident, TimelineKeepsTheFirstAndTheNewest) {
  v1::Incident incident = Opened();
  for (int i = 0; i < 500; ++i) {
    incident = Advance(incident, AgentBack{}, kStart + absl::Seconds(i))->next;
  }
  ASSERT_EQ(incident.timeline_size(), kTimelineFirst + kTimelineNewest);
  EXPECT_EQ(incident.timeline(0).what(), "opened");
  // "opened" and the first 19; then the newest 180 of 500.
  EXPECT_EQ(FromProto(incident.timeline(19).at()), kStart + absl::Seconds(18));
  EXPECT_EQ(FromProto(incident.timeline(20).at()), kStart + absl::Seconds(320));
  EXPECT_EQ(FromProto(incident.timeline(199).at()), kStart + absl::Seconds(499));
}

TEST(Incident, AnnouncementsOfOneIncidentHaveDifferentKeys) {
  std::vector<std::string> keys;
  const auto collect = [&](const absl::StatusOr<Step>& step) {
    for (const Effect& effect : step->effects) {
      if (const auto* announce = std::get_if<Announce>(&effect)) keys.push_back(announce->key);
    }
    return step->next;
  };
  v1::Incident incident = collect(OpenIncident("i-1", "db1", Pinned(), kStart));
  incident = collect(Advance(incident, FindingGone{}, kStart + absl::Seconds(1)));
  incident = collect(Advance(incident, FindingObserved{Pinned()}, kStart + absl::Seconds(2)));
  incident = collect(Advance(incident, FindingGone{}, kStart + absl::Seconds(3)));
  EXPECT_THAT(keys,
              ElementsAre("i-1/opened/1700000000000000000", "i-1/noted/1700000001000000000",
                          "i-1/reopened/1700000002000000000", "i-1/noted/1700000003000000000"));
}

// Random lives: whatever comes, a closed incident acts only by being reopened, and only in the two
// documented ways.
TEST(IncidentProperty, AClosedIncidentNeverActsExceptByTheDocumentedReopenings) {
  std::mt19937 random(7);
  int closed_steps = 0, reopenings = 0;
  for (int life = 0; life < 200; ++life) {
    v1::Incident incident = Opened();
    absl::Time now = kStart;
    for (int i = 0; i < 60; ++i) {
      now += absl::Seconds(random() % 50);
      const std::vector<Event> events = {
          FindingObserved{Pinned()},
          FindingObserved{Pinned(v1::SEVERITY_CRITICAL)},
          FindingObserved{Pinned(v1::SEVERITY_WARNING, v1::CONFIDENCE_LIKELY)},
          FindingGone{},
          Decided{Bbr(), true, ""},
          Decided{Noted(), false, ""},
          Proposed{PendingProposal(absl::StrCat("p-", i))},
          CannotPropose{"no namespace"},
          ProposalExpired{},
          Rejected{"ann", "no"},
          ProposeRequested{"bob"},
          PoliciesChanged{"r2"},
          AgentLost{now},
          AgentBack{}};
      const Event& event = events[random() % events.size()];
      absl::StatusOr<Step> step = Advance(incident, event, now);
      if (!step.ok()) continue;
      EXPECT_THAT(step->next.timeline_size(), Le(kTimelineFirst + kTimelineNewest));
      if (incident.state() == v1::Incident::STATE_CLOSED) {
        ++closed_steps;
        const bool flap = std::holds_alternative<FindingObserved>(event) &&
                          incident.outcome() != v1::Incident::OUTCOME_REJECTED &&
                          now - FromProtoOrInfinitePast(incident.closed_at()) <= kFlapWindow;
        const bool asked = std::holds_alternative<ProposeRequested>(event) &&
                           incident.outcome() == v1::Incident::OUTCOME_REJECTED &&
                           incident.finding_present();
        if (flap || asked) {
          ++reopenings;
          EXPECT_EQ(step->next.state(), v1::Incident::STATE_OPEN);
        } else {
          EXPECT_THAT(step->effects, IsEmpty());
          EXPECT_EQ(step->next.state(), v1::Incident::STATE_CLOSED);
        }
      }
      incident = step->next;
    }
  }
  EXPECT_GT(closed_steps, 100);
  EXPECT_GT(reopenings, 50);
}

// ---- Namespaces.

v1::Finding Flooded() {
  v1::Finding finding = Pinned();
  finding.set_subject(v1::SUBJECT_NETNS);
  finding.mutable_netns()->set_name("netns of pid 812 (nginx)");
  return finding;
}

v1::Incident FloodAfter(const std::vector<Event>& events) {
  v1::Incident incident = OpenIncident("i-1", "db1", Flooded(), kStart)->next;
  for (const Event& event : events) {
    absl::StatusOr<Step> step = Advance(incident, event, kStart);
    EXPECT_TRUE(step.ok()) << step.status();
    incident = step->next;
  }
  return incident;
}

v1::Order CookiesOrder(v1::Order::State state) {
  v1::Order order;
  order.set_id("o-1");
  order.set_incident_id("i-1");
  order.set_state(state);
  order.mutable_action()->mutable_set_sysctl();
  order.mutable_lease()->mutable_for_()->set_seconds(7200);
  return order;
}
OrderChanged CookiesFrom(v1::Order::State was, v1::Order::State now) {
  return {CookiesOrder(was), CookiesOrder(now)};
}
const Event kCookiesSent = OrderChanged{v1::Order(), CookiesOrder(v1::Order::STATE_DISPATCHED)};
const Event kCookiesStay = CookiesFrom(v1::Order::STATE_COMMITTING, v1::Order::STATE_COMMITTED);
v1::Incident RemediedFlood() { return FloodAfter({kCookiesSent, kCookiesStay}); }

TEST(FloodIncident, ANoteIsOnTheTimelineInAWordAndInTheDecisionWhole) {
  v1::Decision decision;
  decision.set_policy("syn-flood-absorbed");
  decision.add_actions()->mutable_note()->set_text("leave it; filter upstream");
  const auto noted = Advance(FloodAfter({}), Decided{decision, false, ""}, kStart);
  ASSERT_TRUE(noted.ok()) << noted.status();
  EXPECT_THAT(noted->effects, IsEmpty());
  ASSERT_EQ(noted->happened.size(), 1u);
  EXPECT_EQ(noted->happened[0].what(), "noted");
  EXPECT_EQ(noted->happened[0].text(),
            "Policy syn-flood-absorbed notes what to know; nothing is to be changed on db1");
  EXPECT_EQ(noted->next.decision().actions(0).note().text(), "leave it; filter upstream");

  const auto gone = Advance(noted->next, FindingGone{}, kStart + absl::Minutes(3));
  EXPECT_EQ(gone->next.outcome(), v1::Incident::OUTCOME_NOTED);
}

TEST(FloodIncident, AProposalNamesTheNamespaceThatItIsFor) {
  v1::Proposal proposal = PendingProposal();
  v1::SetSysctl::Setting* setting = proposal.mutable_action()->mutable_set_sysctl()->add_settings();
  setting->set_name("net.ipv4.tcp_syncookies");
  setting->set_value("1");
  const auto step = Advance(FloodAfter({}), Proposed{proposal}, kStart);
  ASSERT_TRUE(step.ok()) << step.status();
  EXPECT_EQ(step->happened[0].text(),
            "Proposal p-1: set net.ipv4.tcp_syncookies = 1 in netns of pid 812 (nginx), open until "
            "23:13:20Z");
}

TEST(FloodIncident, WhatTheSettingStillExplainsIsNotTriedAgain) {
  const auto step = Advance(RemediedFlood(), FindingObserved{Flooded()}, kStart);
  ASSERT_TRUE(step.ok()) << step.status();
  EXPECT_THAT(step->effects, IsEmpty());
  EXPECT_EQ(step->next.outcome(), v1::Incident::OUTCOME_REMEDIED);
}

TEST(FloodIncident, StaysRemediedWhenTheLeaseEndsAndClaimsNothingMore) {
  const v1::Incident before = RemediedFlood();
  EXPECT_TRUE(Claims(before, kStart));
  v1::Order ended = CookiesOrder(v1::Order::STATE_ENDED);
  ended.set_reported(v1::Order::STATE_ENDED);
  ended.set_reason("the lease ran out");
  const auto step = Advance(before, OrderChanged{CookiesOrder(v1::Order::STATE_COMMITTED), ended},
                            kStart + absl::Seconds(1));
  ASSERT_TRUE(step.ok()) << step.status();
  EXPECT_EQ(step->next.outcome(), v1::Incident::OUTCOME_REMEDIED);
  ASSERT_EQ(step->happened.size(), 1u);
  EXPECT_EQ(step->happened[0].text(), "Order o-1 has ended: the lease ran out");
  EXPECT_FALSE(Claims(step->next, kStart + absl::Seconds(1)));
}

TEST(FloodIncident, SomebodyElsesChangeLeavesTheNextFindingToANewIncident) {
  const auto step = Advance(
      RemediedFlood(), CookiesFrom(v1::Order::STATE_COMMITTED, v1::Order::STATE_DRIFTED), kStart);
  ASSERT_TRUE(step.ok()) << step.status();
  EXPECT_FALSE(Claims(step->next, kStart));
}

TEST(FloodIncident, ALeaseThatEndedBetweenTwoReportsHadHelped) {
  OrderChanged ended = CookiesFrom(v1::Order::STATE_COMMITTING, v1::Order::STATE_ENDED);
  ended.now.add_targets()->set_state(v1::Target::STATE_UNDONE);
  const auto step = Advance(FloodAfter({kCookiesSent}), ended, kStart);
  ASSERT_TRUE(step.ok()) << step.status();
  EXPECT_EQ(step->next.outcome(), v1::Incident::OUTCOME_REMEDIED);

  ended.now.mutable_targets(0)->set_state(v1::Target::STATE_GONE);  // with its namespace
  const auto failed = Advance(FloodAfter({kCookiesSent}), ended, kStart);
  EXPECT_EQ(failed->next.outcome(), v1::Incident::OUTCOME_FAILED);
}

TEST(Claims, OnceFalseStaysFalse) {
  EXPECT_TRUE(Claims(OpenExpired(), kStart + absl::Hours(100)));
  EXPECT_TRUE(Claims(RejectedStillThere(), kStart + absl::Hours(100)));
  EXPECT_FALSE(Claims(RejectedAndGone(), kStart));
  EXPECT_TRUE(Claims(Cleared(), kStart + kFlapWindow));
  EXPECT_FALSE(Claims(Cleared(), kStart + kFlapWindow + absl::Nanoseconds(1)));
}

// ---- A policy that only alerts, and has the host sample call sites.

v1::Decision Alerts() {
  v1::Decision decision;
  decision.set_policy("leak-alert");
  decision.set_revision("r1");
  decision.add_actions()->mutable_raise_alert()->add_receivers("oncall");
  decision.add_actions()->mutable_sample_call_sites()->mutable_duration()->set_seconds(60);
  return decision;
}

v1::Proposal SamplingProposal(v1::Approval::Mode mode = v1::Approval::MODE_MANUAL) {
  v1::Proposal proposal = PendingProposal();
  *proposal.mutable_action() = Alerts().actions(1);
  proposal.mutable_approval()->set_mode(mode);
  return proposal;
}

v1::Order SamplingOrder(v1::Order::State state) {
  v1::Order order;
  order.set_id("o-1");
  order.set_incident_id("i-1");
  *order.mutable_action() = Alerts().actions(1);
  order.set_state(state);
  if (state != v1::Order::STATE_DISPATCHED) order.set_reported(state);
  return order;
}
Event SamplingChanged(v1::Order::State state) {
  return OrderChanged{SamplingOrder(v1::Order::STATE_DISPATCHED), SamplingOrder(state)};
}

v1::Incident Sampling() {
  v1::Proposal approved = SamplingProposal();
  approved.set_state(v1::Proposal::STATE_APPROVED);
  approved.add_approvals()->set_by("ann");
  return After({Decided{Alerts(), true, ""}, Proposed{SamplingProposal()}, Approved{"ann"},
                ApprovalTaken{approved},
                OrderChanged{v1::Order(), SamplingOrder(v1::Order::STATE_DISPATCHED)}});
}

TEST(AnAlertOnlyIncident, IsAlertedWhenItsFindingHasGone) {
  const v1::Incident open = After({Decided{Alerts(), false, ""}});
  EXPECT_THAT(Words(open), ElementsAre("opened", "alerted"));
  EXPECT_EQ(open.timeline(1).text(), "Policy leak-alert: alert oncall; sample call sites");
  const absl::StatusOr<Step> step = Advance(open, FindingGone{}, kStart + absl::Minutes(5));
  EXPECT_EQ(step->next.state(), v1::Incident::STATE_CLOSED);
  EXPECT_EQ(step->next.outcome(), v1::Incident::OUTCOME_ALERTED);
  EXPECT_EQ(step->happened[0].text(), "The finding has gone after 5m, and its alert with it");
  EXPECT_TRUE(Claims(step->next, kStart + absl::Minutes(5) + kFlapWindow));
  EXPECT_FALSE(Claims(step->next, kStart + absl::Minutes(6) + kFlapWindow));
}

TEST(AnAlertOnlyIncident, StaysOpenHoweverItsSamplingEnds) {
  for (const v1::Order::State end : {v1::Order::STATE_ENDED, v1::Order::STATE_REFUSED,
                                     v1::Order::STATE_ROLLED_BACK, v1::Order::STATE_DRIFTED}) {
    const absl::StatusOr<Step> step = Advance(Sampling(), SamplingChanged(end), kStart);
    ASSERT_TRUE(step.ok()) << step.status();
    EXPECT_EQ(step->next.state(), v1::Incident::STATE_OPEN) << v1::Order::State_Name(end);
    EXPECT_EQ(step->happened.size(), 1u);
    const absl::StatusOr<Step> gone = Advance(step->next, FindingGone{}, kStart);
    EXPECT_EQ(gone->next.outcome(), v1::Incident::OUTCOME_ALERTED);
  }
}

TEST(AnAlertOnlyIncident, DoesNotWaitForItsSamplingWhenTheFindingHasGone) {
  const absl::StatusOr<Step> gone = Advance(Sampling(), FindingGone{}, kStart);
  EXPECT_EQ(gone->next.outcome(), v1::Incident::OUTCOME_ALERTED);
  const absl::StatusOr<Step> ended =
      Advance(gone->next, SamplingChanged(v1::Order::STATE_ENDED), kStart);
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(ended->next.outcome(), v1::Incident::OUTCOME_ALERTED);
  EXPECT_EQ(ended->happened[0].what(), "ended");
}

TEST(AnAlertOnlyIncident, StandsWhenAPersonTurnsTheSamplingDown) {
  const v1::Incident pending = After({Decided{Alerts(), true, ""}, Proposed{SamplingProposal()}});
  const absl::StatusOr<Step> step = Advance(pending, Rejected{"ann", "not at noon"}, kStart);
  EXPECT_EQ(step->next.state(), v1::Incident::STATE_OPEN);
  EXPECT_EQ(step->next.proposal_state(), kProposalRejected);
  EXPECT_THAT(Names(step->effects), ElementsAre("end STATE_REJECTED by ann"));
  // Nor is it proposed again, though the texts follow the files.
  EXPECT_THAT(Names(Advance(step->next, PoliciesChanged{"r2"}, kStart)->effects),
              ElementsAre("ask what to tell"));
}

TEST(AnAlertOnlyIncident, AsksNobodyWhoseAnswerThePolicyGives) {
  const v1::Incident open = After({Decided{Alerts(), true, ""}});
  const auto told = [&](v1::Approval::Mode mode) {
    return Names(Advance(open, Proposed{SamplingProposal(mode)}, kStart)->effects);
  };
  EXPECT_THAT(told(v1::Approval::MODE_AUTO), IsEmpty());
  EXPECT_THAT(told(v1::Approval::MODE_MANUAL), ElementsAre("announce proposed"));
}

TEST(OnlyAlerts, IsAnAlertWithoutAChange) {
  EXPECT_TRUE(OnlyAlerts(Alerts()));
  EXPECT_FALSE(OnlyAlerts(Noted()));
  EXPECT_FALSE(OnlyAlerts(Bbr()));
  v1::Decision both = Bbr();
  both.add_actions()->mutable_raise_alert()->add_receivers("oncall");
  EXPECT_FALSE(OnlyAlerts(both));
}

v1::Finding Absorbed() {
  v1::Finding finding;
  finding.set_signature("syn-flood-absorbed");
  finding.set_title("SYN flood, absorbed");
  return finding;
}

TEST(AnExplainedFinding, IsToldOncePerOrderInAnyStateAndChangesNothingElse) {
  for (const v1::Incident& before : {OpenPending(), Cleared(), RejectedAndGone()}) {
    absl::StatusOr<Step> first = Advance(before, FindingExplained{Absorbed(), "o-1"}, kStart);
    ASSERT_TRUE(first.ok()) << first.status();
    ASSERT_EQ(first->happened.size(), 1u);
    EXPECT_EQ(first->happened[0].what(), "explained");
    EXPECT_EQ(first->happened[0].text(), "SYN flood, absorbed, as is to be expected of order o-1");
    EXPECT_THAT(first->effects, IsEmpty());
    v1::Incident otherwise = first->next;
    otherwise.clear_explained();
    *otherwise.mutable_timeline() = before.timeline();
    EXPECT_EQ(otherwise.SerializeAsString(), before.SerializeAsString());

    absl::StatusOr<Step> again = Advance(first->next, FindingExplained{Absorbed(), "o-1"}, kStart);
    EXPECT_EQ(again->next.SerializeAsString(), first->next.SerializeAsString());
    absl::StatusOr<Step> of_another =
        Advance(first->next, FindingExplained{Absorbed(), "o-2"}, kStart);
    EXPECT_EQ(of_another->happened.size(), 1u);
  }
}

TEST(AnExplainedFinding, IsRememberedOfTheNewestOrdersOnly) {
  v1::Incident incident = Opened();
  for (int i = 0; i < kMaxExplained + 3; ++i) {
    incident = Advance(incident, FindingExplained{Absorbed(), absl::StrCat("o-", i)}, kStart)->next;
  }
  EXPECT_EQ(incident.explained_size(), kMaxExplained);
  EXPECT_EQ(incident.explained(0).order_id(), "o-3");
}

}  // namespace
}  // namespace tcpmedic
