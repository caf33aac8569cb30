#include "cli/diagnose/live.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "core/clock.h"
#include "proto/proto_time.h"
#include "scan/scanner.h"

namespace tcpmedic::cli {
namespace {

// As the agent's shortest.
constexpr absl::Duration kInterval = absl::Seconds(1);
// A trend of a process is read every three seconds, and asks who holds the sockets before it
// counts.
constexpr absl::Duration kSlack = absl::Seconds(5);

// Every finding of the watch, as it was last seen: what comes and goes is told too.
class FindingsSeen {
 public:
  void Add(const v1::Report& report, absl::Duration at) {
    for (const v1::Finding& finding : report.findings()) {
      seen_[{finding.signature(), finding.group(), finding.netns().cookie()}] = {finding, at};
    }
  }

  std::vector<WatchedFinding> Take(absl::Duration end) {
    std::vector<WatchedFinding> findings;
    for (auto& [key, seen] : seen_) findings.push_back({std::move(seen.first), end - seen.second});
    std::stable_sort(findings.begin(), findings.end(),
                     [](const WatchedFinding& a, const WatchedFinding& b) {
                       return a.finding.severity() > b.finding.severity();
                     });
    return findings;
  }

 private:
  using Key = std::tuple<std::string, std::string, uint64_t>;
  std::map<Key, std::pair<v1::Finding, absl::Duration>> seen_;
};

// Of those that were asked for, ascending.
std::vector<uint64_t> NotThere(const Namespaces::Options& asked,
                               const std::vector<ObservedNamespace>& there) {
  std::vector<uint64_t> missing;
  for (const uint64_t inode : asked.only_inodes) {
    const bool found =
        std::any_of(there.begin(), there.end(),
                    [inode](const ObservedNamespace& observed) { return observed.inode == inode; });
    if (!found) missing.push_back(inode);
  }
  std::sort(missing.begin(), missing.end());
  return missing;
}

}  // namespace

absl::Duration WatchTimeFor(const v1::SignatureSet& signatures) {
  absl::Duration longest;
  for (const v1::Signature& signature : signatures.signatures()) {
    longest = std::max(longest, FromProto(signature.window()) + FromProto(signature.for_()));
  }
  return longest + kSlack;
}

absl::StatusOr<Watched> WatchThisHost(
    CompiledSet signatures, const Namespaces::Options& namespaces, absl::Duration watch_for,
    absl::FunctionRef<void(absl::Duration watched, const v1::Report& report)> on_scan) {
  const Clock& clock = *Clock::Real();
  Namespaces watched_namespaces(namespaces);
  Scanner scanner(Scanner::Options{});
  scanner.SetSignatures(std::move(signatures));
  FindingsSeen seen;
  const absl::Duration began = clock.Now().uptime;
  while (true) {
    const absl::Status refreshed = watched_namespaces.Refresh();
    if (!refreshed.ok()) return refreshed;
    if (!namespaces.only_inodes.empty() && watched_namespaces.current().empty()) {
      return absl::NotFoundError(absl::StrCat(
          "no process that may be looked at is in network namespace ",
          absl::StrJoin(namespaces.only_inodes, " or "),
          ": it has ended, or this is not its inode, as `readlink /proc/PID/ns/net` shows it"));
    }
    const Moment now = clock.Now();
    Watched watched;
    watched.report = scanner.Scan(watched_namespaces.current(), now, {});
    const absl::Duration lasted = now.uptime - began;
    seen.Add(watched.report, lasted);
    on_scan(lasted, watched.report);
    if (lasted >= watch_for) {
      watched.findings = seen.Take(lasted);
      watched.namespaces = static_cast<int64_t>(watched_namespaces.current().size());
      for (const uint64_t inode : NotThere(namespaces, watched_namespaces.current())) {
        watched.not_seen.push_back(absl::StrCat("network namespace ", inode,
                                                ": no process that may be looked at is in it"));
      }
      for (const std::string& degraded : watched.report.stats().degraded()) {
        watched.not_seen.push_back(degraded);
      }
      if (const int denied = watched_namespaces.processes_denied(); denied > 0) {
        watched.not_seen.push_back(absl::StrCat(
            denied, denied == 1 ? " process is" : " processes are",
            " in network namespaces that may not be looked at",
            geteuid() == 0 ? ", although this runs as root: CAP_SYS_PTRACE is missing, or they "
                             "belong to another user namespace"
                           : ": root sees the whole host"));
      }
      return watched;
    }
    const absl::Duration next = now.uptime + kInterval;
    absl::SleepFor(std::min(next, began + watch_for) - clock.Now().uptime);
  }
}

}  // namespace tcpmedic::cli
