// Collects the mistakes of one file of a user's, each with its line's text for the caret.
#ifndef TCPMEDIC_CORE_FILE_ISSUES_H_
#define TCPMEDIC_CORE_FILE_ISSUES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/issue.h"

namespace tcpmedic {

class FileIssues {
 public:
  // `issues` outlives this.
  FileIssues(absl::string_view text, absl::string_view file, std::vector<Issue>* issues);

  // `length` in bytes, 0 counts as 1. At line 0, which no file has, the place is not known.
  void Add(Position position, size_t length, std::string message, std::string hint = "");

 private:
  std::vector<std::string> lines_;
  std::string file_;
  std::vector<Issue>* issues_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_CORE_FILE_ISSUES_H_
