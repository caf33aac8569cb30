// From a finding to the policies' answer: which policy applies, and why the others do not. Pure;
// thread-safe.
#ifndef TCPMEDIC_CONTROLLER_POLICY_DECIDE_H_
#define TCPMEDIC_CONTROLLER_POLICY_DECIDE_H_

#include <map>
#include <string>

#include "controller/policy/policy_set.h"
#include "tcpmedic/v1/finding.pb.h"
#include "tcpmedic/v1/policy.pb.h"

namespace tcpmedic {

// What policies may ask about a host. Labels come from the controller's configuration, never from
// the agent.
struct HostFacts {
  std::string name;
  std::map<std::string, std::string> labels;
};

// Asks the policies of the finding's signature, by `order` and then by name; the first whose `when`
// is known to be true wins. An unknown `when` (a label that is not set) does not match;
// Decision::considered shows what is missing. No match leaves Decision::policy empty: the incident
// is noted.
v1::Decision Decide(const PolicySet& policies, const v1::Finding& finding, const HostFacts& host);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_POLICY_DECIDE_H_
