#include "observe/capture/tcpdump_line.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/civil_time.h"
#include "observe/capture/packet_decoder.h"
#include "observe/capture/tcpdump_related.h"
#include "observe/port_names.h"
#include "observe/printable.h"

namespace tcpmedic {
namespace {

using absl::string_view;
using Kind = TcpdumpLine::Kind;

// Takes the number at the front; unset, and nothing is taken, where there is none or it is too big.
template <typename Number>
std::optional<Number> TakeNumber(string_view* text) {
  const auto* const end = std::find_if_not(text->begin(), text->end(), absl::ascii_isdigit);
  const string_view digits = text->substr(0, end - text->begin());
  uint64_t number;
  if (digits.empty() || !absl::SimpleAtoi(digits, &number) ||
      number > static_cast<uint64_t>(std::numeric_limits<Number>::max())) {
    return std::nullopt;
  }
  text->remove_prefix(digits.size());
  return static_cast<Number>(number);
}

// Exactly two digits.
std::optional<int> TakeTwoDigits(string_view* text) {
  if (text->size() < 2 || !absl::ascii_isdigit((*text)[0]) || !absl::ascii_isdigit((*text)[1])) {
    return std::nullopt;
  }
  const int number = ((*text)[0] - '0') * 10 + ((*text)[1] - '0');
  text->remove_prefix(2);
  return number;
}

// ".123456" or nothing. Unset: a point without digits, or more than nanoseconds.
std::optional<absl::Duration> TakeFraction(string_view* text) {
  if (!absl::ConsumePrefix(text, ".")) return absl::ZeroDuration();
  int64_t nanoseconds = 0;
  int digits = 0;
  while (!text->empty() && absl::ascii_isdigit(text->front())) {
    if (++digits > 9) return std::nullopt;
    nanoseconds = nanoseconds * 10 + (text->front() - '0');
    text->remove_prefix(1);
  }
  if (digits == 0) return std::nullopt;
  for (; digits < 9; ++digits) nanoseconds *= 10;
  return absl::Nanoseconds(nanoseconds);
}

// "14:02:11.001000". Hours have two digits, or more where -ttt counts over days.
std::optional<absl::Duration> TakeTimeOfDay(string_view* text) {
  const std::optional<int> hours = TakeNumber<int>(text);
  if (!hours.has_value() || *hours > 99'999 || !absl::ConsumePrefix(text, ":")) return std::nullopt;
  const std::optional<int> minutes = TakeTwoDigits(text);
  if (!minutes.has_value() || *minutes > 59 || !absl::ConsumePrefix(text, ":")) return std::nullopt;
  const std::optional<int> seconds = TakeTwoDigits(text);
  if (!seconds.has_value() || *seconds > 60) return std::nullopt;
  const std::optional<absl::Duration> fraction = TakeFraction(text);
  if (!fraction.has_value()) return std::nullopt;
  return absl::Hours(*hours) + absl::Minutes(*minutes) + absl::Seconds(*seconds) + *fraction;
}

std::optional<TcpdumpTime> TakeDate(string_view* text) {
  const std::optional<int> year = TakeNumber<int>(text);
  if (!year.has_value() || *year < 1970 || *year > 9999 || !absl::ConsumePrefix(text, "-")) {
    return std::nullopt;
  }
  const std::optional<int> month = TakeTwoDigits(text);
  if (!month.has_value() || !absl::ConsumePrefix(text, "-")) return std::nullopt;
  const std::optional<int> day = TakeTwoDigits(text);
  if (!day.has_value() || !absl::ConsumePrefix(text, " ")) return std::nullopt;
  const std::optional<absl::Duration> of_day = TakeTimeOfDay(text);
  if (!of_day.has_value()) return std::nullopt;
  const absl::CivilDay date(*year, *month, *day);
  if (date.month() != *month || date.day() != *day) return std::nullopt;  // no such day
  const absl::Duration midnight = absl::Hours(24) * (date - absl::CivilDay(1970, 1, 1));
  return TcpdumpTime{TcpdumpTime::Form::kDate, midnight + *of_day};
}

// Takes the time at the front of a line and the blanks behind it; where there is none, nothing.
// `sign`: what stood before it.
std::optional<TcpdumpTime> TakeTime(char sign, string_view* line) {
  std::optional<TcpdumpTime> time;
  string_view rest = *line;
  if ((time = TakeDate(&rest)).has_value()) {
  } else if (rest = *line; const auto of_day = TakeTimeOfDay(&rest)) {
    // A paste may have lost the blank; midnight sharp is the first packet of -ttt.
    const bool difference = sign != 0 || *of_day == absl::ZeroDuration();
    time = TcpdumpTime{difference ? TcpdumpTime::Form::kDifference : TcpdumpTime::Form::kOfDay,
                       sign == '-' ? -*of_day : *of_day};
  } else {
    rest = *line;
    const std::optional<int64_t> seconds = TakeNumber<int64_t>(&rest);
    if (!seconds.has_value() || *seconds > 99'999'999'999 || !absl::StartsWith(rest, ".")) {
      return std::nullopt;
    }
    const std::optional<absl::Duration> fraction = TakeFraction(&rest);
    if (!fraction.has_value()) return std::nullopt;
    time = TcpdumpTime{TcpdumpTime::Form::kEpoch, absl::Seconds(*seconds) + *fraction};
  }
  if (rest.empty() || !absl::ascii_isspace(rest.front())) return std::nullopt;
  *line = absl::StripLeadingAsciiWhitespace(rest);
  return time;
}

// The part of `text` behind its last blank, and what stands before it, without blanks at its end.
std::pair<string_view, string_view> SplitLastWord(string_view text) {
  text = absl::StripTrailingAsciiWhitespace(text);
  const size_t blank = text.find_last_of(" \t");
  if (blank == string_view::npos) return {string_view(), text};
  return {absl::StripTrailingAsciiWhitespace(text.substr(0, blank)), text.substr(blank + 1)};
}

std::optional<uint16_t> PortOf(string_view text) {
  string_view rest = text;
  const std::optional<uint16_t> number = TakeNumber<uint16_t>(&rest);
  if (number.has_value() && rest.empty()) return number;
  return PortOfName(text);
}

struct Endpoint {
  IpAddress ip;
  uint16_t port = 0;
};

// "10.0.0.5.51514", "2001:db8::1.https". `why` is filled where it returns nothing.
std::optional<Endpoint> EndpointOf(string_view text, std::string* why) {
  const size_t dot = text.rfind('.');
  const string_view host = text.substr(0, dot);
  const std::optional<IpAddress> ip = IpAddress::Parse(host);
  if (dot == string_view::npos || !ip.has_value()) {
    *why = "a host name instead of an address: tcpdump -n shows addresses";
    return std::nullopt;
  }
  const string_view port_text = text.substr(dot + 1);
  const std::optional<uint16_t> port = PortOf(port_text);
  if (!port.has_value()) {
    *why = absl::StrCat("the port name \"", Printable(port_text.substr(0, 40)),
                        "\" is not known: tcpdump -n shows numbers");
    return std::nullopt;
  }
  return Endpoint{*ip, *port};
}

// `left` is what stands before "Flags [", without the colon. Two forms: "… SRC.1 > DST.2", and
// behind an IPv6 extension header "… SRC > DST: HBH 1 > 2".
bool ParseEndpoints(string_view left, CapturedSegment* segment, std::string* why) {
  const size_t arrow = left.rfind('>');
  if (arrow == string_view::npos) return false;
  const string_view to = absl::StripAsciiWhitespace(left.substr(arrow + 1));
  const auto [before, from] = SplitLastWord(left.substr(0, arrow));
  std::optional<Endpoint> src, dst;
  const size_t outer_arrow = before.rfind(" > ");
  if (!absl::StrContains(to, '.') && outer_arrow != string_view::npos) {
    const string_view src_text = SplitLastWord(before.substr(0, outer_arrow)).second;
    const string_view behind = absl::StripLeadingAsciiWhitespace(before.substr(outer_arrow + 3));
    const string_view dst_text =
        absl::StripSuffix(behind.substr(0, behind.find_first_of(" \t")), ":");
    src = EndpointOf(absl::StrCat(src_text, ".", from), why);
    dst = EndpointOf(absl::StrCat(dst_text, ".", to), why);
  } else {
    src = EndpointOf(from, why);
    dst = EndpointOf(to, why);
  }
  if (!src.has_value() || !dst.has_value()) return false;
  segment->src_ip = src->ip;
  segment->src_port = src->port;
  segment->dst_ip = dst->ip;
  segment->dst_port = dst->port;
  return true;
}

// "S.", "FP.", "none". False: some other letter.
bool ParseFlags(string_view text, uint16_t* flags) {
  if (text == "none") return true;
  for (const char letter : text) {
    switch (letter) {
      case 'F':
        *flags |= kFin;
        break;
      case 'S':
        *flags |= kSyn;
        break;
      case 'R':
        *flags |= kRst;
        break;
      case 'P':
        *flags |= kPsh;
        break;
      case '.':
        *flags |= kAck;
        break;
      case 'U':
        *flags |= kUrg;
        break;
      case 'E':
        *flags |= kEce;
        break;
      case 'W':
        *flags |= kCwr;
        break;
      case 'e':
        *flags |= kAe;
        break;
      default:
        return false;
    }
  }
  return !text.empty();
}

// "{1:1449}{2897:4345}", as many as there are.
void ParseSackBlocks(string_view text, CapturedSegment* segment) {
  while (segment->sack_blocks < segment->sack.size() && absl::ConsumePrefix(&text, "{")) {
    const std::optional<uint32_t> begin = TakeNumber<uint32_t>(&text);
    if (!begin.has_value() || !absl::ConsumePrefix(&text, ":")) return;
    const std::optional<uint32_t> end = TakeNumber<uint32_t>(&text);
    if (!end.has_value() || !absl::ConsumePrefix(&text, "}")) return;
    segment->sack[segment->sack_blocks++] = {*begin, *end};
    text = absl::StripLeadingAsciiWhitespace(text);
  }
}

void ParseFastOpen(string_view text, CapturedSegment* segment) {
  segment->fast_open = true;
  text = absl::StripLeadingAsciiWhitespace(text);
  if (absl::ConsumePrefix(&text, "cookie ")) {
    const size_t digits =
        std::find_if_not(text.begin(), text.end(), absl::ascii_isxdigit) - text.begin();
    segment->fast_open_cookie_bytes = static_cast<uint8_t>(std::min<size_t>(digits / 2, 255));
  }
}

void ParseOption(string_view option, CapturedSegment* segment) {
  option = absl::StripAsciiWhitespace(option);
  if (absl::ConsumePrefix(&option, "mss ")) {
    segment->mss = TakeNumber<uint16_t>(&option);
  } else if (option == "sackOK") {
    segment->sack_permitted = true;
  } else if (absl::ConsumePrefix(&option, "wscale ")) {
    const std::optional<uint8_t> shift = TakeNumber<uint8_t>(&option);
    if (shift.has_value()) segment->window_scale = std::min<uint8_t>(*shift, 14);
  } else if (absl::ConsumePrefix(&option, "TS val ")) {
    const std::optional<uint32_t> val = TakeNumber<uint32_t>(&option);
    if (!val.has_value() || !absl::ConsumePrefix(&option, " ecr ")) return;
    const std::optional<uint32_t> ecr = TakeNumber<uint32_t>(&option);
    if (!ecr.has_value()) return;
    segment->ts_val = val;
    segment->ts_ecr = ecr;
  } else if (absl::ConsumePrefix(&option, "sack ")) {
    if (!TakeNumber<uint32_t>(&option).has_value()) return;
    ParseSackBlocks(absl::StripLeadingAsciiWhitespace(option), segment);
  } else if (absl::StartsWith(option, "md5 ") || option == "md5") {
    segment->signed_by_md5 = true;
  } else if (absl::ConsumePrefix(&option, "tfo ") || absl::ConsumePrefix(&option, "exp-tfo ")) {
    ParseFastOpen(option, segment);
  }
}

// Takes what stands behind "options [" up to its end. False: it ends before its bracket closes.
bool TakeOptions(string_view* text, CapturedSegment* segment) {
  int depth = 0;
  size_t option = 0;
  for (size_t at = 0; at < text->size(); ++at) {
    const char c = (*text)[at];
    if (c == '[') ++depth;
    if (c == ']' && depth-- > 0) continue;
    if (depth > 0 || (c != ',' && c != ']')) continue;
    ParseOption(text->substr(option, at - option), segment);
    option = at + 1;
    if (c == ']') {
      text->remove_prefix(at + 1);
      return true;
    }
  }
  // The last one may have been cut in the middle of a number.
  *text = string_view();
  return false;
}

// The fields behind "Flags [S.]": "seq A:B", "ack", "win", "options […]", "length", in this order
// in all versions since 4.0, but only looked for by name. False, with the reason in `why`: a field
// is malformed or one is missing that tcpdump always prints.
bool ParseFields(string_view text, CapturedSegment* segment, std::string* why) {
  std::optional<uint32_t> seq_end, length;
  std::optional<uint16_t> window;
  *why = "not as tcpdump writes a segment";
  while (true) {
    text = absl::StripLeadingAsciiWhitespace(text);
    while (absl::ConsumePrefix(&text, ",")) text = absl::StripLeadingAsciiWhitespace(text);
    if (absl::ConsumePrefix(&text, "seq ")) {
      segment->seq = TakeNumber<uint32_t>(&text);
      if (!segment->seq.has_value()) return false;
      if (absl::ConsumePrefix(&text, ":") && !(seq_end = TakeNumber<uint32_t>(&text)).has_value()) {
        return false;
      }
    } else if (absl::ConsumePrefix(&text, "ack ")) {
      segment->ack = TakeNumber<uint32_t>(&text);
      if (!segment->ack.has_value()) return false;
    } else if (absl::ConsumePrefix(&text, "win ")) {
      window = TakeNumber<uint16_t>(&text);
      if (!window.has_value()) return false;
    } else if (absl::ConsumePrefix(&text, "options [")) {
      segment->options_known = TakeOptions(&text, segment);
      segment->truncated = !segment->options_known;
    } else if (absl::ConsumePrefix(&text, "length ")) {
      length = TakeNumber<uint32_t>(&text);
      if (!length.has_value()) return false;
      break;  // what follows is the payload's
    } else {
      // A checksum, "urg 1", or the end.
      const size_t comma = text.find(',');
      if (comma == string_view::npos) break;
      text.remove_prefix(comma);
    }
  }
  if (!window.has_value()) {
    *why = "a line of tcpdump without its window: cut";
    return false;
  }
  segment->window = *window;
  // A SYN without data and a cut line print one number only.
  if (length.has_value()) {
    segment->payload_bytes = *length;
  } else if (seq_end.has_value()) {
    segment->payload_bytes = *seq_end - *segment->seq;
  }
  if (!segment->Has(kAck)) segment->ack.reset();
  return true;
}

bool IsOwnWords(string_view line) {
  for (const string_view start :
       {"tcpdump: verbose output suppressed", "tcpdump: listening on ", "tcpdump: data link type",
        "listening on ", "reading from file ", "dropped privs to ",
        "Warning: interface names might be incorrect"}) {
    if (absl::StartsWith(line, start)) return true;
  }
  return false;
}

// "10 packets captured". Unset: not such a line.
std::optional<TcpdumpLine> ParseClosingWords(string_view line) {
  absl::ConsumePrefix(&line, "^C");
  if (line.empty()) return std::nullopt;
  const std::optional<int64_t> count = TakeNumber<int64_t>(&line);
  if (!count.has_value()) return std::nullopt;
  if (!absl::ConsumePrefix(&line, " packets ") && !absl::ConsumePrefix(&line, " packet ")) {
    return std::nullopt;
  }
  TcpdumpLine parsed;
  parsed.kind = Kind::kOwnWords;
  if (line == "captured" || line == "received by filter") return parsed;
  if (line != "dropped by kernel" && line != "dropped by interface") return std::nullopt;
  if (*count > 0) {
    parsed.kind = Kind::kDrops;
    parsed.reason = absl::StrCat(*count, *count == 1 ? " packet was " : " packets were ", line,
                                 ": the capture misses them");
  }
  return parsed;
}

// "07:08:09:0a:0b:0c > 01:02:03:04:05:06, ethertype …", as -e begins.
bool StartsWithMac(string_view text) {
  if (text.size() < 17) return false;
  for (size_t at = 0; at < 17; ++at) {
    if (at % 3 == 2 ? text[at] != ':' : !absl::ascii_isxdigit(text[at])) return false;
  }
  return text.size() == 17 || !absl::ascii_isalnum(text[17]);
}

// Whether `text`, which stands behind a time, is how tcpdump begins a packet.
bool StartsPacket(string_view text) {
  if (StartsWithMac(text)) return true;
  for (const string_view start :
       {"IP ",         "IP6 ",   "IP, ",   "IP6, ",  "IP0 ",       "ARP, ",      "RARP, ",
        "Reverse ARP", "STP ",   "LLDP, ", "LLC, ",  "EAPOL ",     "EAP ",       "802.1",
        "CDPv",        "AF IPv", "MPLS ",  "PPPoE ", "ethertype ", "Loopback, ", "Unknown SNAP",
        "LACP",        "igmp ",  "In ",    "Out ",   "ip: ",       "ip6: "}) {
    if (absl::StartsWith(text, start)) return true;
  }
  // "-i any": "eth0  In  IP 10.0.0.5…"
  const size_t name = text.find(' ');
  if (name == string_view::npos) return false;
  const string_view direction = absl::StripLeadingAsciiWhitespace(text.substr(name));
  for (const string_view word : {"In ", "Out ", "B ", "M ", "P ", "? "}) {
    if (absl::StartsWith(direction, word)) return true;
  }
  return false;
}

// Why a packet's line has no "Flags [".
std::string OtherReason(string_view text) {
  if (absl::StrContains(text, "[|tcp]")) return std::string(ReasonText(PacketKind::kCut));
  if (IsLaterFragment(text)) return std::string(ReasonText(PacketKind::kLaterFragment));
  if (IsIcmpErrorWithoutAddress(text)) {
    return "an ICMP error whose address tcpdump does not print: tcpdump -w captures it";
  }
  const size_t quiet = text.rfind(": tcp ");
  if (quiet != string_view::npos) {
    string_view bytes = text.substr(quiet + 6);
    if (TakeNumber<uint32_t>(&bytes).has_value() && bytes.empty()) {
      return "tcpdump -q leaves out flags and numbers";
    }
  }
  if (absl::StrContains(text, "[bad hdr length")) {
    return std::string(ReasonText(PacketKind::kMalformed));
  }
  return std::string(ReasonText(PacketKind::kNotTcp));
}

// Whether `text` begins "10.0.0.5.53 > 10.0.0.9.4711: " or "10.0.0.5 > 10.0.0.9: ", as the second
// line of -v does.
bool StartsWithAddresses(string_view text) {
  const size_t arrow = text.find(" > ");
  if (arrow == string_view::npos || arrow > 64) return false;
  const string_view from = text.substr(0, arrow);
  std::string why;
  return IpAddress::Parse(from).has_value() || EndpointOf(from, &why).has_value();
}

// Takes "    5  " of -#, where a packet follows.
void SkipNumber(string_view* line) {
  string_view rest = absl::StripLeadingAsciiWhitespace(*line);
  if (!TakeNumber<int64_t>(&rest).has_value() || !absl::ConsumePrefix(&rest, "  ")) return;
  if (rest.empty()) return;
  string_view timed = rest;
  if (TakeTime(0, &timed).has_value() || StartsPacket(rest)) *line = rest;
}

// "(tos 0x0, ttl 64, …, length 60)", what -v prints of an IPv4 header at the end of its line.
bool EndsWithIpHeader(string_view text) {
  return absl::EndsWith(text, ")") && absl::StrContains(text, "(tos 0x") &&
         absl::StrContains(text, ", proto ");
}

void ParsePacket(string_view text, bool indented, TcpdumpLine* line) {
  const size_t flags = text.find("Flags [");
  if (flags == string_view::npos) {
    if (EndsWithIpHeader(text)) {
      line->kind = Kind::kHeader;
    } else if (line->time.has_value()
                   ? StartsPacket(text)
                   : absl::StartsWith(text, "ARP, ") ||
                         ((absl::StartsWith(text, "IP ") || absl::StartsWith(text, "IP6 ") ||
                           StartsWithMac(text) || StartsWithAddresses(text)) &&
                          absl::StrContains(text, " > "))) {
      line->kind = Kind::kOtherPacket;
      line->related = ParseTcpdumpRelated(text);
      if (!line->related || line->related->kind != RelatedPacket::Kind::kIcmpError) {
        line->reason = OtherReason(text);
      }
    } else if (indented) {
      line->kind = Kind::kContinuation;
    }
    for (const string_view tunnel : {": VXLAN, ", ": Geneve, "}) {
      if (absl::StrContains(text, tunnel)) line->carries_another = true;
    }
    return;
  }
  string_view left = absl::StripTrailingAsciiWhitespace(text.substr(0, flags));
  string_view fields = text.substr(flags + 7);
  const size_t bracket = fields.find(']');
  if (!absl::ConsumeSuffix(&left, ":") || bracket == string_view::npos ||
      !ParseFlags(fields.substr(0, bracket), &line->segment.flags)) {
    if (indented) line->kind = Kind::kContinuation;
    return;
  }
  fields.remove_prefix(bracket + 1);
  line->segment.options_known = false;
  if (absl::StrContains(left, "GREv")) {
    line->kind = Kind::kOtherPacket;
    line->reason = std::string(ReasonText(PacketKind::kNotTcp));
  } else if (ParseEndpoints(left, &line->segment, &line->reason) &&
             ParseFields(fields, &line->segment, &line->reason)) {
    line->kind = Kind::kSegment;
    line->reason.clear();
  } else if (!line->reason.empty()) {
    line->kind = Kind::kOtherPacket;
  }
}

}  // namespace

TcpdumpLine ParseTcpdumpLine(string_view line) {
  TcpdumpLine parsed;
  const bool indented = !line.empty() && absl::ascii_isspace(line.front());
  line = absl::StripTrailingAsciiWhitespace(line);
  const bool by_tab = absl::StartsWith(line, "\t");
  SkipNumber(&line);
  const bool minus = absl::StartsWith(line, "-");
  string_view text = absl::StripLeadingAsciiWhitespace(minus ? line.substr(1) : line);
  if (text.empty()) {
    if (indented) parsed.kind = Kind::kContinuation;
    return parsed;
  }
  if (indented && absl::StartsWith(text, "0x") && text.size() > 6 && text[6] == ':') {
    parsed.kind = Kind::kHexDump;
    return parsed;
  }
  if (!by_tab) {
    if (IsOwnWords(text)) {
      parsed.kind = Kind::kOwnWords;
      return parsed;
    }
    if (auto closing = ParseClosingWords(text)) return *std::move(closing);
    if (absl::StartsWith(text, "tcpdump: pcap_loop: ")) {
      parsed.kind = Kind::kDrops;
      parsed.reason = "tcpdump could not read its input to the end";
      return parsed;
    }
  }
  // One blank is what -ttt sets where a minus might be; more are somebody's margin.
  const bool one_blank = indented && !by_tab && line.size() - text.size() == 1;
  parsed.time = TakeTime(minus ? '-' : one_blank ? ' ' : char{0}, &text);
  if (minus && !parsed.time.has_value()) return parsed;
  ParsePacket(text, indented && !parsed.time.has_value(), &parsed);
  parsed.behind_tab = by_tab && !parsed.time.has_value();
  return parsed;
}

}  // namespace tcpmedic
