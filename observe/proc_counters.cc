#include "observe/proc_counters.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "core/errno_status.h"

namespace tcpmedic {
namespace {

// netstat, the longest, has about 6 KiB.
constexpr size_t kUsualBytes = 16 * 1024;
constexpr size_t kMaxBytes = 1024 * 1024;

// The whole file from its start. One pread, so that all its values are of one moment; a larger
// buffer and again where it was filled. Returns the size, or -1 and errno.
ssize_t ReadWhole(int fd, std::string* buffer) {
  while (true) {
    const ssize_t size = pread(fd, buffer->data(), buffer->size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < static_cast<ssize_t>(buffer->size())) return size;
    if (buffer->size() >= kMaxBytes) {
      errno = EFBIG;
      return -1;
    }
    buffer->resize(buffer->size() * 2);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<ProcCounters>> ProcCounters::Open(const ProcDirectory& process) {
  constexpr std::pair<const char*, Parser> kFiles[] = {{"net/netstat", ParseNetstat},
                                                       {"net/snmp", ParseNetstat},
                                                       {"net/snmp6", ParseSnmp6},
                                                       {"net/sockstat", ParseSockstat},
                                                       {"net/sockstat6", ParseSockstat}};
  std::unique_ptr<ProcCounters> counters(new ProcCounters());
  counters->buffer_.resize(kUsualBytes);
  absl::Status first_error;
  for (const auto& [name, parser] : kFiles) {
    absl::StatusOr<UniqueFd> fd = process.OpenFile(name);
    if (fd.ok()) {
      counters->files_.push_back({*std::move(fd), parser});
    } else {
      first_error.Update(fd.status());
    }
  }
  if (counters->files_.empty()) return first_error;
  return counters;
}

absl::Status ProcCounters::Read(CounterSample* sample) {
  sample->BeginReplacing();
  absl::Status status = ReadInto(sample);
  if (status.ok() && !sample->AllReplaced()) {
    // A counter of the sample's last use is not here.
    sample->Clear();
    status = ReadInto(sample);
  }
  if (!status.ok()) sample->Clear();
  return status;
}

absl::Status ProcCounters::ReadInto(CounterSample* sample) {
  int last_error = 0;
  bool any = false;
  for (const File& file : files_) {
    const ssize_t size = ReadWhole(file.fd.get(), &buffer_);
    if (size < 0) {
      last_error = errno;
      continue;
    }
    any = true;
    sample->AddMalformed(file.parse(absl::string_view(buffer_.data(), size), sample));
  }
  if (!any) return absl::UnavailableError(ErrnoText("read counters", last_error));
  settings_.ReadInto(sample);
  return absl::OkStatus();
}

}  // namespace tcpmedic
