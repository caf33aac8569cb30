// Reads a text of what tools printed: one tool's output, or a pasted terminal session with its
// prompts, in any mix. ss, nstat, netstat, ps, sysctl, copies of /proc/net/{netstat,snmp,sockstat}
// and tcpdump's lines are understood; each line is told by its content, and the command before it,
// where there is one, says the rest (a state filter, `| wc -l`, nstat -a). Streaming: memory does
// not grow with the input.
//
// What could not be read becomes Unread, with line and reason. Blank lines and the fences of a chat
// (```) say nothing, so they are not listed.
#ifndef TCPMEDIC_OBSERVE_RECORDED_TEXT_READER_H_
#define TCPMEDIC_OBSERVE_RECORDED_TEXT_READER_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "observe/recorded/recording.h"

namespace tcpmedic {

// `start` are bytes of the input that ReadInputStart has taken from `fd`; empty where it was sought
// back or not used. `input` is what a Place names. `on_progress` is called with the bytes read so
// far, at least once for each 64 KiB. An empty or a binary input is one Unread, and OK. Errors:
// what read(2) gives, named as "read INPUT: EIO"; what came before it has been handed on.
absl::Status ReadText(int fd, absl::string_view start, absl::string_view input, RecordingSink* sink,
                      absl::FunctionRef<void(int64_t bytes)> on_progress);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_RECORDED_TEXT_READER_H_
