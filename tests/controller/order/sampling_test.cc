// Orders that sample call sites: what they are on the host, and what people are told of them.
#include "controller/order/sampling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "controller/order/order.h"
#include "controller/order/story.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);
const OrderEvent kDispatch = OrderDispatched{11, kStart + absl::Seconds(30)};

v1::Order SamplingAfter(std::vector<OrderEvent> events) {
  v1::Proposal proposal;
  proposal.set_id("p-1");
  proposal.mutable_selector()->set_host("web1");
  proposal.mutable_action()->mutable_sample_call_sites()->mutable_duration()->set_seconds(60);
  v1::Order order = MakeOrder(proposal, "o-1", 1, kStart);
  for (const OrderEvent& event : events) {
    const absl::StatusOr<v1::Order> next = Advance(order, event, kStart);
    EXPECT_TRUE(next.ok()) << next.status();
    order = *next;
  }
  return order;
}

OrderEvent Sampled(v1::Order::State state, int sites, const std::string& reason = "") {
  OrderReported told;
  told.report.set_order_id("o-1");
  told.report.set_state(state);
  told.report.set_reason(reason);
  v1::Target* target = told.report.add_targets();
  target->set_pid(812);
  target->set_state(v1::Target::STATE_APPLIED);
  if (sites < 0) return told;
  v1::CallSites* found = told.report.mutable_call_sites();
  found->set_leaked_fds(500);
  for (int i = 0; i < sites; ++i) {
    v1::CallSite* site = found->add_sites();
    site->set_kind(v1::CallSite::KIND_READ_EOF);
    site->set_fds(412);
    site->add_frames()->set_function("Handle");
    site->mutable_frames(0)->set_source("leak.cc:42");
  }
  return told;
}

std::vector<std::string> Told(const v1::Order& was, const v1::Order& now) {
  std::vector<std::string> lines;
  for (const OrderLine& line : Story(was, now)) {
    lines.push_back(absl::StrCat(line.what, line.urgent ? "!" : "", ": ", line.text));
  }
  return lines;
}

TEST(OrderThatSamples, HasNoVerdictAndNoDeadline) {
  const v1::Order order = SamplingAfter({});
  EXPECT_FALSE(order.has_verify_after());
  EXPECT_FALSE(order.has_confirm_within());
}

TEST(OrderThatSamples, IsAppliedWhileItSamplesAndEndsWithWhatWasFound) {
  const v1::Order sent = SamplingAfter({kDispatch});
  const v1::Order samples = SamplingAfter({kDispatch, Sampled(v1::Order::STATE_APPLIED, -1)});
  const v1::Order ended = SamplingAfter(
      {kDispatch, Sampled(v1::Order::STATE_APPLIED, -1), Sampled(v1::Order::STATE_ENDED, 2)});
  EXPECT_EQ(samples.state(), v1::Order::STATE_APPLIED);
  EXPECT_TRUE(IsUnderWay(samples));
  EXPECT_FALSE(samples.has_call_sites());
  EXPECT_EQ(ended.state(), v1::Order::STATE_ENDED);
  EXPECT_TRUE(IsOver(ended));
  EXPECT_EQ(ended.call_sites().sites_size(), 2);
  EXPECT_THAT(Told(v1::Order(), sent),
              ElementsAre("dispatched: Order o-1 is sent to web1: sample call sites"));
  EXPECT_THAT(Told(sent, samples),
              ElementsAre("applied: Order o-1 samples call sites of pid 812 for at most 1m; it "
                          "only reads"));
  EXPECT_THAT(Told(samples, ended),
              ElementsAre("ended: Order o-1 has ended: 412 of 500 leaked descriptors: read "
                          "returned 0 in Handle (leak.cc:42); and 1 other place"));
}

TEST(OrderThatSamples, DisturbsNobodyWhenItCannot) {
  const v1::Order sent = SamplingAfter({kDispatch});
  EXPECT_THAT(Told(sent, SamplingAfter({kDispatch, Sampled(v1::Order::STATE_REFUSED, -1,
                                                           "the guard file does not list it")})),
              ElementsAre("refused: Order o-1 is refused: the guard file does not list it"));
  EXPECT_THAT(Told(sent, SamplingAfter({kDispatch, OrderHostSilent{}})),
              ElementsAre("unknown: How order o-1 stands is not known: web1 is silent"));
}

TEST(OrderThatSamples, KeepsABoundedPartOfWhatItsAgentSends) {
  OrderEvent many = Sampled(v1::Order::STATE_ENDED, kMaxCallSites + 1);
  v1::CallSites* found = std::get<OrderReported>(many).report.mutable_call_sites();
  for (int i = 0; i < 2 * kMaxFramesOfSite; ++i) found->mutable_sites(0)->add_frames();
  const v1::Order ended = SamplingAfter({kDispatch, many});
  EXPECT_EQ(ended.call_sites().sites_size(), kMaxCallSites);
  EXPECT_EQ(ended.call_sites().sites(0).frames_size(), kMaxFramesOfSite);
}

TEST(SampledInWords, AreTheCallSitesOfTheNewestThatFoundSomeElseWhyThereAreNone) {
  v1::IncidentView view;
  EXPECT_EQ(SampledInWords(view), "");
  *view.add_orders() = SamplingAfter({kDispatch, Sampled(v1::Order::STATE_APPLIED, -1)});
  EXPECT_EQ(SampledInWords(view), "");
  *view.mutable_orders(0) =
      SamplingAfter({kDispatch, Sampled(v1::Order::STATE_REFUSED, -1, "observe only")});
  EXPECT_EQ(SampledInWords(view), "not sampled: order o-1 refused: observe only");
  *view.add_orders() = SamplingAfter({kDispatch, Sampled(v1::Order::STATE_ENDED, 1)});
  EXPECT_EQ(SampledInWords(view),
            "412 of 500: read returned 0 in Handle (leak.cc:42)\n"
            "last used while calls were recorded: 0 of 500 leaked descriptors (0 calls in 0)");
}

}  // namespace
}  // namespace tcpmedic
