#include "observe/recorded/count_command.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "observe/recorded/tcp_state_name.h"

namespace tcpmedic {
namespace {

using Words = std::vector<std::string>;

bool HasShortFlag(const Words& words, char flag) {
  return std::any_of(words.begin() + 1, words.end(), [flag](absl::string_view word) {
    return word.size() >= 2 && word[0] == '-' && word[1] != '-' && absl::StrContains(word, flag);
  });
}

bool HasWord(const Words& words, absl::string_view wanted) {
  return std::find(words.begin() + 1, words.end(), wanted) != words.end();
}

// What a grep looks for: the first word that is no flag, or the value of -e.
absl::string_view Pattern(const Words& words) {
  for (size_t i = 1; i < words.size(); ++i) {
    if (words[i].empty() || words[i][0] != '-') return words[i];
    if (words[i] == "-e" && i + 1 < words.size()) return words[i + 1];
  }
  return absl::string_view();
}

bool IsGrep(const Words& words) {
  return !words.empty() &&
         (words[0] == "grep" || words[0] == "egrep" || words[0] == "fgrep" || words[0] == "rg");
}

std::optional<TcpState> StateOfPattern(absl::string_view pattern) {
  while (!pattern.empty() && absl::StrContains("^ \\<", pattern.front())) pattern.remove_prefix(1);
  while (!pattern.empty() && absl::StrContains("$ \\>", pattern.back())) pattern.remove_suffix(1);
  return TcpStateOfName(pattern);
}

// ss calls sockets of other kinds ESTAB, LISTEN and UNCONN too.
bool OtherKindsHave(TcpState state) {
  return state == TcpState::kEstablished || state == TcpState::kListen || state == TcpState::kClose;
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

}  // namespace

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

std::optional<CountCommand> ParseCountCommand(const ShellCommand& command) {
  const absl::string_view tool = command.tool();
  if ((tool != "ss" && tool != "netstat") || command.stages.size() < 2) return std::nullopt;
  const Words& last = command.stages.back();
  const bool counts_lines = last.size() >= 2 && last[0] == "wc" && last[1] == "-l";
  const bool counts_matches = IsGrep(last) && (HasShortFlag(last, 'c') || HasWord(last, "--count"));
  if (!counts_lines && !counts_matches) return std::nullopt;

  const SsFlags flags = tool == "ss" ? ParseSsFlags(command.stages[0]) : SsFlags{};
  CountCommand count;
  count.state = flags.only_state;
  count.counts_header = flags.header;
  count.only_some = tool == "ss" && HasAddressFilter(command.stages[0]);
  for (size_t i = 1; i < command.stages.size(); ++i) {
    const Words& stage = command.stages[i];
    if (IsGrep(stage)) {
      const absl::string_view pattern = Pattern(stage);
      const bool ignore_case = HasShortFlag(stage, 'i');
      const bool inverted = HasShortFlag(stage, 'v');
      const std::optional<TcpState> state = StateOfPattern(pattern);
      if (state.has_value() && !inverted) count.state = state;
      if (!state.has_value() && !MatchesHeaderOnly(pattern)) count.only_some = true;
      if (state.has_value() && inverted) count.unusable = "a count of several states";
      if (HeaderMatches(pattern, ignore_case) == inverted) count.counts_header = false;
    } else if (!stage.empty() && stage[0] == "tail" &&
               (HasWord(stage, "+2") || HasWord(stage, "-n+2"))) {
      count.counts_header = false;
    } else if (i + 1 < command.stages.size()) {
      count.unusable = "a count of lines that another command has changed";
    }
  }
  if (tool == "netstat" && count.counts_header) {
    count.unusable = "a count that includes netstat's two lines of headers";
  } else if (!count.state.has_value()) {
    count.unusable = "a count of sockets that are not of one state";
  } else if (tool == "ss" && flags.several_lines && flags.only_state.has_value()) {
    count.unusable = "a count of lines where ss prints several for each socket";
  } else if (tool == "ss" && !flags.only_tcp && OtherKindsHave(*count.state)) {
    count.unusable = "a count of sockets that are not only TCP's";
  }
  return count;
}

}  // namespace tcpmedic
