// Any lines as tcpdump's: no crash, segments in the order of their lines, no more of them than
// lines, and what is called unread is told at the end, each line once.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/str_split.h"
#include "observe/capture/tcpdump_text.h"
#include "tests/fuzz/ordered_sink.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tcpmedic;
  OrderedSink sink;
  TcpdumpTextReader reader("-", &sink);
  int64_t number = 0;
  int64_t unread = 0;
  for (const absl::string_view line :
       absl::StrSplit(absl::string_view(reinterpret_cast<const char*>(data), size), '\n')) {
    // A form feed stands for the end of one tcpdump.
    if (line == "\f") {
      reader.End();
      continue;
    }
    if (reader.Line(++number, line) == TcpdumpTextReader::Taken::kUnread) ++unread;
  }
  reader.End();
  // A segment whose options are cut is told as well.
  if (sink.segments() > number || sink.unread() < unread || sink.unread() > number) abort();
  return 0;
}
