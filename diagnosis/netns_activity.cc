#include "diagnosis/netns_activity.h"

#include "absl/strings/str_cat.h"

namespace tcpmedic {

void NetnsActivity::BeginScan() {
  namespaces_ = 0;
  suspects_ = 0;
  stops_.BeginScan();
}

void NetnsActivity::Count(const Judgement& outcome, const v1::NetworkNamespace& netns,
                          const NetnsReading& reading) {
  ++namespaces_;
  auto* const stop = stops_.At(outcome);
  if (stop == nullptr) return;
  const int64_t passive_opens = (*reading.newest)[NetnsCounter::kPassiveOpens].value_or(0);
  if (stop->subjects++ > 0 && passive_opens <= stop->example.passive_opens) return;
  stop->example.passive_opens = passive_opens;
  stop->example.text = absl::StrCat(
      netns.name(),
      ValuesText(stops_.ExpressionOf(outcome), NetnsSchema(), NetnsActivation(reading)));
}

v1::SignatureActivity NetnsActivity::Report() const {
  v1::SignatureActivity activity;
  activity.set_signature(signature_->definition.name());
  activity.set_subject(v1::SUBJECT_NETNS);
  activity.set_sockets_seen(namespaces_);
  activity.set_suspects(suspects_);
  stops_.AddTo(&activity,
               [](const Busiest& busiest, const expr::Expression&) { return busiest.text; });
  return activity;
}

}  // namespace tcpmedic
