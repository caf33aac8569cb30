// The answer to a drill's proposal, a person's or the flags', and what comes of it, as an operator
// would see it.
#ifndef TCPMEDIC_CLI_DRILL_APPROVAL_H_
#define TCPMEDIC_CLI_DRILL_APPROVAL_H_

#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "cli/drill/drill_ground.h"
#include "cli/drill/drill_options.h"
#include "cli/drill/drill_report.h"
#include "cli/progress.h"

namespace tcpmedic::cli {

// Shows a person the proposal and waits: nullopt for yes, else the reason for no.
using AskPerson = absl::FunctionRef<std::optional<std::string>(const v1::IncidentView& view)>;

// Waits until the finding of the report's incident was measured over ten seconds that began no
// earlier than `fault_at`, or is gone; the report then has the incident's newest state. `elapsed`
// is what to show meanwhile.
absl::Status LetBeforeGrow(DrillGround& ground, absl::Time fault_at,
                           absl::FunctionRef<std::string()> elapsed, Progress& progress,
                           DrillReport& report);

// Answers the pending proposal of the report's incident and follows its order to the end: fills the
// incident's newest state, the outcome and the times. Nobody answers: nothing happens. Errors as
// DrillGround::Alive, and the controller's.
absl::Status AnswerProposal(DrillGround& ground, Answer answer, AskPerson ask, Progress& progress,
                            DrillReport& report);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DRILL_APPROVAL_H_
