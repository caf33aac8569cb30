// `tcpmedic drill`: causes an incident on a throwaway network and shows that the loop works.
#ifndef TCPMEDIC_CLI_DRILL_DRILL_COMMAND_H_
#define TCPMEDIC_CLI_DRILL_DRILL_COMMAND_H_

#include "cli/command.h"

namespace tcpmedic::cli {

void AddDrillCommand(CLI::App& app, Invocation& invocation);

// One drill each, under `drill`.
void AddLossyPathDrill(CLI::App& drill, Invocation& invocation);
void AddSynFloodDrill(CLI::App& drill, Invocation& invocation);
void AddCloseWaitLeakDrill(CLI::App& drill, Invocation& invocation);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DRILL_DRILL_COMMAND_H_
