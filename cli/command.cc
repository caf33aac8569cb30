#include "cli/command.h"

#include <pwd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace tcpmedic::cli {
namespace {

// In a pipe nobody minds long lines, and a cut name would be lost.
constexpr int kPipeWidth = 1000;
constexpr int kLeastWidth = 60;

}  // namespace

Style StyleOf(const Invocation& invocation, int fd) {
  Style style;
  style.command = invocation.command;
  style.width = kPipeWidth;
  if (isatty(fd) == 0) return style;
  winsize size = {};
  const bool known = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  style.width = known ? std::max<int>(size.ws_col, kLeastWidth) : 100;
  style.color = !invocation.no_color;
  return style;
}

void Print(const std::string& text) {
  fwrite(text.data(), 1, text.size(), stdout);
  fflush(stdout);
}

int Fail(const Invocation& invocation, const absl::Status& status) {
  const Style style = StyleOf(invocation, STDERR_FILENO);
  // A message may quote the last lines of a log; only what is within a line is hostile.
  std::vector<std::string> lines;
  for (const absl::string_view line : absl::StrSplit(status.message(), '\n')) {
    lines.push_back(Escaped(line));
  }
  fprintf(stderr, "%s %s\n", Painted(style, Paint::kRed, "tcpmedic:").c_str(),
          absl::StrJoin(lines, "\n").c_str());
  return kFailed;
}

std::string Actor() {
  const char* const behind_sudo = geteuid() == 0 ? std::getenv("SUDO_USER") : nullptr;
  if (behind_sudo != nullptr && *behind_sudo != '\0') return behind_sudo;
  const passwd* const user = getpwuid(geteuid());
  return user == nullptr ? absl::StrCat("uid ", geteuid()) : std::string(user->pw_name);
}

}  // namespace tcpmedic::cli
