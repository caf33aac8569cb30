#include "core/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

constexpr std::array<uint8_t, 12> kV4MappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

IpAddress IpAddress::Unmapped() const {
  if (!v6 || !std::equal(kV4MappedPrefix.begin(), kV4MappedPrefix.end(), bytes.begin())) {
    return *this;
  }
  return FromV4(bytes.data() + kV4MappedPrefix.size());
}

std::string IpAddress::ToString() const {
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), text, sizeof(text));
}

std::optional<IpAddress> IpAddress::Parse(absl::string_view text) {
  char terminated[INET6_ADDRSTRLEN] = {};
  // inet_pton would stop at a NUL and take what stands before it for the whole.
  if (text.size() >= sizeof(terminated) || text.find('\0') != absl::string_view::npos) {
    return std::nullopt;
  }
  std::memcpy(terminated, text.data(), text.size());
  IpAddress ip;
  ip.v6 = text.find(':') != absl::string_view::npos;
  if (inet_pton(ip.v6 ? AF_INET6 : AF_INET, terminated, ip.bytes.data()) != 1) return std::nullopt;
  return ip;
}

IpAddress IpAddress::FromV4(const void* four_bytes) {
  IpAddress ip;
  std::memcpy(ip.bytes.data(), four_bytes, 4);
  return ip;
}

IpAddress IpAddress::FromV6(const void* sixteen_bytes) {
  IpAddress ip;
  ip.v6 = true;
  std::memcpy(ip.bytes.data(), sixteen_bytes, 16);
  return ip;
}

bool IpPrefix::Contains(const IpAddress& ip) const {
  if (ip.v6 != address.v6) return false;
  const size_t whole_bytes = length / 8;
  if (std::memcmp(ip.bytes.data(), address.bytes.data(), whole_bytes) != 0) return false;
  const int rest_bits = length % 8;
  if (rest_bits == 0) return true;
  const unsigned mask = 0xff00u >> rest_bits;
  return ((ip.bytes[whole_bytes] ^ address.bytes[whole_bytes]) & mask & 0xff) == 0;
}

std::optional<IpPrefix> IpPrefix::Parse(absl::string_view text) {
  const size_t slash = text.find('/');
  if (slash == absl::string_view::npos) return std::nullopt;
  const std::optional<IpAddress> address = IpAddress::Parse(text.substr(0, slash));
  const absl::string_view bits = text.substr(slash + 1);
  // SimpleAtoi alone would also take "+8", " 8" and "08".
  const bool plain = !bits.empty() && std::all_of(bits.begin(), bits.end(), absl::ascii_isdigit) &&
                     (bits.size() == 1 || bits[0] != '0');
  int length = 0;
  if (!address.has_value() || !plain || !absl::SimpleAtoi(bits, &length)) return std::nullopt;
  if (length > (address->v6 ? 128 : 32)) return std::nullopt;
  return IpPrefix{*address, length};
}

std::string EndpointText(const IpAddress& ip, uint16_t port) {
  return ip.v6 ? absl::StrCat("[", ip.ToString(), "]:", port)
               : absl::StrCat(ip.ToString(), ":", port);
}

}  // namespace tcpmedic
