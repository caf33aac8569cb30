#include "core/expr/template.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/expr/compiler.h"

namespace tcpmedic::expr {
namespace {

constexpr absl::string_view kOpen = "{{";
constexpr absl::string_view kClose = "}}";
constexpr absl::string_view kPassageOpen = "[[";
constexpr absl::string_view kPassageClose = "]]";

// Where the expression that begins at `from` is closed: the first }} outside of quotes and of
// braces opened within.
size_t FindClose(absl::string_view text, size_t from) {
  char quote = '\0';
  int braces = 0;
  for (size_t at = from; at < text.size(); ++at) {
    const char c = text[at];
    if (quote != '\0') {
      if (c == '\\') ++at;
      if (c == quote) quote = '\0';
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '{') {
      ++braces;
    } else if (c == '}' && braces > 0) {
      --braces;
    } else if (text.substr(at, kClose.size()) == kClose) {
      return at;
    }
  }
  // A quote that is not closed: better a mistake within this expression than one that swallows the
  // text after it.
  return text.find(kClose, from);
}

}  // namespace

std::string Template::Render(const Activation& activation) const {
  std::string text;
  Scratch scratch;
  int passage = 0;
  size_t passage_begins = 0;  // in `text`
  int left_out = 0;           // the passage that is not written; 0: none
  for (const Part& part : parts_) {
    if (part.passage != passage) {
      passage = part.passage;
      passage_begins = text.size();
    }
    if (passage != 0 && passage == left_out) continue;
    absl::StrAppend(&text, part.literal);
    if (!part.expression) continue;
    const Value value = part.expression->Evaluate(activation, &scratch);
    if (passage != 0 && !value.is_known()) {
      left_out = passage;
      text.resize(passage_begins);
      continue;
    }
    absl::StrAppend(&text, ToText(value));
  }
  return text;
}

std::vector<int> Template::slots() const {
  std::set<int> slots;
  for (const Part& part : parts_) {
    if (part.expression) {
      slots.insert(part.expression->slots().begin(), part.expression->slots().end());
    }
  }
  return {slots.begin(), slots.end()};
}

std::optional<Template> CompileTemplate(absl::string_view text, const Schema& schema,
                                        std::vector<Issue>* issues) {
  const Source source(text);
  const auto span = [](size_t begin, size_t end) {
    return Span{static_cast<int>(begin), static_cast<int>(end)};
  };
  if (text.size() > kMaxTextBytes) {
    issues->push_back(source.IssueAt(
        span(0, 1), absl::StrCat("the text is longer than ", kMaxTextBytes, " bytes"), ""));
    return std::nullopt;
  }
  const size_t issues_before = issues->size();
  Template compiled;
  int passages = 0;
  int passage = 0;            // the one that is open
  size_t passage_opened = 0;  // where
  size_t at = 0;
  while (at <= text.size()) {
    const size_t mark = std::min({text.find(kOpen, at), text.find(kPassageOpen, at),
                                  passage == 0 ? text.npos : text.find(kPassageClose, at)});
    Template::Part part;
    part.literal = std::string(text.substr(at, mark - at));
    part.passage = passage;
    const absl::string_view what = mark == text.npos ? "" : text.substr(mark, kOpen.size());
    if (what == kOpen) {
      const size_t begin = mark + kOpen.size();
      const size_t close = FindClose(text, begin);
      if (close == absl::string_view::npos) {
        issues->push_back(source.IssueAt(span(mark, begin), "this {{ has no }}", ""));
        return std::nullopt;
      }
      part.expression = Compiler::Compile(source, span(begin, close), schema, std::nullopt, issues);
      at = close + kClose.size();
    } else if (what == kPassageOpen) {
      if (passage != 0) {
        issues->push_back(
            source.IssueAt(span(mark, mark + 2), "a [[ passage ]] cannot hold another", ""));
        return std::nullopt;
      }
      passage = ++passages;
      passage_opened = mark;
      at = mark + kPassageOpen.size();
    } else if (what == kPassageClose) {
      passage = 0;
      at = mark + kPassageClose.size();
    } else {
      at = text.size() + 1;
    }
    compiled.parts_.push_back(std::move(part));
  }
  if (passage != 0) {
    issues->push_back(source.IssueAt(span(passage_opened, passage_opened + kPassageOpen.size()),
                                     "this [[ has no ]]", ""));
  }
  if (issues->size() > issues_before) return std::nullopt;
  return compiled;
}

}  // namespace tcpmedic::expr
