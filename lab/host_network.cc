#include "lab/host_network.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <net/route.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "core/errno_status.h"
#include "core/unique_fd.h"

namespace tcpmedic::lab {
namespace {

// Longer than what any path here lets be in flight between two reads of the emulator: the device
// must not drop.
constexpr int kTransmitQueueLength = 10'000;
constexpr int64_t kMinMaxBufferBytes = 4 << 20;

absl::Status WriteSysctls(const PathSpec& path) {
  const int64_t max_buffer = MaxSocketBufferBytes(path);
  const std::pair<std::string, std::string> settings[] = {
      {"net.ipv4.tcp_wmem", absl::StrCat("4096 65536 ", max_buffer)},
      {"net.ipv4.tcp_rmem", absl::StrCat("4096 131072 ", max_buffer)},
      // One client makes many short connections: its ports must come round within a minute.
      {"net.ipv4.ip_local_port_range", "10000 65535"},
      {"net.ipv4.tcp_tw_reuse", "1"},
      // What one transfer learned must not shape the next.
      {"net.ipv4.tcp_no_metrics_save", "1"},
      {"net.ipv4.ip_forward", "0"},
      {"net.ipv6.conf.all.forwarding", "0"},
      // Addresses work at once, and the path carries nothing but what the programs send.
      {"net.ipv6.conf.all.accept_dad", "0"},
      {"net.ipv6.conf.default.accept_dad", "0"},
      {"net.ipv6.conf.default.addr_gen_mode", "1"},
      {"net.ipv6.conf.default.router_solicitations", "0"},
      {"net.ipv6.conf.default.accept_ra", "0"},
  };
  for (const auto& [name, value] : settings) {
    if (absl::Status status = WriteSysctl(name, value); !status.ok()) return status;
  }
  return absl::OkStatus();
}

ifreq RequestFor(absl::string_view device) {
  ifreq request{};
  device.copy(request.ifr_name, sizeof(request.ifr_name) - 1);
  return request;
}

absl::Status Control(int fd, unsigned long command, void* request, absl::string_view tried) {
  return ioctl(fd, command, request) == 0 ? absl::OkStatus() : ErrnoStatus(tried);
}

absl::Status BringUp(int fd, absl::string_view device) {
  ifreq request = RequestFor(device);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return Control(fd, SIOCSIFFLAGS, &request, absl::StrCat("bring up ", device));
}

sockaddr* Ipv4(sockaddr* out, const char* address) {
  auto* const in = reinterpret_cast<sockaddr_in*>(out);
  in->sin_family = AF_INET;
  inet_pton(AF_INET, address, &in->sin_addr);
  return out;
}

absl::Status AddIpv4(int fd, const std::string& address) {
  ifreq request = RequestFor(kDeviceName);
  Ipv4(&request.ifr_addr, address.c_str());
  absl::Status status = Control(fd, SIOCSIFADDR, &request, absl::StrCat("add ", address));
  if (!status.ok()) return status;
  Ipv4(&request.ifr_netmask, "255.255.255.0");
  status = Control(fd, SIOCSIFNETMASK, &request, "set the netmask");
  if (!status.ok()) return status;
  status = BringUp(fd, kDeviceName);
  if (!status.ok()) return status;
  std::string device(kDeviceName);
  rtentry route{};
  Ipv4(&route.rt_dst, "0.0.0.0");
  Ipv4(&route.rt_genmask, "0.0.0.0");
  route.rt_flags = RTF_UP;
  route.rt_dev = device.data();
  return Control(fd, SIOCADDRT, &route, "add the IPv4 default route");
}

absl::Status AddIpv6(int fd, const in6_addr& address) {
  absl::Status status = BringUp(fd, kDeviceName);
  if (!status.ok()) return status;
  const int index = static_cast<int>(if_nametoindex(std::string(kDeviceName).c_str()));
  in6_ifreq request{};
  request.ifr6_addr = address;
  request.ifr6_prefixlen = 64;
  request.ifr6_ifindex = index;
  status = Control(fd, SIOCSIFADDR, &request, "add the IPv6 address");
  if (!status.ok()) return status;
  in6_rtmsg route{};
  route.rtmsg_metric = 1;
  route.rtmsg_flags = RTF_UP;
  route.rtmsg_ifindex = index;
  return Control(fd, SIOCADDRT, &route, "add the IPv6 default route");
}

// A new namespace has a loopback device that is down, and perhaps fallback tunnels, which are down
// too.
absl::Status CheckNamespaceIsNew(int fd) {
  ifreq request = RequestFor("lo");
  absl::Status status = Control(fd, SIOCGIFFLAGS, &request, "read the state of lo");
  if (!status.ok()) return status;
  if (request.ifr_flags & IFF_UP) {
    return absl::FailedPreconditionError(
        "this network namespace is in use: the lab sets up only namespaces that it has just made");
  }
  return absl::OkStatus();
}

absl::StatusOr<int> CreateTun(int control_fd) {
  const int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus("open /dev/net/tun (is the tun module loaded?)");
  absl::Cleanup close_on_failure = [fd] { close(fd); };
  ifreq request = RequestFor(kDeviceName);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  absl::Status status = Control(fd, TUNSETIFF, &request, "create a TUN device");
  if (!status.ok()) return status;
  request = RequestFor(kDeviceName);
  request.ifr_mtu = kMtuBytes;
  status = Control(control_fd, SIOCSIFMTU, &request, "set the MTU");
  if (!status.ok()) return status;
  request = RequestFor(kDeviceName);
  request.ifr_qlen = kTransmitQueueLength;
  status = Control(control_fd, SIOCSIFTXQLEN, &request, "set the transmit queue's length");
  if (!status.ok()) return status;
  std::move(close_on_failure).Cancel();
  return fd;
}

}  // namespace

absl::Status WriteSysctl(const std::string& name, const std::string& value) {
  const bool is_name =
      absl::StartsWith(name, "net.") && !absl::EndsWith(name, ".") &&
      !absl::StrContains(name, "..") && std::all_of(name.begin(), name.end(), [](char c) {
        return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_';
      });
  if (!is_name) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", name, "' is no sysctl of a network namespace"));
  }
  const std::string path = absl::StrCat("/proc/sys/", absl::StrReplaceAll(name, {{".", "/"}}));
  const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(absl::StrCat("set ", name, ": open ", path));
  if (write(fd.get(), value.data(), value.size()) != static_cast<ssize_t>(value.size())) {
    return ErrnoStatus(absl::StrCat("set ", name, " to '", value, "': write ", path));
  }
  return absl::OkStatus();
}

int64_t MaxSocketBufferBytes(const PathSpec& path) {
  return std::clamp<int64_t>(4 * BandwidthDelayBytes(path), kMinMaxBufferBytes, INT32_MAX);
}

absl::StatusOr<int> SetUpHostNetwork(const std::string& address, const PathSpec& path) {
  in6_addr ipv6{};
  const bool is_ipv6 = inet_pton(AF_INET6, address.c_str(), &ipv6) == 1;
  const int fd = socket(is_ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return ErrnoStatus("open a socket to configure a host with");
  absl::Cleanup closer = [fd] { close(fd); };
  absl::Status status = CheckNamespaceIsNew(fd);
  if (status.ok()) status = WriteSysctls(path);
  if (status.ok()) status = BringUp(fd, "lo");
  if (!status.ok()) return status;
  const absl::StatusOr<int> tun = CreateTun(fd);
  if (!tun.ok()) return tun;
  status = is_ipv6 ? AddIpv6(fd, ipv6) : AddIpv4(fd, address);
  if (!status.ok()) {
    close(*tun);
    return status;
  }
  return tun;
}

int64_t TransmitDrops(absl::string_view net_dev) {
  // name: 8 columns received, then transmitted bytes, packets, errors, drops.
  constexpr size_t kColumn = 8 + 3;
  for (const absl::string_view line : absl::StrSplit(net_dev, '\n')) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (absl::StripAsciiWhitespace(parts.first) != kDeviceName) continue;
    const std::vector<absl::string_view> columns =
        absl::StrSplit(parts.second, ' ', absl::SkipEmpty());
    int64_t drops = 0;
    if (columns.size() > kColumn && absl::SimpleAtoi(columns[kColumn], &drops)) return drops;
  }
  return 0;
}

}  // namespace tcpmedic::lab
