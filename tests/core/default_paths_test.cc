#include "core/default_paths.h"

#include <gtest/gtest.h>

namespace tcpmedic {
namespace {

TEST(DefaultPaths, RootUsesTheSystemsDirectoriesWhateverTheEnvironment) {
  const DefaultPaths paths = DefaultPathsFor(0, "/run/user/0", "/root/state", "/root");
  EXPECT_EQ(paths.runtime_dir, "/run/tcpmedic");
  EXPECT_EQ(paths.state_dir, "/var/lib/tcpmedic");
}

TEST(DefaultPaths, AUserHasThemWhereXdgSays) {
  const DefaultPaths paths =
      DefaultPathsFor(1000, "/run/user/1000", "/home/ada/.state", "/home/ada");
  EXPECT_EQ(paths.runtime_dir, "/run/user/1000/tcpmedic");
  EXPECT_EQ(paths.state_dir, "/home/ada/.state/tcpmedic");
}

TEST(DefaultPaths, WithoutXdgAUserStillHasOwnOnes) {
  const DefaultPaths paths = DefaultPathsFor(1000, "", "", "/home/ada");
  EXPECT_EQ(paths.runtime_dir, "/tmp/tcpmedic-1000");
  EXPECT_EQ(paths.state_dir, "/home/ada/.local/state/tcpmedic");
}

TEST(DefaultPaths, SocketsAreInTheRuntimeDirectory) {
  EXPECT_EQ(AgentsSocket("/run/tcpmedic"), "/run/tcpmedic/agents.sock");
  EXPECT_EQ(OperatorsSocket("/run/tcpmedic"), "/run/tcpmedic/operators.sock");
}

TEST(PolicyDirs, AreBesideTheInstallationOrInTheSourceTree) {
  EXPECT_EQ(PolicyDirsFor("/usr/bin/tcpmedic").installed, "/usr/share/tcpmedic/policies");
  EXPECT_EQ(PolicyDirsFor("/home/ada/tcpmedic/build/debug/bin/tcpmedic-controller").source_tree,
            "/home/ada/tcpmedic/policies");
}

}  // namespace
}  // namespace tcpmedic
