#include "observe/recorded/text_reader.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "observe/capture/tcpdump_text.h"
#include "observe/printable.h"
#include "observe/recorded/count_command.h"
#include "observe/recorded/counters_text.h"
#include "observe/recorded/input_kind.h"
#include "observe/recorded/ps_text.h"
#include "observe/recorded/shell_command.h"
#include "observe/recorded/ss_command.h"
#include "observe/recorded/ss_text.h"
#include "observe/recorded/text_lines.h"
#include "observe/recorded/unread_runs.h"

namespace tcpmedic {
namespace {

// Of a file that begins with more of them nothing is text.
constexpr int64_t kMostBinaryLines = 16;
constexpr int64_t kProgressBytes = 64 * 1024;

constexpr absl::string_view kReadTools[] = {"ss",      "nstat",  "netstat", "ps",
                                            "tcpdump", "sysctl", "cat"};

bool IsFence(absl::string_view line) {
  return absl::ConsumePrefix(&line, "```") && !absl::StrContains(line, ' ');
}

// Gives each line to whoever knows it.
class Session {
 public:
  Session(absl::string_view input, RecordingSink* sink)
      : input_(input),
        sink_(sink),
        unread_(input, sink),
        ss_(input, sink, &unread_),
        counters_(input, sink, &unread_),
        ps_(input, sink, &unread_),
        tcpdump_(input_, sink) {}

  void Line(const TextLine& line);
  void End();
  // The first `lines` of the input.
  void Binary(int64_t lines) {
    for (int64_t line = 1; line <= lines; ++line) {
      unread_.Add(line, "binary data", "", /*binary=*/true);
    }
  }
  // Of the input as a whole.
  void Unreadable(absl::string_view reason) { unread_.Add(0, reason, "", /*binary=*/true); }

 private:
  void Begin(const Place& place, absl::string_view command);
  bool Take(int64_t number, absl::string_view line);
  bool TakeTcpdump(int64_t number, absl::string_view line);
  bool TakeCount(int64_t number, absl::string_view line);
  std::string ReasonForUnread() const;

  const std::string input_;
  RecordingSink* const sink_;
  UnreadRuns unread_;
  SsText ss_;
  CountersText counters_;
  PsText ps_;
  TcpdumpTextReader tcpdump_;

  ShellCommand command_;
  std::optional<CountCommand> count_;  // the command prints one number, which is still to come
  // A command that goes on in the next line: what there is of it, and where it began.
  std::string begun_command_;
  Place begun_place_;
  bool in_tcpdump_ = false;  // the line before was tcpdump's
};

void Session::Line(const TextLine& line) {
  if (line.binary) {
    unread_.Add(line.number, "binary data", "", /*binary=*/true);
    return;
  }
  if (line.dropped_bytes > 0) {
    unread_.Add(line.number,
                absl::StrCat("what follows the first ", kMaxLineBytes / 1024, " KiB of a line"),
                line.text);
  }
  const absl::string_view text = absl::StripTrailingAsciiWhitespace(line.text);
  if (!begun_command_.empty()) {
    absl::string_view more = absl::StripLeadingAsciiWhitespace(text);
    absl::ConsumePrefix(&more, "> ");  // the shell's second prompt
    const bool goes_on = absl::ConsumeSuffix(&more, "\\");
    more = absl::StripAsciiWhitespace(more);
    if (begun_command_.size() + more.size() < kMaxLineBytes) {
      absl::StrAppend(&begun_command_, " ", more);
    }
    if (!goes_on) Begin(begun_place_, begun_command_);
    return;
  }
  if (text.empty() || IsFence(text)) return;
  if (std::optional<absl::string_view> command = AfterPrompt(text); command.has_value()) {
    const Place place{input_, line.number};
    if (absl::ConsumeSuffix(&*command, "\\")) {
      begun_command_ = std::string(absl::StripTrailingAsciiWhitespace(*command));
      begun_place_ = place;
    } else if (!command->empty()) {
      Begin(place, *command);
    }
    return;
  }
  const int64_t unread_before = unread_.added();
  if (!Take(line.number, text)) {
    unread_.Add(line.number, ReasonForUnread(), text);
  } else if (unread_.added() == unread_before) {
    unread_.End();
  }
}

void Session::Begin(const Place& place, absl::string_view command) {
  End();
  command_ = ParseShellCommand(command);
  begun_command_.clear();
  count_ = ParseCountCommand(command_);
  ss_.Begin(ParseSsOutput(command_));
  counters_.Begin(command_);
  ps_.Begin(command_);
  sink_->OnCommand({place, Printable(command_.text)});
}

void Session::End() {
  unread_.End();
  ss_.End();
  counters_.End();
  tcpdump_.End();
  in_tcpdump_ = false;
}

bool Session::Take(int64_t number, absl::string_view line) {
  // tcpdump's lines may be indented like anybody's: those that it has begun are its own.
  const bool tcpdump_first = in_tcpdump_ || command_.tool() == "tcpdump";
  if (tcpdump_first && TakeTcpdump(number, line)) return true;
  if (TakeCount(number, line) || ss_.Line(number, line) || counters_.Line(number, line) ||
      ps_.Line(number, line)) {
    in_tcpdump_ = false;
    return true;
  }
  return !tcpdump_first && TakeTcpdump(number, line);
}

bool Session::TakeTcpdump(int64_t number, absl::string_view line) {
  in_tcpdump_ = tcpdump_.Line(number, line) != TcpdumpTextReader::Taken::kNotTcpdump;
  return in_tcpdump_;
}

bool Session::TakeCount(int64_t number, absl::string_view line) {
  int64_t lines = 0;
  if (!count_.has_value() || !absl::SimpleAtoi(line, &lines) || lines < 0) return false;
  if (!count_->unusable.empty()) {
    unread_.Add(number, count_->unusable, line);
  } else {
    RecordedCount count;
    count.place = {input_, number};
    count.state = std::string(Name(*count_->state));
    count.count = lines;
    count.counts_header = count_->counts_header;
    count.only_some = count_->only_some;
    sink_->OnCount(count);
  }
  count_.reset();
  return true;
}

std::string Session::ReasonForUnread() const {
  const absl::string_view tool = command_.tool();
  if (tool.empty()) return "not a line of ss, nstat, netstat, ps, sysctl or tcpdump";
  if (std::find(std::begin(kReadTools), std::end(kReadTools), tool) == std::end(kReadTools)) {
    return absl::StrCat("what ", Printable(tool.substr(0, 32)), " prints is not read");
  }
  return absl::StrCat("not a line of ", tool == "cat" ? "counters or settings" : tool);
}

}  // namespace

absl::Status ReadText(int fd, absl::string_view start, absl::string_view input, RecordingSink* sink,
                      absl::FunctionRef<void(int64_t bytes)> on_progress) {
  Session session(input, sink);
  TextLines lines(fd, start, input);
  TextLine line;
  int64_t reported = 0;
  int64_t binary = 0;  // lines, before the first that is not
  while (true) {
    const absl::StatusOr<bool> more = lines.Next(&line);
    if (!more.ok()) {
      session.End();
      return more.status();
    }
    if (!*more) break;
    // Of a file that is none of text the lines mean nothing, and there may be gigabytes of them.
    if (line.binary && binary + 1 == line.number) {
      if (++binary > kMostBinaryLines) break;
      continue;
    }
    if (binary > 0 && binary + 1 == line.number) session.Binary(binary);
    session.Line(line);
    if (lines.bytes_read() - reported >= kProgressBytes) {
      reported = lines.bytes_read();
      on_progress(reported);
    }
  }
  if (line.number == 0) session.Unreadable("it is empty");
  if (line.number > 0 && binary == line.number) {
    session.Unreadable("binary data: neither a text nor a capture");
  }
  session.End();
  on_progress(lines.bytes_read());
  return absl::OkStatus();
}

}  // namespace tcpmedic
