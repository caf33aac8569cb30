#include "cli/supervisor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace tcpmedic::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr absl::Duration kLong = absl::Seconds(20);

TEST(RestartDelay, DoublesUpToItsLimit) {
  std::vector<double> seconds;
  absl::Duration delay;
  for (int i = 0; i < 7; ++i) {
    delay = RestartDelay(delay, absl::Seconds(1));
    seconds.push_back(absl::ToDoubleSeconds(delay));
  }
  EXPECT_THAT(seconds, ElementsAre(1, 2, 4, 8, 16, 30, 30));
}

TEST(RestartDelay, IsShortAgainAfterALongRun) {
  EXPECT_EQ(RestartDelay(kMaxRestart, kWell), kFirstRestart);
}

class SupervisorTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(pipe(stop_), 0); }
  void TearDown() override {
    close(stop_[0]);
    close(stop_[1]);
  }
  static ChildOptions Shell(const std::string& script) {
    ChildOptions options;
    options.command = {"sh", "-c", script};
    return options;
  }

  int stop_[2] = {-1, -1};
  std::vector<std::string> said_;
};

TEST_F(SupervisorTest, ADeathIsSaidAndFollowedByARestart) {
  Supervisor supervisor(stop_[0], [this](const std::string& text) { said_.push_back(text); });
  ASSERT_TRUE(supervisor.Add("The agent", Shell("exit 3")).ok());
  while (said_.size() < 2) ASSERT_TRUE(supervisor.Step(kLong));
  EXPECT_EQ(said_[0], "The agent died (exit code 3); starting it again in 1s");
  EXPECT_THAT(said_[1], HasSubstr("The agent is running again (pid "));
  EXPECT_EQ(supervisor.deaths(), 1);
}

TEST_F(SupervisorTest, AProgramThatCannotRunIsAnErrorAtOnce) {
  Supervisor supervisor(stop_[0], [](const std::string&) {});
  ChildOptions options;
  options.command = {"/nonexistent/program"};
  EXPECT_EQ(supervisor.Add("It", options).code(), absl::StatusCode::kNotFound);
}

TEST_F(SupervisorTest, StopsWhenTold) {
  Supervisor supervisor(stop_[0], [this](const std::string& text) { said_.push_back(text); });
  ASSERT_TRUE(supervisor.Add("It", Shell("exec sleep 600")).ok());
  ASSERT_EQ(write(stop_[1], "x", 1), 1);
  EXPECT_FALSE(supervisor.Step(kLong));
  supervisor.Stop(kLong);
  EXPECT_THAT(said_, IsEmpty());
}

TEST_F(SupervisorTest, TheNewestStopsFirst) {
  std::string pattern = ::testing::TempDir() + "/tcpmedic-supervisor-XXXXXX";
  const int file = mkstemp(pattern.data());
  ASSERT_GE(file, 0);
  Supervisor supervisor(stop_[0], [](const std::string&) {});
  for (const std::string name : {"first", "second"}) {
    ChildOptions options =
        Shell("trap 'echo " + name + "; exit 0' TERM; echo ready; while :; do sleep 0.02; done");
    options.output_path = pattern;
    ASSERT_TRUE(supervisor.Add(name, options).ok());
  }
  const auto content = [&] {
    char buffer[256] = {};
    const ssize_t got = pread(file, buffer, sizeof(buffer), 0);
    return std::string(buffer, got < 0 ? 0 : got);
  };
  while (content() != "ready\nready\n") ASSERT_TRUE(supervisor.Step(absl::Milliseconds(5)));
  supervisor.Stop(kLong);
  EXPECT_EQ(content(), "ready\nready\nsecond\nfirst\n");
  close(file);
  unlink(pattern.c_str());
}

}  // namespace
}  // namespace tcpmedic::cli
