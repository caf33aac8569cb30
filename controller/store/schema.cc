#include "controller/store/sqlite_store.h"

namespace tcpmedic {
namespace {

// Times are microseconds since 1970. `message` is the protobuf message that the other columns are
// taken from.
constexpr char kFirstSchema[] = R"sql(
  CREATE TABLE incidents (
    id              TEXT PRIMARY KEY,
    host            TEXT NOT NULL,
    signature       TEXT NOT NULL,
    is_open         INTEGER NOT NULL,
    finding_present INTEGER NOT NULL,
    opened_at_us    INTEGER NOT NULL,
    closed_at_us    INTEGER,  -- null while open
    message         BLOB NOT NULL
  );
  CREATE INDEX incidents_in_order ON incidents (is_open DESC, opened_at_us DESC, id DESC);
  CREATE INDEX incidents_by_closing ON incidents (closed_at_us);

  CREATE TABLE proposals (
    id            TEXT PRIMARY KEY,
    incident_id   TEXT NOT NULL,
    created_at_us INTEGER NOT NULL,
    message       BLOB NOT NULL
  );
  CREATE INDEX proposals_of_incident ON proposals (incident_id, created_at_us DESC, id DESC);

  CREATE TABLE outbox (
    sequence    INTEGER PRIMARY KEY,
    key         TEXT NOT NULL UNIQUE,
    incident_id TEXT NOT NULL,
    what        TEXT NOT NULL,
    text        TEXT NOT NULL,
    performed   INTEGER NOT NULL DEFAULT 0
  );
  CREATE INDEX outbox_unperformed ON outbox (sequence) WHERE performed = 0;
  CREATE INDEX outbox_of_incident ON outbox (incident_id);

  CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY,
    at_us    INTEGER NOT NULL,
    subject  TEXT NOT NULL,
    message  BLOB NOT NULL
  );
  CREATE INDEX audit_of_subject ON audit (subject, sequence DESC);

  -- The two ends of the chain: 'before' is the entry before the oldest kept, 'head' the newest written.
  CREATE TABLE audit_ends (
    name     TEXT PRIMARY KEY,
    sequence INTEGER NOT NULL,
    hash     TEXT NOT NULL
  ) WITHOUT ROWID;
  INSERT INTO audit_ends VALUES ('before', 0, ''), ('head', 0, '');
)sql";

constexpr char kOrders[] = R"sql(
  CREATE TABLE orders (
    id            TEXT PRIMARY KEY,
    incident_id   TEXT NOT NULL,
    is_over       INTEGER NOT NULL,  -- nothing of it is or will be on the host
    created_at_us INTEGER NOT NULL,
    message       BLOB NOT NULL
  );
  CREATE INDEX orders_of_incident ON orders (incident_id, created_at_us DESC, id DESC);
  CREATE INDEX orders_not_over ON orders (incident_id) WHERE is_over = 0;
)sql";

// `message` is the alert. A new version of it gets a new number, greater than any before.
constexpr char kDeliveries[] = R"sql(
  CREATE TABLE deliveries (
    version     INTEGER PRIMARY KEY AUTOINCREMENT,
    receiver    TEXT NOT NULL,
    key         TEXT NOT NULL,
    incident_id TEXT NOT NULL,
    state       INTEGER NOT NULL,  -- of the alert
    at_us       INTEGER NOT NULL,  -- when it started
    pending     INTEGER NOT NULL,
    reached     INTEGER NOT NULL,
    message     BLOB NOT NULL,
    UNIQUE (receiver, key)
  );
  CREATE INDEX deliveries_pending ON deliveries (receiver, version) WHERE pending = 1;
  CREATE INDEX deliveries_standing ON deliveries (receiver, version) WHERE state = 1 AND pending = 0;
  CREATE INDEX deliveries_of_incident ON deliveries (incident_id);
)sql";

constexpr Migration kMigrations[] = {{1, kFirstSchema}, {2, kOrders}, {3, kDeliveries}};

}  // namespace

absl::Span<const Migration> StoreMigrations() { return kMigrations; }

}  // namespace tcpmedic
