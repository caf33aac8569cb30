// The counters of the network namespace that a process is in, from its /proc/PID/net, with its
// settings. The files stay open and are read again with pread, so that a reading costs one system
// call for each; open, those of the counters keep the namespace alive. Not thread-safe.
#ifndef TCPMEDIC_OBSERVE_PROC_COUNTERS_H_
#define TCPMEDIC_OBSERVE_PROC_COUNTERS_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/unique_fd.h"
#include "observe/counters.h"
#include "observe/proc_directory.h"
#include "observe/proc_settings.h"

namespace tcpmedic {

class ProcCounters : public CounterSource {
 public:
  // Opens the files under `process`, an open /proc/PID (or /proc/self). Those that this kernel
  // lacks are left out; an error, that of the first, only where none can be opened.
  static absl::StatusOr<std::unique_ptr<ProcCounters>> Open(const ProcDirectory& process);

  // Settings of the same namespace, read with every reading from now on.
  void Add(ProcSettings settings) { settings_ = std::move(settings); }

  absl::Status Read(CounterSample* sample) override;

 private:
  using Parser = int (*)(absl::string_view, CounterSample*);
  struct File {
    UniqueFd fd;
    Parser parse;
  };

  ProcCounters() = default;
  absl::Status ReadInto(CounterSample* sample);

  std::vector<File> files_;
  ProcSettings settings_;
  std::string buffer_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_PROC_COUNTERS_H_
