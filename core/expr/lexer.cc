#include "core/expr/lexer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace tcpmedic::expr {
namespace {

bool StartsName(char c) { return absl::ascii_isalpha(c) || c == '_'; }
bool ContinuesName(char c) { return absl::ascii_isalnum(c) || c == '_'; }

void AppendUtf8(uint32_t code_point, std::string* text) {
  if (code_point < 0x80) {
    *text += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    *text += static_cast<char>(0xC0 | code_point >> 6);
    *text += static_cast<char>(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    *text += static_cast<char>(0xE0 | code_point >> 12);
    *text += static_cast<char>(0x80 | (code_point >> 6 & 0x3F));
    *text += static_cast<char>(0x80 | (code_point & 0x3F));
  } else {
    *text += static_cast<char>(0xF0 | code_point >> 18);
    *text += static_cast<char>(0x80 | (code_point >> 12 & 0x3F));
    *text += static_cast<char>(0x80 | (code_point >> 6 & 0x3F));
    *text += static_cast<char>(0x80 | (code_point & 0x3F));
  }
}

class Lexer {
 public:
  Lexer(const Source& source, Span range, Mistakes* mistakes)
      : text_(source.text().substr(0, range.end)), at_(range.begin), mistakes_(mistakes) {}

  std::vector<Token> Run() {
    int end_of_last = at_;
    for (SkipBlanks(); at_ < size(); SkipBlanks()) {
      ReadToken();
      end_of_last = at_;
    }
    at_ = end_of_last;  // what is missing at the end is missing right after the last token
    Emit(Token::Kind::kEnd, at_);
    return std::move(tokens_);
  }

 private:
  int size() const { return static_cast<int>(text_.size()); }
  // 0 beyond the end.
  char Peek(int ahead = 0) const { return at_ + ahead < size() ? text_[at_ + ahead] : '\0'; }
  bool Next(absl::string_view expected) const {
    return text_.substr(at_, expected.size()) == expected;
  }

  Token& Emit(Token::Kind kind, int begin) {
    Token token;
    token.kind = kind;
    token.span = {begin, at_};
    tokens_.push_back(std::move(token));
    return tokens_.back();
  }

  void SkipBlanks() {
    while (at_ < size()) {
      if (absl::ascii_isspace(Peek())) {
        ++at_;
      } else if (Next("//")) {
        while (at_ < size() && Peek() != '\n') ++at_;
      } else {
        return;
      }
    }
  }

  void ReadToken() {
    if (absl::ascii_isdigit(Peek()) || (Peek() == '.' && absl::ascii_isdigit(Peek(1)))) {
      ReadNumber();
    } else if (!ReadQuoted()) {
      if (StartsName(Peek())) {
        ReadName();
      } else {
        ReadSymbol();
      }
    }
  }

  void ReadName() {
    const int begin = at_;
    while (ContinuesName(Peek())) ++at_;
    Emit(Token::Kind::kName, begin).text = std::string(text_.substr(begin, at_ - begin));
  }

  void SkipDigits() {
    while (absl::ascii_isdigit(Peek())) ++at_;
  }

  void ReadNumber() {
    const int begin = at_;
    if (Peek() == '0' && (Peek(1) == 'x' || Peek(1) == 'X')) {
      at_ += 2;
      while (absl::ascii_isxdigit(Peek())) ++at_;
      ReadInteger(begin);
      return;
    }
    SkipDigits();
    bool fractional = false;
    if (Peek() == '.' && absl::ascii_isdigit(Peek(1))) {
      fractional = true;
      ++at_;
      SkipDigits();
    }
    const int sign = Peek(1) == '+' || Peek(1) == '-' ? 1 : 0;
    if ((Peek() == 'e' || Peek() == 'E') && absl::ascii_isdigit(Peek(1 + sign))) {
      fractional = true;
      at_ += 1 + sign;
      SkipDigits();
    }
    if (!fractional) {
      ReadInteger(begin);
      return;
    }
    const absl::string_view digits = text_.substr(begin, at_ - begin);
    double number = 0;
    const bool valid = absl::SimpleAtod(digits, &number) && std::isfinite(number);
    const bool has_unit = RejectUnit(begin);
    Token& token = Emit(Token::Kind::kDouble, begin);
    token.number = number;
    token.broken = has_unit || !valid;
    if (!valid) mistakes_->Add(token.span, "this number is too large for a double");
  }

  // From `begin`, digits already skipped.
  void ReadInteger(int begin) {
    const absl::string_view digits = text_.substr(begin, at_ - begin);
    uint64_t integer = 0;
    const bool hexadecimal = digits.size() > 1 && !absl::ascii_isdigit(digits[1]);
    const bool valid =
        hexadecimal ? absl::SimpleHexAtoi(digits, &integer) : absl::SimpleAtoi(digits, &integer);
    Token::Kind kind = Token::Kind::kInt;
    if (Peek() == 'u' || Peek() == 'U') {
      kind = Token::Kind::kUint;
      ++at_;
    }
    const bool has_unit = RejectUnit(begin);
    Token& token = Emit(kind, begin);
    token.integer = integer;
    token.broken = has_unit || !valid;
    if (!valid) {
      mistakes_->Add(token.span, digits.size() == 2 && hexadecimal
                                     ? "hexadecimal digits are missing after 0x"
                                     : "this number is too large for an integer");
    }
  }

  // 40ms, 10mbit: the language writes units in functions.
  bool RejectUnit(int begin) {
    if (!StartsName(Peek())) return false;
    const int unit = at_;
    while (ContinuesName(Peek())) ++at_;
    const absl::string_view name = text_.substr(unit, at_ - unit);
    const bool time =
        name == "ns" || name == "us" || name == "ms" || name == "s" || name == "m" || name == "h";
    mistakes_->Add(
        {begin, at_}, absl::StrCat("a number cannot end in '", name, "'"),
        time ? absl::StrCat("write duration(\"", text_.substr(begin, at_ - begin), "\")") : "");
    return true;
  }

  // A string or bytes literal, with its prefix. False where there is none.
  bool ReadQuoted() {
    bool raw = false;
    bool bytes = false;
    int prefix = 0;
    for (; prefix < 2; ++prefix) {
      const char c = absl::ascii_tolower(Peek(prefix));
      if (c == 'r' && !raw) {
        raw = true;
      } else if (c == 'b' && !bytes) {
        bytes = true;
      } else {
        break;
      }
    }
    const char quote = Peek(prefix);
    if (quote != '"' && quote != '\'') return false;

    const int begin = at_;
    at_ += prefix;
    const std::string triple(3, quote);
    const bool multi_line = Next(triple);
    const std::string closing = multi_line ? triple : std::string(1, quote);
    at_ += static_cast<int>(closing.size());

    std::string decoded;
    while (at_ < size() && !Next(closing) && (multi_line || Peek() != '\n')) {
      if (Peek() == '\\' && !raw) {
        ReadEscape(bytes, &decoded);
      } else {
        decoded += text_[at_++];
      }
    }
    const bool closed = Next(closing);
    if (closed) at_ += static_cast<int>(closing.size());
    Emit(bytes ? Token::Kind::kBytes : Token::Kind::kString, begin).text = std::move(decoded);
    if (!closed) {
      mistakes_->Add(tokens_.back().span, absl::StrCat("this text has no closing ", closing));
    }
    return true;
  }

  void ReadEscape(bool bytes, std::string* decoded) {
    const int begin = at_;
    ++at_;  // the backslash
    const char c = Peek();
    at_ = std::min(at_ + 1, size());
    constexpr absl::string_view kNames = "abfnrtv\\\"'`?";
    constexpr absl::string_view kMeanings = "\a\b\f\n\r\t\v\\\"'`?";
    if (const size_t named = kNames.find(c); c != '\0' && named != absl::string_view::npos) {
      *decoded += kMeanings[named];
    } else if (c == 'x' || c == 'X') {
      AppendCode(begin, 2, 16, bytes, decoded);
    } else if (c == 'u' && !bytes) {
      AppendCode(begin, 4, 16, bytes, decoded);
    } else if (c == 'U' && !bytes) {
      AppendCode(begin, 8, 16, bytes, decoded);
    } else if (c >= '0' && c <= '3') {
      --at_;
      AppendCode(begin, 3, 8, bytes, decoded);
    } else {
      mistakes_->Add({begin, at_}, "unknown escape in this text",
                     "write \\\\ for a backslash, or a raw text: r\"…\"");
    }
  }

  void AppendCode(int begin, int digits, int base, bool bytes, std::string* decoded) {
    uint32_t code = 0;
    for (int i = 0; i < digits; ++i) {
      const char c = Peek();
      const bool valid = base == 8 ? c >= '0' && c <= '7' : absl::ascii_isxdigit(c);
      if (!valid) {
        mistakes_->Add({begin, at_}, absl::StrCat("this escape needs ", digits, " digits"));
        return;
      }
      const int digit = absl::ascii_isdigit(c) ? c - '0' : absl::ascii_tolower(c) - 'a' + 10;
      code = code * base + digit;
      ++at_;
    }
    if (bytes) {
      *decoded += static_cast<char>(code);
    } else if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
      mistakes_->Add({begin, at_}, "this escape is no Unicode character");
    } else {
      AppendUtf8(code, decoded);
    }
  }

  void ReadSymbol() {
    const int begin = at_;
    for (const absl::string_view symbol : {"&&", "||", "==", "!=", "<=", ">="}) {
      if (Next(symbol)) {
        at_ += 2;
        Emit(Token::Kind::kSymbol, begin).text = std::string(symbol);
        return;
      }
    }
    const char c = Peek();
    constexpr absl::string_view kSingle = "+-*/%<>!?:.,()[]{}";
    ++at_;
    if (kSingle.find(c) != absl::string_view::npos) {
      Emit(Token::Kind::kSymbol, begin).text = std::string(1, c);
      return;
    }
    // Taken for what was meant, so that the rest is still checked.
    if (c == '=' || c == '&' || c == '|') {
      const std::string meant(2, c);
      Emit(Token::Kind::kSymbol, begin).text = meant;
      mistakes_->Add({begin, at_}, absl::StrCat("unknown operator '", std::string(1, c), "'"),
                     absl::StrCat("did you mean '", meant, "'?"));
      return;
    }
    while ((static_cast<unsigned char>(Peek()) & 0xC0) == 0x80)
      ++at_;  // the rest of a UTF-8 character
    const absl::string_view character = text_.substr(begin, at_ - begin);
    const bool typographic = character == "“" || character == "”" || character == "‘" ||
                             character == "’" || character == "„";
    const bool printable =
        character.size() > 1 ? static_cast<unsigned char>(c) >= 0xC0 : absl::ascii_isprint(c);
    mistakes_->Add({begin, at_},
                   printable ? absl::StrCat("unexpected character '", character, "'")
                             : "unexpected character that does not print",
                   typographic ? "texts are in straight quotes: \" or '" : "");
  }

  const absl::string_view text_;
  int at_;
  Mistakes* const mistakes_;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> Tokenize(const Source& source, Span range, Mistakes* mistakes) {
  return Lexer(source, range, mistakes).Run();
}

}  // namespace tcpmedic::expr
