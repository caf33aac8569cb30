#include "controller/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tcpmedic {
namespace {

using controller_log::Level;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ControllerConfig, EveryKeyIsTaken) {
  ControllerConfig config;
  std::vector<Issue> issues;
  EXPECT_TRUE(ApplyConfigFile(R"yaml(
runtime_dir: /r
state_dir: /s
policies: /p
retention_days: 7
log: json
log_level: debug
hosts:
  db1: {labels: {tier: db, rack: "7"}}
  web1: {}
)yaml",
                              "c.yaml", &config, &issues));
  EXPECT_THAT(issues, IsEmpty());
  EXPECT_EQ(config.runtime_dir, "/r");
  EXPECT_EQ(config.state_dir, "/s");
  EXPECT_EQ(config.policies, "/p");
  EXPECT_EQ(config.retention_days, 7);
  EXPECT_EQ(config.log, controller_log::Format::kJson);
  EXPECT_EQ(config.log_level, Level::kDebug);
  const std::map<std::string, std::map<std::string, std::string>> labels = {
      {"db1", {{"tier", "db"}, {"rack", "7"}}}, {"web1", {}}};
  EXPECT_EQ(config.host_labels, labels);
}

TEST(ControllerConfig, AnEmptyFileChangesNothing) {
  ControllerConfig config;
  std::vector<Issue> issues;
  EXPECT_TRUE(ApplyConfigFile("# nothing\n", "c.yaml", &config, &issues));
  EXPECT_EQ(config.retention_days, 90);
}

TEST(ControllerConfig, AllMistakesAreReportedWithTheirPlaceAndTheRightName) {
  ControllerConfig config;
  std::vector<Issue> issues;
  EXPECT_FALSE(
      ApplyConfigFile("retntion_days: 3\n"
                      "log: xml\n"
                      "retention_days: 0\n"
                      "hosts: {db1: {lables: {}}, db2: {labels: {tier: [db]}}}\n",
                      "c.yaml", &config, &issues));
  std::vector<std::string> found;
  for (const Issue& issue : issues) {
    found.push_back(issue.file + ":" + std::to_string(issue.position.line) + ": " + issue.message);
  }
  EXPECT_THAT(found, ElementsAre(HasSubstr("c.yaml:1: unknown field 'retntion_days'"),
                                 HasSubstr("c.yaml:2: unknown log 'xml'"), HasSubstr("c.yaml:3: "),
                                 HasSubstr("c.yaml:4: unknown field 'lables'"),
                                 HasSubstr("c.yaml:4: label 'tier' must be one word")));
  EXPECT_THAT(issues[0].hint, HasSubstr("retention_days"));
}

TEST(ControllerConfig, BrokenYamlIsAnIssueNotAnException) {
  ControllerConfig config;
  std::vector<Issue> issues;
  EXPECT_FALSE(ApplyConfigFile("log: [", "c.yaml", &config, &issues));
  EXPECT_FALSE(issues.empty());
}

ControllerCommandLine Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "tcpmedic-controller");
  return ParseControllerCommandLine(static_cast<int>(arguments.size()), arguments.data(), "1.2.3");
}

TEST(ControllerCommandLine, FlagsOverrideTheFile) {
  ControllerConfig config;
  std::vector<Issue> issues;
  ASSERT_TRUE(
      ApplyConfigFile("state_dir: /s\nlog: json\nretention_days: 7", "c", &config, &issues));
  const ControllerCommandLine flags =
      Parse({"--state-dir", "/other", "--log", "text", "--log-level=error", "--config", "/c.yaml"});
  ASSERT_FALSE(flags.exit_code.has_value()) << flags.text;
  ApplyFlags(flags, &config);
  EXPECT_EQ(config.state_dir, "/other");
  EXPECT_EQ(config.log, controller_log::Format::kText);
  EXPECT_EQ(config.log_level, Level::kError);
  EXPECT_EQ(config.retention_days, 7);
  EXPECT_EQ(flags.config_file, "/c.yaml");
}

TEST(ControllerCommandLine, HelpAndVersionExitWithZeroAndMistakesWithTwo) {
  EXPECT_EQ(Parse({"--version"}).exit_code, 0);
  EXPECT_EQ(Parse({"--version"}).text, "tcpmedic-controller 1.2.3\n");
  EXPECT_EQ(Parse({"--help"}).exit_code, 0);
  for (const auto& wrong :
       {"--nonsense", "--log=xml", "--retention-days=0", "--retention-days=x"}) {
    EXPECT_EQ(Parse({wrong}).exit_code, 2) << wrong;
    EXPECT_FALSE(Parse({wrong}).text.empty());
  }
}

TEST(ControllerConfigTest, ReceiversAreReadAndTheirMistakesHavePlaces) {
  ControllerConfig config;
  std::vector<Issue> issues;
  EXPECT_TRUE(ApplyConfigFile(
      "receivers:\n- {name: oncall, alertmanager: {url: \"http://127.0.0.1:9093\"}}\n",
      "controller.yaml", &config, &issues));
  ASSERT_EQ(config.receivers.size(), 1u);
  EXPECT_EQ(config.receivers[0].url, "http://127.0.0.1:9093/api/v2/alerts");
  EXPECT_FALSE(
      ApplyConfigFile("receivers:\n- {name: oncall}\n", "controller.yaml", &config, &issues));
  ASSERT_EQ(issues.size(), 1u);
  EXPECT_EQ(issues[0].position.line, 2);
}

}  // namespace
}  // namespace tcpmedic
