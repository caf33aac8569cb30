// A program of the lab that sends SYNs, as its holder sees it. Plain value; a copy shares the
// counter, which stays readable after the program and the lab have gone.
#ifndef TCPMEDIC_LAB_SYN_PROGRAM_H_
#define TCPMEDIC_LAB_SYN_PROGRAM_H_

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "lab/shared_memory.h"

namespace tcpmedic::lab {

// In shared memory: the program writes, anyone reads.
struct SynRecord {
  std::atomic<int64_t> sent;
};

struct SynProgram {
  pid_t pid = 0;  // in the caller's PID namespace
  absl::Time started_at = absl::UnixEpoch();
  std::shared_ptr<SharedMemory<SynRecord>> record;

  // SYNs that the client's kernel has taken so far. Where a signal has ended the program, its last
  // batch may be missing.
  int64_t sent() const { return (*record)->sent.load(std::memory_order_relaxed); }
};

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_SYN_PROGRAM_H_
