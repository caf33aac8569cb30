#include "cli/drill/guard_file.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/sysctl_catalogue.h"

namespace tcpmedic::cli {
namespace {

// Nothing that YAML would read as anything but a word.
bool IsAlgorithm(const std::string& name) {
  return !name.empty() && absl::ascii_isalpha(name[0]) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return absl::ascii_isalnum(c) || c == '_' || c == '-'; });
}

absl::Status Failed(absl::string_view tried, const std::string& path, int error) {
  const std::string message = absl::StrCat(tried, " ", path, ": ", strerrorname_np(error));
  return error == EEXIST ? absl::AlreadyExistsError(message) : absl::InternalError(message);
}

}  // namespace

std::string GuardYaml(const DrillGuard& guard) {
  std::vector<std::string> actions;
  if (!guard.algorithms.empty()) actions.emplace_back("set_congestion_control");
  if (!guard.sysctls.empty()) actions.emplace_back("set_sysctl");
  if (guard.sample_call_sites) actions.emplace_back("sample_call_sites");
  return absl::StrCat(
      "apiVersion: tcpmedic/v1\n"
      "kind: Guard\n"
      "actions: [",
      absl::StrJoin(actions, ", "), "]\n",
      guard.algorithms.empty()
          ? ""
          : absl::StrCat("algorithms: [", absl::StrJoin(guard.algorithms, ", "), "]\n"),
      // Without bounds of its own: those of the catalogue.
      guard.sysctls.empty()
          ? ""
          : absl::StrCat("sysctls: {", absl::StrJoin(guard.sysctls, ": {}, "), ": {}}\n"),
      "namespaces: [",
      absl::StrJoin(
          guard.netns_cookies, ", ",
          [](std::string* out, uint64_t cookie) { absl::StrAppend(out, "cookie:", cookie); }),
      "]\n"
      "processes: [any]\n");
}

absl::Status WriteGuardFile(const DrillGuard& guard, const std::string& path) {
  const auto& cookies = guard.netns_cookies;
  if (cookies.empty() || std::find(cookies.begin(), cookies.end(), 0u) != cookies.end()) {
    return absl::InvalidArgumentError("a drill's guard file needs the cookies of its namespaces");
  }
  if (guard.algorithms.empty() && guard.sysctls.empty() && !guard.sample_call_sites) {
    return absl::InvalidArgumentError("a drill's guard file needs something that it allows");
  }
  for (const std::string& name : guard.sysctls) {
    if (FindSysctl(name) == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", name, "' is not on the list of sysctls that an order may set"));
    }
  }
  if (!std::all_of(guard.algorithms.begin(), guard.algorithms.end(), IsAlgorithm)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", absl::StrJoin(guard.algorithms, ", "),
                     "' is no list of algorithms, as tcp_available_congestion_control has them"));
  }
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return Failed("open", path, errno);
  const std::string text = GuardYaml(guard);
  const ssize_t written = write(fd, text.data(), text.size());
  const int error = written < 0 ? errno : ENOSPC;
  close(fd);
  if (written == static_cast<ssize_t>(text.size())) return absl::OkStatus();
  unlink(path.c_str());  // half a guard file is none
  return Failed("write", path, error);
}

}  // namespace tcpmedic::cli
