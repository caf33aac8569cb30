#include "agent/status_board.h"

#include <utility>

#include "proto/proto_time.h"

namespace tcpmedic {

AgentStatus StatusBoard::Read() const {
  absl::MutexLock lock(&mutex_);
  return status_;
}

void StatusBoard::Scanned(const v1::Report& report, absl::Duration sampled_uptime) {
  absl::MutexLock lock(&mutex_);
  ++status_.scans;
  status_.scan_cpu_total += FromProto(report.stats().scan_cpu());
  status_.newest_sample_uptime = sampled_uptime;
  status_.scan = report.stats();
  // A signature in force without findings has a series too, at 0.
  status_.findings_by_signature.clear();
  for (const v1::SignatureActivity& activity : report.activity()) {
    status_.findings_by_signature[activity.signature()] = 0;
  }
  for (const v1::Finding& finding : report.findings()) {
    ++status_.findings_by_signature[finding.signature()];
  }
}

void StatusBoard::SetLink(LinkStatus link) {
  absl::MutexLock lock(&mutex_);
  status_.link = std::move(link);
}

void StatusBoard::SetOrders(OrderCounts orders) {
  absl::MutexLock lock(&mutex_);
  status_.orders = std::move(orders);
}

void StatusBoard::SetProblem(const std::string& part, std::string text) {
  absl::MutexLock lock(&mutex_);
  if (text.empty()) {
    problems_.erase(part);
  } else {
    problems_[part] = std::move(text);
  }
}

std::vector<std::string> StatusBoard::Problems() const {
  absl::MutexLock lock(&mutex_);
  std::vector<std::string> texts;
  for (const auto& [part, text] : problems_) texts.push_back(text);
  return texts;
}

}  // namespace tcpmedic
