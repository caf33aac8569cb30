// The receiving program of the lab's own transfer, as `tcpmedic-lab receive` runs it. One thread.
#ifndef TCPMEDIC_LAB_RECEIVER_H_
#define TCPMEDIC_LAB_RECEIVER_H_

#include <string>

#include "absl/status/status.h"
#include "lab/timeline_record.h"
#include "lab/transfer_options.h"

namespace tcpmedic::lab {

// Accepts on `address`, reads and throws away, and records what it read every kTimelineIntervalMs,
// until some seconds after `options.duration`. Of `options`, what concerns the receiving side.
absl::Status RunReceiver(const std::string& address, const TransferOptions& options,
                         TimelineRecord* record);

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_RECEIVER_H_
