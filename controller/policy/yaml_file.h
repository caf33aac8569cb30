// YAML as it was written: a tree in which everything knows its place in the file, so that a mistake
// found anywhere, even inside a folded expression, is shown where its author typed it. Parsing is
// yaml-cpp's; anchors' aliases and tags are refused, so the tree is never larger than the text.
// Pure; immutable after parsing.
#ifndef TCPMEDIC_CONTROLLER_POLICY_YAML_FILE_H_
#define TCPMEDIC_CONTROLLER_POLICY_YAML_FILE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/issue.h"

namespace tcpmedic {

// A stretch of the file, in bytes.
struct YamlPlace {
  size_t offset = 0;
  size_t length = 1;
};

struct YamlField;

struct YamlNode {
  enum class Kind { kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kNull;
  YamlPlace place;                // where it begins
  YamlPlace name;                 // of its key, where it has one; else `place`
  std::string text;               // kScalar: without quotes, folds and trailing white space
  std::vector<YamlNode> items;    // kSequence
  std::vector<YamlField> fields;  // kMap, in the order written; names are unique

  // The value of a field; null where there is none.
  const YamlNode* Find(absl::string_view field) const;
};

struct YamlField {
  std::string name;
  YamlNode value;
};

class YamlFile {
 public:
  // Bound on the nodes of one file, so that no work on it is out of proportion to its size.
  static constexpr int kMaxNodes = 20'000;

  // Appends an Issue for each mistake of the YAML itself. What follows a syntax error is not read.
  YamlFile(std::string path, std::string content, std::vector<Issue>* issues);

  // Documents without any content are left out.
  const std::vector<YamlNode>& documents() const { return documents_; }

  Issue IssueAt(YamlPlace place, std::string message, std::string hint = "") const;
  // An issue positioned within a scalar's text, moved to where that text stands in the file.
  Issue IssueWithin(const YamlNode& scalar, Issue issue) const;

 private:
  class TreeBuilder;

  // For every byte of a scalar's text, its offset in the file; one more for its end.
  std::vector<size_t> SourceOf(const YamlNode& scalar) const;

  std::string path_;
  std::string content_;
  std::vector<size_t> line_starts_;
  std::vector<YamlNode> documents_;
};

// By file, line and column, as people work through them.
void SortByPlace(std::vector<Issue>* issues);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_POLICY_YAML_FILE_H_
