// watch: a live table on a terminal, lines appended to anything else, one JSON object per line with
// -o json.
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/operator_client.h"
#include "cli/render/lists.h"
#include "cli/watch_state.h"
#include "core/clock.h"

namespace tcpmedic::cli {
namespace {

// How soon Ctrl-C and the end of --for are noticed.
constexpr absl::Duration kTick = absl::Milliseconds(200);
constexpr absl::Duration kRedraw = absl::Seconds(1);
constexpr absl::Duration kReconnect = absl::Seconds(1);
constexpr int kMaxClosedShown = 10;

volatile sig_atomic_t interrupted = 0;
void OnInterrupt(int) { interrupted = 1; }

absl::Duration Uptime() { return Clock::Real()->Now().uptime; }

int TerminalLines() {
  winsize size = {};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0;
  return known ? size.ws_row : 24;
}

// A block of lines that is drawn over itself.
class LiveBlock {
 public:
  // `body` is cut where it does not fit the terminal: what has scrolled away cannot be drawn over.
  void Draw(absl::string_view body, absl::string_view last_line) {
    std::vector<absl::string_view> lines = absl::StrSplit(body, '\n', absl::SkipEmpty());
    const size_t room = std::max(TerminalLines() - 3, 1);
    const size_t left_out = lines.size() > room ? lines.size() - room : 0;
    lines.resize(lines.size() - left_out);
    const std::string more = left_out == 0 ? "" : absl::StrCat("… ", left_out, " more\n");
    const std::string text = absl::StrCat(absl::StrJoin(lines, "\n"), "\n", more, last_line, "\n");
    // Auto-wrap off: a line that is too long must stay one line, or the next drawing begins too
    // low.
    Print(absl::StrCat("\x1b[?7l", Back(), text, "\x1b[?7h"));
    lines_ = static_cast<int>(std::count(text.begin(), text.end(), '\n'));
  }

 private:
  std::string Back() const { return lines_ == 0 ? "" : absl::StrCat("\r\x1b[", lines_, "A\x1b[J"); }
  int lines_ = 0;
};

class Watcher {
 public:
  Watcher(const Invocation& invocation, absl::Duration length)
      : invocation_(invocation),
        client_(invocation.controller),
        end_(Uptime() + length),
        live_(!invocation.json && isatty(STDOUT_FILENO) != 0) {}

  int Run() {
    for (;;) {
      state_.BeginStream();
      const absl::Status status =
          client_.Watch(kTick, [&](const v1::WatchEvent* event) { return OnEvent(event); });
      if (status.ok()) return kDone;
      // Nobody there from the start is a mistake; somebody who went may come back.
      if (!was_connected_ || !absl::IsUnavailable(status)) return Fail(invocation_, status);
      if (connected_) Say("The controller went away; waiting for it to come back.");
      connected_ = false;
      for (const absl::Duration retry = Uptime() + kReconnect; Uptime() < retry;) {
        if (IsOver()) return kDone;
        absl::SleepFor(kTick);
      }
    }
  }

 private:
  bool IsOver() const { return interrupted != 0 || Uptime() >= end_; }

  bool OnEvent(const v1::WatchEvent* event) {
    if (event != nullptr) {
      if (!connected_) {
        if (was_connected_) Say("The controller is back.");
        connected_ = was_connected_ = true;
      }
      Take(*event);
    }
    if (live_ && Uptime() >= next_redraw_) Redraw();
    return !IsOver();
  }

  void Take(const v1::WatchEvent& event) {
    const bool first_sync = event.synced() && !was_synced_;
    const bool news = state_.Apply(event);
    was_synced_ = was_synced_ || event.synced();
    if (invocation_.json) {
      Print(PrintJsonLine(ToJson(event)));
    } else if (live_) {
      next_redraw_ = absl::ZeroDuration();
    } else if (news) {
      Print(RenderIncidentLine(event.incident(), absl::Now(), StyleOf(invocation_)));
    } else if (first_sync) {
      Say(absl::StrCat("Watching ", invocation_.controller, ": ", state_.open(), " open."));
    }
  }

  void Redraw() {
    next_redraw_ = Uptime() + kRedraw;
    if (!state_.synced()) return;
    const Style style = StyleOf(invocation_);
    const absl::Time now = absl::Now();
    const std::string clock = absl::FormatTime("%H:%M:%S UTC", now, absl::UTCTimeZone());
    const std::string notice = notice_.empty() ? "" : absl::StrCat("  ", notice_);
    block_.Draw(
        RenderIncidents(state_.Incidents(kMaxClosedShown), {}, now, style),
        Painted(style, Paint::kDim, absl::StrCat(clock, notice, "  Ctrl-C ends the watch")));
  }

  // On the table's last line where there is a table, else to standard error: standard output holds
  // events alone.
  void Say(const std::string& sentence) {
    notice_ = sentence;
    if (live_) {
      Redraw();
    } else {
      fprintf(stderr, "%s\n", sentence.c_str());
    }
  }

  const Invocation& invocation_;
  OperatorClient client_;
  const absl::Duration end_;
  const bool live_;
  WatchState state_;
  LiveBlock block_;
  std::string notice_;
  bool connected_ = false;
  bool was_connected_ = false;
  bool was_synced_ = false;
  absl::Duration next_redraw_ = absl::ZeroDuration();
};

std::string CheckDuration(const std::string& text) {
  absl::Duration duration;
  if (absl::ParseDuration(text, &duration) && duration > absl::ZeroDuration()) return "";
  return absl::StrCat("'", text, "' is not a duration; write it like 30s or 5m");
}

}  // namespace

void AddWatchCommand(CLI::App& app, Invocation& invocation) {
  const auto length = std::make_shared<std::string>("inf");
  CLI::App* const command =
      app.add_subcommand("watch", "Follow incidents as they open, change and close");
  command->add_option("--for", *length, "End after this long (default: at Ctrl-C)")
      ->check(CheckDuration);
  command->callback([&invocation, length] {
    struct sigaction action = {};
    action.sa_handler = OnInterrupt;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    absl::Duration duration;
    absl::ParseDuration(*length, &duration);
    invocation.exit_code = Watcher(invocation, duration).Run();
  });
}

}  // namespace tcpmedic::cli
