#include "agent/act/netns_sysctls.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "agent/act/netns_search.h"
#include "core/errno_status.h"
#include "core/sysctl_catalogue.h"
#include "core/unique_fd.h"

namespace tcpmedic {
namespace {

constexpr size_t kMaxValueBytes = 64;

absl::Status CheckName(absl::string_view name) {
  if (FindSysctl(name) != nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, " is not on the list of sysctls that an order may set"));
}

// One file under /proc/sys, opened in the calling thread's namespace.
class SettingFile {
 public:
  static absl::StatusOr<SettingFile> Open(const std::string& proc_root, absl::string_view name,
                                          int mode) {
    std::string path = absl::StrCat(proc_root, "/sys/", SysctlPath(name));
    UniqueFd fd(open(path.c_str(), mode | O_CLOEXEC));
    if (fd.valid()) return SettingFile(std::move(fd), std::move(path));
    const int error = errno;
    // ENOENT must not read as "the namespace is gone".
    if (error == ENOENT) {
      return absl::FailedPreconditionError(
          absl::StrCat("open ", path, ": this namespace shows no such setting"));
    }
    return ErrnoStatus(absl::StrCat("open ", path, Hint(error)), error,
                       absl::StatusCode::kUnavailable);
  }

  absl::StatusOr<int64_t> Read() const {
    char text[kMaxValueBytes];
    const ssize_t size = pread(fd_.get(), text, sizeof(text), 0);
    if (size < 0) return Failed("read ");
    const absl::StatusOr<int64_t> value =
        ParseSysctl(absl::StripAsciiWhitespace(absl::string_view(text, size)));
    if (value.ok()) return value;
    return absl::FailedPreconditionError(
        absl::StrCat("read ", path_, ": ", value.status().message()));
  }

  absl::Status Write(int64_t value) const {
    const std::string text = absl::StrCat(value);
    const ssize_t size = pwrite(fd_.get(), text.data(), text.size(), 0);
    if (size == static_cast<ssize_t>(text.size())) return absl::OkStatus();
    if (size >= 0) return absl::UnavailableError(absl::StrCat("write ", path_, ": a short write"));
    if (errno == EINVAL || errno == ERANGE) {
      return absl::FailedPreconditionError(
          ErrnoText(absl::StrCat("write ", text, " to ", path_), errno));
    }
    return Failed(absl::StrCat("write ", text, " to "));
  }

 private:
  SettingFile(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  absl::Status Failed(absl::string_view tried) const {
    const int error = errno;
    return absl::Status(ErrnoStatus(absl::StrCat(tried, path_, Hint(error)), error,
                                    absl::StatusCode::kUnavailable));
  }
  static absl::string_view Hint(int error) {
    if (error == EACCES || error == EPERM) return " (needs CAP_NET_ADMIN)";
    return error == EROFS ? " (/proc/sys is mounted read-only)" : "";
  }

  UniqueFd fd_;
  std::string path_;
};

absl::StatusOr<HostControl::Exchange> ReplaceHere(const std::string& proc_root,
                                                  absl::string_view name, int64_t from,
                                                  int64_t to) {
  const absl::StatusOr<SettingFile> file = SettingFile::Open(proc_root, name, O_RDWR);
  if (!file.ok()) return file.status();
  const absl::StatusOr<int64_t> found = file->Read();
  if (!found.ok()) return found.status();
  if (*found != from) return HostControl::Exchange{.changed = false, .now = absl::StrCat(*found)};
  const absl::Status written = file->Write(to);
  if (!written.ok()) return written;
  const absl::StatusOr<int64_t> now = file->Read();
  if (!now.ok()) return now.status();
  return HostControl::Exchange{.changed = true, .now = absl::StrCat(*now)};
}

}  // namespace

absl::StatusOr<uint64_t> NetnsSysctls::InodeOf(const NetnsRef& netns) const {
  return EnterNetns(proc_root_, netns, [] {});
}

absl::StatusOr<std::string> NetnsSysctls::Read(const NetnsRef& netns,
                                               absl::string_view name) const {
  const absl::Status known = CheckName(name);
  if (!known.ok()) return known;
  absl::StatusOr<int64_t> value;
  const absl::StatusOr<uint64_t> entered = EnterNetns(proc_root_, netns, [&] {
    const absl::StatusOr<SettingFile> file = SettingFile::Open(proc_root_, name, O_RDONLY);
    value = file.ok() ? file->Read() : file.status();
  });
  if (!entered.ok()) return entered.status();
  if (!value.ok()) return value.status();
  return absl::StrCat(*value);
}

absl::StatusOr<HostControl::Exchange> NetnsSysctls::Replace(const NetnsRef& netns,
                                                            absl::string_view name,
                                                            absl::string_view from,
                                                            absl::string_view to) const {
  const absl::Status known = CheckName(name);
  if (!known.ok()) return known;
  const absl::StatusOr<int64_t> expected = ParseSysctl(from);
  if (!expected.ok()) return expected.status();
  const absl::StatusOr<int64_t> wanted = ParseSysctl(to);
  if (!wanted.ok()) return wanted.status();
  absl::StatusOr<HostControl::Exchange> exchange;
  const absl::StatusOr<uint64_t> entered = EnterNetns(
      proc_root_, netns, [&] { exchange = ReplaceHere(proc_root_, name, *expected, *wanted); });
  if (!entered.ok()) return entered.status();
  return exchange;
}

}  // namespace tcpmedic
