#include "diagnosis/recorded/remarks.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

// More are a whole host's, and nobody has said that they matter.
constexpr size_t kMaxSingledOut = 3;

bool SameLine(const Place& a, const Place& b) { return a.input == b.input && a.line == b.line; }

// The numbers that `ss -s` gave on one line.
struct Summary {
  const RecordedCount* total = nullptr;
  std::map<std::string, int64_t> by_state;

  int64_t Of(const std::string& state) const {
    const auto found = by_state.find(state);
    return found == by_state.end() ? 0 : found->second;
  }
};

std::optional<Summary> NewestSummary(const Gathered& gathered) {
  Summary summary;
  for (const RecordedCount& count : gathered.counts()) {
    if (count.state == "total") summary.total = &count;
  }
  if (summary.total == nullptr) return std::nullopt;
  for (const RecordedCount& count : gathered.counts()) {
    if (SameLine(count.place, summary.total->place)) summary.by_state[count.state] = count.count;
  }
  return summary;
}

}  // namespace

int64_t SocketsOf(const RecordedCount& count) {
  return std::max<int64_t>(0, count.count - (count.counts_header ? 1 : 0));
}

std::string HeaderRemark(const RecordedCount& count) {
  return absl::StrCat("`wc -l` counted ss's header line too: ", SocketsOf(count), " sockets in ",
                      count.state, ", not ", count.count, " (", PlaceText(count.place), ")");
}

std::string OnlySomeRemark(const RecordedCount& count) {
  return absl::StrCat("the command counted only a part of the sockets in ", count.state,
                      ", those that its filter or the pipe lets through: there are at least ",
                      SocketsOf(count), " (", PlaceText(count.place), ")");
}

std::vector<std::string> RemarksOnCounts(const Gathered& gathered) {
  std::vector<std::string> remarks;
  for (const RecordedCount& count : gathered.counts()) {
    if (count.counts_header) remarks.push_back(HeaderRemark(count));
  }
  for (const RecordedCount& count : gathered.counts()) {
    if (count.only_some) remarks.push_back(OnlySomeRemark(count));
  }
  const std::optional<Summary> summary = NewestSummary(gathered);
  if (!summary.has_value() || summary->by_state.count("closed") == 0) return remarks;
  // What `ss -s` calls closed is all but the sockets in use: the sockets of other namespaces, too,
  // and those in TIME-WAIT. Half-open connections and TIME-WAIT are not in use. (Its estab is no
  // measure: since Linux 6.10 CurrEstab counts CLOSE-WAIT too.)
  const std::set<std::string> not_in_use = {"syn-recv", "time-wait", "closed", "orphaned", "total"};
  std::map<std::string, int64_t> counted;  // one by one
  for (const RecordedCount& count : gathered.counts()) {
    if (SameLine(count.place, summary->total->place) || not_in_use.count(count.state) != 0) {
      continue;
    }
    counted[count.state] = std::max(counted[count.state], SocketsOf(count));
  }
  const int64_t in_use = summary->total->count - summary->Of("closed");
  int64_t together = 0;
  std::string which;
  for (const auto& [state, sockets] : counted) {
    together += sockets;
    absl::StrAppend(&which, which.empty() ? "" : " and ", sockets, " in ", state);
  }
  if (together > in_use + in_use / kMovesMeanwhile) {
    remarks.push_back(absl::StrCat(
        "the totals do not add up: of ", summary->total->count, " sockets `ss -s` leaves ",
        std::max<int64_t>(in_use, 0), " that are not closed, and ", which, " were counted",
        counted.size() > 1 ? absl::StrCat(", ", together, " together") : "",
        ": they were not counted at one moment, or not on one host. `closed` of ss -s is no "
        "CLOSE-WAIT: it means sockets without a connection (",
        PlaceText(summary->total->place), ")"));
  }
  return remarks;
}

std::vector<std::string> RemarksOnProcesses(const Gathered& gathered, int pid) {
  std::set<int> tied;
  for (const RecordedSocket& socket : gathered.sockets()) {
    for (const v1::Process& process : socket.processes) tied.insert(process.pid());
  }
  const bool any_sockets = !gathered.sockets().empty() || !gathered.counts().empty();
  const bool singled_out = gathered.processes().size() <= kMaxSingledOut;
  std::vector<std::string> remarks;
  for (const RecordedProcess& recorded : gathered.processes()) {
    const v1::Process& process = recorded.process;
    if (pid != 0 && process.pid() != pid) continue;
    if (any_sockets && singled_out && tied.count(process.pid()) == 0) {
      const std::string name =
          process.comm().empty() ? "" : absl::StrCat(" (", process.comm(), ")");
      remarks.push_back(absl::StrCat("pid ", process.pid(), name,
                                     " is not tied to these sockets: nothing here says that it "
                                     "holds them (",
                                     PlaceText(recorded.place), ")"));
    }
    if (!recorded.remark.empty()) {
      remarks.push_back(absl::StrCat("\"", recorded.remark,
                                     "\" is a remark, not a measurement: one sample shows no "
                                     "trend (",
                                     PlaceText(recorded.place), ")"));
    }
  }
  return remarks;
}

}  // namespace tcpmedic
