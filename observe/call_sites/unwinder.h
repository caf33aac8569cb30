// Stacks of a process, unwound from copies by the call frame information of the files that it has
// mapped (.eh_frame suffices), with elfutils' libdw. Frame pointers are never followed: code that
// was built without them would make callers up. Reads the files through /proc/PID/map_files, so in
// any mount namespace and also where they have been replaced since; debug information also from
// /usr/lib/debug by build id. Asks no network. Slow (milliseconds for the first stack, more for
// large debug information). Not thread-safe.
//
// The files are the traced program's, and a hostile one can hand libdw whatever it likes.
#ifndef TCPMEDIC_OBSERVE_CALL_SITES_UNWINDER_H_
#define TCPMEDIC_OBSERVE_CALL_SITES_UNWINDER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "observe/call_sites/call_sites.h"
#include "observe/call_sites/perf_records.h"
#include "observe/proc_directory.h"

namespace tcpmedic {

class Unwinder {
 public:
  // NotFound: the process has exited. `process` is an open /proc/PID.
  static absl::StatusOr<std::unique_ptr<Unwinder>> ForProcess(const ProcDirectory& process);
  virtual ~Unwinder() = default;

  // Innermost first, at most kMaxFrames.
  static constexpr size_t kMaxFrames = 48;
  virtual std::vector<CallFrame> Unwind(const UserStack& stack) = 0;

  // Mapped files that could not be opened, with the reason; their frames have no more than
  // addresses and end the stack.
  virtual const std::vector<std::string>& unreadable() const = 0;
};

// A file mapped to be executed. Pure.
struct ExecutableMapping {
  uint64_t start = 0;
  uint64_t end = 0;
  uint64_t offset = 0;  // in the file
  std::string path;     // without " (deleted)"

  bool operator==(const ExecutableMapping&) const = default;
};
// From the text of /proc/PID/maps; lines that make no sense are skipped.
std::vector<ExecutableMapping> ParseExecutableMappings(absl::string_view maps);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_CALL_SITES_UNWINDER_H_
