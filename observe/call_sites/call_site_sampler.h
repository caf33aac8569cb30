// A bounded campaign that finds where in a running program's code the descriptors that it leaks
// were last used: it records the process's read, readv, recvfrom, recvmsg, accept, accept4 and
// close, one second in ten, with a copy of the stack, on a thread of its own. At the end it unwinds
// the copies of those descriptors only that the caller knows to be leaked. Read-only: the process
// is neither stopped nor changed.
//
//   auto sampler = CallSiteSampler::Start({.pid = 812});
//   while ((*sampler)->sampling()) { … other work … }
//   (*sampler)->Resolve(SocketsInCloseWaitNow());   // returns at once
//   std::optional<CallSiteReport> report = (*sampler)->TryReport();   // null while it unwinds
//
// Calls through io_uring are not seen. Thread-safe.
#ifndef TCPMEDIC_OBSERVE_CALL_SITES_CALL_SITE_SAMPLER_H_
#define TCPMEDIC_OBSERVE_CALL_SITES_CALL_SITE_SAMPLER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "observe/call_sites/call_sites.h"
#include "observe/call_sites/last_uses.h"
#include "observe/call_sites/trace_window.h"
#include "observe/proc_directory.h"

namespace tcpmedic {

// OK, or one sentence why this host cannot: another architecture than x86-64, no tracefs, no
// tracepoints, perf events denied. Opens and closes one event on the calling thread.
absl::Status CanSampleCallSites();

// A descriptor of the process whose socket is in CLOSE-WAIT now.
struct LeakedFd {
  int fd = -1;
  uint64_t socket_inode = 0;
  // Whether the program has read the peer's FIN (Recv-Q is 0). Then the last use must be a read
  // that returned 0, and an earlier use that was sampled says nothing. nullopt: not known.
  std::optional<bool> eof_read;
};

struct CallSiteOptions {
  int pid = 0;
  absl::Duration duration = absl::Seconds(30);
  // Sampled for `on` at the beginning of every `period`, the first at once.
  absl::Duration on = absl::Seconds(1);
  absl::Duration period = absl::Seconds(10);
  // Descriptors whose last use is kept, each with up to window.stack_bytes of stack.
  size_t max_fds = 2048;
  TraceWindow::Options window = {};
};

class CallSiteSampler {
 public:
  // When it returns, calls are being recorded; attaching takes milliseconds. InvalidArgument: the
  // options. NotFound: no such process. As CanSampleCallSites otherwise.
  static absl::StatusOr<std::unique_ptr<CallSiteSampler>> Start(const CallSiteOptions& options);
  ~CallSiteSampler();  // ends the campaign

  // False: its time has come, or the process has exited.
  bool sampling() const;

  // Ends the campaign if it still runs, and has the stacks of these descriptors unwound. Only the
  // first call counts.
  void Resolve(std::vector<LeakedFd> leaked);
  std::optional<CallSiteReport> TryReport() const;
  // Resolve, and wait for the report.
  CallSiteReport Finish(std::vector<LeakedFd> leaked);

 private:
  CallSiteSampler(const CallSiteOptions& options, const TraceLayout& layout, ProcDirectory process,
                  std::string program);

  void Run(TraceWindow first);
  // Until its time is over or the campaign is to end.
  void Sample(TraceWindow window);
  void IdentifySockets();
  CallSiteReport MakeReport(const std::vector<LeakedFd>& leaked);
  bool StopRequestedWithin(absl::Duration wait);
  void Degrade(std::string sentence);

  const CallSiteOptions options_;
  const TraceLayout layout_;
  const ProcDirectory process_;

  // The sampling thread's.
  std::string program_;  // which program the process ran when its calls were recorded
  LastUses uses_;
  CallSiteReport report_;

  mutable absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  bool abandoned_ ABSL_GUARDED_BY(mutex_) = false;
  bool sampling_ ABSL_GUARDED_BY(mutex_) = true;
  std::optional<std::vector<LeakedFd>> leaked_ ABSL_GUARDED_BY(mutex_);
  std::optional<CallSiteReport> finished_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_CALL_SITES_CALL_SITE_SAMPLER_H_
