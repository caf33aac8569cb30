#include "tests/cli/run_program.h"

#include <fstream>
#include <optional>
#include <sstream>

#include "absl/time/time.h"
#include "cli/process.h"

namespace tcpmedic::cli {
namespace {

constexpr absl::Duration kLong = absl::Seconds(30);

}  // namespace

Ran RunProgram(const std::vector<std::string>& words, const std::string& output_path,
               const std::vector<std::pair<std::string, std::string>>& environment) {
  ChildOptions options;
  options.command = {TCPMEDIC_BIN_DIR "/tcpmedic"};
  options.command.insert(options.command.end(), words.begin(), words.end());
  options.environment = environment;
  options.output_path = output_path;
  absl::StatusOr<ChildProcess> child = ChildProcess::Spawn(options);
  if (!child.ok()) return {.code = -1, .output = child.status().ToString()};
  const std::optional<ChildExit> exit = child->Wait(kLong);
  std::ifstream file(options.output_path);
  std::stringstream output;
  output << file.rdbuf();
  return {.code = exit.has_value() && exit->signal == 0 ? exit->code : -1, .output = output.str()};
}

}  // namespace tcpmedic::cli
