#include "core/file_issues.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_split.h"

namespace tcpmedic {

FileIssues::FileIssues(absl::string_view text, absl::string_view file, std::vector<Issue>* issues)
    : lines_(absl::StrSplit(text, '\n')), file_(file), issues_(issues) {}

void FileIssues::Add(Position position, size_t length, std::string message, std::string hint) {
  Issue issue;
  issue.file = file_;
  issue.position = position;
  issue.length = static_cast<int>(std::max<size_t>(length, 1));
  issue.message = std::move(message);
  issue.hint = std::move(hint);
  const auto line = static_cast<size_t>(position.line);
  if (line >= 1 && line <= lines_.size()) issue.line = lines_[line - 1];
  issues_->push_back(std::move(issue));
}

}  // namespace tcpmedic
