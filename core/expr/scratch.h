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
  // Bound on everything that one Scratch gives. Over it, these return null or error kTooLarge.
  static constexpr size_t kMaxBytes = 1 << 20;

  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  Value String(absl::string_view text);  // a copy
  char* Text(size_t size);
  Value* Values(size_t count);  // null values
  MapEntry* Entries(size_t count);

  // Whether `address` is in memory that this gave.
  bool Holds(const void* address) const;

 private:
  struct Block {
    std::unique_ptr<char[]> memory;
    size_t size;
    size_t used;
  };
  char* Allocate(size_t bytes);  // aligned for Value

  std::vector<Block> blocks_;
  size_t used_ = 0;
};

}  // namespace tcpmedic::expr

#endif  // TCPMEDIC_CORE_EXPR_SCRATCH_H_
