// A pcap or pcapng file → its TCP segments, in the order of the file. The one place that uses
// libpcap. Streams: memory does not grow with the file. Blocks; called from one thread.
#ifndef TCPMEDIC_OBSERVE_CAPTURE_CAPTURE_FILE_H_
#define TCPMEDIC_OBSERVE_CAPTURE_CAPTURE_FILE_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "observe/recorded/recording.h"

namespace tcpmedic {

// Reads from `fd`, which may be a pipe and stays the caller's. `start` are bytes of the input that
// ReadInputStart (observe/recorded/input_kind.h) has taken from it; `input` is the name in places
// and messages. `on_progress` hears how many bytes were read, `start` among them, at least once a
// megabyte.
//
// Each segment goes to OnSegment with the packet's number, ICMP errors about one and later
// fragments to OnRelated. Packets without one (not TCP, later fragments, cut, malformed) and
// segments whose options are cut are counted into one OnUnread per reason at the end. So is a file
// that ends within a packet, as that of a killed tcpdump does: what came before it counts; and one
// that has none.
//
// InvalidArgument, with a sentence that names `input`: empty, not a capture, a link type that is
// not read (packet_decoder.h). Else what read(2) gave, as "read INPUT: EIO".
absl::Status ReadCapture(int fd, absl::string_view start, absl::string_view input,
                         RecordingSink* sink, absl::FunctionRef<void(int64_t bytes)> on_progress);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_CAPTURE_CAPTURE_FILE_H_
