// The output of ps(1). Which column is what is read from its header, of whatever ps that is; where
// a grep has dropped the header, from the command (`ps aux | grep app`).
#ifndef TCPMEDIC_OBSERVE_RECORDED_PS_TEXT_H_
#define TCPMEDIC_OBSERVE_RECORDED_PS_TEXT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "observe/recorded/ps_columns.h"
#include "observe/recorded/recording.h"
#include "observe/recorded/shell_command.h"
#include "observe/recorded/unread_runs.h"

namespace tcpmedic {

// Not thread-safe.
class PsText {
 public:
  // Both must outlive this.
  PsText(absl::string_view input, RecordingSink* sink, UnreadRuns* unread)
      : input_(input), sink_(sink), unread_(unread) {}

  // A new command begins, and with it other columns.
  void Begin(const ShellCommand& command) { columns_ = PsColumns(command); }
  // False: not a line of ps. True: read, or listed as unread.
  bool Line(int64_t number, absl::string_view line);

 private:
  bool Header(absl::string_view line);
  bool Row(int64_t number, absl::string_view line);

  const std::string input_;
  RecordingSink* const sink_;
  UnreadRuns* const unread_;
  std::vector<std::string> columns_;  // empty: not known
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_RECORDED_PS_TEXT_H_
