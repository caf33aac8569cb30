// A directory that lasts as long as the object.
#ifndef TCPMEDIC_TESTS_CONTROLLER_STORE_TEMPORARY_DIRECTORY_H_
#define TCPMEDIC_TESTS_CONTROLLER_STORE_TEMPORARY_DIRECTORY_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

namespace tcpmedic {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = std::filesystem::temp_directory_path() / "tcpmedic-test-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) ADD_FAILURE() << "mkdtemp " << pattern;
    path_ = pattern;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_CONTROLLER_STORE_TEMPORARY_DIRECTORY_H_
