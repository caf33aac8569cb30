// What a finding of subject process is about, for whoever acts on it. Values.
#ifndef TCPMEDIC_DIAGNOSIS_PROCESS_FOUND_H_
#define TCPMEDIC_DIAGNOSIS_PROCESS_FOUND_H_

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "diagnosis/holder_source.h"
#include "observe/socket_sample.h"
#include "tcpmedic/v1/evidence.pb.h"

namespace tcpmedic {

// A socket that a process holds and does not close.
struct HeldSocket {
  SocketKey key;
  uint32_t inode = 0;
  int fd = -1;            // in the process
  bool eof_read = false;  // the program has read the peer's FIN
};

struct ProcessFound {
  ProcessKey process;
  v1::NetworkNamespace netns;
  std::vector<HeldSocket> sockets;  // the oldest first
  // Uptime: sockets are counted only some time after their FIN (process_pile.h); of those before
  // this moment none is missing for that.
  absl::Duration counted_until;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_PROCESS_FOUND_H_
