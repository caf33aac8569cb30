#include "observe/recorded/ps_columns.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace tcpmedic {
namespace {

using Words = std::vector<std::string>;

// ps(1), STANDARD FORMAT SPECIFIERS; the columns that are one word each, but for dates and the
// command.
struct Specifier {
  absl::string_view name;
  absl::string_view column;
};
constexpr Specifier kSpecifiers[] = {
    {"%cpu", "%CPU"},     {"%mem", "%MEM"},      {"args", "CMD"},      {"c", "C"},
    {"cmd", "CMD"},       {"comm", "COMMAND"},   {"command", "CMD"},   {"cputime", "TIME"},
    {"etime", "ELAPSED"}, {"etimes", "ELAPSED"}, {"euid", "UID"},      {"euser", "USER"},
    {"f", "F"},           {"lstart", "STARTED"}, {"lwp", "LWP"},       {"maj_flt", "MAJFL"},
    {"ni", "NI"},         {"nice", "NI"},        {"nlwp", "NLWP"},     {"pcpu", "%CPU"},
    {"pgid", "PGID"},     {"pgrp", "PGID"},      {"pid", "PID"},       {"pmem", "%MEM"},
    {"ppid", "PPID"},     {"pri", "PRI"},        {"psr", "PSR"},       {"rss", "RSS"},
    {"rssize", "RSS"},    {"rsz", "RSZ"},        {"ruser", "RUSER"},   {"s", "S"},
    {"sid", "SID"},       {"spid", "SPID"},      {"start", "STARTED"}, {"stat", "STAT"},
    {"state", "S"},       {"stime", "STIME"},    {"sz", "SZ"},         {"thcount", "THCNT"},
    {"tid", "LWP"},       {"time", "TIME"},      {"tname", "TTY"},     {"tt", "TT"},
    {"tty", "TT"},        {"ucmd", "CMD"},       {"uid", "UID"},       {"uname", "USER"},
    {"user", "USER"},     {"vsize", "VSZ"},      {"vsz", "VSZ"},       {"wchan", "WCHAN"}};

// What behind ps hands on its lines as they are, but for some.
constexpr absl::string_view kKeepingLines[] = {"grep", "egrep", "fgrep", "rg",   "head", "tail",
                                               "sort", "cat",   "tee",   "less", "more"};

struct Format {
  bool known = true;
  bool user = false, full = false, extra_full = false, threads = false, bsd = false;
  Words listed;
};

// "pid,stat,rss=,args=COMMAND": a header of its own is the end of the list.
void AddList(absl::string_view list, Format* format) {
  while (!list.empty()) {
    const size_t end = std::min(list.find_first_of(", ="), list.size());
    const absl::string_view name = list.substr(0, end);
    const auto* const found =
        std::find_if(std::begin(kSpecifiers), std::end(kSpecifiers),
                     [&](const Specifier& specifier) { return specifier.name == name; });
    if (found == std::end(kSpecifiers)) {
      format->known = false;
      return;
    }
    format->listed.emplace_back(found->column);
    list.remove_prefix(end);
    if (absl::ConsumePrefix(&list, "=") && !absl::StartsWith(list, ",")) {
      // ps(1): what "pid=X,comm=Y" means depends on its personality.
      if (absl::StrContains(list, ',')) format->known = false;
      return;
    }
    if (!list.empty()) list.remove_prefix(1);
  }
}

// One word of flags, without its dash. `takes_next`: the next word is the value of the last.
void ReadFlags(absl::string_view flags, bool bsd, absl::string_view next, bool* takes_next,
               Format* format) {
  for (size_t i = 0; i < flags.size(); ++i) {
    const char flag = flags[i];
    const bool has_value = absl::StrContains(bsd ? "oOptUk" : "oOpCuUGgtsqk", flag);
    if (has_value) {
      const absl::string_view rest = flags.substr(i + 1);
      *takes_next = rest.empty();
      if (flag == 'o') AddList(*takes_next ? next : rest, format);
      if (flag == 'O') format->known = false;
      return;
    }
    if (bsd) {
      format->bsd = true;
      if (flag == 'u') format->user = true;
      if (!absl::StrContains("axuwecrTg", flag)) format->known = false;
    } else {
      if (flag == 'f') format->full = true;
      if (flag == 'F') format->extra_full = true;
      if (flag == 'L') format->threads = true;
      if (!absl::StrContains("efFLAadNw", flag)) format->known = false;
    }
  }
}

Format FormatOf(const Words& words) {
  Format format;
  for (size_t i = 1; i < words.size() && format.known; ++i) {
    absl::string_view word = words[i];
    const absl::string_view next = i + 1 < words.size() ? words[i + 1] : absl::string_view();
    bool takes_next = false;
    if (absl::ConsumePrefix(&word, "--format=")) {
      AddList(word, &format);
    } else if (word == "--format") {
      AddList(next, &format);
      takes_next = true;
    } else if (absl::StartsWith(word, "--no-head") || absl::StartsWith(word, "--sort=") ||
               absl::StartsWith(word, "--pid=") || absl::StartsWith(word, "--ppid=")) {
      // chooses, or sorts
    } else if (word == "--sort" || word == "--pid" || word == "--ppid") {
      takes_next = true;
    } else if (absl::StartsWith(word, "--")) {
      format.known = false;
    } else if (absl::StartsWith(word, "-aux")) {
      ReadFlags(word.substr(1), /*bsd=*/true, next, &takes_next, &format);  // as procps takes it
    } else if (absl::ConsumePrefix(&word, "-")) {
      ReadFlags(word, /*bsd=*/false, next, &takes_next, &format);
    } else if (!word.empty() && !absl::ascii_isdigit(word.front())) {
      ReadFlags(word, /*bsd=*/true, next, &takes_next, &format);
    }
    if (takes_next) ++i;
  }
  return format;
}

}  // namespace

std::vector<std::string> PsColumns(const ShellCommand& command) {
  if (command.tool() != "ps") return {};
  for (size_t i = 1; i < command.stages.size(); ++i) {
    const Words& words = command.stages[i];
    if (words.empty() || std::find(std::begin(kKeepingLines), std::end(kKeepingLines), words[0]) ==
                             std::end(kKeepingLines)) {
      return {};
    }
  }
  const Format format = FormatOf(command.stages[0]);
  absl::string_view columns = "PID TTY TIME CMD";
  if (!format.known) return {};
  if (!format.listed.empty()) {
    const bool has_pid =
        std::find(format.listed.begin(), format.listed.end(), "PID") != format.listed.end();
    return has_pid ? format.listed : std::vector<std::string>();
  }
  if (format.bsd && (format.full || format.extra_full || format.threads)) return {};
  if (format.user) {
    columns = "USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND";
  } else if (format.bsd) {
    columns = "PID TTY STAT TIME COMMAND";
  } else if (format.threads) {
    if (!format.full || format.extra_full) return {};
    columns = "UID PID PPID LWP C NLWP STIME TTY TIME CMD";
  } else if (format.extra_full) {
    columns = "UID PID PPID C SZ RSS PSR STIME TTY TIME CMD";
  } else if (format.full) {
    columns = "UID PID PPID C STIME TTY TIME CMD";
  }
  return absl::StrSplit(columns, ' ');
}

}  // namespace tcpmedic
