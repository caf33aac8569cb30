// A connection as a time-sequence ladder: the client at the left, the server at the right, an arrow
// per segment with its flags and numbers, the states of both ends after it, and what there is to
// say about it. Pure.
#ifndef TCPMEDIC_CLI_DIAGNOSE_LADDER_H_
#define TCPMEDIC_CLI_DIAGNOSE_LADDER_H_

#include <string>
#include <vector>

#include "cli/render/text.h"
#include "diagnosis/trace/connection.h"

namespace tcpmedic::cli {

// Columns that a ladder takes at most: longer arrows are harder to follow.
constexpr int kLadderColumns = 100;

// Of more segments than `most`, those are shown that open the connection, that end it, and that
// there is something to say about; the others are counted where they are left out. No line is
// longer than the style's width, or 60 where that is less.
std::vector<std::string> LadderLines(const TrackedConnection& connection, const Style& style,
                                     int most);

// The arrow's words: "SYN  ISN 1000000", "14 bytes  seq +1 (1000001)  ack +1 (4200001)"; without
// what is in brackets where they take more than `columns`.
std::string SegmentText(const TrackedSegment& segment, int columns);

// As tcpdump writes them: "S", "S.", "P.", "R"; "none".
std::string FlagText(uint16_t flags);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DIAGNOSE_LADDER_H_
