// Text with {{ expression }} in it, as verdicts are written. Values are written for people:
// durations as "148 ms", integers plain, doubles to three significant digits (and all before the
// point), addresses as text; an unknown value as "(not known)". The language's functions bitrate(),
// percent() and bytes() give "780 kbit/s", "1.2 %" and "8.0 GiB".
//
// A passage [[ in double brackets ]] is for values that may be missing: where one of its
// expressions is unknown, the whole passage is left out, so that a sentence never holds a gap.
// Brackets are written close to the text: what stands between them is written as it is, spaces too.
//
// Immutable after CompileTemplate; thread-safe.
#ifndef TCPMEDIC_CORE_EXPR_TEMPLATE_H_
#define TCPMEDIC_CORE_EXPR_TEMPLATE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/expr/expression.h"

namespace tcpmedic::expr {

class Template {
 public:
  std::string Render(const Activation& activation) const;
  // The schema slots that its expressions read, ascending, each once.
  std::vector<int> slots() const;

 private:
  friend std::optional<Template> CompileTemplate(absl::string_view, const Schema&,
                                                 std::vector<Issue>*);
  struct Part {
    std::string literal;                   // written first
    std::optional<Expression> expression;  // then this
    int passage = 0;                       // 0: none; those of one passage are neighbours
  };
  std::vector<Part> parts_;
};

// On failure returns nullopt and appends Issues positioned within `text`.
std::optional<Template> CompileTemplate(absl::string_view text, const Schema& schema,
                                        std::vector<Issue>* issues);

// A value as Render writes it, without units that the value does not carry itself.
std::string ToText(const Value& value);

}  // namespace tcpmedic::expr

#endif  // TCPMEDIC_CORE_EXPR_TEMPLATE_H_
