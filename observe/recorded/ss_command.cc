#include "observe/recorded/ss_command.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "observe/recorded/tcp_state_name.h"

namespace tcpmedic {
namespace {

using Words = std::vector<std::string>;

// What a grep looks for: the first word that is no flag, or the value of -e.
absl::string_view Pattern(const Words& words) {
  for (size_t i = 1; i < words.size(); ++i) {
    if (words[i].empty() || words[i][0] != '-') return words[i];
    if (words[i] == "-e" && i + 1 < words.size()) return words[i + 1];
    if (words[i] == "-m" || words[i] == "-A" || words[i] == "-B" || words[i] == "-C") ++i;
  }
  return absl::string_view();
}

std::optional<TcpState> StateOfPattern(absl::string_view pattern) {
  while (!pattern.empty() && absl::StrContains("^ \\<", pattern.front())) pattern.remove_prefix(1);
  while (!pattern.empty() && absl::StrContains("$ \\>", pattern.back())) pattern.remove_suffix(1);
  return TcpStateOfName(pattern);
}

// Whether a header line of ss has the text in it.
bool HeaderMatches(absl::string_view pattern, bool ignore_case) {
  constexpr absl::string_view kHeader =
      "Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process";
  return ignore_case
             ? absl::StrContains(absl::AsciiStrToLower(kHeader), absl::AsciiStrToLower(pattern))
             : absl::StrContains(kHeader, pattern);
}

// A pattern that takes the header line out (`grep -v State`), and no socket.
bool MatchesHeaderOnly(absl::string_view pattern) {
  return absl::StrContains(pattern, "State") || absl::StrContains(pattern, "Recv-Q") ||
         absl::StrContains(pattern, "Local");
}

// ss(8), "FILTER" and EXPRESSION: what chooses by anything but the state.
bool HasAddressFilter(const Words& words) {
  static constexpr absl::string_view kPredicates[] = {"dst",    "src",    "dport",  "sport",
                                                      "dev",    "fwmark", "cgroup", "not",
                                                      "dport=", "sport=", "(",      "!"};
  return std::any_of(words.begin() + 1, words.end(), [](absl::string_view word) {
    return std::any_of(std::begin(kPredicates), std::end(kPredicates),
                       [word](absl::string_view predicate) { return word == predicate; }) ||
           absl::StartsWith(word, "(");
  });
}

// `tail -n +2` leaves the header line out.
bool SkipsHeader(const Words& words) {
  return words[0] == "tail" && (HasWord(words, "+2") || HasWord(words, "-n+2"));
}

// What hands on every line as it is.
bool KeepsLines(const Words& words) {
  static constexpr absl::string_view kKeeping[] = {"sort", "cat", "tee", "less", "more", "column"};
  return std::find(std::begin(kKeeping), std::end(kKeeping), words[0]) != std::end(kKeeping) &&
         !(words[0] == "sort" && HasShortFlag(words, 'u'));
}

void ThroughGrep(const Words& words, PassedOn* passed) {
  const absl::string_view pattern = Pattern(words);
  const bool inverted = HasShortFlag(words, 'v');
  const std::optional<TcpState> state = StateOfPattern(pattern);
  if (state.has_value()) {
    if (inverted) {
      passed->without_a_state = true;
    } else {
      passed->only_state = state;
    }
  }
  if (!state.has_value() && !MatchesHeaderOnly(pattern)) passed->only_some = true;
  if (HasShortFlag(words, 'm') || HasWord(words, "--max-count")) passed->only_some = true;
  if (HeaderMatches(pattern, HasShortFlag(words, 'i')) == inverted) passed->header = false;
}

}  // namespace

bool HasShortFlag(const Words& words, char flag) {
  return std::any_of(words.begin() + 1, words.end(), [flag](absl::string_view word) {
    return word.size() >= 2 && word[0] == '-' && word[1] != '-' && absl::StrContains(word, flag);
  });
}

bool HasWord(const Words& words, absl::string_view wanted) {
  return std::find(words.begin() + 1, words.end(), wanted) != words.end();
}

bool IsGrep(const Words& words) {
  return !words.empty() &&
         (words[0] == "grep" || words[0] == "egrep" || words[0] == "fgrep" || words[0] == "rg");
}

SsFlags ParseSsFlags(const Words& words) {
  SsFlags flags;
  if (words.empty()) return flags;
  flags.header = !HasShortFlag(words, 'H') && !HasWord(words, "--no-header");
  flags.only_tcp = HasShortFlag(words, 't') || HasWord(words, "--tcp") || HasWord(words, "tcp") ||
                   HasWord(words, "--query=tcp");
  flags.summary = HasShortFlag(words, 's') || HasWord(words, "--summary");
  const bool one_line = HasShortFlag(words, 'O') || HasWord(words, "--oneline");
  const bool inner = HasShortFlag(words, 'i') || HasShortFlag(words, 'm') ||
                     HasWord(words, "--info") || HasWord(words, "--memory");
  flags.holders = HasShortFlag(words, 'p') || HasWord(words, "--processes");
  flags.by_address = HasAddressFilter(words);
  flags.several_lines = inner && !one_line;
  for (const char other : {'u', 'w', 'x', 'd', 'S'}) {
    if (HasShortFlag(words, other)) flags.only_tcp = false;
  }
  int filters = 0;
  for (size_t i = 1; i + 1 < words.size(); ++i) {
    if (words[i] != "state" && words[i] != "exclude") continue;
    ++filters;
    flags.only_state =
        words[i] == "state" && filters == 1 ? TcpStateOfName(words[i + 1]) : std::nullopt;
    ++i;
  }
  return flags;
}

PassedOn ThroughPipe(absl::Span<const Words> stages) {
  PassedOn passed;
  for (const Words& words : stages) {
    if (words.empty()) continue;
    if (IsGrep(words)) {
      ThroughGrep(words, &passed);
    } else if (SkipsHeader(words)) {
      passed.header = false;
    } else if (words[0] == "head" || words[0] == "tail") {
      passed.only_some = true;
      if (words[0] == "tail") passed.header = false;
    } else if (!KeepsLines(words)) {
      passed.changed = true;
      break;
    }
  }
  return passed;
}

SsOutput ParseSsOutput(const ShellCommand& command) {
  SsOutput output;
  const absl::string_view tool = command.tool();
  if (tool != "ss" && tool != "netstat") return output;
  const PassedOn passed = ThroughPipe(absl::MakeConstSpan(command.stages).subspan(1));
  output.counts_only_some = passed.only_some;
  output.holders = HasShortFlag(command.stages[0], 'p');
  if (tool == "ss") {
    const SsFlags flags = ParseSsFlags(command.stages[0]);
    output.only_state = flags.only_state;
    output.counts_only_some = output.counts_only_some || flags.by_address;
    output.holders = flags.holders;
  }
  // What awk has let through may be all or not.
  output.only_some = output.counts_only_some || passed.changed;
  output.hides_states = passed.only_state.has_value() || passed.without_a_state;
  return output;
}

}  // namespace tcpmedic
