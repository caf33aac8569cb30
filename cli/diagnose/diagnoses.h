// From what there is to look at, files or this host, to a diagnosis: reads or watches, asks the
// signatures, then the policies. The thin shell around all of them; blocks, and draws its progress
// on standard error.
#ifndef TCPMEDIC_CLI_DIAGNOSE_DIAGNOSES_H_
#define TCPMEDIC_CLI_DIAGNOSE_DIAGNOSES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/diagnose/diagnosis_view.h"
#include "cli/render/text.h"
#include "controller/policy/policy_set.h"
#include "observe/namespaces.h"
#include "scan/compiled_set.h"

namespace tcpmedic::cli {

struct Policies {
  PolicySet set;
  CompiledSet compiled;  // of the set's signatures
};

// `inputs` as CheckInputs has let them pass. Errors: as ReadInputs.
absl::StatusOr<DiagnosisView> DiagnoseInputs(const Policies& policies,
                                             const std::vector<std::string>& inputs,
                                             const Style& style);

// Errors: as WatchThisHost.
absl::StatusOr<DiagnosisView> DiagnoseThisHost(const Policies& policies,
                                               const Namespaces::Options& namespaces,
                                               absl::Duration watch_for, const Style& style);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DIAGNOSE_DIAGNOSES_H_
