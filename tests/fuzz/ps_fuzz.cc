// Any lines, to the reader of ps.
#include <cstddef>
#include <cstdint>

#include "observe/recorded/ps_text.h"
#include "tests/fuzz/checking_sink.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tcpmedic;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  CheckingSink sink(LinesIn(text));
  UnreadRuns unread("in", &sink);
  PsText ps("in", &sink, &unread);
  ForEachLine(text, [&](int64_t number, absl::string_view line) { ps.Line(number, line); });
  return 0;
}
