// Memory for the texts and lists that an evaluation builds, owned by the caller. Constructing one
// allocates nothing, so an evaluation that builds nothing allocates nothing. Not thread-safe; what
// it gave lives until it dies.
#ifndef TCPMEDIC_CORE_EXPR_SCRATCH_H_
#define TCPMEDIC_CORE_EXPR_SCRATCH_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/expr/value.h"

namespace tcpmedic::expr {

class Scratch {
 public:
  // Bound on everything that one Scratch gives.
  static constexpr size_t kMaxBytes = 1 << 20;

  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  // Value::String of a copy of `text`; error kTooLarge over the bound.
  Value String(absl::string_view text);
  // Null over the bound. The elements are null values.
  Value* Values(size_t count);
  MapEntry* Entries(size_t count);

 private:
  void* Allocate(size_t bytes);  // aligned for Value

  std::vector<std::unique_ptr<Value[]>> blocks_;  // of Value for its alignment
  size_t used_in_last_ = 0;                       // in units of Value
  size_t size_of_last_ = 0;
  size_t bytes_ = 0;
};

}  // namespace tcpmedic::expr

#endif  // TCPMEDIC_CORE_EXPR_SCRATCH_H_
