// Text → tokens. Literals are decoded here, so that the parser sees values. Pure.
#ifndef TCPMEDIC_CORE_EXPR_LEXER_H_
#define TCPMEDIC_CORE_EXPR_LEXER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/expr/source.h"

namespace tcpmedic::expr {

struct Token {
  enum class Kind { kEnd, kName, kInt, kUint, kDouble, kString, kBytes, kSymbol };
  Kind kind = Kind::kEnd;
  Span span;
  std::string text;  // a name or symbol as written; a string or bytes literal decoded
  uint64_t integer =
      0;  // an int literal's magnitude, which may be one too large for int: -9223372036854775808
  double number = 0;
  bool broken = false;  // reported already, and worth no further report
};

// The tokens within `range`, the last of kind kEnd. What is no token is a mistake and skipped; a
// broken literal is a mistake and still a token of its kind.
std::vector<Token> Tokenize(const Source& source, Span range, Mistakes* mistakes);

}  // namespace tcpmedic::expr

#endif  // TCPMEDIC_CORE_EXPR_LEXER_H_
