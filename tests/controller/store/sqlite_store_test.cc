// What is particular to the embedded store: the file, its schema, and that it survives.
#include "controller/store/sqlite_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "proto/proto_time.h"
#include "tests/controller/store/temporary_directory.h"

namespace tcpmedic {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

Transaction Numbered(int64_t number) {
  Transaction transaction;
  v1::Incident incident;
  incident.set_id(absl::StrCat("i-", number));
  incident.set_state(v1::Incident::STATE_OPEN);
  *incident.mutable_opened_at() = ToProto(absl::FromUnixSeconds(1'700'000'000 + number));
  transaction.incidents.push_back(incident);
  v1::Proposal proposal;
  proposal.set_id(absl::StrCat("p-", number));
  proposal.set_incident_id(incident.id());
  transaction.proposals.push_back(proposal);
  transaction.outbox.push_back({absl::StrCat("k", number), incident.id(), "opened", ""});
  v1::AuditEntry entry;
  entry.set_subject(incident.id());
  entry.set_action("opened");
  transaction.audit.push_back(entry);
  return transaction;
}

class SqliteStoreTest : public ::testing::Test {
 protected:
  SqliteStoreOptions Options() const { return {directory_.path() + "/state.db"}; }
  std::unique_ptr<Store> MustOpen() const {
    auto store = OpenSqliteStore(Options());
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }

  const TemporaryDirectory directory_;
};

TEST_F(SqliteStoreTest, WhatWasCommittedIsThereAfterReopening) {
  ASSERT_TRUE(MustOpen()->Commit(Numbered(1)).ok());
  auto store = MustOpen();
  EXPECT_THAT(*store->Incidents({}), SizeIs(1));
  EXPECT_THAT(*store->Proposals("i-1", 10), SizeIs(1));
  EXPECT_THAT(*store->Unperformed(10), SizeIs(1));
  EXPECT_THAT(*store->Audit("", 10), SizeIs(1));
  EXPECT_TRUE(store->VerifyAudit(kWholeAuditLog).ok());
}

TEST_F(SqliteStoreTest, ASecondControllerIsRefusedWithTheFilesName) {
  auto first = MustOpen();
  auto second = OpenSqliteStore(Options());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(Options().path));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("another controller"));
  EXPECT_TRUE(first->Commit(Numbered(1)).ok());
}

TEST_F(SqliteStoreTest, AMissingDirectoryIsNotFound) {
  EXPECT_EQ(OpenSqliteStore({directory_.path() + "/no/state.db"}).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(SqliteStoreTest, AFileThatIsNoDatabaseIsDataLossAndLeftAlone) {
  const std::string garbage(8192, 'x');
  std::ofstream(Options().path) << garbage;
  auto store = OpenSqliteStore(Options());
  EXPECT_EQ(store.status().code(), absl::StatusCode::kDataLoss) << store.status();
  EXPECT_THAT(std::string(store.status().message()), HasSubstr(Options().path));
  std::ifstream in(Options().path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), garbage);
}

TEST_F(SqliteStoreTest, AFullStoreIsResourceExhaustedAndKeepsWhatItHas) {
  SqliteStoreOptions small = Options();
  small.max_bytes = 256 * 1024;
  auto store = OpenSqliteStore(small);
  ASSERT_TRUE(store.ok()) << store.status();
  int64_t committed = 0;
  absl::Status last;
  while (committed < 10'000) {
    Transaction transaction = Numbered(committed);
    transaction.incidents[0].mutable_finding()->set_verdict(std::string(4000, 'v'));
    last = (*store)->Commit(transaction);
    if (!last.ok()) break;
    ++committed;
  }
  EXPECT_EQ(last.code(), absl::StatusCode::kResourceExhausted) << last;
  EXPECT_THAT(std::string(last.message()), HasSubstr(small.path));
  IncidentQuery all;
  all.limit = 100'000;
  EXPECT_THAT(*(*store)->Incidents(all), SizeIs(committed));
  EXPECT_THAT(*(*store)->Audit("", 100'000), SizeIs(committed));
  EXPECT_TRUE((*store)->VerifyAudit(kWholeAuditLog).ok());
}

TEST_F(SqliteStoreTest, ANewerSchemaIsRefused) {
  std::vector<Migration> newer(StoreMigrations().begin(), StoreMigrations().end());
  newer.push_back({newer.back().version + 1, "CREATE TABLE from_the_future (id TEXT)"});
  SqliteStoreOptions future = Options();
  future.migrations = newer;
  ASSERT_TRUE(OpenSqliteStore(future).ok());
  auto store = OpenSqliteStore(Options());
  EXPECT_EQ(store.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(store.status().message()),
              HasSubstr(absl::StrCat("has schema ", newer.back().version)));
}

TEST_F(SqliteStoreTest, AFileOfVersionOneIsBroughtUpToDateWithAllThatItHolds) {
  {
    SqliteStoreOptions first = Options();
    first.migrations = StoreMigrations().subspan(0, 1);
    ASSERT_EQ(first.migrations[0].version, 1);
    auto store = OpenSqliteStore(first);
    ASSERT_TRUE(store.ok()) << store.status();
    ASSERT_TRUE((*store)->Commit(Numbered(1)).ok());
    // That version had no orders.
    EXPECT_FALSE((*store)->Orders("i-1", 10).ok());
  }
  auto store = MustOpen();
  ASSERT_NE(store, nullptr);
  EXPECT_THAT(*store->Incidents({}), SizeIs(1));
  EXPECT_THAT(*store->IncidentsLive(absl::InfiniteFuture()), SizeIs(1));
  EXPECT_THAT(*store->Proposals("i-1", 10), SizeIs(1));
  EXPECT_THAT(*store->Unperformed(10), SizeIs(1));
  EXPECT_TRUE(store->VerifyAudit(1000).ok());
  Transaction ordered;
  ordered.orders.emplace_back().set_id("o-1");
  ordered.orders.back().set_incident_id("i-1");
  ASSERT_TRUE(store->Commit(ordered).ok());
  EXPECT_THAT(*store->Orders("i-1", 10), SizeIs(1));
  EXPECT_THAT(*store->Waiting(), ::testing::IsEmpty());
}

TEST_F(SqliteStoreTest, WhatIsToBeToldIsThereAfterReopeningAndVersionsGoOnGrowing) {
  Transaction transaction = Numbered(1);
  v1::Alert alert;
  alert.set_key("i-1/1");
  alert.set_incident_id("i-1");
  alert.set_state(v1::Alert::STATE_FIRING);
  transaction.alerts.push_back({"oncall", alert});
  ASSERT_TRUE(MustOpen()->Commit(transaction).ok());
  int64_t version = 0;
  {
    auto store = MustOpen();
    const auto pending = store->Undelivered("oncall", 10);
    ASSERT_THAT(*pending, SizeIs(1));
    version = pending->front().version;
    EXPECT_EQ(pending->front().alert.DebugString(), alert.DebugString());
    ASSERT_TRUE(
        store->RecordDeliveries({RecordOf(pending->front(), DeliveryRecord::What::kTrying)}).ok());
  }
  alert.set_state(v1::Alert::STATE_RESOLVED);
  transaction.alerts = {{"oncall", alert}};
  ASSERT_TRUE(MustOpen()->Commit(transaction).ok());
  const auto pending = MustOpen()->Undelivered("oncall", 10);
  ASSERT_THAT(*pending, SizeIs(1));
  EXPECT_GT(pending->front().version, version);
  EXPECT_EQ(pending->front().reached, Reached::kMaybe);
}

TEST_F(SqliteStoreTest, AMigrationKeepsWhatWasThere) {
  ASSERT_TRUE(MustOpen()->Commit(Numbered(1)).ok());
  std::vector<Migration> newer(StoreMigrations().begin(), StoreMigrations().end());
  newer.push_back({newer.back().version + 1, "ALTER TABLE outbox ADD COLUMN attempts INTEGER"});
  SqliteStoreOptions next = Options();
  next.migrations = newer;
  auto store = OpenSqliteStore(next);
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_THAT(*(*store)->Incidents({}), SizeIs(1));
}

TEST_F(SqliteStoreTest, AMigrationThatFailsLeavesTheOldSchema) {
  ASSERT_TRUE(MustOpen()->Commit(Numbered(1)).ok());
  std::vector<Migration> broken(StoreMigrations().begin(), StoreMigrations().end());
  broken.push_back({broken.back().version + 1, "DROP TABLE incidents; SELECT * FROM nowhere"});
  SqliteStoreOptions next = Options();
  next.migrations = broken;
  EXPECT_FALSE(OpenSqliteStore(next).ok());
  EXPECT_THAT(*MustOpen()->Incidents({}), SizeIs(1));
}

TEST_F(SqliteStoreTest, ATamperedAuditLogIsDataLoss) {
  {
    auto store = MustOpen();
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(store->Commit(Numbered(i)).ok());
  }
  // Whoever can write the file can do this.
  std::vector<Migration> tampering(StoreMigrations().begin(), StoreMigrations().end());
  tampering.push_back({tampering.back().version + 1, "DELETE FROM audit WHERE sequence = 2"});
  SqliteStoreOptions options = Options();
  options.migrations = tampering;
  auto store = OpenSqliteStore(options);
  ASSERT_TRUE(store.ok()) << store.status();
  const absl::Status verdict = (*store)->VerifyAudit(kWholeAuditLog);
  EXPECT_EQ(verdict.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(verdict.message()), HasSubstr("audit entry 2 is missing"));
}

TEST_F(SqliteStoreTest, OnlyTheEntriesAskedForAreVerified) {
  struct Case {
    std::string tampering;
    int newest;
    std::string message;  // empty: nothing is found
  };
  const std::string second_gone = "DELETE FROM audit WHERE sequence = 2";
  const std::string newest_gone = "DELETE FROM audit WHERE sequence = 5";
  for (const Case& c : std::vector<Case>{
           {second_gone, 2, ""},
           {second_gone, 3, "audit entry 2 is missing"},
           {second_gone, 4, "audit entry 2 is missing"},
           {newest_gone, 0, "ends with entry 4, but 5"},
           {newest_gone, 1, "ends with entry 4, but 5"},
       }) {
    SCOPED_TRACE(absl::StrCat(c.tampering, "; newest ", c.newest));
    std::filesystem::remove_all(Options().path);
    {
      auto store = MustOpen();
      for (int i = 0; i < 5; ++i) ASSERT_TRUE(store->Commit(Numbered(i)).ok());
    }
    std::vector<Migration> tampering(StoreMigrations().begin(), StoreMigrations().end());
    tampering.push_back({tampering.back().version + 1, c.tampering.c_str()});
    SqliteStoreOptions options = Options();
    options.migrations = tampering;
    auto store = OpenSqliteStore(options);
    ASSERT_TRUE(store.ok()) << store.status();
    const absl::Status verdict = (*store)->VerifyAudit(c.newest);
    EXPECT_EQ(verdict.ok(), c.message.empty()) << verdict;
    EXPECT_THAT(std::string(verdict.message()), HasSubstr(c.message));
  }
}

// Commits for ever, and says through the pipe what has been acknowledged.
[[noreturn]] void CommitUntilKilled(const SqliteStoreOptions& options, int acknowledged) {
  auto store = OpenSqliteStore(options);
  if (!store.ok()) _exit(1);
  for (int64_t number = 0;; ++number) {
    if (!(*store)->Commit(Numbered(number)).ok()) _exit(2);
    if (write(acknowledged, &number, sizeof(number)) != sizeof(number)) _exit(3);
  }
}

TEST_F(SqliteStoreTest, WhatWasAcknowledgedSurvivesKill) {
  int64_t killed_after = 0;
  for (const int64_t kill_at : {0, 3, 40}) {
    SCOPED_TRACE(kill_at);
    SqliteStoreOptions options = Options();
    options.path += absl::StrCat(".", kill_at);
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      close(ends[0]);
      CommitUntilKilled(options, ends[1]);
    }
    close(ends[1]);
    int64_t last = -1;
    while (last < kill_at && read(ends[0], &last, sizeof(last)) == sizeof(last)) {
    }
    kill(child, SIGKILL);
    // What it had acknowledged before it died.
    while (read(ends[0], &last, sizeof(last)) == sizeof(last)) {
    }
    close(ends[0]);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << status;
    ASSERT_GE(last, kill_at);

    auto store = OpenSqliteStore(options);
    ASSERT_TRUE(store.ok()) << store.status();
    IncidentQuery all;
    all.limit = 1'000'000;
    const size_t incidents = (*store)->Incidents(all)->size();
    EXPECT_GE(incidents, static_cast<size_t>(last + 1));
    EXPECT_LE(incidents,
              static_cast<size_t>(last + 2));  // at most one was committed and not yet acknowledged
    EXPECT_THAT(*(*store)->Unperformed(1'000'000), SizeIs(incidents));
    EXPECT_THAT(*(*store)->Audit("", 1'000'000), SizeIs(incidents));
    EXPECT_TRUE((*store)->VerifyAudit(kWholeAuditLog).ok());
    killed_after += last;
  }
  EXPECT_GE(killed_after, 43);
}

}  // namespace
}  // namespace tcpmedic
