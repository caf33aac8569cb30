#include "observe/proc_settings.h"

#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/sysctl_catalogue.h"

namespace tcpmedic {
namespace {

constexpr absl::string_view kSettings[] = {"net.ipv4.tcp_syncookies",
                                           "net.ipv4.tcp_max_syn_backlog", "net.core.somaxconn"};

}  // namespace

ProcSettings ProcSettings::Open(const ProcDirectory& proc) {
  ProcSettings settings;
  for (const absl::string_view name : kSettings) {
    absl::StatusOr<UniqueFd> fd = proc.OpenFile(absl::StrCat("sys/", SysctlPath(name)));
    if (fd.ok()) settings.files_.push_back({name, *std::move(fd)});
  }
  return settings;
}

void ProcSettings::ReadInto(CounterSample* sample) const {
  for (const File& file : files_) {
    char text[64];
    ssize_t size = 0;
    do {
      size = pread(file.fd.get(), text, sizeof(text), 0);
    } while (size < 0 && errno == EINTR);
    if (size < 0) continue;
    int64_t value = 0;
    if (absl::SimpleAtoi(absl::string_view(text, size), &value)) {
      sample->Set(file.name, value);
    } else {
      sample->AddMalformed(1);
    }
  }
}

}  // namespace tcpmedic
