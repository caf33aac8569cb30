#include "diagnosis/activity.h"

#include "absl/strings/str_cat.h"
#include "core/expr/template.h"

namespace tcpmedic {

Judgement JudgeLookAlikes(const CompiledSignature& signature, const expr::Activation& activation) {
  Judgement outcome;
  for (size_t i = 0; i < signature.look_alikes.size(); ++i) {
    const expr::Value value = signature.look_alikes[i].expression.Evaluate(activation);
    if (value.is_true()) return {Judgement::Kind::kLookAlike, i};
    if (!value.is_known()) outcome.unknown_look_alikes |= uint64_t{1} << i;
  }
  return outcome;
}

std::string ValuesText(const expr::Expression& expression, const expr::Schema& schema,
                       const expr::Activation& activation) {
  std::string text;
  for (const int slot : expression.slots()) {
    absl::StrAppend(&text, text.empty() ? ": " : ", ", schema.at(slot).name, " = ",
                    expr::ToText(activation.Get(slot)));
  }
  return text;
}

}  // namespace tcpmedic
