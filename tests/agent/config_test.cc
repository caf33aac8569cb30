#include "agent/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tcpmedic {
namespace {

namespace fs = std::filesystem;

std::string Contents(const fs::path& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

AgentConfig Defaults() {
  AgentConfig config;
  config.controller = "unix:/run/tcpmedic/agents.sock";
  config.host = "web-1";
  return config;
}

std::string Print(const AgentConfig& config) {
  std::vector<uint64_t> netns(config.only_netns.begin(), config.only_netns.end());
  std::sort(netns.begin(), netns.end());
  return absl::StrCat("controller: ", config.controller, "\nhost: ", config.host,
                      "\ninterval: ", absl::FormatDuration(config.interval),
                      "\ncpu_budget: ", config.cpu_budget,
                      "\nonly_netns: ", absl::StrJoin(netns, " "), "\nmetrics: ", config.metrics,
                      "\nlog: ", config.log_format == LogFormat::kJson ? "json" : "text",
                      "\nlog_level: ", static_cast<int>(config.log_level), "\n");
}

// Each data/agent/config/NAME.yaml, against NAME.baseline: the configuration, or the issues.
TEST(ConfigTest, FilesGiveTheirBaselines) {
  const fs::path dir = fs::path(TCPMEDIC_SOURCE_DIR) / "tests/data/agent/config";
  int files = 0;
  for (const auto& entry : fs::directory_iterator(dir)) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    AgentConfig config = Defaults();
    std::vector<Issue> issues;
    const bool ok =
        ApplyConfigFile(Contents(entry.path()), entry.path().filename().string(), &config, &issues);
    EXPECT_EQ(ok, issues.empty());
    const std::string got = ok ? Print(config) : Format(issues);
    const fs::path baseline = fs::path(entry.path()).replace_extension(".baseline");
    if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(baseline) << got;
    EXPECT_EQ(got, Contents(baseline)) << entry.path();
  }
  EXPECT_GE(files, 4);
}

TEST(ConfigTest, EmptyFileKeepsTheDefaults) {
  AgentConfig config = Defaults();
  std::vector<Issue> issues;
  EXPECT_TRUE(ApplyConfigFile("# nothing yet\n", "agent.yaml", &config, &issues));
  EXPECT_EQ(Print(config), Print(Defaults()));
}

CommandLine Parse(std::vector<const char*> args) {
  args.insert(args.begin(), "tcpmedic-agent");
  return ParseCommandLine(static_cast<int>(args.size()), args.data());
}

TEST(ConfigTest, FlagsOverrideTheFile) {
  AgentConfig config = Defaults();
  std::vector<Issue> issues;
  ASSERT_TRUE(ApplyConfigFile("interval: 5s\nhost: from-file\nonly_netns: [7]\n", "agent.yaml",
                              &config, &issues));
  const CommandLine flags = Parse({"--interval", "2s", "--only-netns", "4026532001", "--only-netns",
                                   "4026532002", "--metrics", "off", "--config", "/x.yaml"});
  ASSERT_EQ(flags.exit_code, std::nullopt) << flags.text;
  EXPECT_EQ(flags.config_path, "/x.yaml");
  ASSERT_TRUE(ApplyFlags(flags, &config, &issues)) << Format(issues);

  AgentConfig expected = Defaults();
  expected.host = "from-file";
  expected.interval = absl::Seconds(2);
  expected.only_netns = {4026532001, 4026532002};
  expected.metrics = "";
  EXPECT_EQ(Print(config), Print(expected));
}

TEST(ConfigTest, WrongFlagValuesAreAllReported) {
  AgentConfig config = Defaults();
  std::vector<Issue> issues;
  EXPECT_FALSE(ApplyFlags(Parse({"--interval", "fast", "--log", "xml"}), &config, &issues));
  ASSERT_EQ(issues.size(), 2u);
  EXPECT_EQ(issues[0].message,
            "--interval cannot be 'fast': it wants a duration between 100ms and 60s, such as 1s");
  EXPECT_EQ(issues[1].message, "--log cannot be 'xml': it wants text or json");
}

TEST(ConfigTest, UndoIsAskedForByFlagAlone) {
  EXPECT_FALSE(Parse({}).undo);
  const CommandLine flags = Parse({"--undo", "--state-dir", "/var/lib/x"});
  EXPECT_EQ(flags.exit_code, std::nullopt) << flags.text;
  EXPECT_TRUE(flags.undo);
  AgentConfig config = Defaults();
  std::vector<Issue> issues;
  EXPECT_FALSE(ApplyConfigFile("undo: true\n", "agent.yaml", &config, &issues));
}

TEST(ConfigTest, PathsOfOrdersAreAbsolute) {
  AgentConfig config = Defaults();
  std::vector<Issue> issues;
  EXPECT_EQ(config.guard, "/etc/tcpmedic/guard.yaml");
  EXPECT_TRUE(ApplyConfigFile("state_dir: /var/lib/x\nguard: /etc/x.yaml\n", "agent.yaml", &config,
                              &issues))
      << Format(issues);
  EXPECT_EQ(config.state_dir, "/var/lib/x");
  EXPECT_EQ(config.guard, "/etc/x.yaml");
  EXPECT_FALSE(ApplyFlags(Parse({"--guard", "x.yaml"}), &config, &issues));
  EXPECT_FALSE(ApplyFlags(Parse({"--state-dir", "x"}), &config, &issues));
}

TEST(ConfigTest, UnknownFlagIsAUsageError) {
  const CommandLine flags = Parse({"--frobnicate"});
  EXPECT_EQ(flags.exit_code, 2);
  EXPECT_THAT(flags.text, ::testing::HasSubstr("--frobnicate"));
}

TEST(ConfigTest, VersionPrintsAndExits) {
  const CommandLine flags = Parse({"--version"});
  EXPECT_EQ(flags.exit_code, 0);
  EXPECT_EQ(flags.text, "tcpmedic-agent " TCPMEDIC_VERSION "\n");
}

TEST(ConfigTest, MetricsAreServedOnLoopbackOnly) {
  const struct {
    const char* value;
    bool accepted;
  } cases[] = {{"127.0.0.1:9469", true},   {"127.9.9.9:0", true},
               {"[::1]:9469", true},       {"off", true},
               {"0.0.0.0:9469", false},    {"[::]:9469", false},
               {"10.0.0.5:9469", false},   {"9469", false},
               {"127.0.0.1:99999", false}, {"localhost:9469", false}};
  for (const auto& c : cases) {
    AgentConfig config = Defaults();
    std::vector<Issue> issues;
    EXPECT_EQ(ApplyFlags(Parse({"--metrics", c.value}), &config, &issues), c.accepted) << c.value;
  }
}

}  // namespace
}  // namespace tcpmedic
