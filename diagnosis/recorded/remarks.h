// What a careful reader would notice in a paste, beside the findings. Pure.
#ifndef TCPMEDIC_DIAGNOSIS_RECORDED_REMARKS_H_
#define TCPMEDIC_DIAGNOSIS_RECORDED_REMARKS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "diagnosis/recorded/gathered.h"

namespace tcpmedic {

// Of so many sockets one may come or go between two commands.
inline constexpr int64_t kMovesMeanwhile = 50;

// How many sockets it stands for: without the header line, where that was counted.
int64_t SocketsOf(const RecordedCount& count);

// That `wc -l` counted the header line. Requires that it did.
std::string HeaderRemark(const RecordedCount& count);

// That a filter let only some of the sockets through. Requires that it did.
std::string OnlySomeRemark(const RecordedCount& count);

// All of these, and numbers that do not add up: what `ss -s` has in use against what was counted
// state by state.
std::vector<std::string> RemarksOnCounts(const Gathered& gathered);

// Of a process that somebody has singled out, a few at most: that no socket is tied to it, where
// that is so; and somebody's words ("climbing"), which measure nothing. `pid`: only of this one; 0:
// of all.
std::vector<std::string> RemarksOnProcesses(const Gathered& gathered, int pid = 0);

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_RECORDED_REMARKS_H_
