#include "controller/notify/courier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controller/notify/back_off.h"
#include "controller/store/memory_store.h"

namespace tcpmedic {
namespace {

using Arrival = SendResult::Arrival;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

SendResult Result(Arrival arrival, std::string problem = "", bool refused = false) {
  SendResult result;
  result.arrival = arrival;
  result.problem = std::move(problem);
  result.content_refused = refused;
  return result;
}

// Notes what it is sent: "KEY STATE", of one message joined by "+".
class FakeSender : public Sender {
 public:
  SendResult Send(absl::Span<const Delivery> deliveries, absl::Time) override {
    messages.push_back(absl::StrJoin(deliveries, "+", [](std::string* out, const Delivery& d) {
      absl::StrAppend(out, d.alert.key(), " ", v1::Alert::State_Name(d.alert.state()).substr(6));
    }));
    for (const Delivery& delivery : deliveries) {
      if (delivery.alert.key() == poison) return Result(Arrival::kNotArrived, "HTTP 400", true);
    }
    if (during != nullptr) during();
    return answer;
  }
  int most_at_once() const override { return most; }
  std::optional<absl::Duration> repeat_every() const override { return repeat; }

  // Since the last time that it was asked.
  std::vector<std::string> Took() { return std::exchange(messages, {}); }

  SendResult answer = Result(Arrival::kAcknowledged);
  std::string poison;
  std::function<void()> during;
  int most = 1;
  std::optional<absl::Duration> repeat;
  std::vector<std::string> messages;
};

class CourierTest : public ::testing::Test {
 protected:
  void Commit(const std::string& key, v1::Alert::State state = v1::Alert::STATE_FIRING) {
    Transaction transaction;
    v1::Alert alert;
    alert.set_key(key);
    alert.set_state(state);
    transaction.alerts.push_back({"oncall", alert});
    ASSERT_TRUE(store_.Commit(transaction).ok());
  }
  void Resolve(const std::string& key) { Commit(key, v1::Alert::STATE_RESOLVED); }
  Courier Make() {
    return Courier("oncall", &sender_, &store_, &clock_, [] { return 0.0; });
  }
  // Steps, each when the courier asks for it, until `span` has passed.
  void RunFor(Courier* courier, absl::Duration span) {
    const absl::Duration end = clock_.Now().uptime + span;
    for (;;) {
      const absl::Duration next = courier->Step();
      if (next > end) {
        clock_.Advance(end - clock_.Now().uptime);
        return;
      }
      clock_.Advance(std::max(next - clock_.Now().uptime, absl::ZeroDuration()));
    }
  }
  size_t Pending() { return store_.Undelivered("oncall", 100)->size(); }

  MemoryStore store_;
  SimulatedClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  FakeSender sender_;
  Courier courier_ = Make();
};

TEST_F(CourierTest, WhatIsPendingIsSentOnceInOrder) {
  Commit("a");
  Commit("b");
  RunFor(&courier_, absl::Minutes(10));
  EXPECT_THAT(sender_.Took(), ElementsAre("a FIRING", "b FIRING"));
  Resolve("a");
  RunFor(&courier_, absl::Minutes(10));
  EXPECT_THAT(sender_.Took(), ElementsAre("a RESOLVED"));
  EXPECT_EQ(Pending(), 0u);
  EXPECT_EQ(courier_.Problem(), "");
}

TEST_F(CourierTest, WhatIsNewIsSeenWithinASecond) {
  RunFor(&courier_, absl::Seconds(10));
  Commit("a");
  RunFor(&courier_, kDeliveryPoll);
  EXPECT_THAT(sender_.Took(), ElementsAre("a FIRING"));
}

TEST_F(CourierTest, AReceiverThatIsDownIsTriedLessAndLessOftenAndLosesNothing) {
  sender_.answer = Result(Arrival::kNotArrived, "POST http://x: refused");
  Commit("a");
  Commit("b");
  RunFor(&courier_, absl::Seconds(62));
  // After 0, 1, 3, 7, 15, 31 seconds, and nothing but the first.
  EXPECT_THAT(sender_.Took(), testing::AllOf(SizeIs(6), testing::Each("a FIRING")));
  EXPECT_EQ(courier_.Problem(), "oncall: POST http://x: refused, since 2023-11-14 22:13:20Z");
  RunFor(&courier_, absl::Hours(10));
  EXPECT_THAT(sender_.Took(), SizeIs(::testing::AllOf(::testing::Ge(295), ::testing::Le(305))));

  sender_.answer = Result(Arrival::kAcknowledged);
  RunFor(&courier_, kMaxBackOff);
  EXPECT_THAT(sender_.Took(), ElementsAre("a FIRING", "b FIRING"));
  EXPECT_EQ(courier_.Problem(), "");
}

TEST_F(CourierTest, AfterASuccessTheBackOffBeginsAnew) {
  Commit("a");
  sender_.answer = Result(Arrival::kUnknown, "HTTP 500");
  RunFor(&courier_, absl::Minutes(1));
  sender_.answer = Result(Arrival::kAcknowledged);
  RunFor(&courier_, absl::Minutes(1));
  sender_.Took();
  sender_.answer = Result(Arrival::kUnknown, "HTTP 500");
  Commit("b");
  RunFor(&courier_, absl::Seconds(4.5));
  EXPECT_THAT(sender_.Took(), SizeIs(3));  // after at most 1, then 1, then 2 seconds
}

TEST_F(CourierTest, TheReceiversOwnWishToWaitIsKeptWithinTheBound) {
  Commit("a");
  sender_.answer = Result(Arrival::kNotArrived, "HTTP 429");
  sender_.answer.retry_after = absl::Seconds(30);
  RunFor(&courier_, absl::Seconds(29));
  EXPECT_THAT(sender_.Took(), SizeIs(1));
  sender_.answer.retry_after = absl::Hours(24);
  RunFor(&courier_, absl::Seconds(2));
  EXPECT_THAT(sender_.Took(), SizeIs(1));
  RunFor(&courier_, kMaxBackOff);
  EXPECT_THAT(sender_.Took(), SizeIs(1));
}

TEST_F(CourierTest, WhatWasResolvedWhileTheReceiverWasDownIsNoNews) {
  sender_.answer = Result(Arrival::kNotArrived, "refused");
  Commit("a");
  RunFor(&courier_, absl::Seconds(10));
  Resolve("a");
  Commit("b");
  sender_.Took();
  sender_.answer = Result(Arrival::kAcknowledged);
  RunFor(&courier_, kMaxBackOff);
  EXPECT_THAT(sender_.Took(), ElementsAre("b FIRING"));
}

TEST_F(CourierTest, WhatMayHaveArrivedIsResolvedThereToo) {
  sender_.answer = Result(Arrival::kUnknown, "no answer");
  Commit("a");
  RunFor(&courier_, absl::Seconds(1.5));
  // Later tries that certainly did not arrive do not change that.
  sender_.answer = Result(Arrival::kNotArrived, "refused");
  RunFor(&courier_, absl::Seconds(10));
  Resolve("a");
  sender_.Took();
  sender_.answer = Result(Arrival::kAcknowledged);
  RunFor(&courier_, kMaxBackOff);
  EXPECT_THAT(sender_.Took(), ElementsAre("a RESOLVED"));
}

TEST_F(CourierTest, WhatIsResolvedDuringTheSendIsResolvedAfterIt) {
  Commit("a");
  sender_.during = [&] {
    sender_.during = nullptr;
    Resolve("a");
  };
  RunFor(&courier_, absl::Minutes(1));
  EXPECT_THAT(sender_.Took(), ElementsAre("a FIRING", "a RESOLVED"));
}

TEST_F(CourierTest, ACrashDuringASendCostsARepetitionAndNothingElse) {
  Commit("a");
  Commit("b");
  sender_.during = [] { throw 9; };  // neither an answer nor a word in the store
  EXPECT_THROW(courier_.Step(), int);
  sender_.during = nullptr;
  Courier next = Make();
  RunFor(&next, absl::Minutes(1));
  EXPECT_THAT(sender_.Took(), ElementsAre("a FIRING", "a FIRING", "b FIRING"));
}

TEST_F(CourierTest, ARefusedAlertHindersNoOther) {
  sender_.poison = "bad";
  Commit("bad");
  Commit("a");
  RunFor(&courier_, absl::Seconds(2.5));
  EXPECT_THAT(sender_.Took(), ElementsAre("bad FIRING", "a FIRING", "bad FIRING"));
  EXPECT_THAT(courier_.Problem(), HasSubstr("HTTP 400 (alert bad)"));
  Commit("b");
  RunFor(&courier_, absl::Seconds(0.25));
  EXPECT_THAT(sender_.Took(), ElementsAre("b FIRING"));
  EXPECT_THAT(courier_.Problem(), HasSubstr("HTTP 400 (alert bad)"));
  EXPECT_EQ(Pending(), 1u);
  sender_.poison.clear();
  RunFor(&courier_, kMaxBackOff);
  EXPECT_EQ(Pending(), 0u);
  EXPECT_EQ(courier_.Problem(), "");
}

TEST_F(CourierTest, ManyGoInOneMessageAndOfARefusedOneEachGoesAlone) {
  sender_.most = 3;
  for (const char* key : {"a", "bad", "b", "c"}) Commit(key);
  sender_.poison = "bad";
  RunFor(&courier_, absl::Seconds(0.5));
  EXPECT_THAT(sender_.Took(), ElementsAre("a FIRING+bad FIRING+b FIRING", "c FIRING", "a FIRING",
                                          "bad FIRING", "b FIRING"));
  EXPECT_EQ(Pending(), 1u);
}

TEST_F(CourierTest, WhatStandsIsRepeatedWhereTheReceiverWantsThat) {
  sender_.repeat = absl::Minutes(1);
  sender_.most = 2;
  for (const char* key : {"a", "b", "c"}) Commit(key);
  RunFor(&courier_, absl::Seconds(1));
  sender_.Took();
  RunFor(&courier_, absl::Seconds(61));
  EXPECT_THAT(sender_.Took(), ElementsAre("a FIRING+b FIRING", "c FIRING"));
  Resolve("b");
  RunFor(&courier_, absl::Seconds(10));
  EXPECT_THAT(sender_.Took(), ElementsAre("b RESOLVED"));
  RunFor(&courier_, absl::Seconds(61));
  EXPECT_THAT(sender_.Took(), ElementsAre("a FIRING+c FIRING"));
}

TEST_F(CourierTest, ANewStartRepeatsAtOnceWhatStands) {
  sender_.repeat = absl::Minutes(1);
  Commit("a");
  RunFor(&courier_, absl::Seconds(30));
  sender_.Took();
  Courier next = Make();
  RunFor(&next, absl::Seconds(1));
  EXPECT_THAT(sender_.Took(), ElementsAre("a FIRING"));
}

TEST_F(CourierTest, ARepetitionThatFailsIsAProblemAndGoesOnWhereItWas) {
  sender_.repeat = absl::Minutes(1);
  Commit("a");
  Commit("b");
  RunFor(&courier_, absl::Seconds(1));
  sender_.Took();
  sender_.answer = Result(Arrival::kNotArrived, "refused");
  RunFor(&courier_, absl::Seconds(59.5));
  EXPECT_THAT(sender_.Took(), ElementsAre("a FIRING"));
  EXPECT_THAT(courier_.Problem(), HasSubstr("refused"));
  sender_.answer = Result(Arrival::kAcknowledged);
  RunFor(&courier_, absl::Seconds(3));
  EXPECT_THAT(sender_.Took(), ElementsAre("a FIRING", "b FIRING"));
  EXPECT_EQ(courier_.Problem(), "");
}

TEST_F(CourierTest, AnEventIsNeverRepeated) {
  sender_.repeat = absl::Minutes(1);
  Commit("a", v1::Alert::STATE_EVENT);
  RunFor(&courier_, absl::Minutes(10));
  EXPECT_THAT(sender_.Took(), ElementsAre("a EVENT"));
}

}  // namespace
}  // namespace tcpmedic
