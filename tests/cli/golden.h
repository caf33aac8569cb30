// Compares text with a golden in tests/data/cli; UPDATE_GOLDEN=1 rewrites it instead.
#ifndef TCPMEDIC_TESTS_CLI_GOLDEN_H_
#define TCPMEDIC_TESTS_CLI_GOLDEN_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace tcpmedic::cli {

inline void ExpectGolden(const std::string& name, const std::string& actual) {
  const std::string path = std::string(TCPMEDIC_SOURCE_DIR "/tests/data/cli/") + name;
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path) << actual;
    return;
  }
  std::ifstream file(path);
  ASSERT_TRUE(file.good()) << path << " is missing; UPDATE_GOLDEN=1 writes it";
  std::stringstream expected;
  expected << file.rdbuf();
  EXPECT_EQ(actual, expected.str()) << "golden " << path;
}

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_TESTS_CLI_GOLDEN_H_
