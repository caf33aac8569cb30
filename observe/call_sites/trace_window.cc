#include "observe/call_sites/trace_window.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/errno_status.h"

namespace tcpmedic {
namespace {

constexpr char kEnterFormat[] = "events/raw_syscalls/sys_enter/format";
constexpr char kExitFormat[] = "events/raw_syscalls/sys_exit/format";

// A drain every few milliseconds keeps up with 2 MiB a CPU, some 240 calls with 8 KiB of stack. The
// smaller one fits what perf_event_mlock_kb (516 by default: 512 and the control page) lets a
// process without CAP_IPC_LOCK have.
constexpr size_t kRingBytes[] = {2 << 20, 512 << 10};

absl::StatusOr<std::string> ReadFormat(int directory, const char* name) {
  const UniqueFd file(openat(directory, name, O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return ErrnoStatus(name);
  std::string text(16 * 1024, '\0');
  const ssize_t size = read(file.get(), text.data(), text.size());
  if (size < 0) return ErrnoStatus(name);
  text.resize(size);
  return text;
}

absl::StatusOr<TraceLayout> ReadLayout(int directory) {
  const auto enter = ReadFormat(directory, kEnterFormat);
  if (!enter.ok()) return enter.status();
  const auto exit = ReadFormat(directory, kExitFormat);
  if (!exit.ok()) return exit.status();
  return ParseTraceFormats(*enter, *exit);
}

// fsmount(2) gives a mount that is in no mount namespace: nobody else can see it.
absl::StatusOr<UniqueFd> DetachedTracefs() {
  const UniqueFd context(static_cast<int>(syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC)));
  if (!context.valid()) return ErrnoStatus("fsopen tracefs");
  if (syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return ErrnoStatus("fsconfig tracefs");
  }
  constexpr int kAttributes =
      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  UniqueFd mount(
      static_cast<int>(syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, kAttributes)));
  if (!mount.valid()) return ErrnoStatus("fsmount tracefs");
  return mount;
}

perf_event_attr Attributes(uint16_t tracepoint, uint32_t stack_bytes) {
  perf_event_attr attributes{};
  attributes.size = sizeof(attributes);
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.config = tracepoint;
  attributes.sample_period = 1;
  attributes.sample_type = kSampleType;
  attributes.sample_regs_user = kSampledRegisters;
  attributes.sample_stack_user = stack_bytes;
  // Threads started meanwhile, but not forked processes (Linux 5.13).
  attributes.inherit = 1;
  attributes.inherit_thread = 1;
  attributes.use_clockid = 1;
  attributes.clockid = CLOCK_MONOTONIC;
  return attributes;
}

// -1 and errno.
int PerfEventOpen(const perf_event_attr& attributes, int tid, int cpu) {
  return static_cast<int>(
      syscall(SYS_perf_event_open, &attributes, tid, cpu, -1, PERF_FLAG_FD_CLOEXEC));
}

std::string Paranoid() {
  const UniqueFd file(open("/proc/sys/kernel/perf_event_paranoid", O_RDONLY | O_CLOEXEC));
  char text[16];
  const ssize_t size = file.valid() ? read(file.get(), text, sizeof(text)) : -1;
  if (size <= 0) return "unknown";
  return std::string(absl::StripAsciiWhitespace(absl::string_view(text, size)));
}

absl::Status WhyNot(int error) {
  switch (error) {
    case ENOSYS:
      return absl::UnimplementedError("this kernel has no perf events (CONFIG_PERF_EVENTS)");
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(
          absl::StrCat(ErrnoText("perf_event_open", error),
                       "; it takes CAP_PERFMON (or CAP_SYS_ADMIN), CAP_SYS_PTRACE for other users' "
                       "programs, and "
                       "a seccomp filter that lets it through; kernel.perf_event_paranoid is ",
                       Paranoid()));
    case EINVAL:
      return absl::UnimplementedError(
          "perf_event_open: EINVAL; following new threads takes Linux 5.13");
    default:
      return ErrnoStatus("perf_event_open", error);
  }
}

size_t EventLimit(size_t wanted) {
  // Half of what this process may have open: the rest is for everything else it does.
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  return std::min<size_t>(wanted, limit.rlim_cur / 2);
}

}  // namespace

absl::StatusOr<TraceLayout> FindSyscallTracepoints() {
  for (const char* path : {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}) {
    const UniqueFd directory(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory.valid()) continue;
    absl::StatusOr<TraceLayout> layout = ReadLayout(directory.get());
    if (layout.ok() || absl::IsUnimplemented(layout.status())) return layout;
  }
  const absl::StatusOr<UniqueFd> mount = DetachedTracefs();
  if (!mount.ok()) {
    return absl::Status(mount.status().code(),
                        absl::StrCat("tracefs is neither mounted on /sys/kernel/tracing and "
                                     "readable, nor can it be mounted (",
                                     mount.status().message(), ")"));
  }
  absl::StatusOr<TraceLayout> layout = ReadLayout(mount->get());
  if (!absl::IsNotFound(layout.status())) return layout;
  return absl::UnimplementedError(
      "this kernel has no tracepoints for system calls (CONFIG_FTRACE_SYSCALLS)");
}

absl::Status CanTrace(const TraceLayout& layout) {
  perf_event_attr attributes = Attributes(layout.exit_id, 8);
  attributes.disabled = 1;
  const UniqueFd event(PerfEventOpen(attributes, 0, -1));
  if (!event.valid()) return WhyNot(errno);
  return absl::OkStatus();
}

TraceWindow::Ring::Ring(Ring&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)),
      data_bytes_(std::exchange(other.data_bytes_, 0)) {}

TraceWindow::Ring::~Ring() {
  if (memory_ != nullptr) munmap(memory_, data_bytes_ + sysconf(_SC_PAGESIZE));
}

int TraceWindow::Ring::Map(int event_fd) {
  int error = 0;
  for (const size_t bytes : kRingBytes) {
    void* const memory = mmap(nullptr, bytes + sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
                              MAP_SHARED, event_fd, 0);
    if (memory != MAP_FAILED) {
      memory_ = memory;
      data_bytes_ = bytes;
      return 0;
    }
    error = errno;
    if (error != EPERM && error != ENOMEM) break;
  }
  return error;
}

bool TraceWindow::Ring::Read(std::string* scratch,
                             absl::FunctionRef<void(absl::Span<const char>)> visit) {
  auto* const control = static_cast<perf_event_mmap_page*>(memory_);
  // As perf_event_open(2) asks: data after data_head, and data_tail only once we are done with it.
  const uint64_t head = std::atomic_ref(control->data_head).load(std::memory_order_acquire);
  const uint64_t tail = control->data_tail;
  const char* const data = static_cast<const char*>(memory_) + sysconf(_SC_PAGESIZE);
  const bool whole = ForEachRecord({data, data_bytes_}, tail, head, scratch, visit);
  std::atomic_ref(control->data_tail).store(head, std::memory_order_release);
  return whole;
}

absl::StatusOr<TraceWindow> TraceWindow::Open(const ProcDirectory& process, int pid,
                                              const TraceLayout& layout, const Options& options) {
  TraceWindow window(pid, layout, options);
  const long cpus = sysconf(_SC_NPROCESSORS_CONF);
  for (int cpu = 0; cpu < cpus; ++cpu) window.cpus_.emplace_back().number = cpu;

  const absl::StatusOr<ProcDirectory> tasks = process.OpenDirectory("task");
  if (!tasks.ok()) return tasks.status();
  // A thread may start between the list and the event on the one that starts it: look again until
  // nothing is new. One that is attached to twice only costs more.
  constexpr int kPasses = 4;
  absl::flat_hash_set<int> seen;
  absl::Status failure;
  const size_t limit = EventLimit(options.max_events);
  for (int pass = 0; pass < kPasses; ++pass) {
    const size_t before = seen.size();
    const absl::Status listed = tasks->ForEachNumber([&](int tid, const char*) {
      if (!seen.insert(tid).second) return true;
      if (window.events_.size() + 2 * window.cpus_.size() > limit) return true;
      const absl::Status attached = window.Attach(tid);
      if (attached.ok()) {
        ++window.threads_attached_;
      } else if (absl::IsNotFound(attached)) {
        seen.erase(tid);  // it has exited
      } else {
        failure = attached;
      }
      return failure.ok();
    });
    if (!failure.ok()) return failure;
    if (!listed.ok()) return listed;
    if (seen.size() == before) break;
  }
  window.threads_found_ = static_cast<int>(seen.size());
  if (window.threads_attached_ == 0) {
    if (seen.empty()) return absl::NotFoundError(absl::StrCat("pid ", pid, " has exited"));
    return absl::ResourceExhaustedError(
        absl::StrCat("one thread takes two events on each of ", cpus, " CPUs, and ", limit,
                     " may be open: raise this program's limit of open files"));
  }
  // The number may have been given to another process between the list and the events.
  if (const auto stat = process.ReadFile("stat", 16); !stat.ok()) return stat.status();
  return window;
}

absl::Status TraceWindow::Attach(int tid) {
  const std::pair<perf_event_attr, std::string> kinds[] = {
      {Attributes(layout_.exit_id, options_.stack_bytes), ExitFilter()},
      {Attributes(layout_.enter_id, 0), EnterFilter()},
  };
  for (Cpu& cpu : cpus_) {
    for (const auto& [attributes, filter] : kinds) {
      UniqueFd event(PerfEventOpen(attributes, tid, cpu.number));
      if (!event.valid() && errno == ENODEV) break;  // the CPU is offline
      if (!event.valid() && errno == ESRCH) return absl::NotFoundError("the thread has exited");
      if (!event.valid()) return WhyNot(errno);
      if (ioctl(event.get(), PERF_EVENT_IOC_SET_FILTER, filter.c_str()) != 0) {
        return ErrnoStatus(absl::StrCat("perf event filter ", filter));
      }
      if (!cpu.ring.mapped()) {
        if (const int error = cpu.ring.Map(event.get()); error != 0) {
          return ErrnoStatus("mmap of a perf ring buffer", error);
        }
        cpu.owner = std::move(event);
        continue;
      }
      if (ioctl(event.get(), PERF_EVENT_IOC_SET_OUTPUT, cpu.owner.get()) != 0) {
        return ErrnoStatus("PERF_EVENT_IOC_SET_OUTPUT");
      }
      events_.push_back(std::move(event));
    }
  }
  return absl::OkStatus();
}

void TraceWindow::Drain(absl::FunctionRef<void(TracedCall)> visit) {
  for (Cpu& cpu : cpus_) {
    if (!cpu.ring.mapped()) continue;
    const bool whole = cpu.ring.Read(&scratch_, [&](absl::Span<const char> record) {
      if (const auto lost = LostRecords(record)) lost_ += *lost;
      if (!IsSample(record)) return;
      ++samples_;
      absl::StatusOr<std::optional<TracedCall>> call = ParseSample(record, layout_);
      if (!call.ok()) {
        ++malformed_;
      } else if (call->has_value() && (*call)->pid == pid_) {
        visit(*std::move(*call));
      }
    });
    if (!whole) ++malformed_;
  }
}

void TraceWindow::Stop() {
  events_.clear();
  for (const Cpu& cpu : cpus_) {
    if (cpu.owner.valid()) ioctl(cpu.owner.get(), PERF_EVENT_IOC_DISABLE, 0);
  }
}

}  // namespace tcpmedic
