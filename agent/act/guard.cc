#include "agent/act/guard.h"

#include <fnmatch.h>

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "core/sysctl_catalogue.h"

namespace tcpmedic {
namespace {

constexpr char kAny[] = "any";

bool Contains(const std::vector<std::string>& items, absl::string_view wanted) {
  return std::find(items.begin(), items.end(), wanted) != items.end();
}

std::string Listed(const std::vector<std::string>& items) {
  return items.empty() ? "nothing" : absl::StrJoin(items, ", ");
}

bool Matches(const std::string& pattern, const v1::Process& process) {
  if (pattern == kAny) return true;
  const bool is_path = pattern[0] == '/';
  // FNM_PATHNAME: /usr/bin/* must not mean whatever lies below /usr/bin.
  return fnmatch(pattern.c_str(), (is_path ? process.exe() : process.comm()).c_str(),
                 is_path ? FNM_PATHNAME : 0) == 0;
}

absl::Status AllowsSetting(const Guard& guard, const v1::SetSysctl::Setting& setting) {
  const auto allowed = guard.sysctls.find(setting.name());
  if (allowed == guard.sysctls.end()) {
    const auto name = [](std::string* out, const auto& entry) { out->append(entry.first); };
    return absl::PermissionDeniedError(
        absl::StrCat("the guard file does not allow sysctl ", setting.name(), "; it allows ",
                     guard.sysctls.empty() ? "nothing" : absl::StrJoin(guard.sysctls, ", ", name)));
  }
  const absl::StatusOr<int64_t> value = ParseSysctl(setting.value());
  const SysctlBounds& bounds = allowed->second;
  if (value.ok() && *value >= bounds.min && *value <= bounds.max) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat(
      "the guard file does not allow ", setting.name(), " = ", setting.value(), "; it allows ",
      bounds.min, bounds.min == bounds.max ? "" : absl::StrCat(" to ", bounds.max)));
}

}  // namespace

std::optional<uint64_t> NamespaceNumber(absl::string_view item, absl::string_view kind) {
  uint64_t number = 0;
  if (!absl::ConsumePrefix(&item, kind) || !absl::ConsumePrefix(&item, ":") ||
      !absl::SimpleAtoi(item, &number) || number == 0) {
    return std::nullopt;
  }
  return number;
}

absl::Status AllowsAction(const Guard& guard, const v1::Action& action) {
  if (guard.observe_only) {
    return absl::PermissionDeniedError(
        "this host only observes: its guard file says mode: observe");
  }
  const absl::string_view kind = action.has_set_congestion_control() ? kSetCongestionControl
                                 : action.has_set_sysctl()           ? kSetSysctl
                                 : action.has_sample_call_sites()    ? kSampleCallSites
                                                                     : "";
  if (!Contains(guard.actions, kind)) {
    return absl::PermissionDeniedError(absl::StrCat("the guard file does not allow ",
                                                    kind.empty() ? "this action" : kind,
                                                    "; it allows ", Listed(guard.actions)));
  }
  for (const v1::SetSysctl::Setting& setting : action.set_sysctl().settings()) {
    if (absl::Status allowed = AllowsSetting(guard, setting); !allowed.ok()) return allowed;
  }
  if (action.has_set_congestion_control() &&
      !Contains(guard.algorithms, action.set_congestion_control().algorithm())) {
    return absl::PermissionDeniedError(absl::StrCat("the guard file does not allow algorithm ",
                                                    action.set_congestion_control().algorithm(),
                                                    "; it allows ", Listed(guard.algorithms)));
  }
  return absl::OkStatus();
}

absl::Status AllowsNamespace(const Guard& guard, const NetnsIdentity& netns) {
  const auto allows = [&](const std::string& item) {
    return item == kAny || (item == "host" && netns.is_the_hosts.value_or(false)) ||
           (netns.cookie != 0 && NamespaceNumber(item, "cookie") == netns.cookie) ||
           (netns.inode != 0 && NamespaceNumber(item, "inode") == netns.inode);
  };
  if (std::any_of(guard.namespaces.begin(), guard.namespaces.end(), allows)) {
    return absl::OkStatus();
  }
  return absl::PermissionDeniedError(
      absl::StrCat("the guard file does not allow namespace cookie:", netns.cookie, "; it allows ",
                   Listed(guard.namespaces)));
}

absl::Status AllowsSocket(const Guard& guard, const NetnsIdentity& netns,
                          absl::Span<const v1::Process> holders) {
  if (absl::Status allowed = AllowsNamespace(guard, netns); !allowed.ok()) return allowed;
  if (holders.empty()) return absl::PermissionDeniedError("no process is known to hold the socket");
  for (const v1::Process& holder : holders) {
    if (std::none_of(guard.processes.begin(), guard.processes.end(),
                     [&](const std::string& pattern) { return Matches(pattern, holder); })) {
      return absl::PermissionDeniedError(absl::StrCat("the guard file does not allow process ",
                                                      holder.comm(), " (pid ", holder.pid(),
                                                      "); it allows ", Listed(guard.processes)));
    }
  }
  return absl::OkStatus();
}

}  // namespace tcpmedic
