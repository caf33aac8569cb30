// Traces for tests, as a person would narrate them, with what is expected of each segment beside
// it:
//
//   0.000 C > S  S  1000(0) win 64240 <mss 1460,wscale 7>  => SYN-SENT SYN-RECEIVED
//   0.010 S > C  S. 5000(0) ack 1001 win 65160 <wscale 7>  => ESTABLISHED SYN-RECEIVED
//   0.020 C > S  .  1001(0) ack 5001 win 502               => ESTABLISHED ESTABLISHED
//   handshake-complete
//
// Time in seconds ("-": none), who to whom (C is 10.0.0.5:51514, S is 10.0.0.9:6379), flags as
// tcpdump writes them, sequence number ("-": not shown) and payload bytes, options: mss, wscale,
// sackOK, "TS val ecr", "sack begin:end", "tfo" (fast open; "tfo 8" with a cookie of
// 8 bytes), "md5", "relative" (the numbers are). After
// "=>" the states of client and server, then the names of the events. Lines without "=>" expect
// nothing.
#ifndef TCPMEDIC_TESTS_DIAGNOSIS_TRACE_NARRATED_TRACE_H_
#define TCPMEDIC_TESTS_DIAGNOSIS_TRACE_NARRATED_TRACE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "diagnosis/trace/tracker.h"
#include "observe/capture/segment.h"

namespace tcpmedic {

extern const TraceEndpoint kClientEnd;
extern const TraceEndpoint kServerEnd;

// The narrated segments; a line that is not understood is a test failure.
std::vector<CapturedSegment> Narrated(absl::string_view text);

// Tracks the narrated segments, numbered from 1, as the input "trace".
TraceResult Tracked(absl::string_view text, const TrackerOptions& options = {});

// Tracks one connection and compares every segment with what stands beside it.
TrackedConnection ExpectTold(absl::string_view text);

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_DIAGNOSIS_TRACE_NARRATED_TRACE_H_
