// `tcpmedic diagnose`, run as a child on files: what the tests of the program itself share.
#ifndef TCPMEDIC_TESTS_CLI_DIAGNOSE_DIAGNOSE_RUNS_H_
#define TCPMEDIC_TESTS_CLI_DIAGNOSE_DIAGNOSE_RUNS_H_

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/cli/run_program.h"
#include "tests/controller/store/temporary_directory.h"

namespace tcpmedic::cli {

// A file under tests/data/recorded.
inline std::string Recorded(const std::string& name) {
  return absl::StrCat(TCPMEDIC_SOURCE_DIR, "/tests/data/recorded/", name);
}

class Diagnose : public ::testing::Test {
 protected:
  // Its standard output and errors together.
  Ran Run(std::vector<std::string> words) {
    words.insert(words.begin(), "diagnose");
    return RunProgram(words, absl::StrCat(temporary_.path(), "/output", ++runs_));
  }
  std::string File(const std::string& name, const std::string& content) {
    const std::string path = absl::StrCat(temporary_.path(), "/", name);
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  // Of the answer to one file, which is no failure.
  nlohmann::json JsonOf(const std::string& path) {
    const Ran ran = Run({path, "-o", "json"});
    EXPECT_EQ(ran.code, 0) << ran.output;
    return nlohmann::json::parse(ran.output, nullptr, /*allow_exceptions=*/false);
  }

  const TemporaryDirectory temporary_;
  int runs_ = 0;
};

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_TESTS_CLI_DIAGNOSE_DIAGNOSE_RUNS_H_
