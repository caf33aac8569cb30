#include "observe/recorded/input_kind.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/errno_status.h"

namespace tcpmedic {
namespace {

constexpr size_t kStartBytes = 4096;

struct Magic {
  absl::string_view bytes;
  InputKind kind;
};

constexpr Magic kMagics[] = {
    {absl::string_view("\xd4\xc3\xb2\xa1", 4), InputKind::kPcap},
    {absl::string_view("\xa1\xb2\xc3\xd4", 4), InputKind::kPcap},
    {absl::string_view("\x4d\x3c\xb2\xa1", 4), InputKind::kPcap},  // nanoseconds
    {absl::string_view("\xa1\xb2\x3c\x4d", 4), InputKind::kPcap},
    {absl::string_view("\x34\xcd\xb2\xa1", 4),
     InputKind::kPcap},  // Kuznetzov's, which libpcap reads
    {absl::string_view("\xa1\xb2\xcd\x34", 4), InputKind::kPcap},
    {absl::string_view("\x0a\x0d\x0d\x0a", 4), InputKind::kPcapng},
    {absl::string_view("\x1f\x8b", 2), InputKind::kCompressed},
    {absl::string_view("\x28\xb5\x2f\xfd", 4), InputKind::kCompressed},
    {absl::string_view("\xfd"
                       "7zXZ",
                       5),
     InputKind::kCompressed},
    {absl::string_view("BZh", 3), InputKind::kCompressed},
};

}  // namespace

InputKind KindOf(absl::string_view start) {
  if (start.empty()) return InputKind::kEmpty;
  for (const Magic& magic : kMagics) {
    if (absl::StartsWith(start, magic.bytes)) return magic.kind;
  }
  start = start.substr(0, kStartBytes);
  // No tool that is read here prints a NUL.
  return absl::StrContains(start, '\0') ? InputKind::kBinary : InputKind::kText;
}

absl::StatusOr<InputStart> ReadInputStart(int fd, absl::string_view input) {
  std::string bytes(kStartBytes, '\0');
  size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t size = read(fd, bytes.data() + filled, bytes.size() - filled);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return ErrnoStatus(absl::StrCat("read ", input));
    if (size == 0) break;
    filled += size;
  }
  bytes.resize(filled);
  const InputKind kind = KindOf(bytes);
  return InputStart{kind, std::move(bytes)};
}

}  // namespace tcpmedic
