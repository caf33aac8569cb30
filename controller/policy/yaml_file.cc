#include "controller/policy/yaml_file.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <sstream>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// yaml-cpp takes 0x04 for the end of the file and would silently drop the rest.
size_t FindControlCharacter(absl::string_view text) {
  return static_cast<size_t>(
      std::find_if(text.begin(), text.end(),
                   [](char c) { return absl::ascii_iscntrl(c) && !IsSpace(c); }) -
      text.begin());
}

// How many bytes of a double-quoted scalar one escape takes, the backslash included.
size_t EscapeLength(absl::string_view escape) {
  if (escape.size() < 2) return escape.size();
  switch (escape[1]) {
    case 'x':
      return 4;
    case 'u':
      return 6;
    case 'U':
      return 10;
    default:
      return 2;
  }
}

size_t Utf8Length(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

}  // namespace

const YamlNode* YamlNode::Find(absl::string_view field) const {
  for (const YamlField& candidate : fields) {
    if (candidate.name == field) return &candidate.value;
  }
  return nullptr;
}

// Builds the tree from yaml-cpp's events, which, unlike its nodes, show every key, every tag and
// every alias.
class YamlFile::TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(YamlFile* file, std::vector<Issue>* issues) : file_(file), issues_(issues) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    Complete(NodeAt(mark, YamlNode::Kind::kNull));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    YamlNode node = NodeAt(mark, YamlNode::Kind::kNull);
    issues_->push_back(
        file_->IssueAt(node.place, "aliases are not used here", "write the value out"));
    Complete(std::move(node));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    YamlNode node = NodeAt(mark, YamlNode::Kind::kScalar);
    node.text = std::string(absl::StripTrailingAsciiWhitespace(value));
    CheckTag(node, tag);
    // A block scalar's text begins on the line after its `>` or `|`; its place is that indicator.
    if (const char first = file_->content_[node.place.offset]; first != '>' && first != '|') {
      const size_t line_end = file_->content_.find('\n', node.place.offset);
      const size_t end = file_->SourceOf(node).back() + (first == '\'' || first == '"' ? 1 : 0);
      node.place.length = std::max<size_t>(1, std::min(end, line_end) - node.place.offset);
    }
    Complete(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    Open(NodeAt(mark, YamlNode::Kind::kSequence), tag);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    Open(NodeAt(mark, YamlNode::Kind::kMap), tag);
  }
  void OnMapEnd() override { Close(); }

 private:
  // A collection whose end has not come yet.
  struct OpenNode {
    YamlNode node;
    std::optional<YamlNode> key;  // of the value that comes next, in a map
  };

  YamlNode NodeAt(const YAML::Mark& mark, YamlNode::Kind kind) {
    if (++nodes_ > kMaxNodes) {
      throw YAML::ParserException(mark, absl::StrCat("more than ", kMaxNodes, " values"));
    }
    YamlNode node;
    node.kind = kind;
    node.place.offset = std::min(static_cast<size_t>(mark.pos), file_->content_.size() - 1);
    return node;
  }

  void CheckTag(const YamlNode& node, absl::string_view tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;  // yaml-cpp's words for plain and quoted
    issues_->push_back(
        file_->IssueAt(node.place, "tags are not used here", "leave out the '!' word"));
  }

  void Open(YamlNode node, absl::string_view tag) {
    CheckTag(node, tag);
    open_.push_back({std::move(node), std::nullopt});
  }

  void Close() {
    YamlNode node = std::move(open_.back().node);
    open_.pop_back();
    Complete(std::move(node));
  }

  void Complete(YamlNode node) {
    node.name = node.place;
    if (open_.empty()) {
      if (node.kind != YamlNode::Kind::kNull) file_->documents_.push_back(std::move(node));
      return;
    }
    OpenNode& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::kSequence) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.key.has_value()) {
      parent.key = std::move(node);
    } else {
      AddField(&parent.node, *std::exchange(parent.key, std::nullopt), std::move(node));
    }
  }

  void AddField(YamlNode* map, const YamlNode& key, YamlNode value) {
    if (key.kind != YamlNode::Kind::kScalar) {
      issues_->push_back(file_->IssueAt(key.place, "a field's name must be a word"));
    } else if (map->Find(key.text) != nullptr) {
      issues_->push_back(
          file_->IssueAt(key.place, absl::StrCat("field '", key.text, "' is given twice")));
    } else {
      value.name = key.place;
      map->fields.push_back({key.text, std::move(value)});
    }
  }

  YamlFile* file_;
  std::vector<Issue>* issues_;
  std::vector<OpenNode> open_;
  int nodes_ = 0;
};

YamlFile::YamlFile(std::string path, std::string content, std::vector<Issue>* issues)
    : path_(std::move(path)), content_(std::move(content)) {
  // Ends every line, so that no place lies beyond the text.
  if (content_.empty() || content_.back() != '\n') content_.push_back('\n');
  line_starts_.push_back(0);
  for (size_t at = 0; at + 1 < content_.size(); ++at) {
    if (content_[at] == '\n') line_starts_.push_back(at + 1);
  }
  if (const size_t at = FindControlCharacter(content_); at < content_.size()) {
    issues->push_back(IssueAt({at, 1}, "the file holds a control character", "write plain UTF-8"));
    return;
  }
  TreeBuilder builder(this, issues);
  try {
    std::istringstream in(content_);
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    const size_t at = error.mark.is_null() ? 0 : static_cast<size_t>(error.mark.pos);
    issues->push_back(IssueAt({at, 1}, absl::StrCat("not readable as YAML: ", error.msg)));
  }
}

Issue YamlFile::IssueAt(YamlPlace place, std::string message, std::string hint) const {
  const size_t offset = std::min(place.offset, content_.size() - 1);
  const auto next_line = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  const size_t line_start = *std::prev(next_line);
  const size_t line_end = content_.find('\n', offset);

  Issue issue;
  issue.file = path_;
  issue.position.line = static_cast<int>(next_line - line_starts_.begin());
  issue.position.column = 1 + static_cast<int>(offset - line_start);
  issue.length = static_cast<int>(std::max<size_t>(1, std::min(place.length, line_end - offset)));
  issue.message = std::move(message);
  issue.hint = std::move(hint);
  issue.line = content_.substr(line_start, line_end - line_start);
  return issue;
}

Issue YamlFile::IssueWithin(const YamlNode& scalar, Issue issue) const {
  size_t line_start = 0;
  for (int line = 1; line < issue.position.line; ++line) {
    line_start = std::min(scalar.text.find('\n', line_start), scalar.text.size() - 1) + 1;
  }
  const size_t column = static_cast<size_t>(std::max(1, issue.position.column)) - 1;
  const size_t begin = std::min(line_start + column, scalar.text.size());
  const size_t end =
      std::min(begin + static_cast<size_t>(std::max(1, issue.length)), scalar.text.size());

  const std::vector<size_t> source = SourceOf(scalar);
  const size_t last = end > begin ? source[end - 1] : source[begin];
  return IssueAt({source[begin], last + 1 - source[begin]}, std::move(issue.message),
                 std::move(issue.hint));
}

// Walks text and source side by side. They differ only in white space (folds, indentation,
// chomping), in the quotes of a quoted scalar and in its escapes, so everything else pairs up byte
// by byte.
std::vector<size_t> YamlFile::SourceOf(const YamlNode& scalar) const {
  const absl::string_view text = scalar.text;
  size_t at = scalar.place.offset;
  const char style = content_[at];
  if (style == '>' || style == '|') at = content_.find('\n', at) + 1;
  if (style == '\'' || style == '"') ++at;

  std::vector<size_t> source;
  source.reserve(text.size() + 1);
  while (source.size() < text.size() && at < content_.size()) {
    const char wanted = text[source.size()];
    if (style == '"' && content_[at] == '\\') {
      const size_t length = EscapeLength(absl::string_view(content_).substr(at));
      if (content_[at + 1] != '\n') source.insert(source.end(), Utf8Length(wanted), at);
      at += length;
    } else if (style == '\'' && content_[at] == '\'' && wanted == '\'') {
      source.push_back(at);
      at += 2;
    } else if (content_[at] == wanted) {
      source.push_back(at++);
    } else if (IsSpace(content_[at])) {
      if (IsSpace(wanted)) source.push_back(at);
      ++at;
    } else {
      ++at;
    }
  }
  source.resize(text.size() + 1, std::min(at, content_.size() - 1));
  return source;
}

void SortByPlace(std::vector<Issue>* issues) {
  std::stable_sort(issues->begin(), issues->end(), [](const Issue& a, const Issue& b) {
    return std::tie(a.file, a.position.line, a.position.column) <
           std::tie(b.file, b.position.line, b.position.column);
  });
}

}  // namespace tcpmedic
