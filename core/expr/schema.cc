#include "core/expr/schema.h"

#include <cassert>
#include <utility>

#include "core/expr/value.h"

namespace tcpmedic::expr {

int Schema::Add(Attribute attribute) {
  assert(!Find(attribute.name).has_value());
  assert(size() < SlotSet::kMaxSlots);
  attributes_.push_back(std::move(attribute));
  return size() - 1;
}

std::optional<int> Schema::Find(absl::string_view name) const {
  for (int slot = 0; slot < size(); ++slot) {
    if (attributes_[slot].name == name) return slot;
  }
  return std::nullopt;
}

}  // namespace tcpmedic::expr
