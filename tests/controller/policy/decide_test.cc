#include "controller/policy/decide.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::Policy NotePolicy(const std::string& name, int order, const std::string& when) {
  v1::Policy policy;
  policy.set_name(name);
  policy.set_signature("pinned-cwnd");
  policy.set_order(order);
  policy.set_when(when);
  policy.add_actions()->mutable_note()->set_text(name);
  return policy;
}

v1::Finding PinnedFinding() {
  v1::Finding finding;
  finding.set_signature("pinned-cwnd");
  finding.set_group("netns 7, 203.0.113.20");
  finding.set_severity(v1::SEVERITY_WARNING);
  finding.set_confidence(v1::CONFIDENCE_CERTAIN);
  finding.set_socket_count(3);
  return finding;
}

v1::Decision DecideAmong(std::vector<v1::Policy> policies, const HostFacts& host,
                         const v1::Finding& finding = PinnedFinding()) {
  PolicySet set;
  set.revision = "digest:0123456789ab";
  set.policies = std::move(policies);
  return Decide(set, finding, host);
}

std::vector<std::string> Considered(const v1::Decision& decision) {
  std::vector<std::string> lines;
  for (const auto& considered : decision.considered()) {
    lines.push_back(absl::StrCat(considered.policy(), ": ", considered.result()));
  }
  return lines;
}

// What `when` alone comes to.
std::string ResultOf(const std::string& when, const HostFacts& host,
                     const v1::Finding& finding = PinnedFinding()) {
  return DecideAmong({NotePolicy("p", 1, when)}, host, finding).considered(0).result();
}

TEST(Decide, FirstMatchByOrderThenNameWins) {
  const v1::Decision decision = DecideAmong(
      {NotePolicy("late", 20, ""), NotePolicy("b", 10, "true"), NotePolicy("a", 10, "false")},
      {"edge-1", {}});
  EXPECT_EQ(decision.policy(), "b");
  EXPECT_EQ(decision.revision(), "digest:0123456789ab");
  ASSERT_EQ(decision.actions_size(), 1);
  EXPECT_EQ(decision.actions(0).note().text(), "b");
  EXPECT_THAT(Considered(decision), ElementsAre("a: did not match: false", "b: matched"));
}

TEST(Decide, PoliciesOfOtherSignaturesAreNotAsked) {
  v1::Policy other = NotePolicy("other", 1, "true");
  other.set_signature("close-wait-leak");
  const v1::Decision decision = DecideAmong({other}, {"edge-1", {}});
  EXPECT_EQ(decision.policy(), "");
  EXPECT_THAT(decision.actions(), IsEmpty());
  EXPECT_THAT(decision.considered(), IsEmpty());
}

TEST(Decide, NoMatchIsNoted) {
  const v1::Decision decision = DecideAmong({NotePolicy("p", 1, "false")}, {"edge-1", {}});
  EXPECT_EQ(decision.policy(), "");
  EXPECT_THAT(decision.actions(), IsEmpty());
}

TEST(Decide, LabelThatIsNotSetDoesNotMatchAndIsShown) {
  const v1::Decision decision = DecideAmong(
      {NotePolicy("not-on-db", 1, R"(host.labels["tier"] != "db")"), NotePolicy("fallback", 2, "")},
      {"edge-1", {{"site", "fra"}}});
  EXPECT_EQ(decision.policy(), "fallback");
  EXPECT_THAT(
      Considered(decision),
      ElementsAre(R"(not-on-db: unknown: host.labels["tier"] is not set)", "fallback: matched"));
}

TEST(Decide, EveryMissingLabelIsShownOnce) {
  EXPECT_EQ(ResultOf(R"(host.labels["a"] == host.labels['b'] || host.labels["a"] == "x")",
                     {"edge-1", {{"c", "1"}}}),
            R"(unknown: host.labels["a"], host.labels["b"] are not set)");
}

TEST(Decide, LabelThatIsSetDecides) {
  const std::string when = R"(host.labels["tier"] != "db")";
  EXPECT_EQ(ResultOf(when, {"edge-1", {{"tier", "web"}}}), "matched");
  EXPECT_EQ(ResultOf(when, {"edge-1", {{"tier", "db"}}}), "did not match: " + when);
}

TEST(Decide, UnknownThatCannotMatterIsAbsorbed) {
  EXPECT_EQ(ResultOf(R"(host.labels["tier"] == "web" || host.name == "edge-1")", {"edge-1", {}}),
            "matched");
  EXPECT_EQ(ResultOf(R"(host.labels["tier"] == "web" && host.name == "edge-2")", {"edge-1", {}}),
            R"(did not match: host.name == "edge-2")");
}

TEST(Decide, WhatTheFindingSaysCanBeAsked) {
  EXPECT_EQ(ResultOf(R"(finding.signature == "pinned-cwnd" && finding.severity == "warning" &&
                        finding.confidence == "certain" && finding.socket_count == 3 &&
                        finding.group.contains("203.0.113.20"))",
                     {"edge-1", {}}),
            "matched");
}

TEST(Decide, WhatTheFindingDoesNotSayIsUnknown) {
  v1::Finding finding = PinnedFinding();
  finding.set_confidence(v1::CONFIDENCE_UNSPECIFIED);
  EXPECT_EQ(ResultOf(R"(finding.confidence == "certain")", {"edge-1", {}}, finding),
            "unknown: finding.confidence is not set");
}

TEST(Decide, ExpressionThatFailsDoesNotMatchAndSaysWhy) {
  EXPECT_EQ(ResultOf("1 / (finding.socket_count - 3) == 0", {"edge-1", {}}),
            "unknown: division by zero");
}

}  // namespace
}  // namespace tcpmedic
