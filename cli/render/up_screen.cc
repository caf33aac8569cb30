#include "cli/render/up_screen.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/render/quantity.h"

namespace tcpmedic::cli {
namespace {

std::string Plural(int64_t count, absl::string_view one, absl::string_view many) {
  return absl::StrCat(CountText(count), " ", count == 1 ? one : many);
}

std::string WatchingText(const UpStatus& status) {
  if (status.host.name.empty()) {
    return absl::StrCat("The agent has not reported yet; its log says why: ", status.agent_log);
  }
  return absl::StrCat("Watching ", Plural(status.host.sockets, "TCP socket", "TCP sockets"), " in ",
                      Plural(status.host.namespaces, "network namespace", "network namespaces"),
                      " of ", status.host.name, " every ", DurationText(status.host.interval),
                      " for ",
                      status.signatures.empty() ? "nothing: there is no signature"
                                                : absl::StrJoin(status.signatures, ", "),
                      ".");
}

std::vector<std::string> GuardLines(const UpStatus& status, const Style& style) {
  if (status.guard_exists) {
    return Wrap(absl::StrCat("An approved order may change what ", status.guard_path,
                             " allows, and nothing else."),
                style.width, 3);
  }
  std::vector<std::string> lines =
      Wrap(absl::StrCat("This host only observes: no order changes anything here until root has "
                        "written ",
                        status.guard_path, ", such as"),
           style.width, 3);
  for (const char* line :
       {"apiVersion: tcpmedic/v1", "kind: Guard", "actions: [set_congestion_control, set_sysctl]",
        "algorithms: [bbr]", "sysctls: {net.ipv4.tcp_syncookies: {min: 1, max: 1}}",
        "namespaces: [host]", "processes: [any]"}) {
    lines.push_back(absl::StrCat("  ", Painted(style, Paint::kDim, line)));
  }
  return lines;
}

}  // namespace

std::string RenderUp(const UpStatus& status, const Style& style) {
  std::vector<std::string> lines = {absl::StrCat(Painted(style, Paint::kGreen, "tcpmedic is up"),
                                                 " (pid ", status.pid, "). Ctrl-C stops it."),
                                    ""};
  const auto append = [&lines](const std::vector<std::string>& more) {
    lines.insert(lines.end(), more.begin(), more.end());
  };
  append(TableLines(
      style, {{}, {}},
      {{{"operators", Paint::kDim}, {absl::StrCat("unix:", status.operators_socket)}},
       {{"agents", Paint::kDim}, {absl::StrCat("unix:", status.agents_socket)}},
       {{"state", Paint::kDim}, {status.state_dir}},
       {{"logs", Paint::kDim}, {absl::StrCat(status.controller_log, ", ", status.agent_log)}},
       {{"policies", Paint::kDim},
        {status.policies_source.empty() ? "not known yet" : status.policies_source}}},
      2));
  lines.emplace_back();
  append(Wrap(WatchingText(status), style.width, 4));
  for (const std::string& degraded : status.host.degraded) {
    for (const std::string& line :
         Wrap(absl::StrCat("Cannot see everything: ", degraded), style.width, 3)) {
      lines.push_back(Painted(style, Paint::kYellow, line));
    }
  }
  append(GuardLines(status, style));
  lines.emplace_back();
  lines.push_back("Try next, from another terminal:");
  const auto command = [&style](absl::string_view words) {
    return Cell{absl::StrCat(style.command, " ", words), Paint::kCyan};
  };
  append(TableLines(style, {{.whole = true}, {}},
                    {{command("watch"), {"follow incidents as they open and close"}},
                     {command("why"), {"what was looked at, and why nothing is found"}},
                     {command("incidents"), {"what is wrong now; then show one of them"}}},
                    2));
  return Joined(lines);
}

}  // namespace tcpmedic::cli
