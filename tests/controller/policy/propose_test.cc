#include "controller/policy/propose.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace tcpmedic {
namespace {

using ::testing::HasSubstr;

template <typename Message>
Message FromText(const char* text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

const HostFacts kHost = {"edge-1", {}};
const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

v1::Finding PinnedFinding() {
  return FromText<v1::Finding>(R"pb(
    signature: "pinned-cwnd"
    group: "netns 7, 203.0.113.20"
    group_by { attribute: "netns" value: "7" }
    group_by { attribute: "socket.remote_ip" value: "203.0.113.20" }
    netns { cookie: 7 }
    confidence: CONFIDENCE_CERTAIN
    evidence {
      name: "socket.cc"
      value { string_value: "cubic" }
    }
    socket_count: 3
  )pb");
}

v1::Policy ToBbr() {
  return FromText<v1::Policy>(R"pb(
    name: "lossy-path-to-bbr"
    signature: "pinned-cwnd"
    actions { raise_alert { receivers: "chat" } }
    actions { set_congestion_control { algorithm: "bbr" scope: SCOPE_SOCKETS } }
    approval {
      mode: MODE_AUTO
      quorum: 1
      expires { seconds: 3600 }
      covers { seconds: 1800 }
    }
    verify {
      after { seconds: 20 }
      expect: "true"
    }
    holdback_ratio: 0.1
    limits { targets_per_host: 200 }
  )pb");
}

PolicySet SetOf(const v1::Policy& policy) {
  PolicySet set;
  set.revision = "digest:0123456789ab";
  set.policies = {policy};
  return set;
}

absl::StatusOr<v1::Proposal> Propose(const v1::Policy& policy, const v1::Finding& finding,
                                     const HostFacts& host = kHost) {
  const PolicySet set = SetOf(policy);
  return MakeProposal(set, Decide(set, finding, host), finding, host, {"p-1", "i-1"}, kNow);
}

TEST(Propose, NamesSelectorActionBoundsAndUndo) {
  const auto proposal = Propose(ToBbr(), PinnedFinding());
  ASSERT_TRUE(proposal.ok()) << proposal.status();

  v1::Proposal expected = FromText<v1::Proposal>(R"pb(
    id: "p-1"
    incident_id: "i-1"
    state: STATE_PENDING
    selector {
      host: "edge-1"
      signature: "pinned-cwnd"
      group_by { attribute: "netns" value: "7" }
      group_by { attribute: "socket.remote_ip" value: "203.0.113.20" }
      netns_cookie: 7
    }
    action { set_congestion_control { algorithm: "bbr" scope: SCOPE_SOCKETS } }
    targets_max: 200
    policy: "lossy-path-to-bbr"
    revision: "digest:0123456789ab"
    approval {
      mode: MODE_AUTO
      quorum: 1
      expires { seconds: 3600 }
      covers { seconds: 1800 }
    }
    verify {
      after { seconds: 20 }
      expect: "true"
    }
    holdback_ratio: 0.1
    undo: "each socket is set back to the algorithm that it had (cubic), if ours is still set; at once on rollback, and by the agent alone if nobody confirms within 35 s"
    created_at { seconds: 1800000000 }
    expires_at { seconds: 1800003600 }
  )pb");
  expected.set_digest(ProposalDigest(expected));
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(expected, *proposal))
      << proposal->DebugString();
}

// Stored proposals and approvals carry digests: a change here breaks them.
TEST(Propose, DigestStaysTheSameFromReleaseToRelease) {
  const auto proposal = Propose(ToBbr(), PinnedFinding());
  ASSERT_TRUE(proposal.ok());
  EXPECT_EQ(proposal->digest(), "57ce2cda0b535781f56d71b1de9e337de0275b22f67ad5db6d51b61ad5b969e6");
}

TEST(Propose, DigestIsOfWhatIsApprovedAndOfNothingElse) {
  const v1::Proposal proposal = *Propose(ToBbr(), PinnedFinding());
  const auto digest_after = [&](const std::function<void(v1::Proposal*)>& change) {
    v1::Proposal changed = proposal;
    change(&changed);
    return ProposalDigest(changed);
  };
  EXPECT_NE(proposal.digest(), digest_after([](auto* p) { p->mutable_selector()->set_host("x"); }));
  EXPECT_NE(proposal.digest(), digest_after([](auto* p) {
              p->mutable_selector()->mutable_group_by(1)->set_value("203.0.113.21");
            }));
  EXPECT_NE(proposal.digest(), digest_after([](auto* p) {
              p->mutable_action()->mutable_set_congestion_control()->set_algorithm("reno");
            }));
  EXPECT_NE(proposal.digest(), digest_after([](auto* p) { p->set_targets_max(201); }));
  EXPECT_NE(proposal.digest(), digest_after([](auto* p) { p->set_revision("digest:0"); }));

  EXPECT_EQ(proposal.digest(), digest_after([](auto* p) {
              p->set_id("p-2");
              p->set_undo("");
              p->set_state(v1::Proposal::STATE_EXPIRED);
              p->clear_created_at();
            }));
}

TEST(Propose, FindingThatIsOnlyLikelyIsNeverActedOnAutomatically) {
  v1::Finding finding = PinnedFinding();
  finding.set_confidence(v1::CONFIDENCE_LIKELY);
  const auto proposal = Propose(ToBbr(), finding);
  ASSERT_TRUE(proposal.ok());
  EXPECT_EQ(proposal->approval().mode(), v1::Approval::MODE_MANUAL);
}

TEST(Propose, PolicyWithoutALimitHasOneTarget) {
  v1::Policy policy = ToBbr();
  policy.clear_limits();
  const auto proposal = Propose(policy, PinnedFinding());
  ASSERT_TRUE(proposal.ok());
  EXPECT_EQ(proposal->targets_max(), 1);
}

TEST(Propose, UndoNamesTheAlgorithmOnlyWhereItIsKnown) {
  v1::Finding finding = PinnedFinding();
  finding.clear_evidence();
  const auto proposal = Propose(ToBbr(), finding);
  ASSERT_TRUE(proposal.ok());
  EXPECT_THAT(proposal->undo(), HasSubstr("the algorithm that it had, if ours is still set"));
}

v1::Finding Flooded() {
  return FromText<v1::Finding>(R"pb(
    signature: "syn-flood-unprotected"
    group: "netns 7"
    group_by { attribute: "netns" value: "7" }
    subject: SUBJECT_NETNS
    netns { cookie: 7 name: "netns of pid 812 (nginx)" }
    confidence: CONFIDENCE_CERTAIN
    evidence {
      name: "netns.tcp_syncookies"
      value { int_value: 0 }
    }
  )pb");
}

v1::Policy CookiesOn() {
  return FromText<v1::Policy>(R"pb(
    name: "cookies-on"
    signature: "syn-flood-unprotected"
    actions { set_sysctl { settings { name: "net.ipv4.tcp_syncookies" value: "1" } } }
    approval { expires { seconds: 3600 } }
    verify { after { seconds: 20 } expect: "true" }
    lease { for { seconds: 7200 } renew_while: "netns.syncookies_sent_per_s > 1.0" }
    limits { targets_per_host: 50 }
  )pb");
}

TEST(Propose, ASysctlIsOneTargetOfTheFindingsNamespaceWithItsLease) {
  const auto proposal = Propose(CookiesOn(), Flooded());
  ASSERT_TRUE(proposal.ok()) << proposal.status();
  EXPECT_EQ(proposal->selector().netns_cookie(), 7u);
  EXPECT_EQ(proposal->targets_max(), 1);
  EXPECT_EQ(proposal->lease().for_().seconds(), 7200);
  EXPECT_EQ(proposal->lease().renew_while(), "netns.syncookies_sent_per_s > 1.0");
  EXPECT_EQ(proposal->undo(),
            "net.ipv4.tcp_syncookies is set back to 0, if ours is still there; at once on "
            "rollback, and by the agent alone if nobody confirms within 35 s; once confirmed, by "
            "the host itself 2h after the last moment with netns.syncookies_sent_per_s > 1.0");
}

TEST(Propose, UndoOfASysctlThatWasNotReportedPromisesTheValueFound) {
  v1::Finding finding = Flooded();
  finding.clear_evidence();
  v1::Policy policy = CookiesOn();
  policy.mutable_lease()->clear_renew_while();
  EXPECT_EQ(Propose(policy, finding)->undo(),
            "net.ipv4.tcp_syncookies is set back to the value that was found, if ours is still "
            "there; at once on rollback, and by the agent alone if nobody confirms within 35 s; "
            "once confirmed, by the host itself after 2h");
}

TEST(Propose, NotesAndAlertsNeedNoProposal) {
  v1::Policy policy = ToBbr();
  policy.mutable_actions()->DeleteSubrange(1, 1);
  policy.add_actions()->mutable_note()->set_text("leave it");
  const PolicySet set = SetOf(policy);
  const v1::Decision decision = Decide(set, PinnedFinding(), kHost);
  EXPECT_EQ(decision.policy(), "lossy-path-to-bbr");
  EXPECT_FALSE(WantsProposal(decision));
  EXPECT_EQ(Propose(policy, PinnedFinding()).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(Propose, DecisionOfAnotherRevisionIsRefused) {
  PolicySet set = SetOf(ToBbr());
  const v1::Decision decision = Decide(set, PinnedFinding(), kHost);
  EXPECT_TRUE(WantsProposal(decision));
  set.revision = "digest:new";
  EXPECT_EQ(MakeProposal(set, decision, PinnedFinding(), kHost, {"p-1", "i-1"}, kNow).status(),
            absl::FailedPreconditionError("policy 'lossy-path-to-bbr' of digest:0123456789ab is "
                                          "not in force; in force is digest:new"));
}

TEST(Propose, EmptySelectorIsRefused) {
  v1::Finding no_namespace = PinnedFinding();
  no_namespace.clear_netns();
  EXPECT_EQ(Propose(ToBbr(), no_namespace).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Propose(ToBbr(), PinnedFinding(), {"", {}}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace tcpmedic
