// The output of ps(1) with its header: which column is what is read from there (`ps -p … -o
// pid,stat,rss,cmd`, `ps aux`, `ps -ef`, `ps v`).
#ifndef TCPMEDIC_OBSERVE_RECORDED_PS_TEXT_H_
#define TCPMEDIC_OBSERVE_RECORDED_PS_TEXT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "observe/recorded/recording.h"
#include "observe/recorded/unread_runs.h"

namespace tcpmedic {

// Not thread-safe.
class PsText {
 public:
  // Both must outlive this.
  PsText(absl::string_view input, RecordingSink* sink, UnreadRuns* unread)
      : input_(input), sink_(sink), unread_(unread) {}

  // A new command begins: the columns are no longer known.
  void Begin() { columns_.clear(); }
  // False: not a line of ps. True: read, or listed as unread.
  bool Line(int64_t number, absl::string_view line);

 private:
  bool Header(absl::string_view line);
  bool Row(int64_t number, absl::string_view line);

  const std::string input_;
  RecordingSink* const sink_;
  UnreadRuns* const unread_;
  std::vector<std::string> columns_;  // empty: no header yet
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_RECORDED_PS_TEXT_H_
