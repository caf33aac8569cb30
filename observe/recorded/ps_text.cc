#include "observe/recorded/ps_text.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "observe/printable.h"

namespace tcpmedic {
namespace {

constexpr size_t kMaxColumns = 64;
constexpr int kMaxArguments = 64;
constexpr size_t kMaxCommandBytes = 4096;

constexpr absl::string_view kColumns[] = {
    "PID",   "PPID",  "LWP",   "NLWP",    "SPID",    "UID",   "USER",    "RUSER", "EUSER", "STAT",
    "S",     "RSS",   "RSZ",   "VSZ",     "SZ",      "%CPU",  "%MEM",    "C",     "TTY",   "TT",
    "TIME",  "STIME", "START", "STARTED", "ELAPSED", "CMD",   "COMMAND", "PRI",   "NI",    "F",
    "WCHAN", "PGID",  "SID",   "CGROUP",  "PSR",     "MAJFL", "TRS",     "DRS",   "THCNT", "ARGS"};

bool IsColumn(absl::string_view word) {
  return std::find(std::begin(kColumns), std::end(kColumns), word) != std::end(kColumns);
}

bool IsCommand(absl::string_view column) {
  return column == "CMD" || column == "COMMAND" || column == "ARGS";
}

absl::string_view TakeWord(absl::string_view* text) {
  *text = absl::StripLeadingAsciiWhitespace(*text);
  const size_t end = std::min(text->find_first_of(" \t"), text->size());
  const absl::string_view word = text->substr(0, end);
  text->remove_prefix(end);
  return word;
}

bool IsOneOf(absl::string_view word, absl::string_view names) {
  return word.size() == 3 && absl::StrContains(names, word);
}

// "Thu Jan  1 00:00:00 2026" and "Jan 01" are several words in one column.
int WordsOfDate(absl::string_view first) {
  if (IsOneOf(first, "Mon Tue Wed Thu Fri Sat Sun")) return 5;
  if (IsOneOf(first, "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec")) return 2;
  return 1;
}

// The kernel's comm of what ps prints as the command: "/usr/bin/app-server -v" → "app-server",
// "[kworker/0:1]" → "kworker/0:1".
std::string CommOf(absl::string_view command) {
  if (!command.empty() && command.front() == '[') {
    const size_t close = command.find(']');
    if (close != absl::string_view::npos) return Printable(command.substr(1, close - 1));
  }
  absl::string_view program = command.substr(0, command.find(' '));
  // "sshd: me@pts/0", "nginx: worker process": what a program says of itself.
  if (!program.empty() && program.back() == ':') {
    program.remove_suffix(1);
  } else if (const size_t slash = program.rfind('/'); slash != absl::string_view::npos) {
    program.remove_prefix(slash + 1);
  }
  return Printable(program);
}

// The last column, which has the arguments where ps was asked for them. A name may stand in a
// column before it (-o comm,args).
void SetCommand(absl::string_view command, v1::Process* process) {
  command = command.substr(0, kMaxCommandBytes);
  if (process->comm().empty()) process->set_comm(CommOf(command));
  for (const absl::string_view argument : absl::StrSplit(command, ' ', absl::SkipEmpty())) {
    if (process->cmdline_size() == kMaxArguments) return;
    process->add_cmdline(Printable(argument));
  }
}

}  // namespace

bool PsText::Line(int64_t number, absl::string_view line) {
  return Header(line) || Row(number, line);
}

bool PsText::Header(absl::string_view line) {
  std::vector<std::string> words = absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
  if (words.size() < 2 || words.size() > kMaxColumns) return false;
  if (std::find(words.begin(), words.end(), "PID") == words.end()) return false;
  // ps has more columns than are known here; that two are is enough beside PID.
  if (std::count_if(words.begin(), words.end(), IsColumn) < 2) return false;
  const bool capitals = std::none_of(line.begin(), line.end(), absl::ascii_islower);
  if (!capitals) return false;
  columns_ = std::move(words);
  return true;
}

bool PsText::Row(int64_t number, absl::string_view line) {
  if (columns_.empty()) return false;
  RecordedProcess recorded;
  recorded.place = {input_, number};
  v1::Process& process = recorded.process;
  absl::string_view rest = line;
  for (size_t i = 0; i < columns_.size(); ++i) {
    const absl::string_view column = columns_[i];
    const bool last = i + 1 == columns_.size();
    if (last && IsCommand(column)) {
      rest = absl::StripAsciiWhitespace(rest);
      const size_t hash = rest.find(" # ");
      if (hash != absl::string_view::npos) {
        recorded.remark = Printable(absl::StripAsciiWhitespace(rest.substr(hash + 1)));
        rest = absl::StripTrailingAsciiWhitespace(rest.substr(0, hash));
      }
      if (rest.empty()) return false;
      SetCommand(rest, &process);
      rest = absl::string_view();
      break;
    }
    const absl::string_view word = TakeWord(&rest);
    if (word.empty()) return false;
    if (column == "STARTED" || column == "START" || column == "STIME") {
      for (int more = WordsOfDate(word) - 1; more > 0; --more) TakeWord(&rest);
    } else if (column == "PID") {
      int32_t pid = 0;
      if (!absl::SimpleAtoi(word, &pid) || pid <= 0) return false;
      process.set_pid(pid);
    } else if (column == "UID") {
      uint32_t uid = 0;
      if (absl::SimpleAtoi(word, &uid)) process.set_uid(uid);  // ps -f prints names here
    } else if (column == "RSS" || column == "RSZ") {
      int64_t kib = 0;
      if (!absl::SimpleAtoi(word, &kib) || kib < 0 || kib > INT64_MAX / 1024) return false;
      process.set_rss_bytes(kib * 1024);
    } else if (IsCommand(column)) {
      process.set_comm(CommOf(word));
    }
  }
  rest = absl::StripAsciiWhitespace(rest);
  if (absl::StartsWith(rest, "# ")) {
    recorded.remark = Printable(rest);
  } else if (!rest.empty()) {
    // A name with a blank in a column before the last: where the others end cannot be known.
    unread_->Add(number, "a line of ps with more words than columns", line);
    return true;
  }
  sink_->OnProcess(recorded);
  return true;
}

}  // namespace tcpmedic
