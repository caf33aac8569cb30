// What every Store promises, asked of each one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "controller/store/memory_store.h"
#include "controller/store/sqlite_store.h"
#include "controller/wire_time.h"
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
  *incident.mutable_opened_at() = ToWire(At(opened_at));
  return incident;
}

v1::Incident Closed(const std::string& id, int opened_at, int closed_at) {
  v1::Incident incident = Open(id, opened_at);
  incident.set_state(v1::Incident::STATE_CLOSED);
  incident.set_finding_present(false);
  *incident.mutable_closed_at() = ToWire(At(closed_at));
  return incident;
}

v1::Proposal Of(const std::string& incident, const std::string& id, int created_at) {
  v1::Proposal proposal;
  proposal.set_id(id);
  proposal.set_incident_id(incident);
  *proposal.mutable_created_at() = ToWire(At(created_at));
  return proposal;
}

v1::Order OrderOf(const std::string& incident, const std::string& id, int created_at,
                  v1::Order::State state) {
  v1::Order order;
  order.set_id(id);
  order.set_incident_id(incident);
  order.set_state(state);
  *order.mutable_created_at() = ToWire(At(created_at));
  return order;
}

Transaction Orders(std::vector<v1::Order> orders) {
  Transaction transaction;
  transaction.orders = std::move(orders);
  return transaction;
}

v1::AuditEntry Deed(const std::string& subject, const std::string& action, int at) {
  v1::AuditEntry entry;
  *entry.mutable_at() = ToWire(At(at));
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

}  // namespace
}  // namespace tcpmedic
