// Runs the built tcpmedic as a child and keeps what it wrote.
#ifndef TCPMEDIC_TESTS_CLI_RUN_PROGRAM_H_
#define TCPMEDIC_TESTS_CLI_RUN_PROGRAM_H_

#include <string>
#include <utility>
#include <vector>

namespace tcpmedic::cli {

struct Ran {
  int code = -1;       // also -1 where a signal or our patience ended it
  std::string output;  // both streams
};

// `output_path` is where it writes meanwhile, a new file for each run; `environment` is added to
// this process's own.
Ran RunProgram(const std::vector<std::string>& words, const std::string& output_path,
               const std::vector<std::pair<std::string, std::string>>& environment = {});

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_TESTS_CLI_RUN_PROGRAM_H_
