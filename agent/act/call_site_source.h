// Campaigns that sample where a process last used the descriptors that it leaks: the seam between
// orders and observe/call_sites. A fake makes them of nothing, without perf events.
// Thread-compatible.
//
// No call here blocks: beginning, unwinding and ending a campaign take milliseconds to seconds, on
// a thread of the campaign's.
#ifndef TCPMEDIC_AGENT_ACT_CALL_SITE_SOURCE_H_
#define TCPMEDIC_AGENT_ACT_CALL_SITE_SOURCE_H_

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "diagnosis/holder_source.h"
#include "observe/call_sites/call_site_sampler.h"
#include "observe/call_sites/call_sites.h"

namespace tcpmedic {

class CallSiteCampaign {
 public:
  enum class Stage {
    kAttaching,
    kSampling,
    kSampled,  // its time has come, or the process has exited; it waits for Resolve
  };
  // Ends it, whatever it does.
  virtual ~CallSiteCampaign() = default;

  // Not ok: it has not begun and will not, for the reason that the message says in a sentence.
  virtual absl::StatusOr<Stage> stage() const = 0;
  // Ends the sampling if it still goes on, and has these descriptors' stacks unwound. Only the
  // first call counts.
  virtual void Resolve(std::vector<LeakedFd> leaked) = 0;
  // Null before all is unwound; then the campaign is over.
  virtual std::optional<CallSiteReport> TryReport() const = 0;
};

class CallSiteSource {
 public:
  virtual ~CallSiteSource() = default;

  // One at a time: another while one is not over, or has been destroyed this moment, does not
  // begin. The pid and the start time must both be the process's.
  virtual std::unique_ptr<CallSiteCampaign> Start(const ProcessKey& process,
                                                  absl::Duration duration) = 0;
};

// Samples with perf events. Its destruction ends a campaign and waits for that.
std::unique_ptr<CallSiteSource> MakeCallSiteSource();

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_ACT_CALL_SITE_SOURCE_H_
