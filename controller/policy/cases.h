// Cases: tests of the policy files, written beside them. Each describes one socket, one network
// namespace or one process over some seconds and says what must come of it: a finding and the
// decision on it, or silence and what kept it silent. Pure; plain values.
#ifndef TCPMEDIC_CONTROLLER_POLICY_CASES_H_
#define TCPMEDIC_CONTROLLER_POLICY_CASES_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "controller/policy/decide.h"
#include "controller/policy/netns_script.h"
#include "controller/policy/policy_files.h"
#include "controller/policy/process_script.h"
#include "controller/policy/socket_script.h"
#include "core/issue.h"

namespace tcpmedic {

// What a case expects, or what a run of it showed. Of an expectation, only what is set is compared.
struct CaseResult {
  std::optional<std::string> finding;  // "none" (at no time), or at the end "likely", "certain"
  std::optional<std::string>
      stopped_by;  // none: the look-alike, or the part of the condition, that kept it silent
  std::optional<std::vector<std::string>>
      not_shown;                      // likely: the look-alikes that could not be ruled out
  std::optional<std::string> policy;  // "none": noted
  std::optional<std::string> action;  // "set_congestion_control bbr", "note", "none"
};

struct Case {
  std::string file;
  int line = 0;
  std::string name;
  std::string signature;
  HostFacts host;
  absl::Duration interval;  // between scans
  absl::Duration lasts;     // the first scan is at 0, the last at this time
  SocketScript socket;
  std::optional<NetnsScript> netns;      // of a signature of namespaces, in place of the socket
  std::optional<ProcessScript> process;  // likewise of processes
  CaseResult expect;
  std::optional<absl::Duration> within;  // when the finding must have come, at the latest
};

// The cases in those `files` that hold cases. On a mistake returns nullopt and appends all mistakes
// to `issues`.
std::optional<std::vector<Case>> ParseCases(absl::Span<const PolicyFile> files,
                                            std::vector<Issue>* issues);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_POLICY_CASES_H_
