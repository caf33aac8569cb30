#include "observe/capture/tcpdump_related.h"

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "observe/port_names.h"

namespace tcpmedic {
namespace {

using absl::string_view;

constexpr size_t kMaxWords = 16;  // of an error; the longest has ten

// Behind the endpoints. 4.x names the protocol's number, or by getprotobynumber(3) its name, of
// what has no header.
size_t FragmentMark(string_view text) {
  for (const string_view mark : {": ip-proto-6", ": tcp"}) {
    if (absl::EndsWith(text, mark)) return text.size() - mark.size();
  }
  return text.find(": frag (");
}

// "… 10.0.0.1 > 10.0.0.5".
bool ParseAddresses(string_view text, IpAddress* from, IpAddress* to) {
  const size_t arrow = text.rfind(" > ");
  if (arrow == string_view::npos) return false;
  string_view left = text.substr(0, arrow);
  const size_t blank = left.find_last_of(" \t");
  if (blank != string_view::npos) left.remove_prefix(blank + 1);
  const auto parsed_from = IpAddress::Parse(left);
  const auto parsed_to = IpAddress::Parse(text.substr(arrow + 3));
  if (!parsed_from.has_value() || !parsed_to.has_value()) return false;
  *from = *parsed_from;
  *to = *parsed_to;
  return true;
}

// What stands behind "ICMP " or "ICMP6, ", without the length at the end. Unset: no ICMP.
std::optional<string_view> IcmpWords(string_view text, size_t* at, bool* v6) {
  string_view mark = ": ICMP ";
  *v6 = false;
  *at = text.find(mark);
  if (*at == string_view::npos) {
    mark = ": ICMP6, ";
    *v6 = true;
    *at = text.find(mark);
  }
  if (*at == string_view::npos) return std::nullopt;
  string_view words = text.substr(*at + mark.size());
  const size_t length = words.rfind(", length ");
  return length == string_view::npos ? words : words.substr(0, length);
}

bool IsError(string_view words) {
  return absl::StrContains(words, "unreachable") || absl::StrContains(words, "time exceeded") ||
         absl::StrContains(words, "packet too big");
}

IcmpError ErrorOf(string_view words) {
  if (absl::StrContains(words, "reassembly time exceeded")) {
    return IcmpError::kReassemblyTimeExceeded;
  }
  if (absl::StrContains(words, "time exceeded")) return IcmpError::kTimeExceeded;
  if (absl::StrContains(words, "need to frag") || absl::StrContains(words, "packet too big")) {
    return IcmpError::kPacketTooBig;
  }
  if (absl::StrContains(words, "prohibited")) return IcmpError::kProhibited;
  if (absl::StrContains(words, " port ")) return IcmpError::kPortUnreachable;
  if (absl::StrContains(words, " protocol ")) return IcmpError::kProtocolUnreachable;
  if (absl::StrContains(words, "precedence")) return IcmpError::kUnreachable;
  if (absl::StartsWith(words, "net ") || absl::StrContains(words, "unreachable route")) {
    return IcmpError::kNetUnreachable;
  }
  if (absl::StartsWith(words, "host ") || absl::StrContains(words, "unreachable address")) {
    return IcmpError::kHostUnreachable;
  }
  return IcmpError::kUnreachable;
}

}  // namespace

bool IsLaterFragment(string_view text) { return FragmentMark(text) != string_view::npos; }

bool IsIcmpErrorWithoutAddress(string_view text) {
  size_t at;
  bool v6;
  const std::optional<string_view> words = IcmpWords(text, &at, &v6);
  return words.has_value() && IsError(*words) && !absl::StrContains(*words, " udp port ") &&
         !ParseTcpdumpRelated(text).has_value();
}

std::optional<RelatedPacket> ParseTcpdumpRelated(string_view text) {
  RelatedPacket related;
  if (const size_t mark = FragmentMark(text); mark != string_view::npos) {
    if (!ParseAddresses(text.substr(0, mark), &related.src_ip, &related.dst_ip)) {
      return std::nullopt;
    }
    return related;
  }
  size_t at;
  bool v6;
  const std::optional<string_view> words = IcmpWords(text, &at, &v6);
  if (!words.has_value() || !IsError(*words)) return std::nullopt;
  related.kind = RelatedPacket::Kind::kIcmpError;
  related.error = ErrorOf(*words);
  // It goes to whoever sent the segment.
  if (!ParseAddresses(text.substr(0, at), &related.from, &related.src_ip)) return std::nullopt;
  bool addressed = false, tcp = true;
  string_view before;
  size_t count = 0;
  for (string_view word : absl::StrSplit(*words, absl::ByAnyChar(" ,()"), absl::SkipEmpty())) {
    if (++count > kMaxWords) break;
    if (const auto address = IpAddress::Parse(word); address.has_value() && !addressed) {
      related.dst_ip = *address;
      addressed = true;
    }
    uint32_t number = 0;
    if (before == "mtu" && absl::SimpleAtoi(word, &number)) related.mtu = number;
    if (before == "protocol") tcp = word == "6" || word == "tcp";
    if (word == "udp") tcp = false;
    if (before == "port") {
      related.dst_port = absl::SimpleAtoi(word, &number) && number <= 0xffff
                             ? static_cast<uint16_t>(number)
                             : PortOfName(word);
    }
    before = word;
  }
  if (!addressed || !tcp) return std::nullopt;
  return related;
}

}  // namespace tcpmedic
