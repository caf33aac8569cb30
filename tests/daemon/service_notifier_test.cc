#include "daemon/service_notifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/daemon/notify_socket.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ServiceNotifierTest : public ::testing::Test {
 protected:
  ServiceNotifierTest() { setenv("NOTIFY_SOCKET", socket_.path().c_str(), 1); }
  ~ServiceNotifierTest() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(name);
  }

  // Datagrams of unix sockets are there when send has returned.
  std::vector<std::string> Received() {
    std::vector<std::string> messages;
    while (const auto message = socket_.Receive(absl::ZeroDuration())) {
      messages.push_back(*message);
    }
    return messages;
  }

  test::NotifySocket socket_;
  SimulatedClock clock_{absl::UnixEpoch()};
};

TEST_F(ServiceNotifierTest, TheFirstTurnSaysReady) {
  setenv("WATCHDOG_USEC", "8000000", 1);
  ServiceNotifier service(&clock_);
  EXPECT_THAT(Received(), IsEmpty());
  service.Working("3 findings");
  EXPECT_THAT(Received(), ElementsAre("READY=1\nWATCHDOG=1\nSTATUS=3 findings\n"));
}

TEST_F(ServiceNotifierTest, TheWatchdogIsFedAQuarterOfItsTimeApartHoweverOftenTheLoopTurns) {
  setenv("WATCHDOG_USEC", "8000000", 1);
  ServiceNotifier service(&clock_);
  EXPECT_EQ(service.turn_within(), absl::Seconds(2));
  service.Working("well");
  Received();
  clock_.Advance(absl::Milliseconds(1999));
  service.Working("well");
  EXPECT_THAT(Received(), IsEmpty());
  clock_.Advance(absl::Milliseconds(1));
  service.Working("well");
  service.Working("well");
  EXPECT_THAT(Received(), ElementsAre("WATCHDOG=1\n"));
}

TEST_F(ServiceNotifierTest, WithoutAWatchdogOnlyWhatChangesIsSaid) {
  ServiceNotifier service(&clock_);
  EXPECT_EQ(service.turn_within(), absl::InfiniteDuration());
  service.Working("1 finding");
  clock_.Advance(absl::Hours(1));
  service.Working("1 finding");
  service.Working("2 findings");
  EXPECT_THAT(Received(), ElementsAre("READY=1\nSTATUS=1 finding\n", "STATUS=2 findings\n"));
}

TEST_F(ServiceNotifierTest, AnotherProcessesWatchdogIsNotFed) {
  setenv("WATCHDOG_USEC", "8000000", 1);
  setenv("WATCHDOG_PID", std::to_string(getppid()).c_str(), 1);
  ServiceNotifier service(&clock_);
  service.Working("well");
  EXPECT_THAT(Received(), ElementsAre("READY=1\nSTATUS=well\n"));
}

TEST_F(ServiceNotifierTest, AStatusCannotSayAnythingElse) {
  ServiceNotifier service(&clock_);
  service.Working("a name with\nSTOPPING=1\nin it");
  EXPECT_THAT(Received(), ElementsAre("READY=1\nSTATUS=a name with STOPPING=1 in it\n"));
}

TEST_F(ServiceNotifierTest, NothingIsSaidAfterStopping) {
  setenv("WATCHDOG_USEC", "8000000", 1);
  ServiceNotifier service(&clock_);
  service.Working("well");
  Received();
  service.Stopping("taking back");
  clock_.Advance(absl::Minutes(1));
  service.Working("still scanning");
  EXPECT_THAT(Received(), ElementsAre("STOPPING=1\nSTATUS=taking back\n"));
}

TEST_F(ServiceNotifierTest, WithoutAServiceManagerNothingHappens) {
  unsetenv("NOTIFY_SOCKET");
  ServiceNotifier service(&clock_);
  service.Working("well");
  service.Stopping("taking back");
  EXPECT_THAT(Received(), IsEmpty());
}

}  // namespace
}  // namespace tcpmedic
