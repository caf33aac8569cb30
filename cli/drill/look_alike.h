// What an operator may take for a drill's incident, and tcpmedic must not: each drill has a table
// of its own. Plain values.
#ifndef TCPMEDIC_CLI_DRILL_LOOK_ALIKE_H_
#define TCPMEDIC_CLI_DRILL_LOOK_ALIKE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace tcpmedic::cli {

// `Options` are the drill's, with DrillOptions as their base.
template <typename Options>
struct LookAlike {
  std::string name;      // "receiver-limited"
  std::string sentence;  // "the receiving program reads slower than the path delivers"
  void (*apply)(Options& options);
  std::string signature = "";  // what it is called instead; empty: it is nothing
};

// "receiver-limited, bbr", for the help and for mistakes.
template <typename Options>
std::string NamesOf(const std::vector<LookAlike<Options>>& look_alikes) {
  return absl::StrJoin(look_alikes, ", ", [](std::string* out, const LookAlike<Options>& each) {
    out->append(each.name);
  });
}

// Null: there is none of that name.
template <typename Options>
const LookAlike<Options>* Find(const std::vector<LookAlike<Options>>& look_alikes,
                               absl::string_view name) {
  for (const LookAlike<Options>& look_alike : look_alikes) {
    if (look_alike.name == name) return &look_alike;
  }
  return nullptr;
}

// Makes `options` ask for it. InvalidArgument names the look-alikes where `name` is none of them.
template <typename Options>
absl::Status ApplyLookAlike(const std::vector<LookAlike<Options>>& look_alikes,
                            absl::string_view name, Options& options) {
  const LookAlike<Options>* const look_alike = Find(look_alikes, name);
  if (look_alike == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--look-alike ", name, ": there is none of that name; there are ", NamesOf(look_alikes)));
  }
  look_alike->apply(options);
  options.look_alike = look_alike->name;
  return absl::OkStatus();
}

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DRILL_LOOK_ALIKE_H_
