// A network namespace as a case describes it: how its counters go on from scan to scan, its
// settings, and a listener with its half-open connections. Counters and settings have the names
// that nstat(8) and sysctl(8) give them; one that is left out is not reported. Plain value; pure.
#ifndef TCPMEDIC_CONTROLLER_POLICY_NETNS_SCRIPT_H_
#define TCPMEDIC_CONTROLLER_POLICY_NETNS_SCRIPT_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "controller/policy/series.h"
#include "controller/policy/yaml_file.h"
#include "core/issue.h"
#include "observe/counters.h"
#include "observe/socket_sample.h"

namespace tcpmedic {

struct NetnsScript {
  struct Listener {
    IpAddress local_ip;
    uint16_t local_port = 0;
    int64_t backlog = 0;
    Series accept_queue;
    Series syn_recv;  // half-open connections
    int64_t sources =
        1;  // addresses that they come from, of those that nobody owns (RFC 2544, 5180)
  };

  std::map<std::string, Series> counters;  // and settings
  std::optional<Listener> listener;

  CounterSample CountersAt(absl::Duration since_start) const;
  // The listener and its half-open connections; `netns_cookie` is what they belong to.
  std::vector<SocketSample> SocketsAt(absl::Duration since_start, uint64_t netns_cookie) const;
};

// Reads a map of fields over `*script`, which may already hold what is common to several cases; a
// counter of those that is "missing" here is left out.
void ReadNetnsScript(const YamlFile& file, const YamlNode& node, NetnsScript* script,
                     std::vector<Issue>* issues);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_POLICY_NETNS_SCRIPT_H_
