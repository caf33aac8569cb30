// How a drill can end, and how it should. Pure.
#ifndef TCPMEDIC_CLI_DRILL_OUTCOME_H_
#define TCPMEDIC_CLI_DRILL_OUTCOME_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace tcpmedic::cli {

enum class Outcome {
  kNotDetected,   // no incident was opened while the fault lasted
  kNoted,         // an incident, and no policy wanted to change anything
  kAlerted,       // an incident of which people are told: nothing on the host could mend it
  kProposed,      // an incident with a pending proposal
  kVerified,      // approved, applied, better, and the agent has confirmed that it stays
  kRolledBack,    // approved, applied, not better, and undone
  kInconclusive,  // applied and undone, because it could not be told whether it was better
  kRejected,      // a person said no
  kExpired,       // nobody decided in time
  kOrderFailed,   // refused by the host, or its agent fell silent
};

// "not_detected", "rolled_back", …
absl::string_view Name(Outcome outcome);
std::optional<Outcome> ParseOutcome(absl::string_view name);
std::string OutcomeNames();  // all of them, for a usage message

// What a drill should come to, and the sentence that says why.
struct Expectation {
  Outcome outcome = Outcome::kProposed;
  std::string reason;
  std::string signature{};  // whose finding it should be; empty: the drill knows only one
};

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DRILL_OUTCOME_H_
