// Any bytes, to the reader of texts as a whole: lines, prompts, commands, and all tools' readers.
#include <fcntl.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "observe/recorded/text_reader.h"
#include "tests/fuzz/checking_sink.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tcpmedic;
  static const int nothing_more = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  CheckingSink sink(LinesIn(text));
  if (!ReadText(nothing_more, text, "in", &sink, [](int64_t) {}).ok()) abort();
  return 0;
}
