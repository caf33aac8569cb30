// What an input is, by its content: a name or an ending says nothing of a pasted file.
#ifndef TCPMEDIC_OBSERVE_RECORDED_INPUT_KIND_H_
#define TCPMEDIC_OBSERVE_RECORDED_INPUT_KIND_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tcpmedic {

enum class InputKind {
  kEmpty,
  kText,
  kPcap,        // libpcap's own format, micro- or nanoseconds, of either byte order
  kPcapng,      //
  kCompressed,  // gzip, zstd, xz, bzip2: not unpacked here
  kBinary,      // none of these
};

// By the first bytes: 4 KiB are more than enough. Pure.
InputKind KindOf(absl::string_view start);

struct InputStart {
  InputKind kind;
  std::string bytes;  // what was read to tell it; of a pipe they are gone from `fd`
};

// Reads up to 4 KiB, waiting for them or the end. Errors: as ErrnoStatus, with `input` as the name
// of what was read ("read incident.txt: EISDIR").
absl::StatusOr<InputStart> ReadInputStart(int fd, absl::string_view input);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_RECORDED_INPUT_KIND_H_
