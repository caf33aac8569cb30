// A socket as a case describes it: what it is, and how each field of its tcp_info goes on from scan
// to scan (series.h), in the field's own unit. Fields have the kernel's own names (tcp_info.h,
// without "tcpi_"). Plain value; pure.
#ifndef TCPMEDIC_CONTROLLER_POLICY_SOCKET_SCRIPT_H_
#define TCPMEDIC_CONTROLLER_POLICY_SOCKET_SCRIPT_H_

#include <linux/tcp.h>

#include <cstddef>
#include <map>
#include <vector>

#include "absl/time/time.h"
#include "controller/policy/series.h"
#include "controller/policy/yaml_file.h"
#include "core/issue.h"
#include "observe/socket_sample.h"

namespace tcpmedic {

struct TcpInfoField;  // one of the kernel's fields: where it is and what it counts

struct SocketScript {
  SocketSample still;                            // what stays: identity, state, algorithm
  std::map<const TcpInfoField*, Series> fields;  // the others are 0
  bool delivery_rate_app_limited = false;
  size_t tcp_info_bytes = sizeof(tcp_info);  // an older kernel's is shorter

  SocketSample At(absl::Duration since_start) const;
};

// Reads a map of fields over `*script`, which may already hold what is common to several cases.
void ReadSocketScript(const YamlFile& file, const YamlNode& node, SocketScript* script,
                      std::vector<Issue>* issues);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_POLICY_SOCKET_SCRIPT_H_
