#include "cli/drill/outcome.h"

#include <array>
#include <utility>

#include "absl/strings/str_join.h"

namespace tcpmedic::cli {
namespace {

constexpr std::array<std::pair<Outcome, const char*>, 10> kNames = {{
    {Outcome::kNotDetected, "not_detected"},
    {Outcome::kNoted, "noted"},
    {Outcome::kAlerted, "alerted"},
    {Outcome::kProposed, "proposed"},
    {Outcome::kVerified, "verified"},
    {Outcome::kRolledBack, "rolled_back"},
    {Outcome::kInconclusive, "inconclusive"},
    {Outcome::kRejected, "rejected"},
    {Outcome::kExpired, "expired"},
    {Outcome::kOrderFailed, "failed"},
}};

}  // namespace

absl::string_view Name(Outcome outcome) {
  for (const auto& [value, name] : kNames) {
    if (value == outcome) return name;
  }
  return "";
}

std::optional<Outcome> ParseOutcome(absl::string_view name) {
  for (const auto& [value, its_name] : kNames) {
    if (its_name == name) return value;
  }
  return std::nullopt;
}

std::string OutcomeNames() {
  return absl::StrJoin(kNames, ", ",
                       [](std::string* out, const auto& entry) { out->append(entry.second); });
}

}  // namespace tcpmedic::cli
