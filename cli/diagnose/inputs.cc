#include "cli/diagnose/inputs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/errno_status.h"
#include "observe/capture/capture_file.h"
#include "observe/recorded/input_kind.h"
#include "observe/recorded/text_reader.h"

namespace tcpmedic::cli {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ > STDIN_FILENO) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

bool IsStandardInput(const std::string& name) { return name == "-"; }

// Nullopt: it is none, as a pipe has none.
std::optional<int64_t> SizeOf(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return static_cast<int64_t>(status.st_size);
}

absl::Status ReadInput(const std::string& name, RecordingSink* sink, ReadingProgress* progress) {
  const Descriptor file(IsStandardInput(name) ? STDIN_FILENO
                                              : open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return ErrnoStatus(absl::StrCat("open ", name));
  progress->Begin(IsStandardInput(name) ? "the standard input" : name, SizeOf(file.get()));
  const absl::StatusOr<InputStart> start = ReadInputStart(file.get(), name);
  if (!start.ok()) return start.status();
  const auto on_progress = [progress](int64_t bytes) { progress->Read(bytes); };
  if (start->kind != InputKind::kPcap && start->kind != InputKind::kPcapng) {
    return ReadText(file.get(), start->bytes, name, sink, on_progress);
  }
  const absl::Status read = ReadCapture(file.get(), start->bytes, name, sink, on_progress);
  if (!absl::IsInvalidArgument(read)) return read;
  // The sentence names the input already, and so does the place.
  absl::string_view reason = read.message();
  if (absl::ConsumePrefix(&reason, name)) absl::ConsumePrefix(&reason, ": ");
  sink->OnUnread({.place = {.input = name}, .reason = std::string(reason), .excerpt = ""});
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckInputs(const std::vector<std::string>& names) {
  bool standard_input = false;
  for (const std::string& name : names) {
    if (IsStandardInput(name)) {
      if (standard_input) {
        return absl::InvalidArgumentError("the standard input, -, can be read only once");
      }
      standard_input = true;
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
    if (access(name.c_str(), R_OK) != 0) {
      return absl::InvalidArgumentError(absl::StrCat("cannot read ", name, ": ", strerror(errno)));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadInputs(const std::vector<std::string>& names, RecordingSink* sink,
                        ReadingProgress* progress) {
  for (const std::string& name : names) {
    const absl::Status read = ReadInput(name, sink, progress);
    progress->End();
    if (!read.ok()) return read;
  }
  return absl::OkStatus();
}

}  // namespace tcpmedic::cli
