#include "observe/recorded/tcp_state_name.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"

namespace tcpmedic {
namespace {

struct StateName {
  absl::string_view name;  // without '-' and '_'
  TcpState state;
};

constexpr StateName kStateNames[] = {
    {"estab", TcpState::kEstablished},     {"established", TcpState::kEstablished},
    {"synsent", TcpState::kSynSent},       {"synrecv", TcpState::kSynRecv},
    {"finwait1", TcpState::kFinWait1},     {"finwait2", TcpState::kFinWait2},
    {"timewait", TcpState::kTimeWait},     {"unconn", TcpState::kClose},
    {"unconnected", TcpState::kClose},     {"closed", TcpState::kClose},
    {"close", TcpState::kClose},           {"closewait", TcpState::kCloseWait},
    {"lastack", TcpState::kLastAck},       {"listen", TcpState::kListen},
    {"listening", TcpState::kListen},      {"closing", TcpState::kClosing},
    {"newsynrecv", TcpState::kNewSynRecv},
};

constexpr size_t kLongestName = 16;

}  // namespace

std::optional<TcpState> TcpStateOfName(absl::string_view name) {
  if (name.size() > kLongestName) return std::nullopt;
  std::string plain;
  for (const char c : name) {
    if (c != '-' && c != '_') plain += absl::ascii_tolower(c);
  }
  for (const StateName& state : kStateNames) {
    if (plain == state.name) return state.state;
  }
  return std::nullopt;
}

std::optional<TcpState> TcpStateOfColumn(absl::string_view word) {
  if (std::any_of(word.begin(), word.end(), absl::ascii_islower)) return std::nullopt;
  return TcpStateOfName(word);
}

}  // namespace tcpmedic
