// What the lone number is that a command prints which counts lines: `ss -tan state close-wait |
// wc -l`, `ss -tan | grep -c CLOSE-WAIT`. Pure.
#ifndef TCPMEDIC_OBSERVE_RECORDED_COUNT_COMMAND_H_
#define TCPMEDIC_OBSERVE_RECORDED_COUNT_COMMAND_H_

#include <optional>
#include <string>

#include "observe/recorded/shell_command.h"
#include "observe/socket_sample.h"

namespace tcpmedic {

// What the flags and the filter of one ss(8) say of its output.
struct SsFlags {
  bool header = true;          // not -H
  bool only_tcp = false;       // -t, -A tcp, --inet with -t
  bool several_lines = false;  // -i or -m without -O: more than one line a socket
  bool summary = false;        // -s
  std::optional<TcpState>
      only_state;  // the filter lets one state through: ss shows no State column
};
// Of the words of a stage whose first is ss.
SsFlags ParseSsFlags(const std::vector<std::string>& words);

struct CountCommand {
  std::optional<TcpState> state;  // of the sockets that it counts
  bool counts_header = false;
  bool only_some = false;  // as RecordedCount::only_some
  std::string unusable;    // why the number says nothing that is used here; empty: it does
};
// nullopt: the command counts no sockets.
std::optional<CountCommand> ParseCountCommand(const ShellCommand& command);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_RECORDED_COUNT_COMMAND_H_
