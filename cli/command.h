// What every subcommand of tcpmedic shares, and where each is registered: main.cc calls one
// Add…Command per subcommand, and the subcommand's callback runs it and leaves its exit code in the
// Invocation.
#ifndef TCPMEDIC_CLI_COMMAND_H_
#define TCPMEDIC_CLI_COMMAND_H_

#include <unistd.h>

#include <string>

#include "absl/status/status.h"
#include "cli/render/text.h"

namespace CLI {
class App;
}

namespace tcpmedic::cli {

constexpr int kDone = 0;
constexpr int kFailed = 1;  // the thing asked for failed
constexpr int kUsage = 2;

// Filled from the main program's flags before any subcommand's callback runs; must outlive the
// parse.
struct Invocation {
  std::string controller;  // gRPC target of the operators' socket
  std::string command =
      "tcpmedic";         // what reaches the same controller again: with --controller where needed
  bool json = false;      // -o json
  bool no_color = false;  // --no-color or NO_COLOR
  int exit_code = kDone;
};

// How to write on `fd`: colour only on a terminal; lines as wide as the terminal, uncut in a pipe.
Style StyleOf(const Invocation& invocation, int fd = STDOUT_FILENO);

// To standard output, flushed.
void Print(const std::string& text);

// "tcpmedic: SENTENCE" on standard error; returns kFailed.
int Fail(const Invocation& invocation, const absl::Status& status);

// Who decides, for the audit log: the person behind sudo, else the user.
std::string Actor();

void AddUpCommand(CLI::App& app, Invocation& invocation);
void AddQueryCommands(CLI::App& app,
                      Invocation& invocation);  // hosts incidents show why audit
void AddPolicyCommands(CLI::App& app, Invocation& invocation);
void AddDecideCommands(CLI::App& app, Invocation& invocation);  // reject propose
void AddChangeCommands(CLI::App& app, Invocation& invocation);  // approve rollback
void AddWatchCommand(CLI::App& app, Invocation& invocation);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_COMMAND_H_
