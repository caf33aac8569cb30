// A mistake of the user's, in a policy file, an expression or a flag: where it is, what it is, and
// what to do about it. All of a file's mistakes are reported, not only the first. Plain values;
// pure.
#ifndef TCPMEDIC_CORE_ISSUE_H_
#define TCPMEDIC_CORE_ISSUE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tcpmedic {

// Counted from 1, columns in bytes; line 0 means that the place is not known.
struct Position {
  int line = 0;
  int column = 0;
};

struct Issue {
  std::string file;  // empty: a bare expression or a flag
  Position position;
  int length = 1;       // bytes to underline, at least 1
  std::string message;  // one sentence, no full stop: "unknown name 'socket.cwmd'"
  std::string hint;     // empty, or what to do next: "did you mean 'socket.cwnd'?"
  std::string line;     // the text of the line, for the caret; may be empty
};

// "file:line:col: message", then the line with a caret under the place, then the hint.
std::string Format(const Issue& issue);
std::string Format(absl::Span<const Issue> issues);

// The candidate that `name` is most probably a misspelling of; empty where none is near
// (Damerau-Levenshtein distance of at most a third of the length).
std::string NearestName(absl::string_view name, absl::Span<const std::string> candidates);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CORE_ISSUE_H_
