// A command as somebody typed it at a prompt: enough of a shell's words to know which tool printed
// what follows, with which flags, through which pipe. Pure.
#ifndef TCPMEDIC_OBSERVE_RECORDED_SHELL_COMMAND_H_
#define TCPMEDIC_OBSERVE_RECORDED_SHELL_COMMAND_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tcpmedic {

// What a line has after its prompt: "$ ss -s", "# ss -s", "root@host:~# ss -s", "[me@host ~]$ ss".
// Empty text: a prompt without a command. nullopt: not a prompt. A bare "# " is a prompt only
// before a command that is known here: else it begins somebody's remark.
std::optional<absl::string_view> AfterPrompt(absl::string_view line);

struct ShellCommand {
  // Without what only says how to run it (sudo, watch, ip netns exec, assignments of variables).
  std::string text;
  // The words of each command of the pipeline, unquoted, without redirections. At most 16 commands
  // of 64 words. Of a list (a; b, a && b) the last pipeline: its output stands last.
  std::vector<std::vector<std::string>> stages;

  // "ss" of "/usr/sbin/ss -s | head"; empty where there is none.
  absl::string_view tool() const;
};
ShellCommand ParseShellCommand(absl::string_view text);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_RECORDED_SHELL_COMMAND_H_
