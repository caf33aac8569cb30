// What the lone number is that a command prints which counts lines: `ss -tan state close-wait |
// wc -l`, `ss -tan | grep -c CLOSE-WAIT`. Pure.
#ifndef TCPMEDIC_OBSERVE_RECORDED_COUNT_COMMAND_H_
#define TCPMEDIC_OBSERVE_RECORDED_COUNT_COMMAND_H_

#include <optional>
#include <string>

#include "observe/recorded/shell_command.h"
#include "observe/socket_sample.h"

namespace tcpmedic {

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
