#include "controller/store/sqlite_store.h"

#include <errno.h>
#include <sqlite3.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "controller/order/order.h"
#include "controller/store/audit_chain.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

// A controller that was just killed has its locks released by the kernel at once; this is for one
// that is closing.
constexpr int kBusyTimeoutMs = 500;
// Bytes of write-ahead log that stay on disk between checkpoints, and of audit entries verified at
// a time.
constexpr int kWalBytesKept = 16 << 20;
constexpr int kAuditBatch = 1000;

// What DeliveriesOf reads.
constexpr char kSelectDelivery[] =
    "SELECT receiver, version, pending, reached, message FROM deliveries"
    " WHERE receiver = ? AND key = ?";
constexpr char kSelectPending[] =
    "SELECT receiver, version, pending, reached, message FROM deliveries"
    " WHERE receiver = ? AND pending = 1 ORDER BY version LIMIT ?";
constexpr char kSelectStanding[] =
    "SELECT receiver, version, pending, reached, message FROM deliveries"
    " WHERE receiver = ? AND version > ? AND state = 1 AND pending = 0 ORDER BY version LIMIT ?";

// Clamped, so that absl's infinities have a place in the order too.
int64_t Micros(absl::Time time) { return absl::ToUnixMicros(time); }

class Connection {
 public:
  Connection(sqlite3* db, std::string path) : db_(db), path_(std::move(path)) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { sqlite3_close_v2(db_); }

  sqlite3* db() const { return db_; }

  // What the last call's error means to the caller.
  absl::Status Error(absl::string_view what) const {
    const std::string text = absl::StrCat(what, " ", path_, ": ", sqlite3_errmsg(db_));
    switch (sqlite3_extended_errcode(db_) & 0xff) {
      case SQLITE_FULL:
        return absl::ResourceExhaustedError(absl::StrCat(text, ": free some space"));
      case SQLITE_CORRUPT:
      case SQLITE_NOTADB:
        return absl::DataLossError(
            absl::StrCat(text, ": restore it, or move it away to begin anew"));
      case SQLITE_BUSY:
      case SQLITE_LOCKED:
        return absl::FailedPreconditionError(
            absl::StrCat(what, " ", path_, ": another controller holds it"));
      case SQLITE_PERM:
      case SQLITE_READONLY:
      case SQLITE_AUTH:
        return absl::PermissionDeniedError(text);
      case SQLITE_CANTOPEN:
        return sqlite3_system_errno(db_) == EACCES ? absl::PermissionDeniedError(text)
                                                   : absl::NotFoundError(text);
      case SQLITE_IOERR:
        return absl::UnavailableError(text);
      default:
        return absl::InternalError(text);
    }
  }
  absl::Status Damaged(absl::string_view what) const {
    return absl::DataLossError(absl::StrCat(path_, ": ", what, " cannot be read"));
  }

  absl::Status Execute(const std::string& sql) const {
    if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) {
      return absl::OkStatus();
    }
    return Error("write");
  }

  // Runs `work` in one transaction: all of it or nothing.
  absl::Status InTransaction(const std::function<absl::Status()>& work) const {
    if (absl::Status begun = Execute("BEGIN IMMEDIATE"); !begun.ok()) return begun;
    absl::Status done = work();
    if (done.ok()) done = Execute("COMMIT");
    // SQLite has rolled back by itself after some errors.
    if (!done.ok() && sqlite3_get_autocommit(db_) == 0) Execute("ROLLBACK").IgnoreError();
    return done;
  }

 private:
  sqlite3* const db_;
  const std::string path_;
};

// One statement, prepared, with its parameters bound in order. An error is kept and returned by
// Step.
class Statement {
 public:
  Statement(const Connection& connection, const char* sql) : connection_(connection) {
    failed_ = sqlite3_prepare_v2(connection.db(), sql, -1, &statement_, nullptr) != SQLITE_OK;
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { sqlite3_finalize(statement_); }

  Statement& Bind(int64_t value) {
    failed_ = failed_ || sqlite3_bind_int64(statement_, ++bound_, value) != SQLITE_OK;
    return *this;
  }
  Statement& Bind(const std::string& text) {
    failed_ =
        failed_ || sqlite3_bind_text(statement_, ++bound_, text.data(),
                                     static_cast<int>(text.size()), SQLITE_TRANSIENT) != SQLITE_OK;
    return *this;
  }
  Statement& BindMessage(const google::protobuf::Message& message) {
    const std::string bytes = message.SerializeAsString();
    failed_ = failed_ || sqlite3_bind_blob64(statement_, ++bound_, bytes.data(), bytes.size(),
                                             SQLITE_TRANSIENT) != SQLITE_OK;
    return *this;
  }
  Statement& BindNull() {
    failed_ = failed_ || sqlite3_bind_null(statement_, ++bound_) != SQLITE_OK;
    return *this;
  }

  // Whether there is a further row.
  absl::StatusOr<bool> Step() {
    if (failed_) return connection_.Error("use");
    switch (sqlite3_step(statement_)) {
      case SQLITE_ROW:
        return true;
      case SQLITE_DONE:
        return false;
      default:
        return connection_.Error(sqlite3_stmt_readonly(statement_) ? "read" : "write");
    }
  }
  absl::Status Run() { return Step().status(); }

  int64_t Integer(int column) const { return sqlite3_column_int64(statement_, column); }
  std::string Text(int column) const {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    return bytes == nullptr ? std::string()
                            : std::string(bytes, sqlite3_column_bytes(statement_, column));
  }

  // All rows, whose first column is a message.
  template <typename M>
  absl::StatusOr<std::vector<M>> Messages(absl::string_view what) {
    std::vector<M> messages;
    for (;;) {
      absl::StatusOr<bool> row = Step();
      if (!row.ok()) return row.status();
      if (!*row) return messages;
      if (!messages.emplace_back().ParseFromString(Text(0))) return connection_.Damaged(what);
    }
  }

 private:
  const Connection& connection_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
  bool failed_ = false;
};

class SqliteStore : public Store {
 public:
  explicit SqliteStore(std::unique_ptr<Connection> connection) : db_(std::move(connection)) {}

  absl::Status Commit(const Transaction& transaction) override {
    absl::MutexLock lock(&mutex_);
    return db_->InTransaction([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) -> absl::Status {
      for (const v1::Incident& incident : transaction.incidents) {
        if (absl::Status put = Put(incident); !put.ok()) return put;
      }
      for (const v1::Proposal& proposal : transaction.proposals) {
        if (absl::Status put = Put(proposal); !put.ok()) return put;
      }
      for (const v1::Order& order : transaction.orders) {
        if (absl::Status put = Put(order); !put.ok()) return put;
      }
      for (const OutboxEntry& entry : transaction.outbox) {
        if (absl::Status put = Put(entry); !put.ok()) return put;
      }
      for (const AddressedAlert& alert : transaction.alerts) {
        if (absl::Status put = Put(alert); !put.ok()) return put;
      }
      return AppendAudit(transaction.audit);
    });
  }

  absl::StatusOr<std::vector<v1::Incident>> Incidents(const IncidentQuery& query) const override {
    absl::MutexLock lock(&mutex_);
    Statement select(*db_,
                     "SELECT message FROM incidents WHERE (?1 < 0 OR is_open = ?1)"
                     " AND id >= ?2 AND id < ?3 AND (?4 = '' OR host = ?4)"
                     " AND (?5 = '' OR signature = ?5)"
                     " ORDER BY is_open DESC, opened_at_us DESC, id DESC LIMIT ?6");
    const int64_t is_open = query.state == IncidentQuery::State::kAny    ? -1
                            : query.state == IncidentQuery::State::kOpen ? 1
                                                                         : 0;
    // Ids are ASCII: the byte after all of them ends the range of a prefix.
    select.Bind(is_open).Bind(query.id_prefix).Bind(query.id_prefix + "\x7f");
    select.Bind(query.host).Bind(query.signature).Bind(std::max(query.limit, 0));
    return select.Messages<v1::Incident>("an incident");
  }

  absl::StatusOr<std::vector<v1::Incident>> IncidentsLive(absl::Time closed_since) const override {
    absl::MutexLock lock(&mutex_);
    Statement select(*db_,
                     "SELECT message FROM incidents WHERE is_open = 1 OR finding_present = 1"
                     " OR closed_at_us >= ?"
                     " OR id IN (SELECT incident_id FROM orders WHERE is_over = 0)"
                     " ORDER BY opened_at_us, id");
    return select.Bind(Micros(closed_since)).Messages<v1::Incident>("an incident");
  }

  absl::StatusOr<std::vector<v1::Proposal>> Proposals(const std::string& incident_id,
                                                      int limit) const override {
    absl::MutexLock lock(&mutex_);
    Statement select(*db_,
                     "SELECT message FROM proposals WHERE incident_id = ?"
                     " ORDER BY created_at_us DESC, id DESC LIMIT ?");
    return select.Bind(incident_id).Bind(std::max(limit, 0)).Messages<v1::Proposal>("a proposal");
  }

  absl::StatusOr<std::vector<v1::Order>> Orders(const std::string& incident_id,
                                                int limit) const override {
    absl::MutexLock lock(&mutex_);
    Statement select(*db_,
                     "SELECT message FROM orders WHERE incident_id = ?1 AND (is_over = 0 OR id IN"
                     " (SELECT id FROM orders WHERE incident_id = ?1 AND is_over = 1"
                     " ORDER BY created_at_us DESC, id DESC LIMIT ?2))"
                     " ORDER BY created_at_us DESC, id DESC");
    return select.Bind(incident_id).Bind(std::max(limit, 0)).Messages<v1::Order>("an order");
  }

  absl::StatusOr<std::vector<OutboxEntry>> Unperformed(int limit) const override {
    absl::MutexLock lock(&mutex_);
    Statement select(*db_,
                     "SELECT key, incident_id, what, text FROM outbox WHERE performed = 0"
                     " ORDER BY sequence LIMIT ?");
    select.Bind(std::max(limit, 0));
    std::vector<OutboxEntry> entries;
    for (;;) {
      absl::StatusOr<bool> row = select.Step();
      if (!row.ok()) return row.status();
      if (!*row) return entries;
      entries.push_back({select.Text(0), select.Text(1), select.Text(2), select.Text(3)});
    }
  }

  absl::Status MarkPerformed(const std::vector<std::string>& keys) override {
    absl::MutexLock lock(&mutex_);
    return db_->InTransaction([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) -> absl::Status {
      for (const std::string& key : keys) {
        Statement update(*db_, "UPDATE outbox SET performed = 1 WHERE key = ?");
        if (absl::Status run = update.Bind(key).Run(); !run.ok()) return run;
      }
      return absl::OkStatus();
    });
  }

  absl::StatusOr<std::vector<v1::AuditEntry>> Audit(const std::string& subject,
                                                    int limit) const override {
    absl::MutexLock lock(&mutex_);
    Statement select(*db_,
                     "SELECT message FROM audit WHERE ?1 = '' OR subject = ?1"
                     " ORDER BY sequence DESC LIMIT ?2");
    return select.Bind(subject).Bind(std::max(limit, 0)).Messages<v1::AuditEntry>("an audit entry");
  }

  absl::Status VerifyAudit(int newest) const override {
    absl::MutexLock lock(&mutex_);
    absl::StatusOr<ChainLink> previous = AuditEnd("before");
    if (!previous.ok()) return previous.status();
    absl::StatusOr<ChainLink> head = AuditEnd("head");
    if (!head.ok()) return head.status();
    int64_t after = -1;
    Statement skip(*db_, "SELECT message FROM audit ORDER BY sequence DESC LIMIT 1 OFFSET ?");
    auto skipped = skip.Bind(std::max(newest, 0)).Messages<v1::AuditEntry>("an audit entry");
    if (!skipped.ok()) return skipped.status();
    if (!skipped->empty()) {
      previous = LinkOf(skipped->front());
      after = previous->sequence;
    }
    for (;;) {
      Statement select(*db_,
                       "SELECT message FROM audit WHERE sequence > ? ORDER BY sequence LIMIT ?");
      auto batch = select.Bind(after).Bind(kAuditBatch).Messages<v1::AuditEntry>("an audit entry");
      if (!batch.ok()) return batch.status();
      if (batch->empty()) return VerifyChain(*previous, {}, *head);
      if (absl::Status whole = VerifyChain(*previous, *batch, LinkOf(batch->back())); !whole.ok()) {
        return whole;
      }
      previous = LinkOf(batch->back());
      after = previous->sequence;
    }
  }

  absl::Status ForgetBefore(absl::Time time) override {
    absl::MutexLock lock(&mutex_);
    return db_->InTransaction([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) -> absl::Status {
      for (const char* what : {"proposals WHERE incident_id", "orders WHERE incident_id",
                               "outbox WHERE performed = 1 AND incident_id",
                               "deliveries WHERE incident_id", "incidents WHERE id"}) {
        const std::string sql =
            absl::StrCat("DELETE FROM ", what,
                         " IN (SELECT id FROM incidents"
                         " WHERE is_open = 0 AND finding_present = 0 AND closed_at_us < ?"
                         " AND id NOT IN (SELECT incident_id FROM orders WHERE is_over = 0))");
        Statement forget(*db_, sql.c_str());
        if (absl::Status run = forget.Bind(Micros(time)).Run(); !run.ok()) return run;
      }
      return ForgetAuditBefore(time);
    });
  }

  absl::StatusOr<std::vector<Delivery>> Undelivered(const std::string& receiver,
                                                    int limit) const override {
    absl::MutexLock lock(&mutex_);
    Statement select(*db_, kSelectPending);
    return DeliveriesOf(&select.Bind(receiver).Bind(std::max(limit, 0)));
  }

  absl::StatusOr<std::vector<Delivery>> Standing(const std::string& receiver, int64_t after,
                                                 int limit) const override {
    absl::MutexLock lock(&mutex_);
    Statement select(*db_, kSelectStanding);
    return DeliveriesOf(&select.Bind(receiver).Bind(after).Bind(std::max(limit, 0)));
  }

  absl::Status RecordDeliveries(const std::vector<DeliveryRecord>& records) override {
    absl::MutexLock lock(&mutex_);
    return db_->InTransaction([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) -> absl::Status {
      for (const DeliveryRecord& record : records) {
        auto known = FindDelivery(record.receiver, record.key);
        if (!known.ok()) return known.status();
        if (!known->has_value()) continue;
        const absl::Status put = Put(WithRecord(**std::move(known), record));
        if (!put.ok()) return put;
      }
      return absl::OkStatus();
    });
  }

  absl::StatusOr<std::map<std::string, int>> Waiting() const override {
    absl::MutexLock lock(&mutex_);
    Statement select(*db_,
                     "SELECT receiver, count(*) FROM deliveries WHERE pending = 1 GROUP BY 1");
    std::map<std::string, int> waiting;
    for (;;) {
      absl::StatusOr<bool> row = select.Step();
      if (!row.ok()) return row.status();
      if (!*row) return waiting;
      waiting[select.Text(0)] = static_cast<int>(select.Integer(1));
    }
  }

  absl::StatusOr<int> DropEvents(absl::Time before, int keep) override {
    absl::MutexLock lock(&mutex_);
    Statement update(*db_,
                     "UPDATE deliveries SET pending = 0 WHERE version IN"
                     " (SELECT version FROM (SELECT version, at_us, row_number() OVER"
                     " (PARTITION BY receiver ORDER BY version DESC) AS nth"
                     " FROM deliveries WHERE pending = 1 AND state = 3)"
                     " WHERE nth > ? OR at_us < ?)");
    const absl::Status run = update.Bind(std::max(keep, 0)).Bind(Micros(before)).Run();
    if (!run.ok()) return run;
    return sqlite3_changes(db_->db());
  }

 private:
  absl::StatusOr<std::vector<Delivery>> DeliveriesOf(Statement* select) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    std::vector<Delivery> deliveries;
    for (;;) {
      absl::StatusOr<bool> row = select->Step();
      if (!row.ok()) return row.status();
      if (!*row) return deliveries;
      Delivery& delivery = deliveries.emplace_back();
      delivery.receiver = select->Text(0);
      delivery.version = select->Integer(1);
      delivery.pending = select->Integer(2) != 0;
      delivery.reached = static_cast<Reached>(select->Integer(3));
      if (!delivery.alert.ParseFromString(select->Text(4))) return db_->Damaged("an alert");
    }
  }

  absl::StatusOr<std::optional<Delivery>> FindDelivery(const std::string& receiver,
                                                       const std::string& key) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Statement select(*db_, kSelectDelivery);
    auto found = DeliveriesOf(&select.Bind(receiver).Bind(key));
    if (!found.ok()) return found.status();
    if (found->empty()) return std::nullopt;
    return std::move(found->front());
  }

  absl::Status Put(const AddressedAlert& alert) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    auto known = FindDelivery(alert.receiver, alert.alert.key());
    if (!known.ok()) return known.status();
    const std::optional<Delivery> next = WithAlert(*std::move(known), alert);
    return next.has_value() ? Put(*next) : absl::OkStatus();
  }

  // Replaces the one with the same receiver and key. SQLite gives a version where there is none.
  absl::Status Put(const Delivery& delivery) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Statement put(*db_,
                  "INSERT OR REPLACE INTO deliveries (version, receiver, key, incident_id, state,"
                  " at_us, pending, reached, message) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    if (delivery.version == 0) {
      put.BindNull();
    } else {
      put.Bind(delivery.version);
    }
    put.Bind(delivery.receiver).Bind(delivery.alert.key()).Bind(delivery.alert.incident_id());
    put.Bind(delivery.alert.state());
    put.Bind(Micros(FromProtoOrInfinitePast(delivery.alert.starts_at())));
    put.Bind(delivery.pending).Bind(static_cast<int64_t>(delivery.reached));
    return put.BindMessage(delivery.alert).Run();
  }

  absl::Status Put(const v1::Incident& incident) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Statement put(*db_, "INSERT OR REPLACE INTO incidents VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    put.Bind(incident.id()).Bind(incident.host()).Bind(incident.finding().signature());
    put.Bind(incident.state() == v1::Incident::STATE_OPEN).Bind(incident.finding_present());
    put.Bind(Micros(FromProtoOrInfinitePast(incident.opened_at())));
    if (incident.has_closed_at()) {
      put.Bind(Micros(FromProtoOrInfinitePast(incident.closed_at())));
    } else {
      put.BindNull();
    }
    return put.BindMessage(incident).Run();
  }

  absl::Status Put(const v1::Proposal& proposal) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Statement put(*db_, "INSERT OR REPLACE INTO proposals VALUES (?, ?, ?, ?)");
    put.Bind(proposal.id()).Bind(proposal.incident_id());
    return put.Bind(Micros(FromProtoOrInfinitePast(proposal.created_at())))
        .BindMessage(proposal)
        .Run();
  }

  absl::Status Put(const v1::Order& order) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Statement put(*db_, "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?)");
    put.Bind(order.id()).Bind(order.incident_id()).Bind(IsOver(order));
    return put.Bind(Micros(FromProtoOrInfinitePast(order.created_at()))).BindMessage(order).Run();
  }

  absl::Status Put(const OutboxEntry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Statement put(
        *db_, "INSERT OR IGNORE INTO outbox (key, incident_id, what, text) VALUES (?, ?, ?, ?)");
    return put.Bind(entry.key).Bind(entry.incident_id).Bind(entry.what).Bind(entry.text).Run();
  }

  absl::Status AppendAudit(const std::vector<v1::AuditEntry>& entries)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (entries.empty()) return absl::OkStatus();
    absl::StatusOr<ChainLink> head = AuditEnd("head");
    if (!head.ok()) return head.status();
    for (const v1::AuditEntry& entry : entries) {
      const v1::AuditEntry chained = Chain(*head, entry);
      Statement put(*db_, "INSERT INTO audit VALUES (?, ?, ?, ?)");
      put.Bind(chained.sequence())
          .Bind(Micros(FromProtoOrInfinitePast(chained.at())))
          .Bind(chained.subject());
      if (absl::Status run = put.BindMessage(chained).Run(); !run.ok()) return run;
      head = LinkOf(chained);
    }
    return SetAuditEnd("head", *head);
  }

  // Only from the front: an entry that is older than one before it (the clock was set back) goes
  // with that one.
  absl::Status ForgetAuditBefore(absl::Time time) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Statement newest(
        *db_,
        "SELECT message FROM audit WHERE sequence <"
        " (SELECT ifnull(min(sequence), 9223372036854775807) FROM audit WHERE at_us >= ?)"
        " ORDER BY sequence DESC LIMIT 1");
    auto forgotten = newest.Bind(Micros(time)).Messages<v1::AuditEntry>("an audit entry");
    if (!forgotten.ok() || forgotten->empty()) return forgotten.status();
    const ChainLink before = LinkOf(forgotten->front());
    Statement forget(*db_, "DELETE FROM audit WHERE sequence <= ?");
    if (absl::Status run = forget.Bind(before.sequence).Run(); !run.ok()) return run;
    return SetAuditEnd("before", before);
  }

  absl::StatusOr<ChainLink> AuditEnd(const std::string& name) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Statement select(*db_, "SELECT sequence, hash FROM audit_ends WHERE name = ?");
    absl::StatusOr<bool> row = select.Bind(name).Step();
    if (!row.ok()) return row.status();
    if (!*row) return db_->Damaged("the end of the audit log");
    return ChainLink{select.Integer(0), select.Text(1)};
  }

  absl::Status SetAuditEnd(const std::string& name, const ChainLink& link)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Statement update(*db_, "UPDATE audit_ends SET sequence = ?, hash = ? WHERE name = ?");
    return update.Bind(link.sequence).Bind(link.hash).Bind(name).Run();
  }

  mutable absl::Mutex mutex_;
  const std::unique_ptr<Connection> db_ ABSL_PT_GUARDED_BY(mutex_);
};

absl::StatusOr<int64_t> ReadInteger(const Connection& db, const char* sql) {
  Statement select(db, sql);
  absl::StatusOr<bool> row = select.Step();
  if (!row.ok()) return row.status();
  return *row ? select.Integer(0) : 0;
}

absl::Status Migrate(const Connection& db, const SqliteStoreOptions& options) {
  absl::Status table = db.Execute(
      "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, applied_at TEXT)");
  if (!table.ok()) return table;
  absl::StatusOr<int64_t> version =
      ReadInteger(db, "SELECT ifnull(max(version), 0) FROM schema_version");
  if (!version.ok()) return version.status();
  const int64_t newest = options.migrations.empty() ? 0 : options.migrations.back().version;
  if (*version > newest) {
    return absl::FailedPreconditionError(absl::StrCat(
        options.path, " has schema ", *version, ", this controller knows up to ", newest,
        ": a newer tcpmedic has written it; run that one, or another --state-dir"));
  }
  for (const Migration& migration : options.migrations) {
    if (migration.version <= *version) continue;
    absl::Status taken = db.InTransaction([&]() -> absl::Status {
      if (absl::Status run = db.Execute(migration.sql); !run.ok()) return run;
      Statement note(db, "INSERT INTO schema_version VALUES (?, datetime('now'))");
      return note.Bind(migration.version).Run();
    });
    if (!taken.ok()) return taken;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const SqliteStoreOptions& options) {
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open_v2(options.path.c_str(), &raw,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  auto db = std::make_unique<Connection>(raw, options.path);
  if (opened != SQLITE_OK) return db->Error("open");
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, kBusyTimeoutMs);
  // Exclusive before WAL: the lock is taken with the first access and kept, and no shared-memory
  // file is needed.
  for (const char* pragma : {"PRAGMA locking_mode = EXCLUSIVE", "PRAGMA journal_mode = WAL",
                             "PRAGMA synchronous = FULL"}) {
    if (absl::Status set = db->Execute(pragma); !set.ok()) return set;
  }
  if (absl::Status set = db->Execute(absl::StrCat("PRAGMA journal_size_limit = ", kWalBytesKept));
      !set.ok()) {
    return set;
  }
  absl::StatusOr<int64_t> page_bytes = ReadInteger(*db, "PRAGMA page_size");
  if (!page_bytes.ok()) return page_bytes.status();
  absl::Status bounded = db->Execute(absl::StrCat(
      "PRAGMA max_page_count = ", options.max_bytes / std::max<int64_t>(*page_bytes, 1)));
  if (!bounded.ok()) return bounded;
  if (absl::Status migrated = Migrate(*db, options); !migrated.ok()) return migrated;
  return std::make_unique<SqliteStore>(std::move(db));
}

}  // namespace tcpmedic
