#include "agent/service_status.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace tcpmedic {
namespace {

std::string Counted(int64_t count, absl::string_view thing) {
  return absl::StrCat(count, " ", thing, count == 1 ? "" : "s");
}

}  // namespace

std::string ServiceStatus(const AgentStatus& status) {
  int64_t findings = 0;
  for (const auto& [signature, count] : status.findings_by_signature) findings += count;
  std::string line = absl::StrCat(Counted(status.scan.namespaces(), "network namespace"),
                                  " watched, ", Counted(findings, "finding"));
  if (status.orders.live > 0) {
    absl::StrAppend(&line, ", ", Counted(status.orders.live, "change"), " not yet confirmed");
  }
  if (!status.link.connected) {
    absl::StrAppend(&line, "; no controller", status.link.problem.empty() ? "" : ": ",
                    status.link.problem);
  }
  if (const int amiss = status.scan.degraded_size(); amiss > 0) {
    absl::StrAppend(&line, "; ", Counted(amiss, "thing"),
                    " amiss, such as: ", status.scan.degraded(0));
  }
  return line;
}

}  // namespace tcpmedic
