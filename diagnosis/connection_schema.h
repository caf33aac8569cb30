// Every attribute of a connection in a trace that signatures may name: one table gives its type,
// unit, meaning, what it is read from, and how. The sibling of socket_schema.h. What the trace does
// not show is unknown, never 0. Pure; immutable, so thread-safe.
#ifndef TCPMEDIC_DIAGNOSIS_CONNECTION_SCHEMA_H_
#define TCPMEDIC_DIAGNOSIS_CONNECTION_SCHEMA_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/expr/expression.h"
#include "core/expr/schema.h"
#include "core/expr/value.h"
#include "diagnosis/trace/connection.h"
#include "tcpmedic/v1/evidence.pb.h"

namespace tcpmedic {

// A connection, and the texts that are made of it: values of the language are views.
struct ConnectionReading {
  explicit ConnectionReading(const TrackedConnection& tracked);
  const TrackedConnection* connection;
  std::string client, server;  // "203.0.113.20:443"
  std::string syn_spacing;     // "1 s, 2 s, 4 s"; empty: no SYN was sent again
  std::string syn_icmp;        // what ICMP answered to a SYN, in words; empty: nothing
};

struct ConnectionAttribute {
  absl::string_view name;
  expr::Type type;
  absl::string_view unit;    // as in v1::Evidence
  absl::string_view source;  // what of the trace it is read from
  absl::string_view doc;
  std::optional<expr::Value> (*read)(const ConnectionReading&);
};

// By slot of ConnectionSchema().
absl::Span<const ConnectionAttribute> ConnectionAttributes();

// What `when`, `unless` and `group_by` of a signature with subject connection may name.
const expr::Schema& ConnectionSchema();

// What holds for a group of connections as a whole.
struct ConnectionGroupReading {
  int64_t count = 0;
  int64_t clients = 0;  // distinct addresses
  // Of `count`, those whose client sent its SYN again, and those whose client did not although the
  // trace goes on for longer than it would have waited. Of the rest it is not known.
  int64_t syns_again = 0;
  int64_t syns_once = 0;
};
// What a verdict may name: first the slots of ConnectionSchema (the exemplar's), then those of the
// group: group.count, …
const expr::Schema& ConnectionVerdictSchema();

class ConnectionActivation : public expr::Activation {
 public:
  explicit ConnectionActivation(const ConnectionReading& reading) : reading_(reading) {}
  expr::Value Get(int slot) const override;

 private:
  const ConnectionReading& reading_;
};

class ConnectionVerdictActivation : public expr::Activation {
 public:
  ConnectionVerdictActivation(const ConnectionReading& exemplar,
                              const ConnectionGroupReading& group)
      : exemplar_(exemplar), group_(group) {}
  expr::Value Get(int slot) const override;

 private:
  ConnectionActivation exemplar_;
  const ConnectionGroupReading& group_;
};

// The attribute in `slot` of ConnectionVerdictSchema as evidence; its value is absent where it is
// unknown.
v1::Evidence MakeEvidence(int slot, const ConnectionReading& exemplar,
                          const ConnectionGroupReading& group);

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_CONNECTION_SCHEMA_H_
