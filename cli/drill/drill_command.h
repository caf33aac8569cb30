// `tcpmedic drill`: faults caused on purpose, on a throwaway network.
#ifndef TCPMEDIC_CLI_DRILL_DRILL_COMMAND_H_
#define TCPMEDIC_CLI_DRILL_DRILL_COMMAND_H_

#include "cli/command.h"

namespace tcpmedic::cli {

// As the other Add…Command functions of cli/command.h.
void AddDrillCommand(CLI::App& app, Invocation& invocation);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DRILL_DRILL_COMMAND_H_
