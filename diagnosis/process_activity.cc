#include "diagnosis/process_activity.h"

#include "absl/strings/str_cat.h"

namespace tcpmedic {

std::string StopText(const CompiledSignature& signature, const Judgement& outcome,
                     const ProcessReading& reading) {
  if (outcome.kind == Judgement::Kind::kMatch) return "";
  const expr::Expression& expression = outcome.kind == Judgement::Kind::kLookAlike
                                           ? signature.look_alikes[outcome.index].expression
                                           : signature.conjuncts[outcome.index].expression;
  const std::string who =
      reading.process == nullptr
          ? "a process"
          : absl::StrCat(reading.process->comm(), " (pid ", reading.process->pid(), ")");
  return absl::StrCat(who, ", ", reading.listener,
                      ValuesText(expression, ProcessSchema(), ProcessActivation(reading)));
}

void ProcessActivity::BeginScan() {
  groups_ = 0;
  suspects_ = 0;
  stops_.BeginScan();
}

void ProcessActivity::Count(const Judgement& outcome, int64_t sockets, const std::string& text) {
  ++groups_;
  auto* const stop = stops_.At(outcome);
  if (stop == nullptr) return;
  if (stop->subjects++ > 0 && sockets <= stop->example.sockets) return;
  stop->example = {sockets, text};
}

v1::SignatureActivity ProcessActivity::Report() const {
  v1::SignatureActivity activity;
  activity.set_signature(signature_->definition.name());
  activity.set_subject(v1::SUBJECT_PROCESS);
  activity.set_sockets_seen(groups_);
  activity.set_suspects(suspects_);
  stops_.AddTo(&activity,
               [](const Largest& largest, const expr::Expression&) { return largest.text; });
  return activity;
}

}  // namespace tcpmedic
