#include "core/sysctl_catalogue.h"

#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/issue.h"

namespace tcpmedic {
namespace {

// Documentation/networking/ip-sysctl.rst and admin-guide/sysctl/net.rst.
constexpr SysctlEntry kCatalogue[] = {
    {.name = "net.ipv4.tcp_syncookies",
     .min = 1,
     .max = 2,
     .scope = SysctlScope::kNamespace,
     .never_below_found = true,
     .reason = "read at each SYN, so it acts and is undone at once; 0 is what a flood makes of an "
               "outage, so no order sets it"},
    {.name = "net.ipv4.tcp_max_syn_backlog",
     .min = 128,
     .max = 65'536,
     .scope = SysctlScope::kNamespace,
     .never_below_found = true,
     .reason = "read at each SYN; more of it costs some 300 bytes for every half-open connection"},
    {.name = "net.ipv4.tcp_synack_retries",
     .min = 2,
     .max = 5,
     .scope = SysctlScope::kNamespace,
     .never_below_found = false,
     .reason = "fewer free a full SYN queue sooner; below 2, a client behind a lossy path is lost"},
    {.name = "net.core.somaxconn",
     .min = 128,
     .max = 65'535,
     .scope = SysctlScope::kNamespace,
     .never_below_found = true,
     .reason = "bounds the backlog of the next listen(); what listens already keeps what it has"},
    {.name = "net.core.netdev_max_backlog",
     .min = 1'000,
     .max = 100'000,
     .scope = SysctlScope::kMachine,
     .never_below_found = true,
     .reason =
         "packets that a CPU may keep waiting, for all namespaces at once; more costs memory"},
};

}  // namespace

absl::Span<const SysctlEntry> SysctlCatalogue() { return kCatalogue; }

const SysctlEntry* FindSysctl(absl::string_view name) {
  for (const SysctlEntry& entry : kCatalogue) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

absl::StatusOr<int64_t> ParseSysctl(absl::string_view text) {
  int64_t value = 0;
  if (!absl::SimpleAtoi(text, &value)) {
    return absl::InvalidArgumentError(absl::StrCat("'", text, "' is no integer"));
  }
  return value;
}

absl::Status CheckSysctl(absl::string_view name, absl::string_view value) {
  const SysctlEntry* const entry = FindSysctl(name);
  if (entry == nullptr) {
    std::vector<std::string> names;
    for (const SysctlEntry& known : kCatalogue) names.emplace_back(known.name);
    const std::string nearest = NearestName(name, names);
    return absl::InvalidArgumentError(
        absl::StrCat(name, " is not on the list of sysctls that an order may set",
                     nearest.empty() ? "" : absl::StrCat("; did you mean ", nearest, "?")));
  }
  const absl::StatusOr<int64_t> number = ParseSysctl(value);
  if (!number.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": ", number.status().message()));
  }
  if (*number < entry->min || *number > entry->max) {
    return absl::InvalidArgumentError(absl::StrCat(name, " = ", *number,
                                                   " is out of bounds: an order may set ",
                                                   entry->min, " to ", entry->max));
  }
  return absl::OkStatus();
}

absl::Status CheckSysctlAgainst(const SysctlEntry& entry, int64_t value, int64_t found) {
  if (!entry.never_below_found || value >= found) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      entry.name, " is ", found, " now, and no order sets it lower (", value, " was asked for)"));
}

std::string SysctlPath(absl::string_view name) { return absl::StrReplaceAll(name, {{".", "/"}}); }

}  // namespace tcpmedic
