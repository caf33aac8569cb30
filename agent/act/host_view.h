// What the newest scan shows of the host: what orders choose their targets by, and what keeps a
// lease alive. The seam between orders and scans.
#ifndef TCPMEDIC_AGENT_ACT_HOST_VIEW_H_
#define TCPMEDIC_AGENT_ACT_HOST_VIEW_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "diagnosis/process_found.h"
#include "scan/candidate.h"
#include "tcpmedic/v1/evidence.pb.h"
#include "tcpmedic/v1/order.pb.h"

namespace tcpmedic {

class HostView {
 public:
  virtual ~HostView() = default;

  // The sockets that match now. None for a selector that is meant for another host.
  virtual std::vector<Candidate> Candidates(const v1::Selector& selector) = 0;

  // The namespace in which the selector's signature is a finding now. NullOpt: in none, or the
  // selector is meant for another host.
  virtual std::optional<v1::NetworkNamespace> Namespace(const v1::Selector& selector) = 0;

  // The process that the selector's finding is about, with the sockets that it does not close.
  // NullOpt: as Namespace.
  virtual std::optional<ProcessFound> Process(const v1::Selector& selector) = 0;

  // Whether `expression`, over netns.*, is true of the namespace now. NullOpt: not known.
  virtual std::optional<bool> Holds(uint64_t netns_cookie, const std::string& expression) = 0;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_ACT_HOST_VIEW_H_
