// Every attribute of a socket and of a group that signatures may name: one table gives its type,
// unit, meaning, basis, the kernel's own name for it, and how it is read. What cannot be read is
// unknown, never 0. Pure; immutable, so thread-safe.
#ifndef TCPMEDIC_DIAGNOSIS_SOCKET_SCHEMA_H_
#define TCPMEDIC_DIAGNOSIS_SOCKET_SCHEMA_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/expr/expression.h"
#include "core/expr/schema.h"
#include "core/expr/value.h"
#include "diagnosis/evidence.h"
#include "diagnosis/socket_history.h"
#include "observe/socket_sample.h"
#include "tcpmedic/v1/evidence.pb.h"

namespace tcpmedic {

// What attributes are read from. Without a window (it is not full yet) those of basis kWindow are
// unknown.
struct SocketReading {
  const SocketSample* sample = nullptr;
  const SocketDelta* window = nullptr;
  // The rate in bit/s that a recorded text states: what is left where nothing measured how fast
  // bytes were acknowledged.
  std::optional<double> stated_bps = std::nullopt;
};

// What stood in for a value that was not reported; `words` are empty where nothing had to.
struct StandIn {
  absl::string_view words;  // "rtt for min_rtt"
  // What stands for what in the attribute's source: "tcpi_rtt" for "tcpi_min_rtt".
  absl::string_view source, for_source;
  bool is_now = false;  // of the moment, whatever the attribute's own basis
};

struct SocketAttribute {
  absl::string_view name;
  expr::Type type;
  absl::string_view unit;  // as in v1::Evidence
  Basis basis;
  absl::string_view source;  // the kernel's own name
  absl::string_view doc;
  std::optional<expr::Value> (*read)(const SocketReading&);
  StandIn (*stand_in)(const SocketReading&) = nullptr;  // null: nothing ever does
};

// By slot of SocketSchema().
absl::Span<const SocketAttribute> SocketAttributes();

// What `sockets`, `unless` and `group_by` may name.
const expr::Schema& SocketSchema();

// What holds for a group of sockets as a whole.
struct GroupReading {
  int64_t count = 0;
  std::optional<double> goodput_bps;  // the sum over its sockets
};
// What `when` may name: group.count, group.goodput_bps.
const expr::Schema& GroupSchema();
// What a verdict may name: first the slots of SocketSchema (the exemplar's), then those of
// GroupSchema.
const expr::Schema& VerdictSchema();

class SocketActivation : public expr::Activation {
 public:
  explicit SocketActivation(const SocketReading& reading) : reading_(reading) {}
  expr::Value Get(int slot) const override;

 private:
  const SocketReading& reading_;
};

class GroupActivation : public expr::Activation {
 public:
  explicit GroupActivation(const GroupReading& reading) : reading_(reading) {}
  expr::Value Get(int slot) const override;

 private:
  const GroupReading& reading_;
};

class VerdictActivation : public expr::Activation {
 public:
  VerdictActivation(const SocketReading& exemplar, const GroupReading& group)
      : exemplar_(exemplar), group_(group) {}
  expr::Value Get(int slot) const override;

 private:
  SocketActivation exemplar_;
  GroupActivation group_;
};

// The attribute in `slot` of VerdictSchema as evidence; its value is absent where it is unknown.
v1::Evidence MakeEvidence(int slot, const SocketReading& exemplar, const GroupReading& group);

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_SOCKET_SCHEMA_H_
