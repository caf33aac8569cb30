// From an incident to what its receivers are told.
//
// An alert stands as long as its incident is open or the finding is there, also while the agent is
// silent and nothing is known. Its labels say what it is: alertname (the signature), host,
// severity, the parts of the group, the process where that is the subject, and those of the policy.
// Its key covers them, so that one whose severity rises is resolved and another fires: whoever is
// routed by severity hears of it.
//
// Everything that comes from a host is bounded here: a label to kMaxLabelBytes, an annotation to
// kMaxAnnotationBytes. Pure; thread-safe.
#ifndef TCPMEDIC_CONTROLLER_NOTIFY_ALERT_H_
#define TCPMEDIC_CONTROLLER_NOTIFY_ALERT_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "controller/policy/decide.h"
#include "controller/store/deliveries.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "tcpmedic/v1/alert.pb.h"
#include "tcpmedic/v1/incident.pb.h"

namespace tcpmedic {

inline constexpr size_t kMaxLabelBytes = 512;
inline constexpr size_t kMaxAnnotationBytes = 4096;
// Newer figures of an alert that stands are stored at most so often.
inline constexpr absl::Duration kAlertRefreshInterval = absl::Minutes(1);

// What alerts are made of. Refers to the incident.
struct AlertSource {
  // NOLINTNEXTLINE(google-explicit-constructor): most alerts are of the incident alone
  AlertSource(const v1::Incident& of, std::string sites = "")
      : incident(of), call_sites(std::move(sites)) {}

  const v1::Incident& incident;
  std::string call_sites;  // SampledInWords; empty: nothing is known of them
};

// The alerts that stand for the incident by its decision, all firing.
std::vector<AddressedAlert> StandingAlerts(const AlertSource& source, const HostFacts& host);

// What the step from `before` to `after` has to tell: alerts that fire from now on, those that no
// longer stand, resolved at `now`, and newer texts: at once where other call sites are known, which
// is worth a message, else as a refresh. `before` has the default incident where it is new.
std::vector<AddressedAlert> AlertsBetween(const AlertSource& before, const AlertSource& after,
                                          const HostFacts& host, absl::Time now);

// Whether an announcement of this kind is for the receivers that a policy names under `notify`:
// proposed, rolled_back and unknown.
bool IsNotified(absl::string_view what);

// An announcement as an event for each of the receivers; `key` and `what` are the announcement's.
std::vector<AddressedAlert> EventFor(
    const v1::Incident& incident, const HostFacts& host, absl::string_view key,
    absl::string_view what, absl::string_view text,
    const google::protobuf::RepeatedPtrField<std::string>& receivers, absl::Time now);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_NOTIFY_ALERT_H_
