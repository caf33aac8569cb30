// The receivers that the controller's configuration names:
//
//     receivers:
//       - name: oncall
//         alertmanager:
//           url: https://alerts.example.com          # /api/v2/alerts is added
//           bearer_token_file: /etc/tcpmedic/secrets/alertmanager
//           ca_file: /etc/tcpmedic/ca.pem            # the system's certificates, if left out
//           repeat_every: 1m                         # below half of Alertmanager's resolve_timeout
//       - name: chat
//         webhook: {url: https://chat.example.com/hooks/tcpmedic}
//       - name: journal
//         journald: {}
//
// A secret is never in the configuration, only the name of its file, and no token goes out in clear
// text, except to this host. Pure; thread-safe.
#ifndef TCPMEDIC_CONTROLLER_NOTIFY_RECEIVERS_H_
#define TCPMEDIC_CONTROLLER_NOTIFY_RECEIVERS_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "controller/policy/yaml_file.h"
#include "core/issue.h"
#include "tcpmedic/v1/policy.pb.h"

namespace tcpmedic {

inline constexpr int kMaxReceivers = 16;
// Alertmanager resolves by itself what it has not heard of for resolve_timeout, 5 min by default.
inline constexpr absl::Duration kDefaultRepeat = absl::Minutes(1);

struct Receiver {
  enum class Kind { kAlertmanager, kWebhook, kJournald };
  std::string name;
  Kind kind = Kind::kJournald;
  std::string url;                // whole, of the POST; http or https
  std::string bearer_token_file;  // empty: none
  std::string ca_file;            // empty: the system's
  absl::Duration repeat_every = kDefaultRepeat;
};

// Of the sequence under `receivers`. Appends every mistake.
std::vector<Receiver> ReadReceivers(const YamlFile& file, const YamlNode& sequence,
                                    std::vector<Issue>* issues);

// The names in `notify` and `raise_alert` of the policies that no receiver has, one Issue for each
// policy and name. Where the policies' file is at hand, give it with its place instead: the
// sentence is UnknownReceiver.
std::vector<Issue> UnknownReceivers(const std::vector<v1::Policy>& policies,
                                    const std::vector<Receiver>& receivers);
Issue UnknownReceiver(const std::string& name, const std::vector<std::string>& known);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_NOTIFY_RECEIVERS_H_
