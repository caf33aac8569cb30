#include "core/expr/parser.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/expr/expression.h"
#include "core/expr/lexer.h"

namespace tcpmedic::expr {
namespace {

using Form = Node::Form;
using TokenKind = Token::Kind;

struct BinaryOperator {
  absl::string_view symbol;
  int precedence;
  const char* function;  // null for && and ||, which are no functions
};
constexpr BinaryOperator kBinaryOperators[] = {
    {"||", 1, nullptr}, {"&&", 2, nullptr}, {"<", 3, "_<_"},   {"<=", 3, "_<=_"}, {">", 3, "_>_"},
    {">=", 3, "_>=_"},  {"==", 3, "_==_"},  {"!=", 3, "_!=_"}, {"in", 3, "_in_"}, {"+", 4, "_+_"},
    {"-", 4, "_-_"},    {"*", 5, "_*_"},    {"/", 5, "_/_"},   {"%", 5, "_%_"},
};

class Parser {
 public:
  Parser(const Source& source, std::vector<Token> tokens, Scratch* constants, Mistakes* mistakes)
      : source_(source), tokens_(std::move(tokens)), constants_(constants), mistakes_(mistakes) {}

  NodePtr Run() {
    if (Current().kind == TokenKind::kEnd) {
      mistakes_->Add(Current().span, "an expression is missing");
      return Mistake(Current().span);
    }
    NodePtr root = ParseExpression();
    if (Current().kind != TokenKind::kEnd) {
      mistakes_->Add(Current().span, absl::StrCat("unexpected ", Quoted(Current())));
    }
    return root;
  }

 private:
  const Token& Current() const { return tokens_[at_]; }
  bool At(absl::string_view symbol) const {
    return Current().kind == TokenKind::kSymbol && Current().text == symbol;
  }
  bool AtName(absl::string_view name) const {
    return Current().kind == TokenKind::kName && Current().text == name;
  }
  void Advance() {
    if (Current().kind != TokenKind::kEnd) ++at_;
  }
  bool Take(absl::string_view symbol) {
    if (!At(symbol)) return false;
    Advance();
    return true;
  }
  int PreviousEnd() const { return at_ == 0 ? Current().span.begin : tokens_[at_ - 1].span.end; }

  std::string Quoted(const Token& token) const {
    return absl::StrCat("'", source_.Text(token.span), "'");
  }
  // Where the parser stands.
  std::string Place() const {
    if (Current().kind == TokenKind::kEnd) return "at the end";
    return absl::StrCat("before ", Quoted(Current()));
  }

  static NodePtr New(Form form, Span span) {
    auto node = std::make_unique<Node>();
    node->form = form;
    node->span = span;
    return node;
  }
  static NodePtr Mistake(Span span) {
    NodePtr node = New(Form::kMistake, span);
    node->type = Type::Poison();
    return node;
  }

  // `node` with its depth known; over the bound a mistake, after which nothing more is read.
  NodePtr Finish(NodePtr node) {
    for (const NodePtr& operand : node->operands) {
      node->depth = std::max(node->depth, 1 + operand->depth);
    }
    return node->depth > kMaxDepth ? TooDeep(node->span) : std::move(node);
  }
  NodePtr TooDeep(Span span) {
    if (!too_deep_) {
      mistakes_->Add(span, absl::StrCat("the expression is nested deeper than ", kMaxDepth));
    }
    too_deep_ = true;
    at_ = tokens_.size() - 1;
    return Mistake(span);
  }

  // To the end of the operand that could not be read: the next && , || or what closes or separates.
  void SkipOperand() {
    for (int open = 0; Current().kind != TokenKind::kEnd; Advance()) {
      if (At("(") || At("[") || At("{")) ++open;
      const bool closes = At(")") || At("]") || At("}");
      if (open == 0 && (closes || At("&&") || At("||") || At(",") || At("?") || At(":"))) return;
      if (closes) --open;
    }
  }

  NodePtr ParseExpression() {
    if (nesting_ == kMaxDepth) return TooDeep(Current().span);
    ++nesting_;
    NodePtr node = ParseBinary(1);
    if (At("?")) {
      NodePtr conditional = New(Form::kConditional, node->span);
      conditional->name_span = Current().span;
      Advance();
      conditional->operands.push_back(std::move(node));
      conditional->operands.push_back(ParseExpression());
      if (Take(":")) {
        conditional->operands.push_back(ParseExpression());
      } else {
        Expected("':' and what to take otherwise");
        conditional->operands.push_back(Mistake(Current().span));
      }
      conditional->span.end = PreviousEnd();
      node = Finish(std::move(conditional));
    }
    --nesting_;
    return node;
  }

  void Expected(absl::string_view what) {
    if (too_deep_) return;
    mistakes_->Add(Current().span, absl::StrCat(what, " is missing ", Place()));
  }

  const BinaryOperator* CurrentOperator() {
    if (AtName("and")) Respell("&&");
    if (AtName("or")) Respell("||");
    if (Current().kind != TokenKind::kSymbol && !AtName("in")) return nullptr;
    const auto* const found =
        std::find_if(std::begin(kBinaryOperators), std::end(kBinaryOperators),
                     [this](const BinaryOperator& op) { return op.symbol == Current().text; });
    return found == std::end(kBinaryOperators) ? nullptr : found;
  }
  void Respell(absl::string_view symbol) {
    Token& token = tokens_[at_];
    mistakes_->Add(token.span, absl::StrCat("unknown operator '", token.text, "'"),
                   absl::StrCat("did you mean '", symbol, "'?"));
    token.kind = TokenKind::kSymbol;
    token.text = std::string(symbol);
  }

  NodePtr ParseBinary(int min_precedence) {
    NodePtr left = ParseOperand();
    for (const BinaryOperator* op = CurrentOperator();
         op != nullptr && op->precedence >= min_precedence; op = CurrentOperator()) {
      const Span symbol = Current().span;
      Advance();
      NodePtr right = ParseBinary(op->precedence + 1);
      left = op->function == nullptr
                 ? Join(op->symbol == "&&" ? Form::kAnd : Form::kOr, symbol, std::move(left),
                        std::move(right))
                 : Call(op->function, symbol, std::move(left), std::move(right));
    }
    return left;
  }

  NodePtr Call(const char* function, Span symbol, NodePtr left, NodePtr right) {
    NodePtr call = New(Form::kCall, {left->span.begin, PreviousEnd()});
    call->name = function;
    call->name_span = symbol;
    call->operands.push_back(std::move(left));
    call->operands.push_back(std::move(right));
    return Finish(std::move(call));
  }

  // a && b && c is one node with three operands, however it is put in parentheses.
  NodePtr Join(Form form, Span symbol, NodePtr left, NodePtr right) {
    NodePtr joined = New(form, {left->span.begin, PreviousEnd()});
    joined->name_span = symbol;
    for (NodePtr* side : {&left, &right}) {
      if ((*side)->form == form) {
        for (NodePtr& operand : (*side)->operands) joined->operands.push_back(std::move(operand));
      } else {
        joined->operands.push_back(std::move(*side));
      }
    }
    return Finish(std::move(joined));
  }

  NodePtr ParseOperand() {
    NodePtr node = ParseUnary();
    // Two operands side by side.
    const bool operand =
        (Current().kind != TokenKind::kEnd && Current().kind != TokenKind::kSymbol) || At("(") ||
        At("{") || At("!");
    if (operand && !AtName("in") && !AtName("and") && !AtName("or")) {
      const bool negation = node->form == Form::kName && node->name == "not";
      mistakes_->Add(Current().span, absl::StrCat("an operator is missing ", Place()),
                     negation ? "write ! for not" : "");
      node = Mistake(node->span);
      SkipOperand();
    }
    return node;
  }

  NodePtr ParseUnary() {
    if (!At("-") && !At("!")) return ParseMember();
    const Span symbol = Current().span;
    const bool minus = At("-");
    Advance();
    const bool number = Current().kind == TokenKind::kInt || Current().kind == TokenKind::kDouble;
    if (minus && number) return ParseMember(symbol.begin);
    if (nesting_ == kMaxDepth) return TooDeep(symbol);
    ++nesting_;
    NodePtr call = New(Form::kCall, symbol);
    call->name = minus ? "-_" : "!_";
    call->name_span = symbol;
    call->operands.push_back(ParseUnary());
    call->span.end = PreviousEnd();
    --nesting_;
    return Finish(std::move(call));
  }

  // An operand with its .fields, .calls() and [indices]. `minus`: where the sign of the number
  // stands.
  NodePtr ParseMember(std::optional<int> minus = std::nullopt) {
    const int begin = minus.value_or(Current().span.begin);
    NodePtr node = ParsePrimary(minus);
    while (At(".") || At("[")) {
      const Span symbol = Current().span;
      Advance();
      if (source_.Text(symbol) == "[") {
        NodePtr index = ParseExpression();
        Close("]", symbol);
        node = Call("_[_]", symbol, std::move(node), std::move(index));
        node->span.begin = begin;
        continue;
      }
      if (Current().kind != TokenKind::kName) {
        Expected("a name after '.'");
        SkipOperand();
        return Mistake({begin, PreviousEnd()});
      }
      NodePtr member = New(Form::kSelect, {begin, 0});
      member->name = Current().text;
      member->name_span = Current().span;
      Advance();
      member->operands.push_back(std::move(node));
      const Span open = Current().span;
      if (Take("(")) {
        member->form = Form::kMemberCall;
        ParseList(")", open, &member->operands);
      }
      member->span.end = PreviousEnd();
      node = Finish(std::move(member));
    }
    return node;
  }

  NodePtr ParsePrimary(std::optional<int> minus) {
    const Token& token = Current();
    const Span span{minus.value_or(token.span.begin), token.span.end};
    if (token.broken) {
      Advance();
      return Mistake(span);
    }
    switch (token.kind) {
      case TokenKind::kInt:
        return Literal(span, Type::Int(), IntegerValue(token, minus.has_value()));
      case TokenKind::kUint:
        return Literal(span, Type::Uint(), Value::Uint(token.integer));
      case TokenKind::kDouble:
        return Literal(span, Type::Double(), Value::Double(minus ? -token.number : token.number));
      case TokenKind::kString:
        return Literal(span, Type::String(), constants_->String(token.text));
      case TokenKind::kBytes:
        return Literal(span, Type::Bytes(),
                       Value::Bytes(constants_->String(token.text).as_string()));
      case TokenKind::kName:
        return ParseNamed();
      case TokenKind::kSymbol:
        if (At("(")) return ParseParentheses();
        if (At("[")) return ParseListLiteral();
        if (At("{")) return ParseMapLiteral();
        break;
      case TokenKind::kEnd:
        break;
    }
    Expected("a value");
    const Span place = token.span;
    SkipOperand();
    return Mistake(place);
  }

  NodePtr Literal(Span span, Type type, Value value) {
    Advance();
    NodePtr node = New(Form::kLiteral, span);
    node->type = type;
    node->value = value;
    return node;
  }

  Value IntegerValue(const Token& token, bool negative) {
    constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
    if (token.integer > kMax + (negative ? 1 : 0)) {
      mistakes_->Add(
          token.span, "this number is too large for an int",
          negative ? "" : absl::StrCat("write ", source_.Text(token.span), "u for a uint"));
      return Value::Int(0);
    }
    // In unsigned arithmetic, since the lowest int has no positive counterpart.
    return Value::Int(static_cast<int64_t>(negative ? 0 - token.integer : token.integer));
  }

  NodePtr ParseNamed() {
    const Token token = Current();
    if (token.text == "true" || token.text == "false") {
      return Literal(token.span, Type::Bool(), Value::Bool(token.text == "true"));
    }
    if (token.text == "null") return Literal(token.span, Type::Null(), Value::Null());
    if (token.text == "in") {
      Expected("a value");
      SkipOperand();
      return Mistake(token.span);
    }
    Advance();
    NodePtr node = New(Form::kName, token.span);
    node->name = token.text;
    node->name_span = token.span;
    const Span open = Current().span;
    if (Take("(")) {
      node->form = Form::kCall;
      ParseList(")", open, &node->operands);
      node->span.end = PreviousEnd();
    }
    return Finish(std::move(node));
  }

  NodePtr ParseParentheses() {
    const Span open = Current().span;
    Advance();
    NodePtr node = ParseExpression();
    Close(")", open);
    return node;
  }

  NodePtr ParseListLiteral() {
    const Span open = Current().span;
    Advance();
    NodePtr list = New(Form::kList, open);
    ParseList("]", open, &list->operands);
    list->span.end = PreviousEnd();
    return Finish(std::move(list));
  }

  NodePtr ParseMapLiteral() {
    const Span open = Current().span;
    Advance();
    NodePtr map = New(Form::kMap, open);
    while (!At("}") && Current().kind != TokenKind::kEnd) {
      map->operands.push_back(ParseExpression());
      if (Take(":")) {
        map->operands.push_back(ParseExpression());
      } else {
        Expected("':' and the key's value");
        map->operands.push_back(Mistake(Current().span));
      }
      if (!Take(",")) break;
    }
    Close("}", open);
    map->span.end = PreviousEnd();
    return Finish(std::move(map));
  }

  // Expressions up to `closing`, which is taken too. A trailing comma is allowed, as in CEL's
  // lists.
  void ParseList(absl::string_view closing, Span open, std::vector<NodePtr>* elements) {
    while (!At(closing) && Current().kind != TokenKind::kEnd) {
      elements->push_back(ParseExpression());
      if (!Take(",")) break;
    }
    Close(closing, open);
  }

  void Close(absl::string_view closing, Span open) {
    if (Take(closing) || too_deep_ || end_missed_) return;
    end_missed_ = Current().kind == TokenKind::kEnd;
    const Position opened = source_.IssueAt(open, "", "").position;
    mistakes_->Add(
        Current().span, absl::StrCat("'", closing, "' is missing ", Place()),
        absl::StrCat("'", source_.Text(open), "' was opened at ", opened.line, ":", opened.column));
    SkipOperand();
    Take(closing);
  }

  const Source& source_;
  std::vector<Token> tokens_;  // ends in kEnd
  size_t at_ = 0;
  int nesting_ = 0;
  bool too_deep_ = false;
  bool end_missed_ = false;  // reported once, for the innermost of what is open at the end
  Scratch* const constants_;
  Mistakes* const mistakes_;
};

}  // namespace

NodePtr Parse(const Source& source, Span range, Scratch* constants, Mistakes* mistakes) {
  return Parser(source, Tokenize(source, range, mistakes), constants, mistakes).Run();
}

}  // namespace tcpmedic::expr
