// The attributes that an expression may name, with their types. A dotted name such as "socket.cwnd"
// is one attribute (CEL's qualified identifiers); its slot is its place in the schema. Plain value;
// thread-compatible.
#ifndef TCPMEDIC_CORE_EXPR_SCHEMA_H_
#define TCPMEDIC_CORE_EXPR_SCHEMA_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/expr/type.h"

namespace tcpmedic::expr {

struct Attribute {
  std::string name;  // dotted: "socket.cwnd"
  Type type;
  std::string doc;  // one line, with the unit
};

class Schema {
 public:
  // Adds an attribute and returns its slot: 0, 1, 2, … The name must be new, and there are at most
  // SlotSet::kMaxSlots.
  int Add(Attribute attribute);
  const Attribute& at(int slot) const { return attributes_.at(slot); }
  int size() const { return static_cast<int>(attributes_.size()); }
  std::optional<int> Find(absl::string_view name) const;

 private:
  std::vector<Attribute> attributes_;
};

}  // namespace tcpmedic::expr

#endif  // TCPMEDIC_CORE_EXPR_SCHEMA_H_
