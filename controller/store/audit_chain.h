// The audit log as a hash chain: each entry's hash covers the entry before it, so that changing,
// removing or inserting one breaks every later hash. Pure; thread-safe.
#ifndef TCPMEDIC_CONTROLLER_STORE_AUDIT_CHAIN_H_
#define TCPMEDIC_CONTROLLER_STORE_AUDIT_CHAIN_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "tcpmedic/v1/operator.pb.h"

namespace tcpmedic {

// One end of a chain: its newest entry, or the entry before its oldest once older ones are
// forgotten.
struct ChainLink {
  int64_t sequence = 0;
  std::string hash;  // empty before the first entry

  bool operator==(const ChainLink&) const = default;
};

inline ChainLink LinkOf(const v1::AuditEntry& entry) { return {entry.sequence(), entry.hash()}; }

// The entry as it follows `previous`: sequence and hash filled in.
v1::AuditEntry Chain(const ChainLink& previous, v1::AuditEntry entry);

// Whether `entries`, oldest first, lead from `before` to `head` without a break. DataLoss names the
// first that does not follow, or says that the newest are missing.
absl::Status VerifyChain(const ChainLink& before, absl::Span<const v1::AuditEntry> entries,
                         const ChainLink& head);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_STORE_AUDIT_CHAIN_H_
