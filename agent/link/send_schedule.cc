#include "agent/link/send_schedule.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tcpmedic {

absl::Duration SendSchedule::DueAt(const v1::Report& newest) const {
  if (!sent_any_ || GistOf(newest) != sent_gist_) return -absl::InfiniteDuration();
  return sent_at_ + every_;
}

void SendSchedule::Sent(const v1::Report& report, absl::Duration uptime) {
  sent_any_ = true;
  sent_at_ = uptime;
  sent_gist_ = GistOf(report);
}

std::string GistOf(const v1::Report& report) {
  std::vector<std::string> keys;
  keys.reserve(report.findings_size());
  for (const v1::Finding& finding : report.findings()) {
    keys.push_back(absl::StrCat(finding.signature(), "\x1f", finding.group(), "\x1f",
                                finding.severity(), "\x1f", finding.confidence()));
  }
  std::sort(keys.begin(), keys.end());
  std::vector<std::string> orders;
  for (const v1::OrderReport& order : report.orders()) {
    std::string gist = absl::StrCat(order.order_id(), "\x1f", order.state());
    for (const v1::Target& target : order.targets()) absl::StrAppend(&gist, "\x1f", target.state());
    if (order.state() == v1::Order::STATE_APPLIED) {
      absl::StrAppend(&gist, "\x1f", report.at().seconds(), ".", report.at().nanos());
    }
    orders.push_back(std::move(gist));
  }
  return absl::StrCat(report.signatures_digest(), "\x1e", report.findings_omitted() > 0, "\x1e",
                      absl::StrJoin(keys, "\x1e"), "\x1d", absl::StrJoin(orders, "\x1e"));
}

}  // namespace tcpmedic
