// The lines of a text, one at a time from a file descriptor. Memory is bounded whatever the input:
// of a longer line the first 64 KiB are kept. Not thread-safe.
#ifndef TCPMEDIC_OBSERVE_RECORDED_TEXT_LINES_H_
#define TCPMEDIC_OBSERVE_RECORDED_TEXT_LINES_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tcpmedic {

inline constexpr size_t kMaxLineBytes = 64 * 1024;

struct TextLine {
  int64_t number = 0;  // from 1
  // Without its end (LF, CR LF), escape sequences of a terminal and a byte order mark. Valid until
  // the next.
  absl::string_view text;
  int64_t dropped_bytes = 0;  // past kMaxLineBytes
  bool binary = false;        // a NUL, or one byte in eight or more a control or not UTF-8
};

class TextLines {
 public:
  // `start` was read from `fd` before. `input` names it in errors; both views must outlive this.
  TextLines(int fd, absl::string_view start, absl::string_view input);

  // False at the end. A last line without an end counts. Errors: as ErrnoStatus.
  absl::StatusOr<bool> Next(TextLine* line);

  int64_t bytes_read() const { return bytes_read_; }

 private:
  absl::StatusOr<bool> Fill();  // false at the end of the input
  void Keep(absl::string_view part);

  const int fd_;
  const absl::string_view input_;
  std::string block_;
  absl::string_view rest_;  // of `start` or of block_: what no line has taken yet
  std::string line_;
  int64_t number_ = 0;
  int64_t dropped_bytes_ = 0;
  int64_t bytes_read_ = 0;
};

// Takes the escape sequences of a terminal (ECMA-48: CSI, OSC, two-byte ones) out of `*text`.
void StripEscapes(std::string* text);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_RECORDED_TEXT_LINES_H_
