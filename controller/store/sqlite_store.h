// The embedded store: one SQLite database, in WAL mode with synchronous=FULL, held exclusively by
// one controller. Messages are stored as they cross the wire (protobuf), beside the columns that
// they are looked up by.
//
// Thread-safe: one connection behind one mutex. Commit waits for the disk.
#ifndef TCPMEDIC_CONTROLLER_STORE_SQLITE_STORE_H_
#define TCPMEDIC_CONTROLLER_STORE_SQLITE_STORE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/types/span.h"
#include "controller/store/store.h"

namespace tcpmedic {

// A step of the schema's history, taken in one transaction. Steps are never edited once released,
// only added.
struct Migration {
  int version;      // 1, 2, 3, …
  const char* sql;  // one or more statements
};
absl::Span<const Migration> StoreMigrations();

struct SqliteStoreOptions {
  std::string path;                      // of the database; its directory must exist
  int64_t max_bytes = int64_t{4} << 30;  // over it, Commit fails with ResourceExhausted
  absl::Span<const Migration> migrations = StoreMigrations();
};

// Opens or creates the database and brings its schema up to date. FailedPrecondition: another
// controller holds it, or a newer version of tcpmedic has written it. NotFound: no such directory.
// PermissionDenied, DataLoss.
absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const SqliteStoreOptions& options);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_STORE_SQLITE_STORE_H_
