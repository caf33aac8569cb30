// Every attribute of a network namespace that signatures may name: one table gives its type, unit,
// meaning, basis, the kernel's own name for it, and how it is read. The sibling of socket_schema.h.
// What cannot be read is unknown, never 0. Pure; immutable, so thread-safe.
#ifndef TCPMEDIC_DIAGNOSIS_NETNS_SCHEMA_H_
#define TCPMEDIC_DIAGNOSIS_NETNS_SCHEMA_H_

#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/expr/expression.h"
#include "core/expr/schema.h"
#include "core/expr/value.h"
#include "core/issue.h"
#include "diagnosis/evidence.h"
#include "diagnosis/listeners.h"
#include "diagnosis/netns_history.h"
#include "tcpmedic/v1/evidence.pb.h"

namespace tcpmedic {

// What attributes are read from; each may be null, and what is read from it is then unknown.
struct NetnsReading {
  const NetnsPoint* newest = nullptr;        // the settings
  const NetnsDelta* window = nullptr;        // null before it is full
  const ListenersSeen* listeners = nullptr;  // null: no dump was made
};

struct NetnsAttribute {
  absl::string_view name;
  expr::Type type;
  absl::string_view unit;  // as in v1::Evidence
  Basis basis;
  bool needs_dump;           // not decided by counters and settings alone
  absl::string_view source;  // the kernel's own name
  absl::string_view doc;
  std::optional<expr::Value> (*read)(const NetnsReading&);
};

// By slot of NetnsSchema().
absl::Span<const NetnsAttribute> NetnsAttributes();

// What `when`, `unless` and the verdict of a signature with subject netns may name: "netns.*", and
// "listener.*" of the listener under most pressure.
const expr::Schema& NetnsSchema();

class NetnsActivation : public expr::Activation {
 public:
  explicit NetnsActivation(const NetnsReading& reading) : reading_(reading) {}
  expr::Value Get(int slot) const override;

 private:
  const NetnsReading& reading_;
};

// Compiles a bool over a namespace alone, without any of its listeners, such as a lease's
// `renew_while`; what is counted is counted over kMeasuredSpan (Engine::Holds). On failure returns
// nullopt and appends Issues positioned within `text`.
std::optional<expr::Expression> CompileNetnsCondition(absl::string_view text,
                                                      std::vector<Issue>* issues);

// The attribute in `slot` as evidence; its value is absent where it is unknown.
v1::Evidence MakeEvidence(int slot, const NetnsReading& reading);

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_NETNS_SCHEMA_H_
