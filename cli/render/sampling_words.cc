#include "cli/render/sampling_words.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "cli/render/quantity.h"
#include "observe/call_sites/call_sites_message.h"
#include "observe/call_sites/call_sites_words.h"
#include "proto/proto_time.h"
#include "proto/words.h"

namespace tcpmedic::cli {

bool Samples(const v1::Order& order) { return order.action().has_sample_call_sites(); }

const v1::Order* SamplingOrder(const v1::IncidentView& view) {
  const v1::Order* newest = nullptr;
  for (const v1::Order& order : view.orders()) {
    if (!Samples(order)) continue;
    if (order.call_sites().sites_size() > 0) return &order;
    if (newest == nullptr) newest = &order;
  }
  return newest;
}

bool SamplingIsOver(const v1::Order& order) {
  switch (order.state()) {
    case v1::Order::STATE_PENDING:
    case v1::Order::STATE_DISPATCHED:
    case v1::Order::STATE_APPLIED:
    case v1::Order::STATE_UNKNOWN:
      return false;
    default:
      return true;
  }
}

std::string SamplingWord(const v1::Order& order) {
  switch (order.state()) {
    case v1::Order::STATE_PENDING:
      return "approved";
    case v1::Order::STATE_DISPATCHED:
      return "sent";
    case v1::Order::STATE_APPLIED:
      return "sampling";
    case v1::Order::STATE_UNKNOWN:
      return "unknown";
    default:
      return order.call_sites().sites_size() > 0 ? "sampled" : "not sampled";
  }
}

std::string SampledSoFar(const v1::Order& order, absl::Time now) {
  if (!order.has_applied_at()) return "";
  const absl::Duration whole = FromProto(order.action().sample_call_sites().duration());
  const absl::Duration passed =
      std::clamp(now - FromProto(order.applied_at()), absl::ZeroDuration(), whole);
  return absl::StrCat(absl::ToInt64Seconds(passed), " of ", DurationText(whole));
}

std::string SamplingWords(const v1::Order& order, absl::Time now) {
  const std::string word = SamplingWord(order);
  if (!SamplingIsOver(order)) {
    if (order.state() == v1::Order::STATE_UNKNOWN) return "not known: the agent is silent";
    const std::string so_far = SampledSoFar(order, now);
    return order.state() == v1::Order::STATE_APPLIED
               ? absl::StrCat(word, so_far.empty() ? "" : ", ", so_far, "; it only reads")
               : absl::StrCat(word, "; waits for the agent");
  }
  if (order.has_call_sites()) {
    return absl::StrCat(word, ": ", HeadlineOf(FromProto(order.call_sites())));
  }
  return absl::StrCat(word, ": ", Name(order.state(), "of an unknown state"),
                      order.reason().empty() ? "" : ": ", order.reason());
}

std::vector<std::string> CallSiteLines(const v1::Order& order, int max_sites, absl::Time now) {
  if (!order.has_call_sites()) return {SamplingWords(order, now)};
  return LinesOf(FromProto(order.call_sites()), max_sites);
}

}  // namespace tcpmedic::cli
