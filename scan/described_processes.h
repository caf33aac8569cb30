// What the programs behind findings are, and how their memory and descriptors grow. Read anew every
// few seconds, because counting 10,000 descriptors takes 5 ms. Not thread-safe.
#ifndef TCPMEDIC_SCAN_DESCRIBED_PROCESSES_H_
#define TCPMEDIC_SCAN_DESCRIBED_PROCESSES_H_

#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "diagnosis/holder_source.h"
#include "observe/processes.h"
#include "scan/trend.h"
#include "tcpmedic/v1/evidence.pb.h"

namespace tcpmedic {

class DescribedProcesses {
 public:
  // `processes` outlives this.
  DescribedProcesses(const Processes* processes, absl::Duration max_age)
      : processes_(processes), max_age_(max_age) {}

  // Null: it has ended. Valid until the next call.
  const v1::Process* Describe(const ProcessKey& key, absl::Duration uptime);

  // Forgets those that nobody has asked for in the last minute.
  void ForgetUnused(absl::Duration uptime);

 private:
  struct Described {
    v1::Process process;
    absl::Duration read_at = -absl::InfiniteDuration();
    absl::Duration asked_at;
    Trend rss_bytes;
    Trend fds;
  };

  const Processes* processes_;
  absl::Duration max_age_;
  absl::flat_hash_map<ProcessKey, Described> described_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_SCAN_DESCRIBED_PROCESSES_H_
