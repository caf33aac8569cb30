// What every Store promises, asked of each one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "controller/store/memory_store.h"
#include "controller/store/sqlite_store.h"
#include "proto/proto_time.h"
#include "tests/controller/store/temporary_directory.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);
absl::Time At(int seconds) { return kStart + absl::Seconds(seconds); }

v1::Incident Open(const std::string& id, int opened_at, const std::string& host = "db1",
                  const std::string& signature = "pinned-cwnd") {
  v1::Incident incident;
  incident.set_id(id);
  incident.set_host(host);
  incident.set_state(v1::Incident::STATE_OPEN);
  incident.mutable_finding()->set_signature(signature);
  incident.set_finding_present(true);
  *incident.mutable_opened_at() = ToProto(At(opened_at));
  return incident;
}

v1::Incident Closed(const std::string& id, int opened_at, int closed_at) {
  v1::Incident incident = Open(id, opened_at);
  incident.set_state(v1::Incident::STATE_CLOSED);
  incident.set_finding_present(false);
  *incident.mutable_closed_at() = ToProto(At(closed_at));
  return incident;
}

v1::Proposal Of(const std::string& incident, const std::string& id, int created_at) {
  v1::Proposal proposal;
  proposal.set_id(id);
  proposal.set_incident_id(incident);
  *proposal.mutable_created_at() = ToProto(At(created_at));
  return proposal;
}

v1::Order OrderOf(const std::string& incident, const std::string& id, int created_at,
                  v1::Order::State state) {
  v1::Order order;
  order.set_id(id);
  order.set_incident_id(incident);
  order.set_state(state);
  *order.mutable_created_at() = ToProto(At(created_at));
  return order;
}

Transaction Orders(std::vector<v1::Order> orders) {
  Transaction transaction;
  transaction.orders = std::move(orders);
  return transaction;
}

v1::AuditEntry Deed(const std::string& subject, const std::string& action, int at) {
  v1::AuditEntry entry;
  *entry.mutable_at() = ToProto(At(at));
  entry.set_actor("ann");
  entry.set_action(action);
  entry.set_subject(subject);
  return entry;
}

template <typename M>
std::vector<std::string> Ids(const absl::StatusOr<std::vector<M>>& messages) {
  EXPECT_TRUE(messages.ok()) << messages.status();
  std::vector<std::string> ids;
  if (messages.ok()) {
    for (const M& message : *messages) ids.push_back(message.id());
  }
  return ids;
}

std::vector<std::string> Actions(const absl::StatusOr<std::vector<v1::AuditEntry>>& entries) {
  EXPECT_TRUE(entries.ok()) << entries.status();
  std::vector<std::string> actions;
  if (entries.ok()) {
    for (const v1::AuditEntry& entry : *entries) {
      actions.push_back(absl::StrCat(entry.sequence(), " ", entry.action()));
    }
  }
  return actions;
}

// Keeps the directory of a store on disk as long as the store.
struct Kept {
  std::unique_ptr<TemporaryDirectory> directory;
  std::unique_ptr<Store> store;
};

Kept MakeMemory() { return {nullptr, std::make_unique<MemoryStore>()}; }
Kept MakeSqlite() {
  Kept kept{std::make_unique<TemporaryDirectory>(), nullptr};
  auto store = OpenSqliteStore({kept.directory->path() + "/state.db"});
  EXPECT_TRUE(store.ok()) << store.status();
  if (store.ok()) kept.store = *std::move(store);
  return kept;
}

struct Maker {
  const char* name;
  Kept (*make)();
};

class StoreContract : public ::testing::TestWithParam<Maker> {
 protected:
  const Kept kept_ = GetParam().make();
  Store& store_ = *kept_.store;
};

INSTANTIATE_TEST_SUITE_P(Every, StoreContract,
                         ::testing::Values(Maker{"MemoryStore", MakeMemory},
                                           Maker{"SqliteStore", MakeSqlite}),
                         [](const auto& test) { return test.param.name; });

TEST_P(StoreContract, AnEmptyStoreHasNothing) {
  EXPECT_THAT(Ids(store_.Incidents({})), IsEmpty());
  EXPECT_THAT(Ids(store_.IncidentsLive(absl::InfinitePast())), IsEmpty());
  EXPECT_THAT(Ids(store_.Proposals("i-1", 10)), IsEmpty());
  EXPECT_THAT(*store_.Unperformed(10), IsEmpty());
  EXPECT_THAT(Actions(store_.Audit("", 10)), IsEmpty());
  EXPECT_TRUE(store_.VerifyAudit(kWholeAuditLog).ok());
}

TEST_P(StoreContract, AnIncidentComesBackAsItWas) {
  v1::Incident incident = Open("i-a", 1);
  incident.mutable_finding()->set_verdict(std::string("with a \0 byte and ümlaut", 24));
  incident.add_timeline()->set_text("opened");
  ASSERT_TRUE(store_.Commit({{incident}, {}, {}, {}}).ok());
  auto found = store_.Incidents({});
  ASSERT_TRUE(found.ok());
  ASSERT_THAT(*found, SizeIs(1));
  EXPECT_EQ(found->front().SerializeAsString(), incident.SerializeAsString());
}

TEST_P(StoreContract, OpenOnesComeFirstThenTheNewest) {
  ASSERT_TRUE(
      store_
          .Commit({{Closed("i-c", 9, 10), Open("i-a", 1), Open("i-b", 2), Closed("i-d", 3, 4)},
                   {},
                   {},
                   {}})
          .ok());
  EXPECT_THAT(Ids(store_.Incidents({})), ElementsAre("i-b", "i-a", "i-c", "i-d"));
  IncidentQuery two;
  two.limit = 2;
  EXPECT_THAT(Ids(store_.Incidents(two)), ElementsAre("i-b", "i-a"));
}

TEST_P(StoreContract, QueriesNarrow) {
  ASSERT_TRUE(store_
                  .Commit({{Open("i-abc", 1), Open("i-abd", 2, "web1"),
                            Open("i-x", 3, "web1", "syn-flood"), Closed("i-y", 4, 5)},
                           {},
                           {},
                           {}})
                  .ok());
  const auto query = [&](auto narrow) {
    IncidentQuery q;
    narrow(q);
    return Ids(store_.Incidents(q));
  };
  EXPECT_THAT(query([](auto& q) { q.id_prefix = "i-ab"; }), ElementsAre("i-abd", "i-abc"));
  EXPECT_THAT(query([](auto& q) { q.id_prefix = "i-abc"; }), ElementsAre("i-abc"));
  EXPECT_THAT(query([](auto& q) { q.id_prefix = "%"; }), IsEmpty());
  EXPECT_THAT(query([](auto& q) { q.host = "web1"; }), ElementsAre("i-x", "i-abd"));
  EXPECT_THAT(query([](auto& q) { q.signature = "syn-flood"; }), ElementsAre("i-x"));
  EXPECT_THAT(query([](auto& q) { q.state = IncidentQuery::State::kClosed; }), ElementsAre("i-y"));
  EXPECT_THAT(query([](auto& q) { q.state = IncidentQuery::State::kOpen; }),
              ElementsAre("i-x", "i-abd", "i-abc"));
}

TEST_P(StoreContract, ALaterStateReplacesTheEarlier) {
  ASSERT_TRUE(store_.Commit({{Open("i-a", 1)}, {Of("i-a", "p-1", 1)}, {}, {}}).ok());
  v1::Proposal expired = Of("i-a", "p-1", 1);
  expired.set_state(v1::Proposal::STATE_EXPIRED);
  ASSERT_TRUE(store_.Commit({{Open("i-a", 1), Closed("i-a", 1, 9)}, {expired}, {}, {}}).ok());
  auto incidents = store_.Incidents({});
  ASSERT_THAT(Ids(incidents), ElementsAre("i-a"));
  EXPECT_EQ(incidents->front().state(), v1::Incident::STATE_CLOSED);
  auto proposals = store_.Proposals("i-a", 10);
  ASSERT_THAT(Ids(proposals), ElementsAre("p-1"));
  EXPECT_EQ(proposals->front().state(), v1::Proposal::STATE_EXPIRED);
}

TEST_P(StoreContract, LiveOnesAreThoseThatAFindingMayBelongTo) {
  v1::Incident rejected = Closed("i-rejected", 2, 3);
  rejected.set_finding_present(true);
  ASSERT_TRUE(
      store_
          .Commit({{Open("i-open", 4), rejected, Closed("i-old", 1, 99), Closed("i-new", 0, 100)},
                   {},
                   {},
                   {}})
          .ok());
  EXPECT_THAT(Ids(store_.IncidentsLive(At(100))), ElementsAre("i-new", "i-rejected", "i-open"));
}

TEST_P(StoreContract, ProposalsOfOneIncidentComeNewestFirst) {
  ASSERT_TRUE(
      store_.Commit({{}, {Of("i-a", "p-1", 1), Of("i-b", "p-2", 2), Of("i-a", "p-3", 3)}, {}, {}})
          .ok());
  EXPECT_THAT(Ids(store_.Proposals("i-a", 10)), ElementsAre("p-3", "p-1"));
  EXPECT_THAT(Ids(store_.Proposals("i-a", 1)), ElementsAre("p-3"));
}

TEST_P(StoreContract, EffectsStayUntilPerformedAndAKnownKeyIsNotAddedAgain) {
  const OutboxEntry first{"k1", "i-a", "opened", "one"};
  const OutboxEntry second{"k2", "i-a", "proposed", "two"};
  ASSERT_TRUE(store_.Commit({{}, {}, {first, second}, {}}).ok());
  EXPECT_THAT(*store_.Unperformed(10), ElementsAre(first, second));
  EXPECT_THAT(*store_.Unperformed(1), ElementsAre(first));
  ASSERT_TRUE(store_.MarkPerformed({"k1", "never heard of"}).ok());
  ASSERT_TRUE(store_.Commit({{}, {}, {first}, {}}).ok());
  EXPECT_THAT(*store_.Unperformed(10), ElementsAre(second));
}

TEST_P(StoreContract, AuditEntriesAreNumberedAndChained) {
  ASSERT_TRUE(
      store_.Commit({{}, {}, {}, {Deed("i-a", "opened", 1), Deed("i-b", "opened", 1)}}).ok());
  ASSERT_TRUE(store_.Commit({{}, {}, {}, {Deed("i-a", "rejected", 2)}}).ok());
  EXPECT_THAT(Actions(store_.Audit("", 10)), ElementsAre("3 rejected", "2 opened", "1 opened"));
  EXPECT_THAT(Actions(store_.Audit("", 1)), ElementsAre("3 rejected"));
  EXPECT_THAT(Actions(store_.Audit("i-a", 10)), ElementsAre("3 rejected", "1 opened"));
  for (const int newest : {0, 1, 3, 10}) {
    EXPECT_TRUE(store_.VerifyAudit(newest).ok()) << newest << ": " << store_.VerifyAudit(newest);
  }
  EXPECT_TRUE(store_.VerifyAudit(kWholeAuditLog).ok());
}

TEST_P(StoreContract, ForgettingTakesTheOldAndKeepsTheAuditChainWhole) {
  v1::Incident still_there = Closed("i-still-there", 1, 2);
  still_there.set_finding_present(true);
  ASSERT_TRUE(
      store_
          .Commit(
              {{Closed("i-old", 1, 50), Closed("i-young", 1, 100), Open("i-open", 1), still_there},
               {Of("i-old", "p-1", 1), Of("i-young", "p-2", 1)},
               {{"done", "i-old", "opened", ""}, {"undone", "i-old", "cleared", ""}},
               {Deed("i-old", "a", 1), Deed("i-old", "b", 99), Deed("i-young", "c", 100)}})
          .ok());
  ASSERT_TRUE(store_.MarkPerformed({"done"}).ok());

  ASSERT_TRUE(store_.ForgetBefore(At(100)).ok());

  EXPECT_THAT(Ids(store_.Incidents({})),
              ::testing::UnorderedElementsAre("i-open", "i-young", "i-still-there"));
  EXPECT_THAT(Ids(store_.Proposals("i-old", 10)), IsEmpty());
  EXPECT_THAT(Ids(store_.Proposals("i-young", 10)), ElementsAre("p-2"));
  EXPECT_THAT(*store_.Unperformed(10), ElementsAre(OutboxEntry{"undone", "i-old", "cleared", ""}));
  EXPECT_THAT(Actions(store_.Audit("", 10)), ElementsAre("3 c"));
  EXPECT_TRUE(store_.VerifyAudit(kWholeAuditLog).ok()) << store_.VerifyAudit(kWholeAuditLog);

  ASSERT_TRUE(store_.ForgetBefore(At(1000)).ok());
  ASSERT_TRUE(store_.Commit({{}, {}, {}, {Deed("i-z", "d", 1001)}}).ok());
  EXPECT_THAT(Actions(store_.Audit("", 10)), ElementsAre("4 d"));
  EXPECT_TRUE(store_.VerifyAudit(kWholeAuditLog).ok()) << store_.VerifyAudit(kWholeAuditLog);
}

TEST_P(StoreContract, OrdersComeNewestFirstAndThoseThatAreNotOverAlways) {
  ASSERT_TRUE(store_
                  .Commit(Orders({OrderOf("i-a", "o-1", 1, v1::Order::STATE_COMMITTED),
                                  OrderOf("i-a", "o-2", 2, v1::Order::STATE_ROLLED_BACK),
                                  OrderOf("i-a", "o-3", 3, v1::Order::STATE_REFUSED),
                                  OrderOf("i-b", "o-4", 4, v1::Order::STATE_APPLIED)}))
                  .ok());
  EXPECT_THAT(Ids(store_.Orders("i-a", 10)), ElementsAre("o-3", "o-2", "o-1"));
  EXPECT_THAT(Ids(store_.Orders("i-a", 1)), ElementsAre("o-3", "o-1"));
  EXPECT_THAT(Ids(store_.Orders("i-c", 10)), IsEmpty());
}

TEST_P(StoreContract, AnOrderIsReplacedById) {
  ASSERT_TRUE(store_.Commit(Orders({OrderOf("i-a", "o-1", 1, v1::Order::STATE_DISPATCHED)})).ok());
  const v1::Order applied = OrderOf("i-a", "o-1", 1, v1::Order::STATE_APPLIED);
  ASSERT_TRUE(store_.Commit(Orders({applied})).ok());
  const auto orders = store_.Orders("i-a", 10);
  ASSERT_TRUE(orders.ok());
  ASSERT_THAT(*orders, SizeIs(1));
  EXPECT_EQ(orders->front().DebugString(), applied.DebugString());
}

TEST_P(StoreContract, AnIncidentIsLiveAndNotForgottenAsLongAsAnOrderIsNotOver) {
  Transaction transaction = Orders({OrderOf("i-a", "o-1", 1, v1::Order::STATE_COMMITTED),
                                    OrderOf("i-b", "o-2", 1, v1::Order::STATE_ENDED)});
  transaction.incidents = {Closed("i-a", 1, 2), Closed("i-b", 1, 2)};
  ASSERT_TRUE(store_.Commit(transaction).ok());
  EXPECT_THAT(Ids(store_.IncidentsLive(At(100))), ElementsAre("i-a"));
  ASSERT_TRUE(store_.ForgetBefore(At(100)).ok());
  EXPECT_THAT(Ids(store_.Incidents({})), ElementsAre("i-a"));
  EXPECT_THAT(Ids(store_.Orders("i-a", 10)), ElementsAre("o-1"));
  EXPECT_THAT(Ids(store_.Orders("i-b", 10)), IsEmpty());

  ASSERT_TRUE(store_.Commit(Orders({OrderOf("i-a", "o-1", 1, v1::Order::STATE_ENDED)})).ok());
  ASSERT_TRUE(store_.ForgetBefore(At(100)).ok());
  EXPECT_THAT(Ids(store_.Incidents({})), IsEmpty());
  EXPECT_THAT(Ids(store_.Orders("i-a", 10)), IsEmpty());
}

// ---- Deliveries.

using What = DeliveryRecord::What;

v1::Alert AlertOf(const std::string& key, v1::Alert::State state, int at = 1,
                  const std::string& summary = "") {
  v1::Alert alert;
  alert.set_key(key);
  alert.set_state(state);
  alert.set_incident_id(key.substr(0, key.find('/')));
  *alert.mutable_starts_at() = ToProto(At(at));
  (*alert.mutable_labels())["alertname"] = "close-wait-leak";
  (*alert.mutable_annotations())["summary"] = summary;
  return alert;
}
constexpr v1::Alert::State kFiring = v1::Alert::STATE_FIRING;
constexpr v1::Alert::State kResolved = v1::Alert::STATE_RESOLVED;
constexpr v1::Alert::State kEvent = v1::Alert::STATE_EVENT;

class DeliveryContract : public StoreContract {
 protected:
  void Commit(const v1::Alert& alert, const std::string& receiver = "oncall",
              bool refresh = false) {
    Transaction transaction;
    transaction.alerts.push_back({receiver, alert, refresh});
    EXPECT_TRUE(store_.Commit(transaction).ok());
  }
  std::vector<Delivery> Pending(const std::string& receiver = "oncall") {
    auto pending = store_.Undelivered(receiver, 100);
    EXPECT_TRUE(pending.ok()) << pending.status();
    return pending.ok() ? *pending : std::vector<Delivery>();
  }
  // "KEY STATE summary" of each.
  static std::vector<std::string> Told(const std::vector<Delivery>& deliveries) {
    std::vector<std::string> told;
    for (const Delivery& delivery : deliveries) {
      told.push_back(absl::StrCat(delivery.alert.key(), " ",
                                  v1::Alert::State_Name(delivery.alert.state()).substr(6), " ",
                                  delivery.alert.annotations().at("summary")));
    }
    return told;
  }
  std::vector<std::string> Standing(const std::string& receiver = "oncall") {
    return Told(*store_.Standing(receiver, 0, 100));
  }
  void Record(const Delivery& sent, What what) {
    EXPECT_TRUE(store_.RecordDeliveries({RecordOf(sent, what)}).ok());
  }
  // What a receiver that answers at once makes of everything that is pending.
  void Deliver() {
    for (const Delivery& delivery : Pending()) {
      Record(delivery, What::kTrying);
      Record(delivery, What::kAcknowledged);
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Every, DeliveryContract,
                         ::testing::Values(Maker{"MemoryStore", MakeMemory},
                                           Maker{"SqliteStore", MakeSqlite}),
                         [](const auto& test) { return test.param.name; });

TEST_P(DeliveryContract, AnAlertIsPendingForEachReceiverUntilThatOneHasAcknowledgedIt) {
  Commit(AlertOf("i-a/1", kFiring));
  Commit(AlertOf("i-a/1", kFiring), "chat");
  EXPECT_THAT(*store_.Waiting(), ElementsAre(std::pair("chat", 1), std::pair("oncall", 1)));
  ASSERT_THAT(Pending(), SizeIs(1));
  EXPECT_EQ(Pending()[0].alert.DebugString(), AlertOf("i-a/1", kFiring).DebugString());
  EXPECT_THAT(Standing(), IsEmpty());
  Record(Pending()[0], What::kTrying);
  EXPECT_THAT(Pending(), SizeIs(1));
  Record(Pending()[0], What::kAcknowledged);
  EXPECT_THAT(Pending(), IsEmpty());
  EXPECT_THAT(Standing(), ElementsAre("i-a/1 FIRING "));
  EXPECT_THAT(Told(Pending("chat")), ElementsAre("i-a/1 FIRING "));
  EXPECT_THAT(*store_.Waiting(), ElementsAre(std::pair("chat", 1)));
}

TEST_P(DeliveryContract, ANewerVersionReplacesTheOlderAndStandsBehindWhatWaited) {
  Commit(AlertOf("i-a/1", kFiring, 1, "one"));
  Commit(AlertOf("i-b/1", kFiring, 2));
  Commit(AlertOf("i-a/1", kFiring, 1, "two"));
  EXPECT_THAT(Told(Pending()), ElementsAre("i-b/1 FIRING ", "i-a/1 FIRING two"));
  EXPECT_THAT(Told(*store_.Undelivered("oncall", 1)), ElementsAre("i-b/1 FIRING "));
}

TEST_P(DeliveryContract, TheSameAlertAgainIsNotSentAgain) {
  Commit(AlertOf("i-a/1", kFiring, 1, "one"));
  Deliver();
  Commit(AlertOf("i-a/1", kFiring, 1, "one"));
  EXPECT_THAT(Pending(), IsEmpty());
}

TEST_P(DeliveryContract, AnAcknowledgementOfAnOlderVersionLeavesTheNewerPending) {
  Commit(AlertOf("i-a/1", kFiring, 1, "one"));
  const Delivery sent = Pending()[0];
  Record(sent, What::kTrying);
  Commit(AlertOf("i-a/1", kFiring, 1, "two"));
  Record(sent, What::kAcknowledged);
  EXPECT_THAT(Told(Pending()), ElementsAre("i-a/1 FIRING two"));
}

TEST_P(DeliveryContract, ARefreshedTextWaitsForTheNextRepetition) {
  Commit(AlertOf("i-a/1", kFiring, 1, "new"), "oncall", /*refresh=*/true);
  EXPECT_THAT(Pending(), IsEmpty());
  Commit(AlertOf("i-a/1", kFiring, 1, "one"));
  Commit(AlertOf("i-a/1", kFiring, 1, "two"), "oncall", /*refresh=*/true);
  EXPECT_THAT(Told(Pending()), ElementsAre("i-a/1 FIRING two"));
  Deliver();
  Commit(AlertOf("i-a/1", kFiring, 1, "three"), "oncall", /*refresh=*/true);
  EXPECT_THAT(Pending(), IsEmpty());
  EXPECT_THAT(Standing(), ElementsAre("i-a/1 FIRING three"));
}

TEST_P(DeliveryContract, ARefreshDuringATryDoesNotCauseASecond) {
  Commit(AlertOf("i-a/1", kFiring, 1, "one"));
  const Delivery sent = Pending()[0];
  Record(sent, What::kTrying);
  Commit(AlertOf("i-a/1", kFiring, 1, "two"), "oncall", /*refresh=*/true);
  Record(sent, What::kAcknowledged);
  EXPECT_THAT(Pending(), IsEmpty());
}

TEST_P(DeliveryContract, AResolvedAlertIsSentOnceAndTheNextLifeIsFiredAgain) {
  Commit(AlertOf("i-a/1", kFiring, 1));
  Deliver();
  Commit(AlertOf("i-a/1", kResolved, 1));
  EXPECT_THAT(Told(Pending()), ElementsAre("i-a/1 RESOLVED "));
  EXPECT_THAT(Standing(), IsEmpty());
  Deliver();
  EXPECT_THAT(Pending(), IsEmpty());
  Commit(AlertOf("i-a/1", kResolved, 1, "again"));
  EXPECT_THAT(Pending(), IsEmpty());
  Commit(AlertOf("i-a/1", kFiring, 9));
  EXPECT_THAT(Told(Pending()), ElementsAre("i-a/1 FIRING "));
  // That one did not get out: there is nothing to take back.
  Commit(AlertOf("i-a/1", kResolved, 9));
  EXPECT_THAT(Pending(), IsEmpty());
}

TEST_P(DeliveryContract, AResolvedAlertThatNobodyHasHeardOfIsNotSent) {
  Commit(AlertOf("i-a/1", kResolved));
  EXPECT_THAT(Pending(), IsEmpty());
  Commit(AlertOf("i-b/1", kFiring));
  Commit(AlertOf("i-b/1", kResolved));
  EXPECT_THAT(Pending(), IsEmpty());
  Commit(AlertOf("i-c/1", kFiring));
  const Delivery sent = Pending()[0];
  Record(sent, What::kTrying);
  Record(sent, What::kNotArrived);
  Commit(AlertOf("i-c/1", kResolved));
  EXPECT_THAT(Pending(), IsEmpty());
}

TEST_P(DeliveryContract, AfterATryWithoutAnAnswerTheResolvedAlertIsSent) {
  Commit(AlertOf("i-a/1", kFiring));
  Record(Pending()[0], What::kTrying);
  Commit(AlertOf("i-a/1", kResolved));
  EXPECT_THAT(Told(Pending()), ElementsAre("i-a/1 RESOLVED "));
}

TEST_P(DeliveryContract, WhatIsResolvedDuringATryDependsOnHowThatEnds) {
  for (const std::string key : {"i-refused/1", "i-acknowledged/1"}) {
    Commit(AlertOf(key, kFiring));
    const Delivery sent = Pending()[0];
    Record(sent, What::kTrying);
    Commit(AlertOf(key, kResolved));
    const bool refused = key == "i-refused/1";
    Record(sent, refused ? What::kNotArrived : What::kAcknowledged);
    EXPECT_THAT(Pending(), SizeIs(refused ? 0 : 1)) << key;
  }
}

TEST_P(DeliveryContract, AnEventIsSaidOnce) {
  Commit(AlertOf("i-a/proposed/1", kEvent));
  Commit(AlertOf("i-a/proposed/1", kEvent, 2, "otherwise"));
  EXPECT_THAT(Told(Pending()), ElementsAre("i-a/proposed/1 EVENT "));
  Deliver();
  Commit(AlertOf("i-a/proposed/1", kEvent, 2, "otherwise"));
  EXPECT_THAT(Pending(), IsEmpty());
  EXPECT_THAT(Standing(), IsEmpty());
}

TEST_P(DeliveryContract, OldAndTooManyEventsAreGivenUpButNoAlert) {
  Commit(AlertOf("i-a/1", kFiring, 1));
  for (int at = 1; at <= 5; ++at) Commit(AlertOf(absl::StrCat("i-a/e/", at), kEvent, at));
  Commit(AlertOf("i-b/e/5", kEvent, 5), "chat");
  EXPECT_EQ(*store_.DropEvents(At(2), 3), 2);
  EXPECT_THAT(Told(Pending()),
              ElementsAre("i-a/1 FIRING ", "i-a/e/3 EVENT ", "i-a/e/4 EVENT ", "i-a/e/5 EVENT "));
  EXPECT_EQ(*store_.DropEvents(At(5), 3), 2);
  EXPECT_THAT(Told(Pending()), ElementsAre("i-a/1 FIRING ", "i-a/e/5 EVENT "));
  EXPECT_THAT(Pending("chat"), SizeIs(1));
  EXPECT_EQ(*store_.DropEvents(At(5), 3), 0);
}

TEST_P(DeliveryContract, StandingAlertsAreReadInParts) {
  for (int n = 1; n <= 5; ++n) Commit(AlertOf(absl::StrCat("i-", n, "/1"), kFiring));
  Deliver();
  const auto first = store_.Standing("oncall", 0, 3);
  EXPECT_THAT(Told(*first), ElementsAre("i-1/1 FIRING ", "i-2/1 FIRING ", "i-3/1 FIRING "));
  EXPECT_THAT(Told(*store_.Standing("oncall", first->back().version, 3)),
              ElementsAre("i-4/1 FIRING ", "i-5/1 FIRING "));
}

TEST_P(DeliveryContract, DeliveriesAreForgottenWithTheirIncident) {
  Transaction transaction;
  transaction.incidents = {Closed("i-old", 1, 50), Open("i-open", 1)};
  ASSERT_TRUE(store_.Commit(transaction).ok());
  Commit(AlertOf("i-old/1", kFiring));
  Commit(AlertOf("i-open/1", kFiring));
  ASSERT_TRUE(store_.ForgetBefore(At(100)).ok());
  EXPECT_THAT(Told(Pending()), ElementsAre("i-open/1 FIRING "));
}

}  // namespace
}  // namespace tcpmedic
