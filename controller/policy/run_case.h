// Runs a case: its socket, namespace or process through the signature engine, what the engine finds
// through the policies. Pure.
#ifndef TCPMEDIC_CONTROLLER_POLICY_RUN_CASE_H_
#define TCPMEDIC_CONTROLLER_POLICY_RUN_CASE_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/policy/cases.h"
#include "controller/policy/policy_set.h"

namespace tcpmedic {

struct CaseRun {
  CaseResult found;
  std::optional<absl::Duration> found_after;  // when the finding first came
  std::string difference;  // from what was expected, for people; empty: the case passed

  bool passed() const { return difference.empty(); }
};

// NotFound: the set has no signature of that name. Unimplemented: it is of subject connection, and
// a case describes no trace.
absl::StatusOr<CaseRun> RunCase(const PolicySet& policies, const Case& test);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_POLICY_RUN_CASE_H_
