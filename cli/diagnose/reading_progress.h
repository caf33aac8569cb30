// How far a long reading is, as a bar on standard error: from its second second on, and only on a
// terminal. Not thread-safe.
#ifndef TCPMEDIC_CLI_DIAGNOSE_READING_PROGRESS_H_
#define TCPMEDIC_CLI_DIAGNOSE_READING_PROGRESS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cli/progress.h"
#include "cli/render/text.h"

namespace tcpmedic::cli {

class ReadingProgress {
 public:
  ReadingProgress(const Style& style, bool terminal);

  // `total_bytes` unset: it is not known, as of a pipe.
  void Begin(absl::string_view input, std::optional<int64_t> total_bytes);
  // Cheap: draws at most ten times a second.
  void Read(int64_t bytes);
  void End();

 private:
  Progress progress_;
  const bool terminal_;
  std::string input_;
  std::optional<int64_t> total_bytes_;
  absl::Time began_;
  absl::Time drawn_at_;
  bool shown_ = false;
};

// "████████            42 % of 1 GiB, 512 MiB/s, 2 s left"; without a total: "430 MiB, 512
// MiB/s". Pure.
std::string ProgressText(int64_t bytes, std::optional<int64_t> total_bytes, absl::Duration taken);

// `done` of `total` as a bar of twenty columns. Pure.
std::string BarText(double done, double total);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DIAGNOSE_READING_PROGRESS_H_
