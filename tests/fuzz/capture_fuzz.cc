// Any bytes as a capture file, through libpcap: a sentence or segments, in order, never a crash.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "observe/capture/capture_file.h"
#include "tests/fuzz/ordered_sink.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tcpmedic;
  // Recorded captures are inputs as they are. Some of the start was read to tell the kind.
  const absl::string_view content(reinterpret_cast<const char*>(data), size);
  const size_t start = size % 97;
  static const int fd = memfd_create("capture_fuzz", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, 0) != 0 || lseek(fd, 0, SEEK_SET) != 0) abort();
  const absl::string_view rest = content.substr(start);
  if (write(fd, rest.data(), rest.size()) != static_cast<ssize_t>(rest.size())) abort();
  if (lseek(fd, 0, SEEK_SET) != 0) abort();

  OrderedSink sink;
  int64_t read_bytes = 0;
  const absl::Status status =
      ReadCapture(fd, content.substr(0, start), "-", &sink, [&](int64_t bytes) {
        if (bytes <= read_bytes) abort();
        read_bytes = bytes;
      });
  if (read_bytes > static_cast<int64_t>(content.size())) abort();
  if (!status.ok() && (status.message().empty() || sink.segments() > 0)) abort();
  return 0;
}
