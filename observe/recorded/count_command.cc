#include "observe/recorded/count_command.h"

#include "absl/types/span.h"
#include "observe/recorded/ss_command.h"

namespace tcpmedic {
namespace {

using Words = std::vector<std::string>;

// ss calls sockets of other kinds ESTAB, LISTEN and UNCONN too.
bool OtherKindsHave(TcpState state) {
  return state == TcpState::kEstablished || state == TcpState::kListen || state == TcpState::kClose;
}

}  // namespace

std::optional<CountCommand> ParseCountCommand(const ShellCommand& command) {
  const absl::string_view tool = command.tool();
  if ((tool != "ss" && tool != "netstat") || command.stages.size() < 2) return std::nullopt;
  const Words& last = command.stages.back();
  const bool counts_lines = last.size() >= 2 && last[0] == "wc" && last[1] == "-l";
  const bool counts_matches = IsGrep(last) && (HasShortFlag(last, 'c') || HasWord(last, "--count"));
  if (!counts_lines && !counts_matches) return std::nullopt;

  const SsFlags flags = tool == "ss" ? ParseSsFlags(command.stages[0]) : SsFlags{};
  absl::Span<const Words> pipe = absl::MakeConstSpan(command.stages).subspan(1);
  if (counts_lines) pipe.remove_suffix(1);
  const PassedOn passed = ThroughPipe(pipe);
  CountCommand count;
  count.state = passed.only_state.has_value() ? passed.only_state : flags.only_state;
  count.counts_header = flags.header && passed.header;
  count.only_some = flags.by_address || passed.only_some;
  if (tool == "netstat" && count.counts_header) {
    count.unusable = "a count that includes netstat's two lines of headers";
  } else if (!count.state.has_value()) {
    count.unusable = "a count of sockets that are not of one state";
  } else if (tool == "ss" && flags.several_lines && flags.only_state.has_value()) {
    count.unusable = "a count of lines where ss prints several for each socket";
  } else if (tool == "ss" && !flags.only_tcp && OtherKindsHave(*count.state)) {
    count.unusable = "a count of sockets that are not only TCP's";
  } else if (passed.changed) {
    count.unusable = "a count of lines that another command has changed";
  } else if (passed.without_a_state) {
    count.unusable = "a count of several states";
  }
  return count;
}

}  // namespace tcpmedic
