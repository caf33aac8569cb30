// What could not be read, gathered into runs: a thousand lines of the same reason are one Unread.
// Bounded, so that an input of nothing but riddles does not fill the memory of whoever listens.
// Not thread-safe.
#ifndef TCPMEDIC_OBSERVE_RECORDED_UNREAD_RUNS_H_
#define TCPMEDIC_OBSERVE_RECORDED_UNREAD_RUNS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "observe/recorded/recording.h"

namespace tcpmedic {

class UnreadRuns {
 public:
  // After this many, all further ones are one, whatever their reason.
  static constexpr int kMaxRuns = 1000;

  // `sink` must outlive this.
  UnreadRuns(absl::string_view input, RecordingSink* sink) : input_(input), sink_(sink) {}
  ~UnreadRuns();
  UnreadRuns(const UnreadRuns&) = delete;
  UnreadRuns& operator=(const UnreadRuns&) = delete;

  // `text` is the line; nothing of it is shown where `binary`. `line` 0: the input as a whole.
  // Joins the run before it where the reason is the same, and End was not called between.
  void Add(int64_t line, absl::string_view reason, absl::string_view text, bool binary = false);
  // A line was read: hands on the run, if there is one.
  void End();
  // How often Add was called.
  int64_t added() const { return added_; }

 private:
  const std::string input_;
  RecordingSink* const sink_;
  std::optional<Unread> run_;
  int runs_ = 0;
  int64_t added_ = 0;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_RECORDED_UNREAD_RUNS_H_
