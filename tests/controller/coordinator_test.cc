#include "controller/coordinator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "controller/store/memory_store.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

// One policy that proposes BBR, for every host that is not labelled a database.
PolicySet Policies(const std::string& digest = "d1") {
  PolicySet set;
  set.revision = absl::StrCat("digest:", digest);
  set.digest = digest;
  set.signatures.set_revision(set.revision);
  set.signatures.set_digest(digest);
  v1::Signature* signature = set.signatures.add_signatures();
  signature->set_name("pinned-cwnd");
  signature->mutable_window()->set_seconds(5);
  signature->mutable_for_()->set_seconds(5);
  v1::Policy policy;
  policy.set_name("to-bbr");
  policy.set_signature("pinned-cwnd");
  policy.set_when("finding.group != \"noted\"");
  policy.add_actions()->mutable_set_congestion_control()->set_algorithm("bbr");
  policy.mutable_approval()->mutable_expires()->set_seconds(3600);
  policy.mutable_limits()->set_targets_per_host(200);
  set.policies.push_back(policy);
  return set;
}

v1::Finding Pinned(const std::string& group = "203.0.113.20") {
  v1::Finding finding;
  finding.set_signature("pinned-cwnd");
  finding.set_group(group);
  finding.set_title("Window pinned");
  finding.set_severity(v1::SEVERITY_WARNING);
  finding.set_confidence(v1::CONFIDENCE_CERTAIN);
  finding.mutable_netns()->set_cookie(42);
  v1::GroupKey* key = finding.add_group_by();
  key->set_attribute("socket.remote_ip");
  key->set_value(group);
  return finding;
}

// A memory store whose commits fail when told to.
class FaultyStore : public MemoryStore {
 public:
  absl::Status Commit(const Transaction& transaction) override {
    if (full) return absl::ResourceExhaustedError("write state.db: disk full");
    ++commits;
    return MemoryStore::Commit(transaction);
  }
  absl::Status VerifyAudit(int newest) const override {
    return tampering.ok() ? MemoryStore::VerifyAudit(newest) : tampering;
  }
  absl::Status tampering;
  bool full = false;
  int commits = 0;
};

class RecordingAnnouncer : public Announcer {
 public:
  absl::Status Announce(const OutboxEntry& entry) override {
    if (deaf) return absl::UnavailableError("no receiver");
    announced.push_back(absl::StrCat(entry.incident_id, " ", entry.what));
    return absl::OkStatus();
  }
  bool deaf = false;
  std::vector<std::string> announced;
};

class RecordingWatcher : public Watcher {
 public:
  void OnEvent(const v1::WatchEvent& event) override {
    if (event.synced()) {
      seen.push_back("synced");
      return;
    }
    const v1::Incident& incident = event.incident().incident();
    seen.push_back(absl::StrCat(event.initial() ? "initial " : "", incident.finding().group(), " ",
                                v1::Incident::State_Name(incident.state()), " ",
                                v1::Proposal::State_Name(incident.proposal_state())));
  }
  std::vector<std::string> seen;
};

class CoordinatorTest : public ::testing::Test {
 protected:
  CoordinatorTest() { Restart(); }

  void Restart(PolicySet policies = Policies()) {
    coordinator_.reset();
    CoordinatorOptions options;
    options.version = "0.1";
    options.policies_source = "policies";
    options.host_labels = {{"db1", {{"tier", "db"}}}};
    auto started = Coordinator::Start(options, std::move(policies), &store_, &announcer_, &clock_);
    ASSERT_TRUE(started.ok()) << started.status();
    coordinator_ = *std::move(started);
  }

  // A stream of an agent that has been up for an hour.
  uint64_t Connect(const std::string& host = "web1", uint64_t nonce = 1) {
    v1::Hello hello;
    hello.set_host(host);
    hello.set_session_nonce(nonce);
    *hello.mutable_started_at() = ToProto(kStart - absl::Hours(1));
    auto welcomed = coordinator_->OnHello(hello);
    EXPECT_TRUE(welcomed.ok()) << welcomed.status();
    return welcomed.ok() ? welcomed->session : 0;
  }

  v1::Report ReportOf(std::vector<v1::Finding> findings, const std::string& digest = "d1") {
    v1::Report report;
    *report.mutable_at() = ToProto(clock_.Now().wall);
    report.set_signatures_digest(digest);
    report.mutable_stats()->mutable_interval()->set_seconds(1);
    report.mutable_findings()->Assign(findings.begin(), findings.end());
    return report;
  }
  void Report(uint64_t session, std::vector<v1::Finding> findings,
              const std::string& digest = "d1") {
    const absl::Status stored = coordinator_->OnReport(session, ReportOf(findings, digest));
    EXPECT_TRUE(stored.ok()) << stored;
  }
  // The agent reports this once a second.
  void ReportFor(int seconds, uint64_t session, std::vector<v1::Finding> findings,
                 const std::string& digest = "d1") {
    for (int i = 0; i < seconds; ++i) {
      clock_.Advance(absl::Seconds(1));
      Report(session, findings, digest);
    }
  }

  std::vector<v1::IncidentView> All() const {
    v1::ListIncidentsRequest request;
    request.set_include_closed(true);
    auto listed = coordinator_->ListIncidents(request);
    EXPECT_TRUE(listed.ok()) << listed.status();
    return {listed->incidents().begin(), listed->incidents().end()};
  }
  v1::IncidentView TheOne() const {
    const auto all = All();
    EXPECT_THAT(all, SizeIs(1));
    return all.empty() ? v1::IncidentView() : all.front();
  }
  static std::vector<std::string> Timeline(const v1::IncidentView& view) {
    std::vector<std::string> words;
    for (const v1::TimelineEntry& entry : view.incident().timeline()) words.push_back(entry.what());
    return words;
  }
  absl::StatusOr<v1::IncidentView> Reject(const std::string& id) {
    v1::RejectRequest request;
    request.set_id(id);
    request.set_actor("ann");
    request.set_reason("backup runs");
    return coordinator_->Reject(request);
  }
  absl::StatusOr<v1::IncidentView> Propose(const std::string& id) {
    v1::ProposeRequest request;
    request.set_id(id);
    request.set_actor("bob");
    return coordinator_->Propose(request);
  }

  SimulatedClock clock_{kStart};
  FaultyStore store_;
  RecordingAnnouncer announcer_;
  std::unique_ptr<Coordinator> coordinator_;
};

TEST_F(CoordinatorTest, AFindingBecomesAnIncidentWithAProposal) {
  const uint64_t session = Connect();
  Report(session, {Pinned()});
  const v1::IncidentView view = TheOne();
  EXPECT_THAT(view.incident().id(), StartsWith("i-"));
  EXPECT_EQ(view.incident().host(), "web1");
  EXPECT_THAT(Timeline(view), ElementsAre("opened", "decided", "proposed"));
  ASSERT_THAT(view.proposals(), SizeIs(1));
  const v1::Proposal& proposal = view.proposals(0);
  EXPECT_EQ(proposal.id(), view.incident().proposal_id());
  EXPECT_EQ(proposal.state(), v1::Proposal::STATE_PENDING);
  EXPECT_EQ(proposal.action().set_congestion_control().algorithm(), "bbr");
  EXPECT_EQ(proposal.selector().host(), "web1");
  EXPECT_EQ(proposal.selector().netns_cookie(), 42u);
}

TEST_F(CoordinatorTest, AFindingThatNoPolicyMatchesIsNoted) {
  const uint64_t session = Connect();
  Report(session, {Pinned("noted")});
  EXPECT_THAT(Timeline(TheOne()), ElementsAre("opened", "decided"));
  EXPECT_THAT(TheOne().proposals(), IsEmpty());
  ReportFor(20, session, {});
  EXPECT_EQ(TheOne().incident().outcome(), v1::Incident::OUTCOME_NOTED);
}

TEST_F(CoordinatorTest, AFindingThatDoesNotSayEnoughIsAnIncidentWithoutProposal) {
  v1::Finding finding = Pinned();
  finding.clear_netns();
  Report(Connect(), {finding});
  EXPECT_THAT(Timeline(TheOne()), ElementsAre("opened", "decided", "not_proposed"));
}

TEST_F(CoordinatorTest, RepeatedReportsDoubleNothing) {
  const uint64_t session = Connect();
  ReportFor(30, session, {Pinned(), Pinned()});
  EXPECT_THAT(Timeline(TheOne()), ElementsAre("opened", "decided", "proposed"));
}

TEST_F(CoordinatorTest, EvidenceAloneIsWrittenEveryFiveSecondsAndShownAtOnce) {
  const uint64_t session = Connect();
  Report(session, {Pinned()});
  const int after_opening = store_.commits;
  v1::Finding newer = Pinned();
  for (int i = 1; i <= 20; ++i) {
    clock_.Advance(absl::Seconds(1));
    newer.set_socket_count(i);
    Report(session, {newer});
  }
  EXPECT_EQ(store_.commits - after_opening, 4);
  EXPECT_EQ(TheOne().incident().finding().socket_count(), 20);
}

TEST_F(CoordinatorTest, AGoneFindingClosesTheIncidentAndVoidsTheProposal) {
  const uint64_t session = Connect();
  ReportFor(15, session, {Pinned()});
  ReportFor(1, session, {});
  EXPECT_EQ(TheOne().incident().outcome(), v1::Incident::OUTCOME_CLEARED);
  EXPECT_EQ(TheOne().proposals(0).state(), v1::Proposal::STATE_VOID);
}

TEST_F(CoordinatorTest, AFindingThatIsBackWithinAMinuteReopensTheSameIncident) {
  const uint64_t session = Connect();
  ReportFor(15, session, {Pinned()});
  ReportFor(59, session, {});
  ReportFor(1, session, {Pinned()});
  EXPECT_THAT(Timeline(TheOne()), ElementsAre("opened", "decided", "proposed", "voided", "cleared",
                                              "reopened", "proposed"));
  EXPECT_THAT(TheOne().proposals(), SizeIs(2));
  EXPECT_EQ(TheOne().proposals(0).state(), v1::Proposal::STATE_PENDING);
  EXPECT_EQ(TheOne().proposals(1).state(), v1::Proposal::STATE_VOID);
}

TEST_F(CoordinatorTest, AFindingThatIsBackLaterIsANewIncident) {
  const uint64_t session = Connect();
  ReportFor(15, session, {Pinned()});
  ReportFor(62, session, {});
  ReportFor(1, session, {Pinned()});
  EXPECT_THAT(All(), SizeIs(2));
}

// ---- What is not known does not clear.

TEST_F(CoordinatorTest, ALostLinkClearsNothing) {
  const uint64_t session = Connect();
  ReportFor(15, session, {Pinned()});
  coordinator_->OnDisconnected(session);
  for (int i = 0; i < 100; ++i) {
    clock_.Advance(absl::Seconds(1));
    EXPECT_TRUE(coordinator_->Tick().ok());
  }
  EXPECT_EQ(TheOne().incident().state(), v1::Incident::STATE_OPEN);
  EXPECT_THAT(Timeline(TheOne()), ElementsAre("opened", "decided", "proposed", "agent_lost"));
  EXPECT_FALSE(coordinator_->ListHosts().hosts(1).connected());

  Report(Connect(), {Pinned()});
  EXPECT_THAT(Timeline(TheOne()),
              ElementsAre("opened", "decided", "proposed", "agent_lost", "agent_back"));
}

TEST_F(CoordinatorTest, AnIncompleteReportClearsNothing) {
  const uint64_t session = Connect();
  ReportFor(15, session, {Pinned()});
  v1::Report incomplete = ReportOf({});
  incomplete.set_findings_omitted(1);
  EXPECT_TRUE(coordinator_->OnReport(session, incomplete).ok());
  EXPECT_EQ(TheOne().incident().state(), v1::Incident::STATE_OPEN);
  Report(session, {});
  EXPECT_EQ(TheOne().incident().state(), v1::Incident::STATE_CLOSED);
}

TEST_F(CoordinatorTest, AReportOfOtherSignaturesClearsNothing) {
  const uint64_t session = Connect();
  ReportFor(15, session, {Pinned()});
  ReportFor(60, session, {}, "d0");
  EXPECT_EQ(TheOne().incident().state(), v1::Incident::STATE_OPEN);
}

TEST_F(CoordinatorTest, ARestartedAgentClearsNothingBeforeItHasLookedLongEnough) {
  const uint64_t session = Connect("web1", 1);
  ReportFor(15, session, {Pinned()});
  coordinator_->OnDisconnected(session);
  const uint64_t restarted = Connect("web1", 2);
  // 5 s of window, 5 s of `for`, two scans of 1 s; from the first report on.
  ReportFor(12, restarted, {});
  EXPECT_EQ(TheOne().incident().state(), v1::Incident::STATE_OPEN);
  ReportFor(1, restarted, {});
  EXPECT_EQ(TheOne().incident().state(), v1::Incident::STATE_CLOSED);
}

TEST_F(CoordinatorTest, AReconnectedAgentIsBelievedAtOnce) {
  const uint64_t session = Connect("web1", 1);
  ReportFor(15, session, {Pinned()});
  coordinator_->OnDisconnected(session);
  Report(Connect("web1", 1), {});
  EXPECT_EQ(TheOne().incident().state(), v1::Incident::STATE_CLOSED);
}

TEST_F(CoordinatorTest, AnotherHostsReportClearsNothing) {
  ReportFor(15, Connect("web1"), {Pinned()});
  ReportFor(15, Connect("web2"), {});
  EXPECT_EQ(TheOne().incident().state(), v1::Incident::STATE_OPEN);
}

// ---- People.

TEST_F(CoordinatorTest, ARejectionIsNotAskedAgainWhileTheFindingStays) {
  const uint64_t session = Connect();
  ReportFor(15, session, {Pinned()});
  auto rejected = Reject(TheOne().incident().id().substr(2, 5));
  ASSERT_TRUE(rejected.ok()) << rejected.status();
  EXPECT_EQ(rejected->incident().outcome(), v1::Incident::OUTCOME_REJECTED);
  EXPECT_EQ(rejected->proposals(0).decided_by(), "ann");
  EXPECT_EQ(rejected->proposals(0).reason(), "backup runs");

  ReportFor(300, session, {Pinned()});
  EXPECT_TRUE(coordinator_->Tick().ok());
  EXPECT_THAT(TheOne().proposals(), SizeIs(1));
  EXPECT_TRUE(TheOne().incident().finding_present());

  ReportFor(1, session, {});
  ReportFor(1, session, {Pinned()});
  EXPECT_THAT(All(), SizeIs(2));
}

TEST_F(CoordinatorTest, ARejectionIsNotForgottenByARestart) {
  ReportFor(15, Connect(), {Pinned()});
  ASSERT_TRUE(Reject(TheOne().incident().id()).ok());
  clock_.Advance(absl::Hours(2));
  Restart();
  ReportFor(15, Connect(), {Pinned()});
  EXPECT_EQ(TheOne().incident().outcome(), v1::Incident::OUTCOME_REJECTED);
  EXPECT_THAT(TheOne().proposals(), SizeIs(1));
}

TEST_F(CoordinatorTest, ProposeReopensARejectedIncident) {
  const uint64_t session = Connect();
  Report(session, {Pinned()});
  const std::string id = TheOne().incident().id();
  ASSERT_TRUE(Reject(id).ok());
  auto proposed = Propose(id);
  ASSERT_TRUE(proposed.ok()) << proposed.status();
  EXPECT_EQ(proposed->incident().state(), v1::Incident::STATE_OPEN);
  ASSERT_THAT(proposed->proposals(), SizeIs(2));
  EXPECT_EQ(proposed->proposals(0).state(), v1::Proposal::STATE_PENDING);
  EXPECT_EQ(proposed->proposals(1).state(), v1::Proposal::STATE_REJECTED);
}

TEST_F(CoordinatorTest, AnExpiredProposalIsNotRepeatedUntilSomeoneAsks) {
  const uint64_t session = Connect();
  ReportFor(3601, session, {Pinned()});
  EXPECT_TRUE(coordinator_->Tick().ok());
  EXPECT_EQ(TheOne().proposals(0).state(), v1::Proposal::STATE_EXPIRED);
  ReportFor(10, session, {Pinned()});
  EXPECT_THAT(TheOne().proposals(), SizeIs(1));
  EXPECT_EQ(TheOne().incident().state(), v1::Incident::STATE_OPEN);
  ASSERT_TRUE(Propose(TheOne().incident().id()).ok());
  EXPECT_THAT(TheOne().proposals(), SizeIs(2));
}

TEST_F(CoordinatorTest, ProposingWhereNoPolicyHasAnActionChangesNothing) {
  Report(Connect(), {Pinned("noted")});
  const auto proposed = Propose(TheOne().incident().id());
  EXPECT_EQ(proposed.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(proposed.status().message()), HasSubstr("matches no policy"));
  EXPECT_THAT(Timeline(TheOne()), ElementsAre("opened", "decided"));
}

TEST_F(CoordinatorTest, IdsThatNameNoIncidentOrSeveralAreExplained) {
  const uint64_t session = Connect();
  std::vector<v1::Finding> many;
  for (int i = 0; i < 200; ++i) many.push_back(Pinned(absl::StrCat("10.0.0.", i)));
  Report(session, many);
  // 200 incidents over 32 first characters.
  const std::string first = All().front().incident().id().substr(0, 3);
  const auto ambiguous = coordinator_->GetIncident(first);
  EXPECT_EQ(ambiguous.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(ambiguous.status().message()), HasSubstr("could be any of i-"));
  EXPECT_EQ(coordinator_->GetIncident("nonsense!").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(coordinator_->GetIncident("").status().code(), absl::StatusCode::kNotFound);
  const std::string id = All().front().incident().id();
  EXPECT_EQ(coordinator_->GetIncident(id)->incident().id(), id);
}

TEST_F(CoordinatorTest, ListsAreFilteredAndCut) {
  Report(Connect("web1"), {Pinned("a"), Pinned("b")});
  Report(Connect("web2"), {Pinned("a")});
  v1::ListIncidentsRequest request;
  request.set_host("web1");
  EXPECT_THAT(coordinator_->ListIncidents(request)->incidents(), SizeIs(2));
  request.set_limit(1);
  EXPECT_THAT(coordinator_->ListIncidents(request)->incidents(), SizeIs(1));
  EXPECT_TRUE(coordinator_->ListIncidents(request)->truncated());
  request.set_signature("syn-flood");
  EXPECT_THAT(coordinator_->ListIncidents(request)->incidents(), IsEmpty());
}

TEST_F(CoordinatorTest, TheAuditLogSaysWhoDidWhat) {
  Report(Connect(), {Pinned()});
  ASSERT_TRUE(Reject(TheOne().incident().id()).ok());
  v1::ListAuditRequest request;
  request.set_id(TheOne().incident().id());
  auto log = coordinator_->ListAudit(request);
  ASSERT_TRUE(log.ok()) << log.status();
  std::vector<std::string> lines;
  for (const v1::AuditEntry& entry : log->entries()) {
    lines.push_back(absl::StrCat(entry.action(), " by ", entry.actor()));
  }
  EXPECT_THAT(lines, ElementsAre("rejected by ann", "proposed by policy to-bbr",
                                 "decided by policy to-bbr", "opened by agent"));
  EXPECT_TRUE(store_.VerifyAudit(kWholeAuditLog).ok());
}

TEST_F(CoordinatorTest, AnAuditLogThatIsNotWhatWasWrittenIsShownAndHindersNothing) {
  EXPECT_THAT(coordinator_->ListAudit({})->problems(), IsEmpty());
  store_.tampering = absl::DataLossError("audit entry 3 is not what was written");
  Restart();
  EXPECT_EQ(coordinator_->audit_verdict(), store_.tampering);
  Report(Connect(), {Pinned()});
  v1::ListAuditRequest request;
  request.set_id(TheOne().incident().id());
  EXPECT_THAT(coordinator_->ListAudit(request)->problems(),
              ElementsAre("audit entry 3 is not what was written"));
}

TEST_F(CoordinatorTest, AWatcherGetsWhatIsOpenThenEachChange) {
  const uint64_t session = Connect();
  Report(session, {Pinned("a")});
  RecordingWatcher watcher;
  coordinator_->Watch(&watcher);
  const std::string a = TheOne().incident().id();
  Report(session, {Pinned("a"), Pinned("b")});
  ASSERT_TRUE(Reject(a).ok());
  coordinator_->Unwatch(&watcher);
  Report(session, {Pinned("a"), Pinned("b"), Pinned("c")});
  EXPECT_THAT(watcher.seen,
              ElementsAre("initial a STATE_OPEN STATE_PENDING", "synced",
                          "b STATE_OPEN STATE_PENDING", "a STATE_CLOSED STATE_REJECTED"));
}

// ---- Crashes and failures.

TEST_F(CoordinatorTest, ARestartLosesAndDoublesNothing) {
  ReportFor(15, Connect(), {Pinned("a"), Pinned("b")});
  const auto before = All();
  Restart();
  auto after = All();
  ASSERT_THAT(after, SizeIs(2));
  for (size_t i = 0; i < after.size(); ++i) {
    EXPECT_EQ(after[i].DebugString(), before[i].DebugString());
  }
  ReportFor(15, Connect(), {Pinned("a"), Pinned("b")});
  EXPECT_THAT(All(), SizeIs(2));
  EXPECT_THAT(Timeline(All()[0]), ElementsAre("opened", "decided", "proposed"));
}

TEST_F(CoordinatorTest, ARestartedControllerDoesNotBelieveAbsenceAtOnce) {
  ReportFor(15, Connect(), {Pinned()});
  Restart();
  const uint64_t session = Connect();
  ReportFor(12, session, {});
  EXPECT_EQ(TheOne().incident().state(), v1::Incident::STATE_OPEN);
  ReportFor(1, session, {});
  EXPECT_EQ(TheOne().incident().state(), v1::Incident::STATE_CLOSED);
}

TEST_F(CoordinatorTest, AFlapAcrossARestartIsStillTheSameIncident) {
  const uint64_t session = Connect();
  ReportFor(15, session, {Pinned()});
  ReportFor(1, session, {});
  Restart();
  ReportFor(1, Connect(), {Pinned()});
  EXPECT_EQ(TheOne().incident().state(), v1::Incident::STATE_OPEN);
}

TEST_F(CoordinatorTest, AFailedCommitChangesNothingAndTheNextReportMakesItGood) {
  const uint64_t session = Connect();
  RecordingWatcher watcher;
  coordinator_->Watch(&watcher);
  store_.full = true;
  EXPECT_EQ(coordinator_->OnReport(session, ReportOf({Pinned()})).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(All(), IsEmpty());
  EXPECT_THAT(watcher.seen, ElementsAre("synced"));
  store_.full = false;
  Report(session, {Pinned()});
  EXPECT_THAT(Timeline(TheOne()), ElementsAre("opened", "decided", "proposed"));

  store_.full = true;
  EXPECT_FALSE(Reject(TheOne().incident().id()).ok());
  EXPECT_EQ(TheOne().proposals(0).state(), v1::Proposal::STATE_PENDING);
}

TEST_F(CoordinatorTest, AnnouncementsAreMadeOnceAndSurviveARestart) {
  Report(Connect(), {Pinned()});
  const std::string id = TheOne().incident().id();
  announcer_.deaf = true;
  EXPECT_EQ(coordinator_->Tick().code(), absl::StatusCode::kUnavailable);
  Restart();
  announcer_.deaf = false;
  EXPECT_TRUE(coordinator_->Tick().ok());
  EXPECT_TRUE(coordinator_->Tick().ok());
  EXPECT_THAT(announcer_.announced, ElementsAre(id + " opened", id + " proposed"));
}

TEST_F(CoordinatorTest, OldIncidentsAreForgotten) {
  const uint64_t session = Connect();
  ReportFor(15, session, {Pinned()});
  ReportFor(1, session, {});
  clock_.Advance(absl::Hours(24 * 89));
  EXPECT_TRUE(coordinator_->Tick().ok());
  EXPECT_THAT(All(), SizeIs(1));
  clock_.Advance(absl::Hours(24 * 2));
  EXPECT_TRUE(coordinator_->Tick().ok());
  EXPECT_TRUE(coordinator_->Tick().ok());
  EXPECT_THAT(All(), IsEmpty());
}

// ---- Policies.

TEST_F(CoordinatorTest, ANewRevisionVoidsWhatIsPendingAndProposesAnew) {
  Report(Connect(), {Pinned()});
  ASSERT_TRUE(coordinator_->ReplacePolicies(Policies("d2")).ok());
  EXPECT_THAT(Timeline(TheOne()),
              ElementsAre("opened", "decided", "proposed", "voided", "decided", "proposed"));
  EXPECT_EQ(TheOne().proposals(0).revision(), "digest:d2");
  EXPECT_EQ(coordinator_->GetPolicyStatus().revision(), "digest:d2");
  EXPECT_EQ(coordinator_->Signatures().digest(), "d2");
}

TEST_F(CoordinatorTest, SignaturesAboutCapturesAreNotForAgents) {
  PolicySet policies = Policies("d2");
  const int before = policies.signatures.signatures_size();
  v1::Signature& handshake = *policies.signatures.add_signatures();
  handshake.set_name("handshake-refused");
  handshake.set_subject(v1::SUBJECT_CONNECTION);
  ASSERT_TRUE(coordinator_->ReplacePolicies(std::move(policies)).ok());
  EXPECT_EQ(coordinator_->Signatures().signatures_size(), before);
  EXPECT_THAT(coordinator_->GetPolicyStatus().signatures(), Contains("handshake-refused"));
}

TEST_F(CoordinatorTest, ARestartUnderANewRevisionDoesTheSame) {
  Report(Connect(), {Pinned()});
  Restart(Policies("d2"));
  EXPECT_EQ(TheOne().proposals(0).revision(), "digest:d2");
  EXPECT_EQ(TheOne().proposals(1).state(), v1::Proposal::STATE_VOID);
}

TEST_F(CoordinatorTest, ARevisionThatCannotBeStoredIsNotInForce) {
  Report(Connect(), {Pinned()});
  store_.full = true;
  EXPECT_FALSE(coordinator_->ReplacePolicies(Policies("d2")).ok());
  EXPECT_EQ(coordinator_->GetPolicyStatus().revision(), "digest:d1");
  EXPECT_EQ(TheOne().proposals(0).state(), v1::Proposal::STATE_PENDING);
}

TEST_F(CoordinatorTest, ProblemsOfANewerRevisionAreShownUntilItIsTaken) {
  coordinator_->SetPolicyProblems({"a.yaml:3:1: unknown name"});
  EXPECT_THAT(coordinator_->GetPolicyStatus().problems(), ElementsAre("a.yaml:3:1: unknown name"));
  ASSERT_TRUE(coordinator_->ReplacePolicies(Policies("d2")).ok());
  EXPECT_THAT(coordinator_->GetPolicyStatus().problems(), IsEmpty());
}

// ---- Hostile and confused agents.

TEST_F(CoordinatorTest, ASecondStreamOfAHostEndsTheFirst) {
  const uint64_t first = Connect();
  v1::Hello hello;
  hello.set_host("web1");
  auto second = coordinator_->OnHello(hello);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->superseded, first);
  EXPECT_EQ(coordinator_->OnReport(first, ReportOf({Pinned()})).code(), absl::StatusCode::kAborted);
  coordinator_->OnDisconnected(first);
  Report(second->session, {Pinned()});
  EXPECT_TRUE(coordinator_->ListHosts().hosts(1).connected());
}

TEST_F(CoordinatorTest, NonsenseIsRefusedAndChangesNothing) {
  for (const char* name : {"", "two words", "a/b", "\x1b[31m"}) {
    v1::Hello hello;
    hello.set_host(name);
    EXPECT_EQ(coordinator_->OnHello(hello).status().code(), absl::StatusCode::kInvalidArgument);
  }
  const uint64_t session = Connect();
  EXPECT_EQ(coordinator_->OnReport(session, ReportOf({Pinned(), v1::Finding()})).code(),
            absl::StatusCode::kInvalidArgument);
  v1::Report huge = ReportOf({});
  for (int i = 0; i <= kMaxFindingsPerReport; ++i) *huge.add_findings() = Pinned();
  EXPECT_EQ(coordinator_->OnReport(session, huge).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(All(), IsEmpty());
}

TEST_F(CoordinatorTest, IncidentsBeyondTheBoundAreNotTakenUpAndThatIsShown) {
  const uint64_t session = Connect();
  for (int batch = 0; batch < 3; ++batch) {
    v1::Report report = ReportOf({});
    report.set_findings_omitted(1);
    for (int i = 0; i < kMaxFindingsPerReport; ++i) {
      *report.add_findings() = Pinned(absl::StrCat("noted ", batch, " ", i));
    }
    ASSERT_TRUE(coordinator_->OnReport(session, report).ok());
  }
  const v1::Host host = coordinator_->ListHosts().hosts(1);
  EXPECT_EQ(host.open_incidents(), kMaxOpenIncidentsPerHost);
  EXPECT_THAT(host.stats().degraded(), ElementsAre(HasSubstr("1000 findings are not taken up")));
}

TEST_F(CoordinatorTest, HostsShowWhatIsKnownAboutThem) {
  v1::Hello hello;
  hello.set_host("db1");
  hello.set_agent_version("0.1");
  hello.set_kernel("6.18");
  ASSERT_TRUE(coordinator_->OnHello(hello).ok());
  const v1::ListHostsResponse hosts = coordinator_->ListHosts();
  ASSERT_THAT(hosts.hosts(), SizeIs(1));
  const v1::Host& host = hosts.hosts(0);
  EXPECT_EQ(host.name(), "db1");
  EXPECT_TRUE(host.connected());
  EXPECT_EQ(FromProto(host.connected_at()), kStart);
  EXPECT_FALSE(host.has_last_report_at());
  EXPECT_EQ(host.labels().at("tier"), "db");
  EXPECT_EQ(host.kernel(), "6.18");
}

TEST_F(CoordinatorTest, AnAlertStandsFromTheFindingToItsEndAndAProposalIsAnEvent) {
  PolicySet policies = Policies();
  for (v1::Policy& policy : policies.policies) {
    policy.add_notify("chat");
    policy.add_actions()->mutable_raise_alert()->add_receivers("oncall");
  }
  Restart(policies);
  const uint64_t session = Connect();
  Report(session, {Pinned()});
  auto alerts = store_.Undelivered("oncall", 10);
  ASSERT_THAT(*alerts, SizeIs(1));
  EXPECT_EQ(alerts->front().alert.state(), v1::Alert::STATE_FIRING);
  EXPECT_EQ(alerts->front().alert.labels().at("host"), "web1");
  auto events = store_.Undelivered("chat", 10);
  ASSERT_THAT(*events, SizeIs(1));
  EXPECT_EQ(events->front().alert.event(), "proposed");
  for (const auto what : {DeliveryRecord::What::kTrying, DeliveryRecord::What::kAcknowledged}) {
    ASSERT_TRUE(store_.RecordDeliveries({RecordOf(alerts->front(), what)}).ok());
  }

  ReportFor(5, session, {Pinned()});
  EXPECT_THAT(*store_.Undelivered("oncall", 10), SizeIs(0));
  EXPECT_THAT(*store_.Standing("oncall", 0, 10), SizeIs(1));
  ReportFor(200, session, {});
  alerts = store_.Undelivered("oncall", 10);
  ASSERT_THAT(*alerts, SizeIs(1));
  EXPECT_EQ(alerts->front().alert.state(), v1::Alert::STATE_RESOLVED);
  EXPECT_THAT(*store_.Undelivered("chat", 10), SizeIs(1));
}

}  // namespace
}  // namespace tcpmedic
