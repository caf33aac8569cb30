#include "observe/call_sites/call_site_sampler.h"

#include <time.h>

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "observe/call_sites/unwinder.h"

namespace tcpmedic {
namespace {

// Between two looks at the ring buffers; also how soon a campaign ends that is cut short.
constexpr absl::Duration kDrainEvery = absl::Milliseconds(5);
// A record is in its buffer this long after its time at the latest: the kernel writes it with
// preemption disabled.
constexpr int64_t kSettledAfterNs = 1'000'000;
// Large debug information is slow to read: what is not unwound by then is left out, and said.
constexpr absl::Duration kUnwindFor = absl::Seconds(10);

int64_t MonotonicNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// Tells one program in a process from the next: exec gives another file, or at least another place
// for the stack (start_stack, field 28 of proc_pid_stat(5)).
absl::StatusOr<std::string> ProgramOf(const ProcDirectory& process) {
  const absl::StatusOr<std::string> stat = process.ReadFile("stat", 4096);
  if (!stat.ok()) return stat.status();
  // Fields are counted after the last ')': the name before it may hold anything.
  const size_t name_end = stat->rfind(") ");
  if (name_end == std::string::npos) return absl::DataLossError("stat: no name");
  const std::vector<std::string> fields = absl::StrSplit(stat->substr(name_end + 2), ' ');
  constexpr size_t kState = 0;        // field 3
  constexpr size_t kStartStack = 25;  // field 28
  if (fields.size() <= kStartStack) return absl::DataLossError("stat: too few fields");
  if (fields[kState] == "Z" || fields[kState] == "X") {
    return absl::NotFoundError("the process has exited");
  }
  return absl::StrCat(fields[kStartStack], " ", process.ReadLink("exe").value_or(""));
}

absl::Status CheckOptions(const CallSiteOptions& options) {
  const TraceWindow::Options& window = options.window;
  if (options.pid <= 0) return absl::InvalidArgumentError("pid must be positive");
  if (options.duration <= absl::ZeroDuration() || options.duration > absl::Minutes(10)) {
    return absl::InvalidArgumentError("duration must be more than 0 and at most 10 minutes");
  }
  if (options.on <= absl::ZeroDuration() || options.on > options.period) {
    return absl::InvalidArgumentError("on must be more than 0 and at most the period");
  }
  // A record's length is 16 bits, and its other fields need room too.
  if (window.stack_bytes == 0 || window.stack_bytes % 8 != 0 || window.stack_bytes > 63488) {
    return absl::InvalidArgumentError("stack_bytes must be a multiple of 8, at most 63488");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CanSampleCallSites() {
#if !defined(__x86_64__)
  return absl::UnimplementedError("call sites are sampled on x86-64 only");
#else
  const absl::StatusOr<TraceLayout> layout = FindSyscallTracepoints();
  return layout.ok() ? CanTrace(*layout) : layout.status();
#endif
}

absl::StatusOr<std::unique_ptr<CallSiteSampler>> CallSiteSampler::Start(
    const CallSiteOptions& options) {
  if (absl::Status checked = CheckOptions(options); !checked.ok()) return checked;
#if !defined(__x86_64__)
  return CanSampleCallSites();
#endif
  absl::StatusOr<ProcDirectory> process = ProcDirectory::Open(absl::StrCat("/proc/", options.pid));
  if (!process.ok()) return process.status();
  absl::StatusOr<std::string> program = ProgramOf(*process);
  if (!program.ok()) return program.status();
  const absl::StatusOr<TraceLayout> layout = FindSyscallTracepoints();
  if (!layout.ok()) return layout.status();
  absl::StatusOr<TraceWindow> window =
      TraceWindow::Open(*process, options.pid, *layout, options.window);
  if (!window.ok()) return window.status();
  std::unique_ptr<CallSiteSampler> sampler(
      new CallSiteSampler(options, *layout, *std::move(process), *std::move(program)));
  sampler->thread_ = std::thread(&CallSiteSampler::Run, sampler.get(), *std::move(window));
  return sampler;
}

CallSiteSampler::CallSiteSampler(const CallSiteOptions& options, const TraceLayout& layout,
                                 ProcDirectory process, std::string program)
    : options_(options),
      layout_(layout),
      process_(std::move(process)),
      program_(std::move(program)),
      uses_(options.max_fds) {}

CallSiteSampler::~CallSiteSampler() {
  {
    const absl::MutexLock lock(&mutex_);
    stop_ = true;
    abandoned_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

bool CallSiteSampler::sampling() const {
  const absl::MutexLock lock(&mutex_);
  return sampling_;
}

void CallSiteSampler::Resolve(std::vector<LeakedFd> leaked) {
  const absl::MutexLock lock(&mutex_);
  stop_ = true;
  if (!leaked_) leaked_ = std::move(leaked);
}

std::optional<CallSiteReport> CallSiteSampler::TryReport() const {
  const absl::MutexLock lock(&mutex_);
  return finished_;
}

CallSiteReport CallSiteSampler::Finish(std::vector<LeakedFd> leaked) {
  Resolve(std::move(leaked));
  const auto finished = [this]()
                            ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return finished_.has_value(); };
  const absl::MutexLock lock(&mutex_, absl::Condition(&finished));
  return *finished_;
}

void CallSiteSampler::Run(TraceWindow first) {
  const absl::Time start = absl::Now();
  Sample(std::move(first));
  for (absl::Time next = start + options_.period; next < start + options_.duration;
       next += options_.period) {
    if (StopRequestedWithin(next - absl::Now())) break;
    const absl::StatusOr<std::string> program = ProgramOf(process_);
    if (program.ok() && *program != program_) {
      Degrade("the process has run another program since: what was seen before is forgotten");
      uses_.Clear();
      program_ = *program;
    }
    absl::StatusOr<TraceWindow> window =
        program.ok() ? TraceWindow::Open(process_, options_.pid, layout_, options_.window)
                     : program.status();
    if (!window.ok()) {
      Degrade(absl::IsNotFound(window.status())
                  ? "the process exited during the campaign"
                  : absl::StrCat("sampling ended early: ", window.status().message()));
      break;
    }
    Sample(*std::move(window));
  }

  std::vector<LeakedFd> leaked;
  {
    const absl::MutexLock lock(&mutex_);
    sampling_ = false;
    const auto wanted = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return leaked_.has_value() || abandoned_;
    };
    mutex_.Await(absl::Condition(&wanted));
    if (abandoned_ || !leaked_) return;
    leaked = *leaked_;
  }
  CallSiteReport report = MakeReport(leaked);
  const absl::MutexLock lock(&mutex_);
  finished_ = std::move(report);
}

void CallSiteSampler::Sample(TraceWindow window) {
  const absl::Time start = absl::Now();
  uses_.BeginWindow();
  const auto drain = [&] {
    const int64_t now = MonotonicNs();
    window.Drain([&](TracedCall call) { uses_.Add(std::move(call)); });
    uses_.Advance(now - kSettledAfterNs);
  };
  while (absl::Now() < start + options_.on) {
    const bool stop = StopRequestedWithin(std::min(kDrainEvery, start + options_.on - absl::Now()));
    drain();
    if (stop) break;
  }
  // While closes are still recorded: a number that passes to another socket is forgotten by them.
  IdentifySockets();
  window.Stop();
  report_.sampled += absl::Now() - start;
  drain();
  uses_.EndWindow();
  report_.samples += window.samples();
  report_.lost += window.lost();
  if (window.threads_attached() < window.threads_found()) {
    Degrade(absl::StrCat(window.threads_attached(), " of ", window.threads_found(),
                         " threads were sampled: more would take too many open files"));
  }
  if (window.malformed() > 0) Degrade("some of the kernel's records made no sense");
}

void CallSiteSampler::IdentifySockets() {
  for (const int fd : uses_.Unidentified()) {
    uint64_t inode = 0;
    const std::string link = absl::StrCat("fd/", fd);
    if (process_.ReadInodeLink(link.c_str(), "socket", &inode) == 0) {
      uses_.Identify(fd, inode);
    } else {
      uses_.Forget(fd);  // closed, or no socket
    }
  }
}

CallSiteReport CallSiteSampler::MakeReport(const std::vector<LeakedFd>& leaked) {
  report_.leaked_fds = static_cast<int>(leaked.size());
  if (uses_.dropped() > 0) {
    Degrade(absl::StrCat("the uses of ", uses_.dropped(),
                         " descriptors were not kept: there is "
                         "room for ",
                         options_.max_fds));
  }
  if (report_.lost > 0) {
    Degrade(absl::StrCat(report_.lost,
                         " calls were not recorded: they came faster than they "
                         "could be read"));
  }
  const absl::StatusOr<std::string> program = ProgramOf(process_);
  if (!program.ok()) {
    Degrade("the process has exited");
    return report_;
  }
  if (*program != program_) {
    Degrade("the process runs another program now");
    return report_;
  }
  if (report_.samples == 0) {
    Degrade(
        "the process made none of the calls that are sampled: it was idle, or reads through "
        "io_uring");
    return report_;
  }

  std::vector<const LastUse*> last_uses;
  for (const LeakedFd& fd : leaked) {
    const LastUse* const use = uses_.Find(fd.fd, fd.socket_inode);
    if (use == nullptr) continue;
    const bool read_eof = use->kind == CallKind::kReadEof;
    if (fd.eof_read.value_or(read_eof) != read_eof) continue;
    last_uses.push_back(use);
  }
  report_.seen_fds = static_cast<int>(last_uses.size());
  if (last_uses.empty()) return report_;

  const absl::StatusOr<std::unique_ptr<Unwinder>> unwinder = Unwinder::ForProcess(process_);
  if (!unwinder.ok()) {
    Degrade(absl::StrCat("the stacks could not be unwound: ", unwinder.status().message()));
    return report_;
  }
  if (!(*unwinder)->unreadable().empty()) {
    Degrade(absl::StrCat("mapped files could not be read: ", (*unwinder)->unreadable().front()));
  }
  const absl::Time deadline = absl::Now() + kUnwindFor;
  absl::flat_hash_map<size_t, std::vector<CallFrame>> known;  // by hash of the stack
  std::vector<std::pair<CallKind, std::vector<CallFrame>>> unwound;
  for (const LastUse* use : last_uses) {
    if (absl::Now() > deadline) {
      Degrade(absl::StrCat("unwinding took too long: ", unwound.size(), " of ", last_uses.size(),
                           " stacks are shown"));
      break;
    }
    const size_t hash = absl::HashOf(use->stack->registers, use->stack->bytes);
    const auto [entry, first] = known.try_emplace(hash);
    if (first) entry->second = (*unwinder)->Unwind(*use->stack);
    unwound.emplace_back(use->kind, entry->second);
  }
  report_.sites = GroupIntoSites(std::move(unwound));
  return report_;
}

bool CallSiteSampler::StopRequestedWithin(absl::Duration wait) {
  const absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&stop_), std::max(wait, absl::ZeroDuration()));
}

void CallSiteSampler::Degrade(std::string sentence) {
  if (!absl::c_linear_search(report_.degraded, sentence)) {
    report_.degraded.push_back(std::move(sentence));
  }
}

}  // namespace tcpmedic
