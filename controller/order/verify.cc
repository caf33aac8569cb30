#include "controller/order/verify.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controller/order/order.h"
#include "controller/policy/policy_schema.h"
#include "core/expr/expression.h"
#include "core/expr/text.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

// Sockets held back "did as well" from this part of the targets' gain on, and the path "got worse"
// below it: a few sockets over ten seconds are not measured more closely.
constexpr double kNearlyAsMuch = 0.8;
constexpr double kMuchLess = 0.5;

const v1::Evidence* Find(const v1::Measurement& measurement, absl::string_view name) {
  for (const v1::Evidence& value : measurement.values()) {
    if (absl::string_view(value.name()) == name) return &value;
  }
  return nullptr;
}

// What the agent measured, as the value that the schema declares; unknown where it is not there or
// of another type.
expr::Value ValueOf(const v1::Measurement& measurement, absl::string_view name,
                    const expr::Schema& schema, int slot) {
  const v1::Evidence* found = Find(measurement, name);
  if (found == nullptr) return expr::Value::Unknown(slot);
  const v1::Value& value = found->value();
  switch (schema.at(slot).type.kind()) {
    case expr::Kind::kDouble:
      if (value.has_double_value()) return expr::Value::Double(value.double_value());
      if (value.has_int_value()) {
        return expr::Value::Double(static_cast<double>(value.int_value()));
      }
      break;
    case expr::Kind::kInt:
      if (value.has_int_value()) return expr::Value::Int(value.int_value());
      break;
    case expr::Kind::kString:
      if (value.has_string_value()) return expr::Value::String(value.string_value());
      break;
    default:
      break;
  }
  return expr::Value::Unknown(slot);
}

class BeforeAndAfter : public expr::Activation {
 public:
  BeforeAndAfter(const v1::Verification& measured, const expr::Schema& schema) : schema_(schema) {
    for (int slot = 0; slot < schema.size(); ++slot) {
      const std::string& name = schema.at(slot).name;  // "before.NAME" or "after.NAME"
      const size_t dot = name.find('.');
      values_.push_back(
          ValueOf(name.substr(0, dot) == "before" ? measured.before() : measured.after(),
                  absl::string_view(name).substr(dot + 1), schema, slot));
    }
  }
  expr::Value Get(int slot) const override { return values_.at(slot); }
  const expr::Schema& schema() const { return schema_; }

 private:
  const expr::Schema& schema_;
  std::vector<expr::Value> values_;
};

std::string Text(const std::string& name, const expr::Value& value) {
  if (value.kind() == expr::Kind::kString) return absl::StrCat("\"", value.as_string(), "\"");
  const double number = value.AsNumber().value_or(0);
  if (absl::EndsWith(name, "_bps")) return expr::BitrateText(number);
  if (absl::EndsWith(name, "_ratio")) return expr::PercentText(number);
  if (absl::EndsWith(name, "_per_s")) return absl::StrCat(expr::NumberText(number), " per second");
  if (absl::EndsWith(name, "_us")) return expr::DurationText(absl::Microseconds(number));
  return expr::NumberText(number);
}

// The expression with each value behind its name.
std::string WithValues(const std::string& text, const BeforeAndAfter& values) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    if (text[i] == '"' || text[i] == '\'') {
      end = text.find(text[i], i + 1);
      end = end == std::string::npos ? text.size() : end + 1;
    } else if (absl::ascii_isalpha(text[i]) || text[i] == '_') {
      while (end < text.size() &&
             (absl::ascii_isalnum(text[end]) || text[end] == '_' || text[end] == '.')) {
        ++end;
      }
    } else {
      end = i + 1;
    }
    const std::string token = text.substr(i, end - i);
    out += token;
    if (const std::optional<int> slot = values.schema().Find(token); slot.has_value()) {
      const expr::Value value = values.Get(*slot);
      if (value.is_known()) absl::StrAppend(&out, " ", Text(token, value));
    }
    i = end;
  }
  return out;
}

std::optional<double> Goodput(const v1::Measurement& measurement) {
  const v1::Evidence* found = Find(measurement, "goodput_bps");
  if (found == nullptr || !found->value().has_double_value()) return std::nullopt;
  return found->value().double_value();
}

// What the sockets held back say against the result; empty: nothing.
std::string Contradiction(const v1::Verification& measured, bool improved) {
  const std::optional<double> before = Goodput(measured.before());
  const std::optional<double> after = Goodput(measured.after());
  const std::optional<double> held_before = Goodput(measured.held_back_before());
  const std::optional<double> held_after = Goodput(measured.held_back_after());
  if (!before.has_value() || !after.has_value() || !held_before.has_value() ||
      !held_after.has_value() || *before <= 0 || *held_before <= 0) {
    return "";
  }
  const double gain = *after / *before;
  const double held_gain = *held_after / *held_before;
  const std::string course =
      absl::StrCat(expr::BitrateText(*held_before), " to ", expr::BitrateText(*held_after));
  if (improved && held_gain >= kNearlyAsMuch * gain) {
    return absl::StrCat("; but what was held back did as well without the change (", course,
                        "): it may not be the cause");
  }
  if (!improved && held_gain < kMuchLess && held_gain < kMuchLess * gain) {
    return absl::StrCat("; but what was held back fell from ", course,
                        ": the path itself got worse");
  }
  return "";
}

// The result over complete measurements.
void Evaluate(const expr::Expression& expect, const expr::Schema& schema,
              v1::Verification* verdict) {
  const BeforeAndAfter values(*verdict, schema);
  const expr::Value value = expect.Evaluate(values);
  std::vector<std::string> parts;
  if (value.is_true()) {
    for (const expr::Expression& part : expect.Conjuncts()) {
      parts.push_back(WithValues(part.text(), values));
    }
    verdict->set_result(v1::Verification::RESULT_IMPROVED);
    verdict->set_reason(absl::StrCat(absl::StrJoin(parts, ", "), Contradiction(*verdict, true)));
    return;
  }
  if (value.is_false()) {
    for (const expr::Expression& part : expect.Conjuncts()) {
      if (part.Evaluate(values).is_false()) parts.push_back(WithValues(part.text(), values));
    }
    verdict->set_result(v1::Verification::RESULT_NOT_IMPROVED);
    verdict->set_reason(
        absl::StrCat(absl::StrJoin(parts, ", "), " does not hold", Contradiction(*verdict, false)));
    return;
  }
  verdict->set_result(v1::Verification::RESULT_INCONCLUSIVE);
  if (value.is_unknown()) {
    for (const int slot : value.missing().slots()) parts.push_back(schema.at(slot).name);
    verdict->set_reason(absl::StrCat(absl::StrJoin(parts, ", "),
                                     parts.size() == 1 ? " is not known" : " are not known"));
  } else {
    verdict->set_reason(absl::StrCat(expect.text(), ": ", expr::Describe(value.error())));
  }
}

}  // namespace

std::optional<v1::Verification> Judge(const v1::Verify& verify, const v1::Order& order,
                                      absl::Time reported_at) {
  v1::Verification verdict = order.verification();
  verdict.set_order_id(order.id());
  verdict.set_expect(verify.expect());
  const auto inconclusive = [&](std::string reason) {
    verdict.set_result(v1::Verification::RESULT_INCONCLUSIVE);
    verdict.set_reason(std::move(reason));
    return verdict;
  };

  const TargetCount targets = CountTargets(order);
  if (targets.changed == 0) {
    if (order.action().has_set_sysctl()) {
      return inconclusive(targets.gone > 0 ? "the namespace that was changed is gone"
                                           : "no setting is changed any more");
    }
    return inconclusive(targets.gone > 0 ? "every socket that was changed has closed"
                                         : "no socket is changed any more");
  }
  const absl::Time due = FromProtoOrInfinitePast(order.applied_at()) + FromProto(verify.after());
  const absl::Time start = FromProtoOrInfinitePast(verdict.after().start());
  const absl::Time end = FromProtoOrInfinitePast(verdict.after().end());
  const bool measured = verdict.has_after() && end >= due;
  const bool long_enough = measured && end - start >= kMinAfter;
  if (!long_enough && reported_at < due + kMeasurementPatience) return std::nullopt;
  if (!measured) return inconclusive("nothing was measured after the change in time");
  if (!long_enough) {
    return inconclusive(absl::StrCat("only ", expr::DurationText(end - start),
                                     " were measured after the change, at least ",
                                     expr::DurationText(kMinAfter), " are needed"));
  }

  const expr::Schema& schema = ExpectSchema(order.action());
  std::vector<Issue> issues;
  const std::optional<expr::Expression> expect =
      expr::Compile(verify.expect(), schema, expr::Type::Bool(), &issues);
  if (!expect.has_value()) {
    return inconclusive(
        absl::StrCat("the policy's expectation is not usable: ", issues.front().message));
  }
  Evaluate(*expect, schema, &verdict);
  return verdict;
}

}  // namespace tcpmedic
