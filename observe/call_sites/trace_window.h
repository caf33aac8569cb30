// One stretch of time in which the kernel records the calls of one process, through perf events on
// the tracepoints raw_syscalls:sys_enter and sys_exit. Only that process's threads are attached to,
// with those that they start meanwhile; never its child processes, never the system. Nothing is
// left attached once the window is destroyed. Thread-compatible.
#ifndef TCPMEDIC_OBSERVE_CALL_SITES_TRACE_WINDOW_H_
#define TCPMEDIC_OBSERVE_CALL_SITES_TRACE_WINDOW_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/unique_fd.h"
#include "observe/call_sites/perf_records.h"
#include "observe/proc_directory.h"

namespace tcpmedic {

// From tracefs: where it is mounted, else through a mount of its own that is attached nowhere and
// gone when this returns. The error says in a sentence why this host has none.
absl::StatusOr<TraceLayout> FindSyscallTracepoints();

// Whether this host lets this process trace another at all: OK, or a sentence why not.
absl::Status CanTrace(const TraceLayout& layout);

class TraceWindow {
 public:
  struct Options {
    // Of a thread's stack, copied with each call; a multiple of 8, less than 64 KiB less 2 KiB.
    uint32_t stack_bytes = 8192;
    // Each thread takes two events on each CPU. Threads beyond are not attached to.
    size_t max_events = 16384;
  };

  // Starts recording. `process` is an open /proc/PID. NotFound: it has exited.
  static absl::StatusOr<TraceWindow> Open(const ProcDirectory& process, int pid,
                                          const TraceLayout& layout, const Options& options);
  TraceWindow(TraceWindow&&) = default;
  ~TraceWindow() = default;

  // Hands over what has been recorded so far. Not in order of time: each CPU's calls come together.
  void Drain(absl::FunctionRef<void(TracedCall)> visit);
  // Ends recording; what is recorded can still be drained.
  void Stop();

  int threads_attached() const { return threads_attached_; }
  int threads_found() const { return threads_found_; }
  int64_t samples() const { return samples_; }
  int64_t lost() const { return lost_; }
  int64_t malformed() const { return malformed_; }

 private:
  // A CPU's ring buffer: a control page, then the data.
  class Ring {
   public:
    Ring() = default;
    Ring(Ring&& other) noexcept;
    Ring& operator=(Ring&&) = delete;
    ~Ring();

    // 0 or an errno.
    int Map(int event_fd);
    bool mapped() const { return memory_ != nullptr; }
    // Calls `visit` with each new record; false: the kernel's lengths make no sense.
    bool Read(std::string* scratch, absl::FunctionRef<void(absl::Span<const char>)> visit);

   private:
    void* memory_ = nullptr;
    size_t data_bytes_ = 0;
  };
  struct Cpu {
    int number = 0;
    UniqueFd owner;  // the event whose buffer all others on this CPU write to
    Ring ring;
  };

  TraceWindow(int pid, const TraceLayout& layout, const Options& options)
      : pid_(pid), layout_(layout), options_(options) {}
  absl::Status Attach(int tid);

  int pid_;
  TraceLayout layout_;
  Options options_;
  std::vector<Cpu> cpus_;
  std::vector<UniqueFd> events_;
  std::string scratch_;
  int threads_attached_ = 0;
  int threads_found_ = 0;
  int64_t samples_ = 0;
  int64_t lost_ = 0;
  int64_t malformed_ = 0;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_CALL_SITES_TRACE_WINDOW_H_
