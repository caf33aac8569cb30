#include "cli/drill/drill_command.h"

#include <CLI/CLI.hpp>

namespace tcpmedic::cli {

void AddDrillCommand(CLI::App& app, Invocation& invocation) {
  CLI::App* drill = app.add_subcommand(
      "drill", "Cause an incident on a throwaway network and show that it is found");
  drill->require_subcommand(1);
  AddLossyPathDrill(*drill, invocation);
  AddSynFloodDrill(*drill, invocation);
  AddCloseWaitLeakDrill(*drill, invocation);
}

}  // namespace tcpmedic::cli
