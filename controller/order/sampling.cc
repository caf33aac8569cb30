#include "controller/order/sampling.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controller/order/order.h"
#include "observe/call_sites/call_sites_message.h"
#include "observe/call_sites/call_sites_words.h"
#include "proto/words.h"

namespace tcpmedic {
namespace {

// As many as an alert has room for, with their callers.
constexpr int kSitesTold = 8;

}  // namespace

std::string SampledInWords(const v1::IncidentView& view) {
  const v1::Order* without = nullptr;
  for (const v1::Order& order : view.orders()) {
    if (!order.action().has_sample_call_sites() || !IsOver(order)) continue;
    if (order.call_sites().sites_size() > 0) {
      return absl::StrJoin(LinesOf(FromProto(order.call_sites()), kSitesTold), "\n");
    }
    if (without == nullptr) without = &order;
  }
  if (without == nullptr) return "";
  if (without->has_call_sites()) {
    return absl::StrJoin(LinesOf(FromProto(without->call_sites()), kSitesTold), "\n");
  }
  return absl::StrCat("not sampled: order ", without->id(), " ", Name(without->state()),
                      without->reason().empty() ? "" : ": ", without->reason());
}

}  // namespace tcpmedic
