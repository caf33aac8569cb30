// A diagnosis for people: the verdicts first; then of each finding what to do, what would prove it
// wrong, its evidence with the place that it was read from, and what could not be seen; then the
// connections; last what was not read. Pure.
#ifndef TCPMEDIC_CLI_DIAGNOSE_DIAGNOSIS_SCREEN_H_
#define TCPMEDIC_CLI_DIAGNOSE_DIAGNOSIS_SCREEN_H_

#include <string>
#include <vector>

#include "cli/diagnose/diagnosis_view.h"
#include "cli/render/text.h"

namespace tcpmedic::cli {

// `drawn`: as ConnectionsToDraw gives them of the view's trace.
std::string RenderDiagnosis(const DiagnosisView& view,
                            const std::vector<const TrackedConnection*>& drawn,
                            const ShownConnections& shown, const Style& style);

// Of each signature, what kept it from a finding, or that it has one.
std::string RenderWhyNot(const DiagnosisView& view, const Style& style);

// "3 files" and the like. `inputs` as the user named them.
std::string InputsText(const std::vector<std::string>& inputs);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DIAGNOSE_DIAGNOSIS_SCREEN_H_
