// The sysctls that an order may set: the closed allow-list, each with its type, its bounds and the
// reason why setting it is safe to take back. A guard file narrows it, nothing widens it. Pure;
// immutable, so thread-safe.
#ifndef TCPMEDIC_CORE_SYSCTL_CATALOGUE_H_
#define TCPMEDIC_CORE_SYSCTL_CATALOGUE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tcpmedic {

// What one value is for.
enum class SysctlScope : uint8_t {
  kNamespace,  // each network namespace has its own
  kMachine,    // one for all; only the host's first namespace shows it
};

// All entries are single decimal integers.
struct SysctlEntry {
  absl::string_view name;  // as sysctl(8) has it: "net.ipv4.tcp_syncookies"
  int64_t min = 0;
  int64_t max = 0;
  SysctlScope scope = SysctlScope::kNamespace;
  bool never_below_found =
      false;                 // no order sets it below the value found; only undo restores that
  absl::string_view reason;  // why an order may set it, and why only so far
};

absl::Span<const SysctlEntry> SysctlCatalogue();

// Null: not on the list.
const SysctlEntry* FindSysctl(absl::string_view name);

// The value as the kernel would take it. InvalidArgument: no integer.
absl::StatusOr<int64_t> ParseSysctl(absl::string_view text);

// Whether an order may set `name` to `value` anywhere. InvalidArgument, with the nearest name or
// the bounds: it may not.
absl::Status CheckSysctl(absl::string_view name, absl::string_view value);

// Whether it may where `found` is in force now. FailedPrecondition: it would lower what must not be
// lowered. Requires that CheckSysctl has passed.
absl::Status CheckSysctlAgainst(const SysctlEntry& entry, int64_t value, int64_t found);

// "/proc/sys/net/ipv4/tcp_syncookies" is "net/ipv4/tcp_syncookies" under /proc/sys.
std::string SysctlPath(absl::string_view name);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CORE_SYSCTL_CATALOGUE_H_
