// Runs the built programs as a user would, and looks at the machine from outside.
#ifndef TCPMEDIC_TESTS_INTEGRATION_PROGRAMS_H_
#define TCPMEDIC_TESTS_INTEGRATION_PROGRAMS_H_

#include <sys/types.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "absl/time/time.h"
#include "cli/process.h"

namespace tcpmedic::test {

// A directory under the test's own temporary one, removed at the end.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// The built program of that name, for a shell command.
std::string Program(const std::string& name);

struct Output {
  int exit_code = -1;  // 128 + signal where one killed it
  std::string out;
  std::string err;

  nlohmann::json Json() const;  // of `out`; a discarded value where it is not JSON
};
// `command` by /bin/sh. Killed after `timeout`.
Output RunShell(const std::string& command, absl::Duration timeout = absl::Seconds(90));

// The machine seen from outside: what a drill must leave as it was.
struct Machine {
  std::set<std::string> namespaces;  // "net:[…]" of every process that this test has started
  std::set<std::string> links;       // of our own namespace
  std::set<std::string> programs;    // "pid comm" of these processes, children's children included
  std::set<std::string> scratch;     // drills' directories, which they make under $TMPDIR
};
Machine LookAtMachine();
// A line for each thing that was not there before; what others have ended meanwhile is not ours.
std::string Added(const Machine& before, const Machine& after);

}  // namespace tcpmedic::test

#endif  // TCPMEDIC_TESTS_INTEGRATION_PROGRAMS_H_
