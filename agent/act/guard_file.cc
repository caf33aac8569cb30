#include "agent/act/guard_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/errno_status.h"
#include "core/file_issues.h"
#include "core/sysctl_catalogue.h"
#include "core/unique_fd.h"

namespace tcpmedic {
namespace {

constexpr size_t kMaxBytes = 64 << 10;

// What is wrong with one item of a list, in words that follow its text; empty: nothing.
using Complaint = std::string (*)(const std::string& item);

std::string OfAction(const std::string& item) {
  const bool known =
      item == kSetCongestionControl || item == kSetSysctl || item == kSampleCallSites;
  return known ? "" : "wants set_congestion_control, set_sysctl or sample_call_sites";
}

std::string OfAlgorithm(const std::string& item) {
  // 15: TCP_CA_NAME_MAX without its zero.
  const bool name =
      !item.empty() && item.size() <= 15 && std::all_of(item.begin(), item.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
      });
  return name ? "" : "wants an algorithm, as tcp_available_congestion_control lists it";
}

std::string OfNamespace(const std::string& item) {
  const bool named = item == "host" || item == "any" || NamespaceNumber(item, "cookie") ||
                     NamespaceNumber(item, "inode");
  return named ? "" : "wants host, cookie:N, inode:N or any";
}

std::string OfProcess(const std::string& item) {
  if (item.empty()) return "wants a program's name, the path of its file, or any";
  if (item[0] != '/' && item.find('/') != std::string::npos)
    return "wants a path that begins with /";
  return "";
}

struct List {
  const char* key;
  std::vector<std::string> Guard::*items;
  Complaint complaint;
};
constexpr List kLists[] = {{"actions", &Guard::actions, OfAction},
                           {"algorithms", &Guard::algorithms, OfAlgorithm},
                           {"namespaces", &Guard::namespaces, OfNamespace},
                           {"processes", &Guard::processes, OfProcess}};

// One reading of a guard file: what it says and what is wrong with it.
class Reading {
 public:
  Reading(absl::string_view text, absl::string_view file, std::vector<Issue>* issues)
      : issues_(text, file, issues) {}

  void Document(const YAML::Node& document, Guard* guard) {
    if (!document.IsMap()) {
      Add(document, "wants keys, beginning with 'apiVersion: tcpmedic/v1'");
      return;
    }
    std::vector<std::string> seen;
    for (const auto& entry : document) {
      const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
      if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
        Add(entry.first, absl::StrCat("'", key, "' is set twice"));
        continue;
      }
      seen.push_back(key);
      Entry(key, entry.first, entry.second, guard);
    }
    for (const char* required : {"apiVersion", "kind"}) {
      if (std::find(seen.begin(), seen.end(), required) == seen.end()) {
        Add(document, absl::StrCat("'", required, "' is missing"));
      }
    }
  }

  void Add(const YAML::Node& at, std::string message, std::string hint = "") {
    Add(at.Mark(), at.IsDefined() && at.IsScalar() ? at.Scalar().size() : 1, std::move(message),
        std::move(hint));
  }
  // A mark that stands for no place counts from -1, and so becomes line 0.
  void Add(const YAML::Mark& mark, size_t length, std::string message, std::string hint = "") {
    issues_.Add({mark.line + 1, mark.column + 1}, length, std::move(message), std::move(hint));
  }

 private:
  void Entry(const std::string& key, const YAML::Node& name, const YAML::Node& value,
             Guard* guard) {
    if (key == "apiVersion" || key == "kind") {
      const std::string wanted = key == "kind" ? "Guard" : "tcpmedic/v1";
      if (!value.IsScalar() || value.Scalar() != wanted) {
        Add(value, absl::StrCat("'", key, "' must be ", wanted));
      }
      return;
    }
    if (key == "mode") {
      guard->observe_only = value.IsScalar() && value.Scalar() == "observe";
      if (guard->observe_only || (value.IsScalar() && value.Scalar() == "enforce")) return;
      return Add(value, "'mode' wants enforce or observe");
    }
    if (key == "sysctls") return Sysctls(value, guard);
    for (const List& list : kLists) {
      if (key == list.key) return Items(list, value, guard);
    }
    std::vector<std::string> keys = {"apiVersion", "kind", "mode", "sysctls"};
    for (const List& list : kLists) keys.push_back(list.key);
    Unknown("key", name, key, keys);
  }

  void Unknown(absl::string_view what, const YAML::Node& at, const std::string& name,
               const std::vector<std::string>& known) {
    const std::string nearest = NearestName(name, known);
    Add(at, absl::StrCat("unknown ", what, " '", name, "'"),
        nearest.empty() ? "" : absl::StrCat("did you mean '", nearest, "'?"));
  }

  void Items(const List& list, const YAML::Node& value, Guard* guard) {
    if (!value.IsSequence()) {
      Add(value, absl::StrCat("'", list.key, "' wants a list, such as [a, b]; [] allows nothing"));
      return;
    }
    for (const YAML::Node& item : value) {
      const std::string complaint = item.IsScalar() ? list.complaint(item.Scalar()) : "wants text";
      if (complaint.empty()) {
        (guard->*list.items).push_back(item.Scalar());
      } else {
        Add(item, absl::StrCat("'", list.key, "' ", complaint));
      }
    }
  }

  void Sysctls(const YAML::Node& value, Guard* guard) {
    if (!value.IsMap()) {
      return Add(value,
                 "'sysctls' wants names and bounds, such as "
                 "{net.ipv4.tcp_syncookies: {min: 1, max: 1}}; {} allows nothing");
    }
    for (const auto& item : value) {
      const std::string name = item.first.IsScalar() ? item.first.Scalar() : "";
      const SysctlEntry* const entry = FindSysctl(name);
      if (entry == nullptr) {
        std::vector<std::string> names;
        for (const SysctlEntry& known : SysctlCatalogue()) names.emplace_back(known.name);
        Unknown("sysctl", item.first, name, names);
      } else if (!guard->sysctls.emplace(name, SysctlBounds{entry->min, entry->max}).second) {
        Add(item.first, absl::StrCat("'", name, "' is set twice"));
      } else if (!item.second.IsNull()) {
        Bounds(*entry, item.second, &guard->sysctls[name]);
      }
    }
  }

  void Bounds(const SysctlEntry& entry, const YAML::Node& value, SysctlBounds* bounds) {
    if (!value.IsMap()) {
      return Add(value, absl::StrCat("'", entry.name, "' wants {min: N, max: N}, or {} for ",
                                     entry.min, " to ", entry.max));
    }
    std::vector<std::string> seen;
    for (const auto& bound : value) {
      const std::string key = bound.first.IsScalar() ? bound.first.Scalar() : "";
      const absl::StatusOr<int64_t> number =
          ParseSysctl(bound.second.IsScalar() ? bound.second.Scalar() : "");
      if (key != "min" && key != "max") {
        Unknown("bound", bound.first, key, {"min", "max"});
      } else if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
        Add(bound.first, absl::StrCat("'", key, "' is set twice"));
      } else if (!number.ok() || *number < entry.min || *number > entry.max) {
        Add(bound.second,
            absl::StrCat("'", key, "' of ", entry.name, " wants an integer from ", entry.min,
                         " to ", entry.max, ", as no order may set it beyond"));
      } else {
        (key == "min" ? bounds->min : bounds->max) = *number;
      }
      seen.push_back(key);
    }
    if (bounds->min > bounds->max) {
      Add(value, absl::StrCat("'min' of ", entry.name, " is above its 'max'"));
    }
  }

  FileIssues issues_;
};

absl::Status Unsafe(absl::string_view why) { return absl::PermissionDeniedError(why); }

absl::Status Unreadable(absl::string_view attempted) {
  return ErrnoStatus(absl::StrCat("cannot be read: ", attempted), errno,
                     absl::StatusCode::kUnavailable);
}

bool WritableByOthers(const struct stat& identity) { return (identity.st_mode & 022) != 0; }

// The directory of `path` and those above it: whoever may rename there chooses the file. Above, the
// sticky bit
// (/tmp) keeps others from renaming what is not theirs.
absl::Status CheckDirectories(const std::string& path, uid_t owner) {
  const size_t slash = path.rfind('/');
  std::string dir = slash == std::string::npos ? "." : path.substr(0, std::max<size_t>(slash, 1));
  const std::unique_ptr<char, decltype(&free)> real(realpath(dir.c_str(), nullptr), &free);
  if (real == nullptr) return Unreadable(absl::StrCat("realpath ", dir));
  dir = real.get();
  for (bool holds_the_file = true;; holds_the_file = false) {
    struct stat identity;
    if (lstat(dir.c_str(), &identity) != 0) return Unreadable(absl::StrCat("stat ", dir));
    if (identity.st_uid != 0 && identity.st_uid != owner) {
      return Unsafe(absl::StrCat("is in ", dir, ", which is not root's"));
    }
    const bool sticky = (identity.st_mode & S_ISVTX) != 0;
    if (WritableByOthers(identity) && (holds_the_file || !sticky)) {
      return Unsafe(absl::StrCat("is in ", dir, ", which is writable by group or others"));
    }
    if (dir == "/") return absl::OkStatus();
    dir.resize(std::max<size_t>(dir.rfind('/'), 1));
  }
}

absl::StatusOr<std::string> ReadSafely(const std::string& path, uid_t owner) {
  // O_NONBLOCK: a fifo must not hold up the scan thread.
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd.valid() && errno == ELOOP) return Unsafe("is a symbolic link");
  if (!fd.valid() && errno == ENOENT) {
    return absl::NotFoundError("does not exist");
  }
  struct stat identity;
  if (!fd.valid() || fstat(fd.get(), &identity) != 0) return Unreadable("open");
  if (!S_ISREG(identity.st_mode)) return Unsafe("is not a regular file");
  if (identity.st_uid != 0 && identity.st_uid != owner) return Unsafe("is not root's");
  if (WritableByOthers(identity)) return Unsafe("is writable by group or others");
  if (absl::Status above = CheckDirectories(path, owner); !above.ok()) return above;

  std::string text(kMaxBytes + 1, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t n = read(fd.get(), text.data() + size, text.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Unreadable("read");
    if (n == 0) break;
    size += n;
  }
  if (size > kMaxBytes) return absl::InvalidArgumentError("is larger than 64 KiB");
  text.resize(size);
  return text;
}

}  // namespace

bool ParseGuard(absl::string_view yaml, absl::string_view file, Guard* guard,
                std::vector<Issue>* issues) {
  const size_t issues_before = issues->size();
  *guard = Guard();
  Reading reading(yaml, file, issues);
  try {
    reading.Document(YAML::Load(std::string(yaml)), guard);
  } catch (const YAML::Exception& e) {
    reading.Add(e.mark, 1, absl::StrCat("not valid YAML: ", e.msg));
  }
  if (issues->size() == issues_before) return true;
  *guard = Guard();
  return false;
}

absl::StatusOr<Guard> ReadGuard(const std::string& path, uid_t owner) {
  const absl::StatusOr<std::string> text = ReadSafely(path, owner);
  if (!text.ok()) {
    return absl::Status(text.status().code(),
                        absl::StrCat("this host only observes: the guard file ", path, " ",
                                     text.status().message()));
  }
  Guard guard;
  std::vector<Issue> issues;
  if (!ParseGuard(*text, path, &guard, &issues)) {
    return absl::InvalidArgumentError(
        absl::StrCat("this host only observes: the guard file has mistakes\n", Format(issues)));
  }
  return guard;
}

}  // namespace tcpmedic
