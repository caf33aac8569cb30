// What every drill is asked. Plain values.
#ifndef TCPMEDIC_CLI_DRILL_DRILL_OPTIONS_H_
#define TCPMEDIC_CLI_DRILL_DRILL_OPTIONS_H_

#include <optional>
#include <string>

#include "cli/drill/outcome.h"

namespace tcpmedic::cli {

// Who answers the proposal.
enum class Answer {
  kNobody,   // --observe
  kApprove,  // --approve
  kAsk,      // --ask: a person, on the terminal
};

struct DrillOptions {
  bool ipv6 = false;
  Answer answer = Answer::kNobody;
  std::string server_command;  // the user's own program instead of the lab's, for /bin/sh -c
  std::string look_alike;      // one of the drill's own, already applied; empty: the fault itself
  std::string state_dir;     // must be empty or absent; empty: a temporary one, removed at the end
  std::string policies_dir;  // empty: the shipped files
  std::optional<Outcome> expect;
};

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DRILL_DRILL_OPTIONS_H_
