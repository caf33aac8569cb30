// Any lines, to the reader of counters; a first line that begins with '$' is the command.
#include <cstddef>
#include <cstdint>

#include "observe/recorded/counters_text.h"
#include "tests/fuzz/checking_sink.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tcpmedic;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  CheckingSink sink(LinesIn(text));
  UnreadRuns unread("in", &sink);
  CountersText counters("in", &sink, &unread);
  ForEachLine(text, [&](int64_t number, absl::string_view line) {
    if (number == 1 && !line.empty() && line[0] == '$') {
      counters.Begin(ParseShellCommand(line.substr(1)));
    } else {
      counters.Line(number, line);
    }
  });
  counters.End();
  return 0;
}
