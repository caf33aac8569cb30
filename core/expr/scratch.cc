#include "core/expr/scratch.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <new>

namespace tcpmedic::expr {
namespace {

constexpr size_t kBlockBytes = 4096;

}  // namespace

char* Scratch::Allocate(size_t bytes) {
  bytes = (bytes + alignof(Value) - 1) / alignof(Value) * alignof(Value);
  if (bytes > kMaxBytes - used_) return nullptr;
  if (blocks_.empty() || bytes > blocks_.back().size - blocks_.back().used) {
    const size_t size = std::max(bytes, kBlockBytes);
    blocks_.push_back({std::make_unique<char[]>(size), size, 0});
  }
  Block& block = blocks_.back();
  char* const memory = block.memory.get() + block.used;
  block.used += bytes;
  used_ += bytes;
  return memory;
}

char* Scratch::Text(size_t size) { return Allocate(size); }

Value* Scratch::Values(size_t count) {
  if (count > kMaxBytes / sizeof(Value)) return nullptr;
  char* const memory = Allocate(count * sizeof(Value));
  return memory == nullptr ? nullptr : new (memory) Value[count];
}

MapEntry* Scratch::Entries(size_t count) {
  if (count > kMaxBytes / sizeof(MapEntry)) return nullptr;
  char* const memory = Allocate(count * sizeof(MapEntry));
  return memory == nullptr ? nullptr : new (memory) MapEntry[count];
}

Value Scratch::String(absl::string_view text) {
  char* const copy = Text(text.size());
  if (copy == nullptr) return Value::Error(Error::kTooLarge);
  std::memcpy(copy, text.data(), text.size());
  return Value::String({copy, text.size()});
}

bool Scratch::Holds(const void* address) const {
  return std::any_of(blocks_.begin(), blocks_.end(), [address](const Block& block) {
    // std::less is a total order also over pointers into different blocks.
    const std::less<const void*> before;
    return !before(address, block.memory.get()) && before(address, block.memory.get() + block.size);
  });
}

}  // namespace tcpmedic::expr
