#include "cli/diagnose/inputs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/errno_status.h"
#include "core/unique_fd.h"
#include "observe/capture/capture_file.h"
#include "observe/recorded/input_kind.h"
#include "observe/recorded/text_reader.h"

namespace tcpmedic::cli {
namespace {

constexpr size_t kTextBytesPerNul = 16;  // at least
constexpr char kStandardInput[] = "the standard input";

bool IsStandardInput(const std::string& name) { return name == "-"; }

// A device need not end, as /dev/zero does not; what is typed at a terminal does.
bool IsTerminal(const std::string& name) {
  const UniqueFd fd(open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  return fd.valid() && isatty(fd.get()) != 0;
}

absl::Status CheckStandardInput() {
  struct stat status {};
  const int flags = fcntl(STDIN_FILENO, F_GETFL);
  // Where whoever started us has closed it, the first thing opened has its number, such as an
  // eventfd, which has no type.
  if (flags < 0 || fstat(STDIN_FILENO, &status) != 0 || (status.st_mode & S_IFMT) == 0) {
    return absl::InvalidArgumentError(absl::StrCat(kStandardInput, ", -, is closed"));
  }
  if ((flags & O_ACCMODE) == O_WRONLY) {
    return absl::InvalidArgumentError(absl::StrCat(kStandardInput, ", -, is not open for reading"));
  }
  if (S_ISDIR(status.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(kStandardInput, ", -, is a directory"));
  }
  return absl::OkStatus();
}

// Nullopt: it is none, as a pipe has none.
std::optional<int64_t> SizeOf(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return static_cast<int64_t>(status.st_size);
}

absl::Status ReadInput(const std::string& name, RecordingSink* sink, ReadingProgress* progress,
                       bool* any_capture) {
  UniqueFd opened;  // none: the standard input, which is not ours to close
  if (!IsStandardInput(name)) {
    opened.reset(open(name.c_str(), O_RDONLY | O_CLOEXEC));
    if (!opened.valid()) return ErrnoStatus(absl::StrCat("open ", name));
  }
  const int fd = opened.valid() ? opened.get() : STDIN_FILENO;
  const std::string shown = IsStandardInput(name) ? kStandardInput : name;
  progress->Begin(shown, SizeOf(fd));
  const absl::StatusOr<InputStart> start = ReadInputStart(fd, shown);
  if (!start.ok()) return start.status();
  const auto on_progress = [progress](int64_t bytes) { progress->Read(bytes); };
  const auto unread = [&](absl::string_view reason) {
    sink->OnUnread({.place = {.input = shown}, .reason = std::string(reason), .excerpt = ""});
    return absl::OkStatus();
  };
  if (start->kind == InputKind::kCompressed) {
    return unread(
        "compressed, and not unpacked here: gzip -dc, zstd -dc, xz -dc or bzip2 -dc into "
        "`tcpmedic diagnose -`");
  }
  if (absl::StartsWith(start->bytes, "\xff\xfe") || absl::StartsWith(start->bytes, "\xfe\xff")) {
    return unread("UTF-16, as some editors and shells save: save it as UTF-8");
  }
  // A few stray NULs are in a text that somebody's terminal has saved.
  const auto nuls = std::count(start->bytes.begin(), start->bytes.end(), '\0');
  if (start->kind == InputKind::kBinary &&
      static_cast<size_t>(nuls) * kTextBytesPerNul >= start->bytes.size()) {
    return unread("binary data: neither a text nor a capture");
  }
  if (start->kind != InputKind::kPcap && start->kind != InputKind::kPcapng) {
    return ReadText(fd, start->bytes, shown, sink, on_progress);
  }
  *any_capture = true;
  const absl::Status read = ReadCapture(fd, start->bytes, shown, sink, on_progress);
  if (!absl::IsInvalidArgument(read)) return read;
  // The sentence names the input already, and so does the place.
  absl::string_view reason = read.message();
  if (absl::ConsumePrefix(&reason, shown)) absl::ConsumePrefix(&reason, " is ");
  return unread(absl::StripLeadingAsciiWhitespace(reason));
}

}  // namespace

absl::Status CheckInputs(const std::vector<std::string>& names) {
  bool standard_input = false;
  std::map<std::pair<dev_t, ino_t>, std::string> files;  // what each was called
  for (const std::string& name : names) {
    if (IsStandardInput(name)) {
      if (standard_input) {
        return absl::InvalidArgumentError("the standard input, -, can be read only once");
      }
      standard_input = true;
      if (absl::Status open = CheckStandardInput(); !open.ok()) return open;
      continue;
    }
    struct stat status {};
    if (name.empty()) return absl::InvalidArgumentError("a file without a name cannot be read");
    if (stat(name.c_str(), &status) != 0) {
      return absl::InvalidArgumentError(
          errno == ENOENT ? absl::StrCat("there is no file ", name)
                          : absl::StrCat("cannot read ", name, ": ", strerror(errno)));
    }
    if (S_ISDIR(status.st_mode)) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " is a directory: name the files in it, such as ", name,
                       name.back() == '/' ? "*" : "/*"));
    }
    if (S_ISSOCK(status.st_mode)) {
      return absl::InvalidArgumentError(absl::StrCat(name, " is a socket, not a file"));
    }
    if (access(name.c_str(), R_OK) != 0) {
      return absl::InvalidArgumentError(absl::StrCat("cannot read ", name, ": ", strerror(errno)));
    }
    if (S_ISBLK(status.st_mode) || (S_ISCHR(status.st_mode) && !IsTerminal(name))) {
      return absl::InvalidArgumentError(absl::StrCat(name, " is a device, not a file"));
    }
    if (S_ISREG(status.st_mode)) {
      const auto [file, added] = files.try_emplace({status.st_dev, status.st_ino}, name);
      if (!added) {
        return absl::InvalidArgumentError(
            file->second == name ? absl::StrCat(name, " is named twice, and would count twice")
                                 : absl::StrCat(name, " is the same file as ", file->second,
                                                ", and would count twice"));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status ReadInputs(const std::vector<std::string>& names, RecordingSink* sink,
                        ReadingProgress* progress, bool* any_capture) {
  *any_capture = false;
  for (const std::string& name : names) {
    const absl::Status read = ReadInput(name, sink, progress, any_capture);
    progress->End();
    if (!read.ok()) return read;
  }
  return absl::OkStatus();
}

}  // namespace tcpmedic::cli
