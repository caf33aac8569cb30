#include "observe/counters.h"

#include <array>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

namespace tcpmedic {
namespace {

// Takes the next line off the text, without its end.
absl::string_view NextLine(absl::string_view* text) {
  const size_t end = text->find('\n');
  const absl::string_view line = text->substr(0, end);
  text->remove_prefix(end == absl::string_view::npos ? text->size() : end + 1);
  return line;
}

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// Takes the next word off the line; empty at its end.
absl::string_view NextWord(absl::string_view* line) {
  size_t start = 0;
  while (start < line->size() && IsBlank((*line)[start])) ++start;
  size_t end = start;
  while (end < line->size() && !IsBlank((*line)[end])) ++end;
  const absl::string_view word = line->substr(start, end - start);
  line->remove_prefix(end);
  return word;
}

int CountWords(absl::string_view line) {
  int words = 0;
  while (!NextWord(&line).empty()) ++words;
  return words;
}

// Takes "TcpExt:" off the line and gives "TcpExt"; empty where the line has no such start.
absl::string_view TakePrefix(absl::string_view* line) {
  absl::string_view word = NextWord(line);
  if (word.size() < 2 || word.back() != ':') return absl::string_view();
  word.remove_suffix(1);
  return word;
}

// A counter's name put together from its parts without allocating, as names are looked up far more
// often than they are new.
class CounterName {
 public:
  bool Append(absl::string_view part) {
    if (part.size() > text_.size() - size_) return false;
    std::memcpy(text_.data() + size_, part.data(), part.size());
    size_ += part.size();
    return true;
  }
  // "tcp6" and "TCP6" become "Tcp6".
  bool AppendCapitalized(absl::string_view part) {
    const size_t start = size_;
    if (part.empty() || !Append(part)) return false;
    text_[start] = absl::ascii_toupper(text_[start]);
    for (size_t i = start + 1; i < size_; ++i) text_[i] = absl::ascii_tolower(text_[i]);
    return true;
  }
  absl::string_view text() const { return absl::string_view(text_.data(), size_); }

 private:
  std::array<char, 128> text_;
  size_t size_ = 0;
};

bool SetIfNumber(absl::string_view name, absl::string_view digits, CounterSample* sample) {
  int64_t value = 0;
  if (!absl::SimpleAtoi(digits, &value)) return false;
  sample->Set(name, value);
  return true;
}

}  // namespace

std::optional<int64_t> CounterSample::Get(absl::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

int ParseNetstat(absl::string_view text, CounterSample* sample) {
  int malformed = 0;
  while (!text.empty()) {
    absl::string_view names = NextLine(&text);
    const absl::string_view prefix = TakePrefix(&names);
    absl::string_view after_names = text;
    absl::string_view values = NextLine(&after_names);
    // A value under the wrong name is worse than none, so a pair that does not line up is dropped
    // whole.
    if (prefix.empty() || TakePrefix(&values) != prefix ||
        CountWords(names) != CountWords(values)) {
      ++malformed;
      continue;
    }
    text = after_names;
    for (absl::string_view name = NextWord(&names); !name.empty(); name = NextWord(&names)) {
      CounterName full;
      const absl::string_view value = NextWord(&values);
      if (!full.Append(prefix) || !full.Append(name) || !SetIfNumber(full.text(), value, sample)) {
        ++malformed;
      }
    }
  }
  return malformed;
}

int ParseSnmp6(absl::string_view text, CounterSample* sample) {
  int malformed = 0;
  while (!text.empty()) {
    absl::string_view line = NextLine(&text);
    const absl::string_view name = NextWord(&line);
    const absl::string_view value = NextWord(&line);
    if (!NextWord(&line).empty() || !SetIfNumber(name, value, sample)) ++malformed;
  }
  return malformed;
}

int ParseSockstat(absl::string_view text, CounterSample* sample) {
  int malformed = 0;
  while (!text.empty()) {
    absl::string_view line = NextLine(&text);
    const absl::string_view protocol = TakePrefix(&line);
    if (protocol.empty() || CountWords(line) % 2 != 0) {
      ++malformed;
      continue;
    }
    for (absl::string_view name = NextWord(&line); !name.empty(); name = NextWord(&line)) {
      CounterName full;
      const absl::string_view value = NextWord(&line);
      if (!full.Append("Sockstat") || !full.AppendCapitalized(protocol) ||
          !full.AppendCapitalized(name) || !SetIfNumber(full.text(), value, sample)) {
        ++malformed;
      }
    }
  }
  return malformed;
}

}  // namespace tcpmedic
