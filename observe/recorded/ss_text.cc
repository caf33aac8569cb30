#include "observe/recorded/ss_text.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "observe/printable.h"
#include "observe/recorded/endpoint.h"
#include "observe/recorded/tcp_state_name.h"

namespace tcpmedic {
namespace {

constexpr size_t kMaxUnknownKeys = 64;

// The Netid column's values that are not TCP.
constexpr absl::string_view kOtherNetids[] = {
    "nl",   "p_raw", "p_dgr",   "p_dgram", "u_str", "u_dgr", "u_seq", "unix",  "raw",
    "udp",  "udp6",  "udplite", "icmp6",   "???",   "dccp",  "sctp",  "v_str", "v_dgr",
    "tipc", "ti_st", "ti_rd",   "xdp",     "mptcp", "ti_sq", "ti_dg", "raw6"};

bool IsOtherNetid(absl::string_view word) {
  return std::find(std::begin(kOtherNetids), std::end(kOtherNetids), word) !=
         std::end(kOtherNetids);
}

absl::string_view TakeWord(absl::string_view* text) {
  *text = absl::StripLeadingAsciiWhitespace(*text);
  const size_t end = std::min(text->find_first_of(" \t"), text->size());
  const absl::string_view word = text->substr(0, end);
  text->remove_prefix(end);
  return word;
}

bool IsDigits(absl::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), absl::ascii_isdigit);
}

// As `ss -s` names what it counts.
absl::string_view SummaryState(absl::string_view name) {
  if (name == "estab") return Name(TcpState::kEstablished);
  if (name == "timewait") return Name(TcpState::kTimeWait);
  if (name == "synrecv") return Name(TcpState::kSynRecv);
  if (name == "closed" || name == "orphaned") return name;
  return absl::string_view();
}

}  // namespace

void SsText::Begin(const SsOutput& output) {
  End();
  output_ = output;
  in_summary_table_ = false;
}

void SsText::End() {
  if (!socket_.has_value()) return;
  words_->Finish();
  sink_->OnSocket(*socket_);
  words_.reset();
  socket_.reset();
}

bool SsText::Line(int64_t number, absl::string_view line) {
  if (MoreOfSocket(number, line)) return true;
  // netstat's first five columns are what ss prints where it leaves the state out.
  if (NetstatSocket(number, line) || Socket(number, line)) return true;
  return Header(line) || Summary(number, line) || StateCount(number, line);
}

bool SsText::Header(absl::string_view line) {
  const bool ss = absl::StrContains(line, "Recv-Q") && absl::StrContains(line, "Send-Q") &&
                  absl::StrContains(line, "Local Address");
  if (!ss && !absl::StartsWith(line, "Active Internet connections")) return false;
  End();
  // A header without State belongs to the filter of a command before; with it, to a new output.
  if (absl::StrContains(line, "State")) output_.only_state.reset();
  return true;
}

// "TCP:   23552 (estab 12384, closed 8920, orphaned 2, synrecv 0, timewait 1247/0), ports 0" and
// the table under it, of which the same numbers can be had.
bool SsText::Summary(int64_t number, absl::string_view line) {
  absl::string_view rest = line;
  const absl::string_view first = TakeWord(&rest);
  int64_t total = 0;
  if (first == "TCP:" || first == "Total:") {
    const absl::string_view whole = TakeWord(&rest);
    if (!IsDigits(whole) || !absl::SimpleAtoi(whole, &total)) return false;
    rest = absl::StripLeadingAsciiWhitespace(rest);
    // "Total" is of sockets of every kind.
    if (first == "Total:") return rest.empty() || absl::StartsWith(rest, "(kernel ");
    if (!absl::ConsumePrefix(&rest, "(")) return false;
    End();
    Count(number, "total", total, /*only_some=*/false);
    rest = rest.substr(0, rest.find(')'));
    while (!rest.empty()) {
      absl::string_view part = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(part.size() + 1, rest.size()));
      const absl::string_view state = SummaryState(TakeWord(&part));
      absl::string_view digits = TakeWord(&part);
      digits = digits.substr(0, digits.find('/'));  // "1247/0": the second is no more counted
      int64_t count = 0;
      if (state.empty()) continue;
      if (IsDigits(digits) && absl::SimpleAtoi(digits, &count)) {
        Count(number, state, count, /*only_some=*/false);
      } else {
        // ss reckons "closed" from counters of different moments: it can be below zero.
        unread_->Add(number, absl::StrCat("a number of sockets that cannot be, in ", state), line);
      }
    }
    return true;
  }
  if (first == "Transport" && absl::StartsWith(TakeWord(&rest), "Total")) {
    in_summary_table_ = true;
    return true;
  }
  if (!in_summary_table_) return false;
  constexpr absl::string_view kRows[] = {"*", "RAW", "UDP", "TCP", "INET", "FRAG"};
  if (std::find(std::begin(kRows), std::end(kRows), first) == std::end(kRows)) return false;
  const absl::string_view next = TakeWord(&rest);
  return IsDigits(next) || next == "-";
}

// "   9821 CLOSE-WAIT", and the header that was counted with them: "      1 State".
bool SsText::StateCount(int64_t number, absl::string_view line) {
  absl::string_view rest = line;
  int64_t count = 0;
  const absl::string_view digits = TakeWord(&rest);
  if (!IsDigits(digits) || !absl::SimpleAtoi(digits, &count)) return false;
  const absl::string_view name = TakeWord(&rest);
  if (!absl::StripAsciiWhitespace(rest).empty()) return false;
  if (name == "State") return true;
  const std::optional<TcpState> state = TcpStateOfColumn(name);
  if (!state.has_value()) return false;
  End();
  Count(number, Name(*state), count, output_.counts_only_some);
  return true;
}

bool SsText::SetEndpoints(int64_t number, absl::string_view line, absl::string_view local,
                          absl::string_view remote, RecordedSocket* socket) {
  const std::optional<PrintedEndpoint> at = ParsePrintedEndpoint(local);
  const std::optional<PrintedEndpoint> to = ParsePrintedEndpoint(remote);
  if (!at.has_value() || !to.has_value()) {
    unread_->Add(number, "an address that is not in numbers (ss -r resolves them)", line);
    return false;
  }
  SocketSample& sample = socket->sample;
  sample.local_ip = at->ip;
  sample.local_port = at->port;
  sample.remote_ip = to->ip;
  sample.remote_port = to->port;
  sample.v4_mapped = at->v4_mapped || to->v4_mapped;
  for (const std::string& name : {at->unknown_port_name, to->unknown_port_name}) {
    if (name.empty()) continue;
    unread_->Add(number, absl::StrCat("the port that \"", name, "\" stands for"), line);
  }
  return true;
}

bool SsText::Socket(int64_t number, absl::string_view line) {
  absl::string_view rest = line;
  absl::string_view word = TakeWord(&rest);
  bool other_kind = false;
  if (word == "tcp" || IsOtherNetid(word)) {
    other_kind = word != "tcp";
    word = TakeWord(&rest);
  }
  std::optional<TcpState> state = TcpStateOfColumn(word);
  const bool has_state = state.has_value();
  if (has_state) word = TakeWord(&rest);
  if (word == "UNKNOWN" && other_kind) word = TakeWord(&rest);
  SocketSample sample;
  if (!IsDigits(word) || !absl::SimpleAtoi(word, &sample.rqueue)) return false;
  word = TakeWord(&rest);
  if (!IsDigits(word) || !absl::SimpleAtoi(word, &sample.wqueue)) return false;
  const absl::string_view local = TakeWord(&rest);
  const absl::string_view remote = TakeWord(&rest);
  if (other_kind) {
    End();
    unread_->Add(number, "not a TCP socket", line);
    return true;
  }
  const auto has_port = [](absl::string_view endpoint) {
    const size_t colon = endpoint.rfind(':');
    return colon != absl::string_view::npos && colon > 0 && colon + 1 < endpoint.size();
  };
  if (!has_port(local) || !has_port(remote)) return false;

  End();
  if (!has_state) {
    state = output_.only_state;
    if (!state.has_value()) {
      unread_->Add(number,
                   "a socket without its state: no command before says which one ss was "
                   "asked for",
                   line);
      return true;
    }
  }
  sample.state = *state;
  RecordedSocket socket = At(number, sample);
  if (!SetEndpoints(number, line, local, remote, &socket)) return true;
  socket_ = std::move(socket);
  words_.emplace(&*socket_);
  ReadWords(number, rest);
  return true;
}

// "tcp6  1  0 ::1:443  ::1:33708  CLOSE_WAIT  3/python3  off (0.00/0/0)"
bool SsText::NetstatSocket(int64_t number, absl::string_view line) {
  absl::string_view rest = line;
  const absl::string_view protocol = TakeWord(&rest);
  const bool tcp = protocol == "tcp" || protocol == "tcp6";
  if (!tcp && !IsOtherNetid(protocol)) return false;
  SocketSample sample;
  if (!absl::SimpleAtoi(TakeWord(&rest), &sample.rqueue)) return false;
  if (!absl::SimpleAtoi(TakeWord(&rest), &sample.wqueue)) return false;
  const absl::string_view local = TakeWord(&rest);
  const absl::string_view remote = TakeWord(&rest);
  const std::optional<TcpState> state = TcpStateOfColumn(TakeWord(&rest));
  if (!tcp || !state.has_value()) return false;
  End();
  sample.state = *state;
  RecordedSocket socket = At(number, sample);
  if (!SetEndpoints(number, line, local, remote, &socket)) return true;
  // -e puts user and inode here: then a plain number stands before "PID/name".
  for (int i = 0; i < 3; ++i) {
    const absl::string_view word = TakeWord(&rest);
    const size_t slash = word.find('/');
    int32_t pid = 0;
    if (slash == absl::string_view::npos || !absl::SimpleAtoi(word.substr(0, slash), &pid) ||
        pid <= 0) {
      continue;
    }
    v1::Process process;
    process.set_pid(pid);
    process.set_comm(Printable(absl::StripSuffix(word.substr(slash + 1), ":")));
    socket.processes.push_back(std::move(process));
    break;
  }
  sink_->OnSocket(socket);
  return true;
}

bool SsText::MoreOfSocket(int64_t number, absl::string_view line) {
  const bool indented = !line.empty() && (line[0] == ' ' || line[0] == '\t');
  if (!SsInfo::LooksLikeWords(line)) return false;
  if (!socket_.has_value()) {
    // Somebody else's line may begin so by chance; ss's own stand indented.
    if (!indented) return false;
    unread_->Add(number, "what ss says of a socket, without the line that names it", line);
    return true;
  }
  ReadWords(number, line);
  return true;
}

void SsText::ReadWords(int64_t number, absl::string_view words) {
  for (const std::string& word : words_->Read(words)) {
    const std::string key = word.substr(0, word.find(':'));
    if (unknown_keys_.size() >= kMaxUnknownKeys || !unknown_keys_.insert(key).second) continue;
    unread_->Add(number, absl::StrCat("\"", Printable(word), "\" of an ss line (listed once)"),
                 words);
  }
}

RecordedSocket SsText::At(int64_t number, const SocketSample& sample) const {
  RecordedSocket socket;
  socket.place = {input_, number};
  socket.sample = sample;
  socket.only_some = output_.only_some;
  socket.holders_asked = output_.holders;
  return socket;
}

void SsText::Count(int64_t number, absl::string_view state, int64_t count, bool only_some) {
  RecordedCount recorded;
  recorded.place = {input_, number};
  recorded.state = std::string(state);
  recorded.count = count;
  recorded.only_some = only_some;
  sink_->OnCount(recorded);
}

}  // namespace tcpmedic
