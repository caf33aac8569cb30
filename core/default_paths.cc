#include "core/default_paths.h"

#include <unistd.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

absl::string_view Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? absl::string_view() : absl::string_view(value);
}

// "/a/b/c" → "/a/b"; the root stays the root.
absl::string_view Parent(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == absl::string_view::npos ? absl::string_view() : path.substr(0, slash);
}

}  // namespace

DefaultPaths DefaultPathsFor(unsigned uid, absl::string_view xdg_runtime_dir,
                             absl::string_view xdg_state_home, absl::string_view home) {
  if (uid == 0) return {"/run/tcpmedic", "/var/lib/tcpmedic"};
  DefaultPaths paths;
  paths.runtime_dir = xdg_runtime_dir.empty() ? absl::StrCat("/tmp/tcpmedic-", uid)
                                              : absl::StrCat(xdg_runtime_dir, "/tcpmedic");
  paths.state_dir = xdg_state_home.empty() ? absl::StrCat(home, "/.local/state/tcpmedic")
                                           : absl::StrCat(xdg_state_home, "/tcpmedic");
  return paths;
}

DefaultPaths DefaultPathsOfThisProcess() {
  return DefaultPathsFor(geteuid(), Environment("XDG_RUNTIME_DIR"), Environment("XDG_STATE_HOME"),
                         Environment("HOME"));
}

std::string AgentsSocket(absl::string_view runtime_dir) {
  return absl::StrCat(runtime_dir, "/agents.sock");
}

std::string OperatorsSocket(absl::string_view runtime_dir) {
  return absl::StrCat(runtime_dir, "/operators.sock");
}

PolicyDirCandidates PolicyDirsFor(absl::string_view exe) {
  const absl::string_view prefix = Parent(Parent(exe));
  return {absl::StrCat(prefix, "/share/tcpmedic/policies"),
          absl::StrCat(Parent(Parent(prefix)), "/policies")};
}

}  // namespace tcpmedic
