// The network of one lab host: loopback, one TUN device towards the path, an address, a route, and
// the sysctls that a fast long path needs. Acts on the calling process's own network namespace
// only, which must be a new one.
#ifndef TCPMEDIC_LAB_HOST_NETWORK_H_
#define TCPMEDIC_LAB_HOST_NETWORK_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lab/path_spec.h"

namespace tcpmedic::lab {

inline constexpr int kMtuBytes = 1500;
inline constexpr absl::string_view kDeviceName = "path0";

// Sets this namespace up and returns the TUN device's descriptor (non-blocking, close-on-exec),
// which the caller owns. `address` is IPv4 or IPv6. FailedPrecondition: the namespace has links of
// its own, so it is not a new one.
absl::StatusOr<int> SetUpHostNetwork(const std::string& address, const PathSpec& path);

// Sets a sysctl of the calling thread's network namespace, by sysctl(8)'s dotted name.
// InvalidArgument: the name does not begin with "net.", or is none; or the kernel does not take the
// value. NotFound: this namespace has no such sysctl. Each names the sysctl.
absl::Status WriteSysctl(const std::string& name, const std::string& value);

// The largest socket buffer that the path can need: tcp_rmem's and tcp_wmem's third value.
int64_t MaxSocketBufferBytes(const PathSpec& path);

// The transmit drops of kDeviceName in the text of /proc/net/dev; 0 where it is not listed. Pure.
int64_t TransmitDrops(absl::string_view net_dev);

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_HOST_NETWORK_H_
