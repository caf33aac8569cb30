#include "core/expr/template.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/expr/compiler.h"

namespace tcpmedic::expr {
namespace {

constexpr absl::string_view kOpen = "{{";
constexpr absl::string_view kClose = "}}";

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
  for (const Part& part : parts_) {
    absl::StrAppend(&text, part.literal);
    if (part.expression) {
      absl::StrAppend(&text, ToText(part.expression->Evaluate(activation, &scratch)));
    }
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
  size_t at = 0;
  while (true) {
    const size_t open = text.find(kOpen, at);
    Template::Part part;
    part.literal = std::string(text.substr(at, open - at));
    if (open == absl::string_view::npos) {
      compiled.parts_.push_back(std::move(part));
      break;
    }
    const size_t begin = open + kOpen.size();
    const size_t close = FindClose(text, begin);
    if (close == absl::string_view::npos) {
      issues->push_back(source.IssueAt(span(open, begin), "this {{ has no }}", ""));
      break;
    }
    part.expression = Compiler::Compile(source, span(begin, close), schema, std::nullopt, issues);
    compiled.parts_.push_back(std::move(part));
    at = close + kClose.size();
  }
  if (issues->size() > issues_before) return std::nullopt;
  return compiled;
}

}  // namespace tcpmedic::expr
