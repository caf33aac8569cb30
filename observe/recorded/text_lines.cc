#include "observe/recorded/text_lines.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/errno_status.h"

namespace tcpmedic {
namespace {

constexpr size_t kBlockBytes = 64 * 1024;
constexpr absl::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr char kEscape = '\x1b';
constexpr char kBell = '\a';

// The length of the escape sequence that `text` begins with; the whole of `text` where it is cut.
size_t EscapeLength(absl::string_view text) {
  if (text.size() < 2) return text.size();
  if (text[1] == '[') {  // CSI: parameters, then one byte from '@' to '~'
    for (size_t i = 2; i < text.size(); ++i) {
      if (text[i] >= '@' && text[i] <= '~') return i + 1;
    }
    return text.size();
  }
  if (text[1] == ']') {  // OSC: up to BEL, or to ESC and a backslash
    for (size_t i = 2; i < text.size(); ++i) {
      if (text[i] == kBell) return i + 1;
      if (text[i] == kEscape) return std::min(i + 2, text.size());
    }
    return text.size();
  }
  // "ESC ( B" selects a character set.
  return text[1] == '(' || text[1] == ')' ? std::min<size_t>(3, text.size()) : 2;
}

// How many bytes UTF-8's character there takes, by its first; 0: none begins so, or it is cut.
size_t CharacterLength(absl::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return 1;
  const size_t length = first < 0xc2   ? 0
                        : first < 0xe0 ? 2
                        : first < 0xf0 ? 3
                        : first < 0xf5 ? 4
                                       : 0;
  if (length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 0;
  }
  return length;
}

bool IsBinary(absl::string_view text) {
  size_t foreign = 0;
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '\0') return true;
    const size_t length = CharacterLength(text.substr(i));
    if (length == 0 || (static_cast<unsigned char>(c) < 0x20 && c != '\t')) ++foreign;
    i += std::max<size_t>(length, 1);
  }
  return foreign > 0 && foreign * 8 >= text.size();
}

}  // namespace

void StripEscapes(std::string* text) {
  size_t kept = 0;
  for (size_t i = 0; i < text->size();) {
    if ((*text)[i] == kEscape) {
      i += EscapeLength(absl::string_view(*text).substr(i));
    } else {
      (*text)[kept++] = (*text)[i++];
    }
  }
  text->resize(kept);
}

TextLines::TextLines(int fd, absl::string_view start, absl::string_view input)
    : fd_(fd), input_(input), block_(kBlockBytes, '\0'), rest_(start), bytes_read_(start.size()) {
  if (absl::StartsWith(rest_, kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
}

absl::StatusOr<bool> TextLines::Fill() {
  while (true) {
    const ssize_t size = read(fd_, block_.data(), block_.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return ErrnoStatus(absl::StrCat("read ", input_));
    rest_ = absl::string_view(block_.data(), size);
    if (bytes_read_ == 0 && absl::StartsWith(rest_, kByteOrderMark)) {
      rest_.remove_prefix(kByteOrderMark.size());
    }
    bytes_read_ += size;
    return size > 0;
  }
}

void TextLines::Keep(absl::string_view part) {
  const absl::string_view kept = part.substr(0, kMaxLineBytes - line_.size());
  line_.append(kept.data(), kept.size());
  dropped_bytes_ += part.size() - kept.size();
}

absl::StatusOr<bool> TextLines::Next(TextLine* line) {
  line_.clear();
  dropped_bytes_ = 0;
  bool any = false, ended = false;
  while (!ended) {
    if (rest_.empty()) {
      const absl::StatusOr<bool> filled = Fill();
      if (!filled.ok()) return filled.status();
      if (!*filled) break;
      if (rest_.empty()) continue;  // nothing but a byte order mark
    }
    any = true;
    const size_t end = rest_.find('\n');
    ended = end != absl::string_view::npos;
    Keep(rest_.substr(0, end));
    rest_.remove_prefix(ended ? end + 1 : rest_.size());
  }
  if (!any) return false;
  if (absl::StrContains(line_, kEscape)) StripEscapes(&line_);
  while (!line_.empty() && line_.back() == '\r') line_.pop_back();
  *line = {++number_, line_, dropped_bytes_, IsBinary(line_)};
  return true;
}

}  // namespace tcpmedic
