// Where the programs look when nothing is configured, so that all of them agree. Pure: the
// environment is given.
#ifndef TCPMEDIC_CORE_DEFAULT_PATHS_H_
#define TCPMEDIC_CORE_DEFAULT_PATHS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace tcpmedic {

struct DefaultPaths {
  std::string runtime_dir;  // 0700, holds the unix sockets: root /run/tcpmedic, else
                            // $XDG_RUNTIME_DIR/tcpmedic
  std::string
      state_dir;  // root /var/lib/tcpmedic, else $XDG_STATE_HOME or ~/.local/state, /tcpmedic
};
// Empty environment values count as unset. Without XDG_RUNTIME_DIR: /tmp/tcpmedic-UID.
DefaultPaths DefaultPathsFor(unsigned uid, absl::string_view xdg_runtime_dir,
                             absl::string_view xdg_state_home, absl::string_view home);
// For this process: geteuid and getenv.
DefaultPaths DefaultPathsOfThisProcess();

// The sockets inside a runtime directory.
std::string AgentsSocket(absl::string_view runtime_dir);     // DIR/agents.sock
std::string OperatorsSocket(absl::string_view runtime_dir);  // DIR/operators.sock

// Where the policy files are, for a program at `exe`: PREFIX/share/tcpmedic/policies when installed
// as PREFIX/bin/NAME, the source tree's policies/ when built as build/PRESET/bin/NAME. Candidates
// in order; the caller takes the first that exists.
struct PolicyDirCandidates {
  std::string installed;
  std::string source_tree;
};
PolicyDirCandidates PolicyDirsFor(absl::string_view exe);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CORE_DEFAULT_PATHS_H_
