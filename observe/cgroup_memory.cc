#include "observe/cgroup_memory.h"

#include <algorithm>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "observe/proc_directory.h"

namespace tcpmedic {
namespace {

// v1 writes "no limit" as the largest multiple of the page size (PAGE_COUNTER_MAX).
constexpr int64_t kNoLimit = int64_t{1} << 60;
constexpr int kMaxDepth = 64;

struct Hierarchy {
  std::string mount;  // below the root; empty: the root itself
  absl::string_view path;
  const char* limit_file;
  const char* used_file;
};

std::optional<int64_t> ReadNumber(const ProcDirectory& directory, const char* file) {
  const absl::StatusOr<std::string> text = directory.ReadFile(file, 64);
  int64_t number = 0;
  // "max": no limit.
  if (!text.ok() || !absl::SimpleAtoi(absl::StripSuffix(*text, "\n"), &number)) {
    return std::nullopt;
  }
  return number;
}

// v1's memory controller where there is one, else v2.
std::optional<Hierarchy> HierarchyOf(absl::string_view proc_cgroup) {
  std::optional<Hierarchy> hierarchy;
  for (const absl::string_view line : absl::StrSplit(proc_cgroup, '\n')) {
    const std::vector<absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) continue;
    const std::vector<absl::string_view> controllers = absl::StrSplit(parts[1], ',');
    if (std::find(controllers.begin(), controllers.end(), "memory") != controllers.end()) {
      return Hierarchy{"/memory", parts[2], "memory.limit_in_bytes", "memory.usage_in_bytes"};
    }
    if (parts[0] == "0") hierarchy = Hierarchy{"", parts[2], "memory.max", "memory.current"};
  }
  return hierarchy;
}

}  // namespace

std::optional<CgroupMemory> ReadCgroupMemory(const std::string& cgroup_root,
                                             absl::string_view proc_cgroup) {
  const std::optional<Hierarchy> hierarchy = HierarchyOf(proc_cgroup);
  if (!hierarchy.has_value()) return std::nullopt;
  std::vector<absl::string_view> names = absl::StrSplit(hierarchy->path, '/', absl::SkipEmpty());
  // Above the root of the reader's cgroup namespace: not to be seen from here.
  if (std::find(names.begin(), names.end(), "..") != names.end()) return std::nullopt;
  if (names.size() > kMaxDepth) return std::nullopt;

  std::optional<CgroupMemory> least_left;
  std::string path = absl::StrCat(cgroup_root, hierarchy->mount);
  for (size_t depth = 0;; ++depth) {
    const absl::StatusOr<ProcDirectory> directory = ProcDirectory::Open(path);
    if (!directory.ok()) return least_left;
    const auto limit = ReadNumber(*directory, hierarchy->limit_file);
    const auto used = ReadNumber(*directory, hierarchy->used_file);
    if (limit.has_value() && used.has_value() && *limit < kNoLimit) {
      if (!least_left.has_value() ||
          *limit - *used < least_left->limit_bytes - least_left->used_bytes) {
        least_left = CgroupMemory{*limit, *used};
      }
    }
    if (depth == names.size()) return least_left;
    absl::StrAppend(&path, "/", names[depth]);
  }
}

}  // namespace tcpmedic
