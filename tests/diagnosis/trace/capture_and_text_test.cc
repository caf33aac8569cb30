// tcpdump's text and the capture that it was printed from (tests/data/recorded) give the same
// connections.
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "diagnosis/trace/trace_words.h"
#include "tests/diagnosis/trace/recorded_traces.h"

namespace tcpmedic {
namespace {

// What both must show. Window and time are not in each text, nor are the numbers of a connection
// whose start it does not have, without -S.
std::string Shown(const TrackedConnection& connection, bool with_numbers) {
  std::string shown = absl::StrCat(EndpointText(connection.client.ip, connection.client.port), " ",
                                   EndpointText(connection.server.ip, connection.server.port), " ",
                                   Name(connection.outcome), " ", connection.summary, "\n");
  const auto number = [](std::optional<uint32_t> each) {
    return each ? absl::StrCat(*each) : std::string("-");
  };
  if (with_numbers) {
    absl::StrAppend(&shown, "ISN ", number(connection.client_isn), " ",
                    number(connection.server_isn), " data ", number(connection.first_data_seq),
                    " RTT ", connection.handshake_rtt ? WaitText(*connection.handshake_rtt) : "-",
                    "\n");
  }
  for (const TrackedSegment& segment : connection.segments) {
    absl::StrAppend(&shown, segment.from_client ? "C " : "S ", segment.flags, " ",
                    segment.payload_bytes, " ", Name(segment.client_state), " ",
                    Name(segment.server_state));
    if (with_numbers && segment.payload_bytes > 0 && segment.seq) {
      absl::StrAppend(&shown, " seq ", *segment.seq);
    }
    const bool text_has_seq =
        segment.payload_bytes > 0 || (segment.flags & (kSyn | kFin | kRst)) != 0;
    if (with_numbers && text_has_seq) absl::StrAppend(&shown, " rel ", number(segment.rel_seq));
    if (with_numbers && segment.ack) {
      absl::StrAppend(&shown, " ack ", *segment.ack, " ", number(segment.rel_ack));
    }
    // Of a keep-alive without data the text says no seq.
    if (with_numbers) {
      absl::StrAppend(&shown, " | ",
                      absl::StrReplaceAll(segment.note, {{"one before the next number, ", ""}}),
                      " |");
    }
    for (const SegmentEvent event : segment.events) absl::StrAppend(&shown, " ", Name(event));
    absl::StrAppend(&shown, "\n");
  }
  return shown;
}

TEST(TcpdumpsText, GivesTheConnectionsOfItsCapture) {
  int compared = 0;
  for (const std::string& name : RecordedFiles(".pcap")) {
    const TraceResult of_capture = TraceOfCapture(name);
    for (const absl::string_view kind : {".tcpdump-nn-S-tt.txt", ".tcpdump-n.txt"}) {
      const std::string text = absl::StrCat(absl::StripSuffix(name, ".pcap"), kind);
      if (!std::filesystem::exists(RecordedPath(text))) continue;
      const TraceResult of_text = TraceOfText(text);
      ASSERT_EQ(of_text.connections.size(), of_capture.connections.size()) << text;
      for (size_t i = 0; i < of_text.connections.size(); ++i) {
        const TrackedConnection& captured = of_capture.connections[i];
        const bool with_numbers = captured.start_captured || absl::StrContains(kind, "-S");
        EXPECT_EQ(Shown(of_text.connections[i], with_numbers), Shown(captured, with_numbers))
            << text;
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 100);
}

}  // namespace
}  // namespace tcpmedic
