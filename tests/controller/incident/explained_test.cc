#include "controller/incident/explained.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

using ::testing::EndsWith;
using ::testing::IsNull;
using ::testing::NotNull;

v1::IncidentView WithOrder(v1::Order::State state, const std::string& id = "i-1") {
  v1::IncidentView view;
  view.mutable_incident()->set_id(id);
  v1::Order* order = view.add_orders();
  order->set_id(absl::StrCat("o-of-", id));
  order->set_state(state);
  order->mutable_selector()->set_netns_cookie(42);
  order->add_leads_to("syn-flood-absorbed");
  return view;
}

v1::Finding Absorbed(uint64_t netns = 42) {
  v1::Finding finding;
  finding.set_signature("syn-flood-absorbed");
  finding.mutable_netns()->set_cookie(netns);
  finding.set_title("Absorbed");
  return finding;
}

TEST(Explanations, HoldAsLongAsTheOrderIsOnTheHost) {
  const std::map<v1::Order::State, bool> expected = {
      {v1::Order::STATE_PENDING, false},   {v1::Order::STATE_DISPATCHED, false},
      {v1::Order::STATE_REFUSED, false},   {v1::Order::STATE_APPLIED, true},
      {v1::Order::STATE_COMMITTING, true}, {v1::Order::STATE_COMMITTED, true},
      {v1::Order::STATE_ENDED, false},     {v1::Order::STATE_ROLLED_BACK, false},
      {v1::Order::STATE_DRIFTED, false},   {v1::Order::STATE_UNKNOWN, false}};
  for (const auto& [state, explains] : expected) {
    Explanations explanations;
    explanations.Add(WithOrder(state));
    EXPECT_EQ(explanations.Of(Absorbed()) != nullptr, explains) << v1::Order::State_Name(state);
  }
}

TEST(Explanations, AreForTheSignatureAndTheNamespaceOfTheOrder) {
  Explanations explanations;
  explanations.Add(WithOrder(v1::Order::STATE_COMMITTED));
  explanations.Add(WithOrder(v1::Order::STATE_COMMITTED, "i-2"));
  ASSERT_THAT(explanations.Of(Absorbed()), NotNull());
  EXPECT_EQ(explanations.Of(Absorbed())->incident_id, "i-1");
  EXPECT_EQ(explanations.Of(Absorbed())->order_id, "o-of-i-1");
  EXPECT_THAT(explanations.Of(Absorbed(43)), IsNull());
  v1::Finding other = Absorbed();
  other.set_signature("syn-backlog-too-small");
  EXPECT_THAT(explanations.Of(other), IsNull());
}

TEST(Explanations, KnowWhatTheTimelineTellsAlready) {
  v1::IncidentView view = WithOrder(v1::Order::STATE_COMMITTED);
  v1::Incident::Explained* told = view.mutable_incident()->add_explained();
  told->set_order_id("o-of-i-1");
  told->set_signature("syn-flood-absorbed");
  Explanations explanations;
  explanations.Add(view);
  EXPECT_TRUE(explanations.Of(Absorbed())->is_told);
  told->set_order_id("o-before");
  Explanations anew;
  anew.Add(view);
  EXPECT_FALSE(anew.Of(Absorbed())->is_told);
}

TEST(ExplainedInWords, HasTheVerdictsFirstSentence) {
  v1::Finding finding = Absorbed();
  EXPECT_EQ(ExplainedInWords(finding, "o-1"), "Absorbed, as is to be expected of order o-1");
  finding.set_verdict("0.7 % came back. Nobody is there.");
  EXPECT_EQ(ExplainedInWords(finding, "o-1"),
            "Absorbed, as is to be expected of order o-1: 0.7 % came back");
  finding.set_verdict(absl::StrCat(std::string(kMaxSentenceBytes - 1, 'a'), "¾ and more"));
  EXPECT_THAT(ExplainedInWords(finding, "o-1"), EndsWith("aaa…"));
}

}  // namespace
}  // namespace tcpmedic
