// Every attribute of a process that signatures may name, and of the sockets that it holds at one
// listener (or to one upstream address): one table gives its type, unit, meaning, basis, the
// kernel's own name for it, and how it is read. The sibling of socket_schema.h and netns_schema.h.
// What cannot be read is unknown, never 0. Pure; immutable, so thread-safe.
#ifndef TCPMEDIC_DIAGNOSIS_PROCESS_SCHEMA_H_
#define TCPMEDIC_DIAGNOSIS_PROCESS_SCHEMA_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/expr/expression.h"
#include "core/expr/schema.h"
#include "core/expr/value.h"
#include "diagnosis/evidence.h"
#include "diagnosis/rise.h"
#include "tcpmedic/v1/evidence.pb.h"

namespace tcpmedic {

// How often the sockets of a group are counted in a signature's window.
inline constexpr int kReadingsPerWindow = 5;

// What attributes are read from: one group of sockets, as one reading showed it. Only sockets that
// have passed the signature's `sockets` for a reading's length are counted: one that the program is
// about to close is none of them. Recorded evidence has one reading, which shows nothing of a
// window, and sometimes no more than how many sockets there are.
struct ProcessReading {
  absl::Duration window;  // the signature's
  int64_t sockets = 0;
  std::optional<int64_t> unread_eof;  // with something in the receive queue: the FIN counts as one
  std::optional<int64_t> still_sending;  // with bytes acknowledged in the window, or waiting to be
  std::optional<int64_t> closed;         // that left in the window
  std::optional<absl::Duration> oldest;
  bool oldest_since_seen = false;  // the kernel did not say; it is at least that
  std::optional<Rise> rise;
  std::string listener;  // "0.0.0.0:8080", "upstream 10.0.0.7:5432"; empty: not known
  std::optional<bool> listener_closed;
  std::string peers;                     // "203.0.113.20 63 %, 203.0.113.21 37 %"
  const v1::Process* process = nullptr;  // null: could not be read
};

struct ProcessAttribute {
  absl::string_view name;
  expr::Type type;
  absl::string_view unit;  // as in v1::Evidence
  Basis basis;
  absl::string_view source;  // the kernel's own name
  absl::string_view doc;
  std::optional<expr::Value> (*read)(const ProcessReading&);
  // Null ("now"), or what this value is taken over.
  std::string (*taken_over)(const ProcessReading&) = nullptr;
};

// By slot of ProcessSchema().
absl::Span<const ProcessAttribute> ProcessAttributes();

// What `when`, `unless` and the verdict of a signature with subject process may name.
const expr::Schema& ProcessSchema();

class ProcessActivation : public expr::Activation {
 public:
  explicit ProcessActivation(const ProcessReading& reading) : reading_(reading) {}
  expr::Value Get(int slot) const override;

 private:
  const ProcessReading& reading_;
};

// The attribute in `slot` as evidence; its value is absent where it is unknown.
v1::Evidence MakeEvidence(int slot, const ProcessReading& reading);

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_PROCESS_SCHEMA_H_
