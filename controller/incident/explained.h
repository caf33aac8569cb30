// What findings the changes in force on a host explain: Policy.leads_to. Such a finding opens no
// incident of its own; the incident of the change tells of it once. Pure.
#ifndef TCPMEDIC_CONTROLLER_INCIDENT_EXPLAINED_H_
#define TCPMEDIC_CONTROLLER_INCIDENT_EXPLAINED_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "tcpmedic/v1/finding.pb.h"
#include "tcpmedic/v1/operator.pb.h"

namespace tcpmedic {

struct Explanation {
  std::string incident_id;
  std::string order_id;
  bool is_told = false;  // in the incident's timeline, of this order and the finding's signature
};

// Of one host. Not thread-safe.
class Explanations {
 public:
  // Takes up what the incident's orders lead to: those that are on the host now, also while they
  // wait for their verdict or for being taken back. Of two that lead to the same, the first taken
  // up counts.
  void Add(const v1::IncidentView& view);

  // Null: nothing explains the finding. Valid until the next Add.
  const Explanation* Of(const v1::Finding& finding) const;

 private:
  // By the signature and the cookie of the network namespace.
  std::map<std::pair<std::string, uint64_t>, Explanation> explained_;
};

// Whether the incident's timeline tells that the order has led to a finding of the signature.
bool HasToldOf(const v1::Incident& incident, absl::string_view order_id,
               absl::string_view signature);

// "SYN flood, absorbed by SYN cookies, as is to be expected of order o-…: 41827 SYNs were …"; of
// the verdict its first sentence, at most kMaxSentenceBytes of it.
inline constexpr size_t kMaxSentenceBytes = 300;
std::string ExplainedInWords(const v1::Finding& finding, absl::string_view order_id);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_INCIDENT_EXPLAINED_H_
