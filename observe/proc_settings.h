// The settings of one network namespace that say how its counters are to be read, under sysctl(8)'s
// dotted names: "net.ipv4.tcp_syncookies", "net.ipv4.tcp_max_syn_backlog", "net.core.somaxconn".
// The files stay open and are read again with pread. Not thread-safe.
//
// Unlike /proc/PID/net, an open file under /proc/sys/net holds no namespace: once that is taken
// apart the kernel answers ENOENT (grab_header in fs/proc/proc_sysctl.c), so the setting is missing
// and never a stale one.
#ifndef TCPMEDIC_OBSERVE_PROC_SETTINGS_H_
#define TCPMEDIC_OBSERVE_PROC_SETTINGS_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "core/unique_fd.h"
#include "observe/counters.h"
#include "observe/proc_directory.h"

namespace tcpmedic {

class ProcSettings {
 public:
  ProcSettings() = default;  // none

  // Opens the files of the calling thread's namespace under `proc`, an open /proc. Those that it
  // does not have, or that may not be read, are left out.
  static ProcSettings Open(const ProcDirectory& proc);

  // Sets each one in the sample; what cannot be read is not set, and what is no integer is counted
  // as malformed.
  void ReadInto(CounterSample* sample) const;

 private:
  struct File {
    absl::string_view name;
    UniqueFd fd;
  };
  std::vector<File> files_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_PROC_SETTINGS_H_
