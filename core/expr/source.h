// The text that is being compiled, and how a place in it becomes an Issue. Pure; borrows the text.
#ifndef TCPMEDIC_CORE_EXPR_SOURCE_H_
#define TCPMEDIC_CORE_EXPR_SOURCE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/issue.h"

namespace tcpmedic::expr {

// Bytes [begin, end) of a source.
struct Span {
  int begin = 0;
  int end = 0;
};

class Source {
 public:
  explicit Source(absl::string_view text) : text_(text) {}

  absl::string_view text() const { return text_; }
  absl::string_view Text(Span span) const {
    return text_.substr(span.begin, span.end - span.begin);
  }
  // The underlined length ends with the line in which the span begins.
  Issue IssueAt(Span span, std::string message, std::string hint) const;

 private:
  absl::string_view text_;
};

// Collects the mistakes of one compilation, in the order of their place, at most kMax of them: a
// text that is not an expression at all would otherwise have one per word.
class Mistakes {
 public:
  static constexpr size_t kMax = 20;

  explicit Mistakes(const Source& source) : source_(source) {}

  void Add(Span span, std::string message, std::string hint = "");
  bool empty() const { return found_.empty(); }
  void AppendTo(std::vector<Issue>* issues) const;

 private:
  struct Mistake {
    Span span;
    std::string message;
    std::string hint;
  };
  const Source& source_;
  std::vector<Mistake> found_;
};

}  // namespace tcpmedic::expr

#endif  // TCPMEDIC_CORE_EXPR_SOURCE_H_
