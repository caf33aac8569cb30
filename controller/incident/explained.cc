#include "controller/incident/explained.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tcpmedic/v1/order.pb.h"

namespace tcpmedic {
namespace {

bool IsInForce(const v1::Order& order) {
  switch (order.state()) {
    case v1::Order::STATE_APPLIED:
    case v1::Order::STATE_COMMITTING:
    case v1::Order::STATE_COMMITTED:
      return true;
    default:
      return false;
  }
}

// Up to the first full stop that ends a sentence; cut between characters (UTF-8).
std::string FirstSentence(absl::string_view text) {
  const absl::string_view sentence = text.substr(0, text.find(". "));
  if (sentence.size() <= kMaxSentenceBytes) return std::string(sentence);
  size_t end = kMaxSentenceBytes;
  while (end > 0 && (static_cast<unsigned char>(sentence[end]) & 0xc0) == 0x80) --end;
  return absl::StrCat(sentence.substr(0, end), "…");
}

}  // namespace

bool HasToldOf(const v1::Incident& incident, absl::string_view order_id,
               absl::string_view signature) {
  return std::any_of(incident.explained().begin(), incident.explained().end(),
                     [&](const v1::Incident::Explained& told) {
                       return told.order_id() == order_id && told.signature() == signature;
                     });
}

void Explanations::Add(const v1::IncidentView& view) {
  for (const v1::Order& order : view.orders()) {
    if (!IsInForce(order)) continue;
    for (const std::string& signature : order.leads_to()) {
      explained_.try_emplace({signature, order.selector().netns_cookie()},
                             Explanation{view.incident().id(), order.id(),
                                         HasToldOf(view.incident(), order.id(), signature)});
    }
  }
}

const Explanation* Explanations::Of(const v1::Finding& finding) const {
  const auto found = explained_.find({finding.signature(), finding.netns().cookie()});
  return found == explained_.end() ? nullptr : &found->second;
}

std::string ExplainedInWords(const v1::Finding& finding, absl::string_view order_id) {
  std::string words = absl::StrCat(finding.title(), ", as is to be expected of order ", order_id);
  const std::string sentence = FirstSentence(finding.verdict());
  return sentence.empty() ? words : absl::StrCat(words, ": ", sentence);
}

}  // namespace tcpmedic
