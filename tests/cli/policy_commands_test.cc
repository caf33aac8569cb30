// policy check and policy test, run as a child on directories of policy files. No controller.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "tests/cli/run_program.h"
#include "tests/controller/store/temporary_directory.h"

namespace tcpmedic::cli {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kShipped[] = TCPMEDIC_SOURCE_DIR "/policies";

class PolicyCommands : public ::testing::Test {
 protected:
  // One signature of the shipped ones, with what belongs to it: more of them change no answer here.
  PolicyCommands() {
    for (const std::string file : {"signatures/pinned-cwnd.yaml", "cases/pinned-cwnd.yaml",
                                   "responses/lossy-path-to-bbr.yaml"}) {
      const std::filesystem::path to = policies_ + "/" + file;
      std::filesystem::create_directories(to.parent_path());
      std::filesystem::copy(std::filesystem::path(kShipped) / file, to);
    }
  }

  Ran Run(const std::vector<std::string>& words) {
    return RunProgram(words, absl::StrCat(temporary_.path(), "/output", ++runs_),
                      {{"TCPMEDIC_CONTROLLER", absl::StrCat("unix:", temporary_.path(), "/none")}});
  }
  void Replace(const std::string& file, const std::string& from, const std::string& to) {
    std::stringstream content;
    content << std::ifstream(policies_ + "/" + file).rdbuf();
    ASSERT_THAT(content.str(), HasSubstr(from));
    std::ofstream(policies_ + "/" + file) << absl::StrReplaceAll(content.str(), {{from, to}});
  }

  const TemporaryDirectory temporary_;
  const std::string policies_ = temporary_.path() + "/policies";
  int runs_ = 0;
};

std::string LastLine(const std::string& output) {
  const std::vector<std::string> lines = absl::StrSplit(output, '\n', absl::SkipEmpty());
  return lines.empty() ? "" : lines.back();
}

TEST_F(PolicyCommands, ShippedFilesAreTheDefaultAndPass) {
  const Ran checked = Run({"policy", "check"});
  EXPECT_EQ(checked.code, 0);
  EXPECT_THAT(checked.output, StartsWith(absl::StrCat("No mistakes in ", kShipped, ": ")));

  const Ran tested = Run({"policy", "test", "-o", "json"});
  EXPECT_EQ(tested.code, 0) << tested.output;
  const json answer = json::parse(tested.output);
  EXPECT_EQ(answer["directory"], kShipped);
  EXPECT_GT(answer["passed"], 0);
  EXPECT_EQ(answer["passed"], answer["cases"].size());
  EXPECT_EQ(Run({"policy", "test"}).output,
            absl::StrCat(answer["passed"].get<int>(), " cases passed, 0 failed\n"));
}

TEST_F(PolicyCommands, CheckShowsEveryMistakeOfEveryFileWhereItStands) {
  std::ofstream(policies_ + "/responses/new.yaml") << "apiVersion: tcpmedic/v1\nkind: Polcy\n";
  Replace("cases/pinned-cwnd.yaml", "kind: Cases", "kind: Case");
  const Ran ran = Run({"policy", "check", policies_});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.output, AllOf(HasSubstr(absl::StrCat(policies_, "/responses/new.yaml:2:7: ")),
                                HasSubstr("kind: Polcy\n        ^~~~~\n"),
                                HasSubstr(absl::StrCat(policies_, "/cases/pinned-cwnd.yaml:"))));

  const Ran same = Run({"policy", "check", policies_, "-o", "json"});
  EXPECT_EQ(same.code, 1);
  const json answer = json::parse(same.output);
  EXPECT_EQ(answer["revision"], nullptr);
  EXPECT_EQ(answer["cases"], nullptr);
  EXPECT_EQ(LastLine(ran.output),
            absl::StrCat(answer["issues"].size(), " mistakes in ", policies_));
  const json& last = answer["issues"].back();
  EXPECT_EQ(last["file"], policies_ + "/responses/new.yaml");
  EXPECT_NE(last["message"], "");
}

TEST_F(PolicyCommands, CheckNamesWhatItHasRead) {
  const json answer = json::parse(Run({"policy", "check", policies_, "-o", "json"}).output);
  EXPECT_EQ(answer["signatures"], json({"pinned-cwnd"}));
  EXPECT_EQ(answer["policies"], json({"lossy-path-to-bbr"}));
  EXPECT_EQ(answer["issues"], json::array());
  EXPECT_THAT(answer["revision"].get<std::string>(), StartsWith("digest:"));
}

TEST_F(PolicyCommands, AFailingCaseIsShownWithItsDifference) {
  Replace("responses/lossy-path-to-bbr.yaml", "algorithm: bbr", "algorithm: reno");
  const Ran ran = Run({"policy", "test", policies_});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.output, AllOf(StartsWith(absl::StrCat(policies_, "/cases/pinned-cwnd.yaml:")),
                                HasSubstr("    action\n      expected: set_congestion_control bbr\n"
                                          "      found:    set_congestion_control reno\n")));

  const Ran same = Run({"policy", "test", policies_, "-o", "json"});
  EXPECT_EQ(same.code, 1);
  const json answer = json::parse(same.output);
  ASSERT_GT(answer["failed"], 0);
  int different = 0;
  for (const json& test : answer["cases"]) {
    EXPECT_EQ(test["passed"], test["difference"].is_null()) << test;
    different += test["difference"].is_null() ? 0 : 1;
  }
  EXPECT_EQ(answer["failed"], different);
  EXPECT_EQ(LastLine(ran.output),
            absl::StrCat(answer["passed"].get<int>(), " cases passed, ", different, " failed"));
}

TEST_F(PolicyCommands, ACaseOfASignatureThatIsNotThereFails) {
  Replace("cases/pinned-cwnd.yaml", "signature: pinned-cwnd", "signature: pinned-cwmd");
  const Ran ran = Run({"policy", "test", policies_});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.output, HasSubstr("there is no signature 'pinned-cwmd'\n"));
  EXPECT_THAT(LastLine(ran.output), StartsWith("0 cases passed, "));
}

TEST_F(PolicyCommands, NoCaseIsRunWhereThereAreMistakes) {
  Replace("signatures/pinned-cwnd.yaml", "socket.cwnd", "socket.cwmd");
  const Ran ran = Run({"policy", "test", policies_});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.output, HasSubstr("did you mean 'socket.cwnd'?"));
  EXPECT_THAT(LastLine(ran.output), HasSubstr(absl::StrCat(" in ", policies_)));
  const json answer = json::parse(Run({"policy", "test", policies_, "-o", "json"}).output);
  EXPECT_EQ(answer["cases"], json::array());
  EXPECT_GT(answer["issues"].size(), 0u);
}

TEST_F(PolicyCommands, ADirectoryWithoutPolicyFilesIsNotTheOneThatWasMeant) {
  const std::string empty = temporary_.path() + "/empty";
  std::filesystem::create_directory(empty);
  for (const char* command : {"check", "test"}) {
    const Ran ran = Run({"policy", command, empty});
    EXPECT_EQ(ran.code, 1);
    EXPECT_EQ(ran.output,
              absl::StrCat("tcpmedic: there is no policy file (*.yaml) in ", empty, "\n"));
    EXPECT_EQ(Run({"policy", command, empty + "/nowhere"}).code, 2);
  }
}

TEST_F(PolicyCommands, WhatFilesSayCannotActOnTheTerminal) {
  std::ofstream(policies_ + "/responses/new.yaml") << "kind: \"\x1b[2J\"\n";
  EXPECT_THAT(Run({"policy", "check", policies_}).output, Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace tcpmedic::cli
