// Any lines, to the reader of ss: the first byte says what the command was.
#include <cstddef>
#include <cstdint>

#include "observe/recorded/ss_text.h"
#include "tests/fuzz/checking_sink.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tcpmedic;
  if (size == 0) return 0;
  const absl::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  CheckingSink sink(LinesIn(text));
  UnreadRuns unread("in", &sink);
  SsText ss("in", &sink, &unread);
  SsOutput output;
  const int state = data[0] % 16;
  if (state >= 1 && state <= 12) output.only_state = static_cast<TcpState>(state);
  output.only_some = (data[0] & 16) != 0;
  output.hides_states = (data[0] & 32) != 0;
  output.holders = (data[0] & 64) != 0;
  output.counts_only_some = (data[0] & 128) != 0;
  if (state != 15) ss.Begin(output);
  ForEachLine(text, [&](int64_t number, absl::string_view line) { ss.Line(number, line); });
  ss.End();
  return 0;
}
