// `tcpmedic diagnose`: what a senior engineer would say to what is pasted, captured, or going on
// here and now. Needs no controller, and for files no root.
#ifndef TCPMEDIC_CLI_DIAGNOSE_DIAGNOSE_COMMAND_H_
#define TCPMEDIC_CLI_DIAGNOSE_DIAGNOSE_COMMAND_H_

#include "cli/command.h"

namespace tcpmedic::cli {

void AddDiagnoseCommand(CLI::App& app, Invocation& invocation);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DIAGNOSE_DIAGNOSE_COMMAND_H_
