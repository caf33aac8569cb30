#include "observe/processes.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "observe/cgroup_memory.h"
#include "observe/printable.h"
#include "observe/proc_directory.h"

namespace tcpmedic {
namespace {

constexpr size_t kMaxCmdlineBytes = 4096;
constexpr int kMaxCmdlineArguments = 64;

// What proc(5) says of /proc/PID/stat, in its numbering: 2 comm, 3 state, 22 starttime.
struct Stat {
  std::string comm;
  uint64_t start_ticks = 0;
};

absl::StatusOr<Stat> ReadStat(const ProcDirectory& process) {
  const absl::StatusOr<std::string> text = process.ReadFile("stat", 4096);
  if (!text.ok()) return text.status();
  // The name may hold spaces and parentheses, so it ends at the last one: no later field has any.
  const size_t open = text->find('(');
  const size_t close = text->rfind(')');
  if (open == std::string::npos || close == std::string::npos || close < open) {
    return absl::DataLossError("/proc/PID/stat: no (comm)");
  }
  Stat stat;
  stat.comm = Printable(absl::string_view(*text).substr(open + 1, close - open - 1));
  constexpr int kFirstField = 3, kStartTime = 22;
  const std::vector<absl::string_view> fields = absl::StrSplit(
      absl::string_view(*text).substr(close + 1), absl::ByAnyChar(" \n"), absl::SkipEmpty());
  if (fields.size() <= kStartTime - kFirstField ||
      !absl::SimpleAtoi(fields[kStartTime - kFirstField], &stat.start_ticks)) {
    return absl::DataLossError("/proc/PID/stat: no start time in field 22");
  }
  return stat;
}

// The words of the line that starts with `key`, after it; empty where there is none.
std::vector<absl::string_view> WordsOfLine(absl::string_view text, absl::string_view key) {
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::ConsumePrefix(&line, key)) {
      return absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    }
  }
  return {};
}

// Seconds since 1970 at which the host booted; 0 where unknown.
int64_t BootTime(const ProcDirectory& root) {
  // "btime" follows the interrupt counts, which are long on large machines.
  const absl::StatusOr<std::string> text = root.ReadFile("stat", 1024 * 1024);
  if (!text.ok()) return 0;
  const std::vector<absl::string_view> words = WordsOfLine(*text, "btime ");
  int64_t seconds = 0;
  return !words.empty() && absl::SimpleAtoi(words[0], &seconds) ? seconds : 0;
}

void ReadStatus(const ProcDirectory& process, v1::Process* result) {
  const absl::StatusOr<std::string> text = process.ReadFile("status");
  if (!text.ok()) return;
  // Real, effective, saved, file system: the effective one says what the process may do.
  const std::vector<absl::string_view> uids = WordsOfLine(*text, "Uid:");
  uint32_t uid = 0;
  if (uids.size() >= 2 && absl::SimpleAtoi(uids[1], &uid)) result->set_uid(uid);
  const std::vector<absl::string_view> rss = WordsOfLine(*text, "VmRSS:");
  int64_t kib = 0;
  if (rss.size() == 2 && rss[1] == "kB" && absl::SimpleAtoi(rss[0], &kib)) {
    result->set_rss_bytes(kib * 1024);
  }
}

void ReadCmdline(const ProcDirectory& process, v1::Process* result) {
  const absl::StatusOr<std::string> text = process.ReadFile("cmdline", kMaxCmdlineBytes);
  if (!text.ok()) return;
  absl::string_view rest = *text;
  while (!rest.empty() && result->cmdline_size() < kMaxCmdlineArguments) {
    const size_t end = std::min(rest.find('\0'), rest.size());
    result->add_cmdline(Printable(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

void ReadDescriptors(const ProcDirectory& process, v1::Process* result) {
  const absl::StatusOr<ProcDirectory> fds = process.OpenDirectory("fd");
  int count = 0;
  const auto count_one = [&](int, const char*) {
    ++count;
    return true;
  };
  if (fds.ok() && fds->ForEachNumber(count_one).ok()) result->set_fd_count(count);

  const absl::StatusOr<std::string> limits = process.ReadFile("limits");
  if (!limits.ok()) return;
  const std::vector<absl::string_view> words = WordsOfLine(*limits, "Max open files");
  int32_t soft = 0;
  if (!words.empty() && absl::SimpleAtoi(words[0], &soft)) result->set_fd_limit(soft);
}

// The one hierarchy of cgroup v2 ("0::/path"), unless the process is at its root because systemd
// still uses v1.
void ReadCgroup(const ProcDirectory& process, const std::string& cgroup_root, v1::Process* result) {
  const absl::StatusOr<std::string> text = process.ReadFile("cgroup");
  if (!text.ok()) return;
  if (const std::optional<CgroupMemory> memory = ReadCgroupMemory(cgroup_root, *text)) {
    result->set_memory_limit_bytes(memory->limit_bytes);
    result->set_memory_used_bytes(memory->used_bytes);
  }
  absl::string_view path;
  for (absl::string_view line : absl::StrSplit(*text, '\n')) {
    const std::vector<absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) continue;
    const bool unified = parts[0] == "0" && parts[1].empty();
    const bool systemd = parts[1] == "name=systemd";
    if ((unified && path.size() <= 1) || (systemd && (path.empty() || path == "/"))) {
      path = parts[2];
    }
  }
  result->set_cgroup(Printable(path));
  result->set_systemd_unit(SystemdUnitOf(result->cgroup()));
  result->set_container_id(ContainerIdOf(result->cgroup()));
}

// The text after the last separator that a container runtime puts before its id: "docker-ID",
// "cri-containerd:ID".
absl::string_view AfterLastSeparator(absl::string_view name) {
  const size_t separator = name.find_last_of("-:");
  return separator == absl::string_view::npos ? name : name.substr(separator + 1);
}

bool IsLowerHex(char c) { return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f'); }

// Adds what one process holds of `inodes`.
void LookInto(const ProcDirectory& root, int pid, const absl::flat_hash_set<uint32_t>& inodes,
              const absl::flat_hash_set<int>& but, int64_t max_fds, HolderScan* scan) {
  const absl::StatusOr<ProcDirectory> fds = root.OpenDirectory(absl::StrCat(pid, "/fd"));
  absl::Status status = fds.status();
  if (fds.ok()) {
    status = fds->ForEachNumber([&](int fd, const char* fd_name) {
      if (but.contains(fd)) return true;
      if (scan->fds_read == max_fds) {
        scan->complete = false;
        return false;
      }
      ++scan->fds_read;
      uint64_t inode = 0;
      if (fds->ReadInodeLink(fd_name, "socket", &inode) == 0 &&
          inodes.contains(static_cast<uint32_t>(inode))) {
        scan->holders[static_cast<uint32_t>(inode)].push_back({.pid = pid, .fd = fd});
      }
      return true;
    });
  }
  // A process that has exited meanwhile holds nothing.
  if (absl::IsPermissionDenied(status)) {
    ++scan->processes_denied;
  } else if (!status.ok() && !absl::IsNotFound(status)) {
    scan->complete = false;
  }
}

}  // namespace

HolderScan Processes::FindHolders(const absl::flat_hash_set<uint32_t>& inodes,
                                  int64_t max_fds) const {
  HolderScan scan;
  scan.not_found = static_cast<int64_t>(inodes.size());
  const absl::StatusOr<ProcDirectory> root = ProcDirectory::Open(root_);
  if (!root.ok()) {
    scan.complete = false;
    return scan;
  }
  const absl::Status read = root->ForEachNumber([&](int pid, const char*) {
    LookInto(*root, pid, inodes, {}, max_fds, &scan);
    return scan.fds_read < max_fds || scan.complete;
  });
  if (!read.ok()) scan.complete = false;
  scan.not_found = static_cast<int64_t>(inodes.size() - scan.holders.size());
  return scan;
}

HolderScan Processes::FindHoldersIn(int pid, const absl::flat_hash_set<uint32_t>& inodes,
                                    const absl::flat_hash_set<int>& but, int64_t max_fds) const {
  HolderScan scan;
  const absl::StatusOr<ProcDirectory> root = ProcDirectory::Open(root_);
  if (root.ok()) {
    LookInto(*root, pid, inodes, but, max_fds, &scan);
  } else {
    scan.complete = false;
  }
  return scan;
}

absl::StatusOr<v1::Process> Processes::Read(int pid) const {
  const absl::StatusOr<ProcDirectory> root = ProcDirectory::Open(root_);
  if (!root.ok()) return root.status();
  const absl::StatusOr<ProcDirectory> process = root->OpenDirectory(absl::StrCat(pid));
  if (!process.ok()) return process.status();
  absl::StatusOr<Stat> stat = ReadStat(*process);
  if (!stat.ok()) return stat.status();

  v1::Process result;
  result.set_pid(pid);
  result.set_comm(std::move(stat->comm));
  const int64_t boot_seconds = BootTime(*root);
  const uint64_t ticks_per_second = sysconf(_SC_CLK_TCK);
  if (boot_seconds > 0) {
    auto* started = result.mutable_started_at();
    started->set_seconds(boot_seconds + stat->start_ticks / ticks_per_second);
    started->set_nanos(stat->start_ticks % ticks_per_second * (1'000'000'000 / ticks_per_second));
  }
  const absl::StatusOr<std::string> exe = process->ReadLink("exe");
  if (exe.ok()) result.set_exe(Printable(*exe));
  ReadCmdline(*process, &result);
  ReadStatus(*process, &result);
  ReadDescriptors(*process, &result);
  ReadCgroup(*process, cgroup_root_, &result);
  return result;
}

absl::StatusOr<uint64_t> Processes::StartTicks(int pid) const {
  const absl::StatusOr<ProcDirectory> process = ProcDirectory::Open(absl::StrCat(root_, "/", pid));
  if (!process.ok()) return process.status();
  const absl::StatusOr<Stat> stat = ReadStat(*process);
  if (!stat.ok()) return stat.status();
  return stat->start_ticks;
}

std::string SystemdUnitOf(absl::string_view cgroup_path) {
  // The innermost unit: a service may make cgroups of its own below, and a user's manager is a
  // service itself.
  const std::vector<absl::string_view> names = absl::StrSplit(cgroup_path, '/');
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    for (absl::string_view suffix : {".service", ".scope", ".socket", ".mount", ".swap"}) {
      if (name->size() > suffix.size() && absl::EndsWith(*name, suffix)) return std::string(*name);
    }
  }
  return "";
}

std::string ContainerIdOf(absl::string_view cgroup_path) {
  const std::vector<absl::string_view> names = absl::StrSplit(cgroup_path, '/');
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    // conmon watches a container from outside it.
    if (absl::StrContains(*name, "conmon")) return "";
    const absl::string_view id = AfterLastSeparator(absl::StripSuffix(*name, ".scope"));
    if (id.size() == 64 && std::all_of(id.begin(), id.end(), IsLowerHex)) return std::string(id);
  }
  return "";
}

}  // namespace tcpmedic
