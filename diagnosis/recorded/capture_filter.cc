#include "diagnosis/recorded/capture_filter.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "observe/recorded/shell_command.h"

namespace tcpmedic {
namespace {

// Without blanks, and the flags' offset by its name: what is compared.
std::string Condensed(absl::string_view filter) {
  std::string text = absl::StrReplaceAll(
      filter, {{" ", ""}, {"tcp[13]", "tcp[tcpflags]"}, {"0x02", "2"}, {"0x2", "2"}});
  return absl::StrReplaceAll(text, {{"(", ""}, {")", ""}});
}

}  // namespace

std::optional<std::string> FilterForSyns(absl::string_view command) {
  const ShellCommand parsed = ParseShellCommand(command);
  if (parsed.stages.empty() || (parsed.tool() != "tcpdump" && parsed.tool() != "tshark")) {
    return std::nullopt;
  }
  // The filter may be one word or many, among the flags.
  std::string filter;
  for (const std::string& word : parsed.stages[0]) {
    const bool begins = absl::StrContains(word, "tcp[");
    if (filter.empty() ? !begins : absl::StartsWith(word, "-")) continue;
    absl::StrAppend(&filter, filter.empty() ? "" : " ", word);
  }
  const std::string text = Condensed(filter);
  if (!absl::StrContains(text, "tcp[tcpflags]")) return std::nullopt;
  const bool only_syn = absl::StrContains(text, "=tcp-syn") || absl::EndsWith(text, "=2");
  const bool any_with_syn =
      (absl::StrContains(text, "tcp-syn") && !absl::StrContains(text, "tcp-ack")) ||
      absl::StrContains(text, "[tcpflags]&2!=0") || absl::StrContains(text, "[tcpflags]&2==2");
  if (!only_syn && !any_with_syn) return std::nullopt;
  return filter;
}

}  // namespace tcpmedic
