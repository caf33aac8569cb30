#include "observe/recorded/endpoint.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "observe/port_names.h"

namespace tcpmedic {
namespace {

bool IsPortName(absl::string_view text) {
  return !text.empty() && text.size() <= 32 && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.' || c == '+';
  });
}

std::optional<IpAddress> ParseAddress(absl::string_view text) {
  if (text == "*") {
    IpAddress any;
    any.v6 = true;
    return any;
  }
  // The zone stands inside the brackets, behind them, or without any.
  if (!text.empty() && text.front() == '[') {
    const size_t close = text.find(']');
    if (close == absl::string_view::npos) return std::nullopt;
    if (close + 1 < text.size() && text[close + 1] != '%') return std::nullopt;
    text = text.substr(1, close - 1);
  }
  return IpAddress::Parse(text.substr(0, text.find('%')));
}

}  // namespace

std::optional<PrintedEndpoint> ParsePrintedEndpoint(absl::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) return std::nullopt;
  const std::optional<IpAddress> ip = ParseAddress(text.substr(0, colon));
  if (!ip.has_value()) return std::nullopt;
  PrintedEndpoint endpoint;
  endpoint.ip = ip->Unmapped();
  endpoint.v4_mapped = ip->v6 && !endpoint.ip.v6;

  const absl::string_view port = text.substr(colon + 1);
  if (port == "*") return endpoint;
  if (!IsPortName(port)) return std::nullopt;
  uint32_t number = 0;
  if (std::all_of(port.begin(), port.end(), absl::ascii_isdigit)) {
    if (!absl::SimpleAtoi(port, &number) || number > UINT16_MAX) return std::nullopt;
    endpoint.port = number;
  } else if (const std::optional<uint16_t> named = PortOfName(port); named.has_value()) {
    endpoint.port = *named;
  } else {
    endpoint.unknown_port_name = std::string(port);
  }
  return endpoint;
}

}  // namespace tcpmedic
