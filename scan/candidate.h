// A socket that an order may choose, as the newest scan saw it. Plain value.
#ifndef TCPMEDIC_SCAN_CANDIDATE_H_
#define TCPMEDIC_SCAN_CANDIDATE_H_

#include <vector>

#include "observe/socket_sample.h"

namespace tcpmedic {

// A socket that matches a selector now.
struct Candidate {
  SocketSample sample;
  std::vector<int> pids;  // every holder; changed once, through the first that works
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_SCAN_CANDIDATE_H_
