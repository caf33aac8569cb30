// Records in a file that only grows: length, CRC-32C, bytes. A crash may tear the last one;
// anything else that does not read is damage. Pure; thread-safe.
#ifndef TCPMEDIC_AGENT_ACT_RECORD_FRAMES_H_
#define TCPMEDIC_AGENT_ACT_RECORD_FRAMES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tcpmedic {

// The Castagnoli CRC, as RFC 3720 appendix B.4 gives it: 0xe3069283 for "123456789".
uint32_t Crc32c(absl::string_view bytes);

// `record` must not be empty.
void AppendFrame(absl::string_view record, std::string* file);

struct Frames {
  std::vector<absl::string_view> records;  // into `file`
  size_t torn_bytes = 0;  // at the end: the beginning of a record that was never finished
};
// DataLoss names the byte offset: a frame does not read although a whole one follows it.
absl::StatusOr<Frames> ReadFrames(absl::string_view file);

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_ACT_RECORD_FRAMES_H_
