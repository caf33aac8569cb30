#include "cli/render/up_screen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/golden.h"

namespace tcpmedic::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

UpStatus Started() {
  UpStatus status;
  status.pid = 4711;
  status.operators_socket = "/run/tcpmedic/operators.sock";
  status.agents_socket = "/run/tcpmedic/agents.sock";
  status.state_dir = "/var/lib/tcpmedic";
  status.controller_log = "/var/lib/tcpmedic/controller.log";
  status.agent_log = "/var/lib/tcpmedic/agent.log";
  status.guard_path = "/etc/tcpmedic/guard.yaml";
  return status;
}

TEST(UpScreen, SaysWhereEverythingIsAndWhatIsWatched) {
  UpStatus status = Started();
  status.policies_source = "/usr/share/tcpmedic/policies";
  status.signatures = {"close-wait-leak", "pinned-cwnd"};
  status.host.name = "web-1";
  status.host.sockets = 1204;
  status.host.namespaces = 1;
  status.host.interval = absl::Seconds(1);
  status.host.degraded = {"sockets of 41 processes of other users have no program (EACCES)"};
  ExpectGolden("up.txt", RenderUp(status, {}));
}

TEST(UpScreen, WithAGuardFileOrdersAreBoundedByIt) {
  UpStatus status = Started();
  status.guard_exists = true;
  const std::string screen = RenderUp(status, {});
  EXPECT_THAT(screen, AllOf(HasSubstr("An approved order may change what /etc/tcpmedic/guard.yaml "
                                      "allows, and nothing else.\n"),
                            Not(HasSubstr("only observes"))));
}

TEST(UpScreen, AnAgentThatHasNotReportedIsSaid) {
  ExpectGolden("up_without_report.txt", RenderUp(Started(), {}));
}

}  // namespace
}  // namespace tcpmedic::cli
