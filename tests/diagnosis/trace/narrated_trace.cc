#include "tests/diagnosis/trace/narrated_trace.h"

#include <gtest/gtest.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace tcpmedic {
namespace {

std::vector<std::string> Lines(absl::string_view text) {
  std::vector<std::string> lines;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const absl::string_view stripped = absl::StripAsciiWhitespace(line);
    if (!stripped.empty()) lines.emplace_back(stripped);
  }
  return lines;
}

uint32_t Number(absl::string_view text) {
  uint32_t number = 0;
  EXPECT_TRUE(absl::SimpleAtoi(text, &number)) << "not a number: " << text;
  return number;
}

uint16_t Flags(absl::string_view text) {
  uint16_t flags = 0;
  for (const char letter : text) {
    switch (letter) {
      case 'S':
        flags |= kSyn;
        break;
      case '.':
        flags |= kAck;
        break;
      case 'P':
        flags |= kPsh;
        break;
      case 'F':
        flags |= kFin;
        break;
      case 'R':
        flags |= kRst;
        break;
      case 'U':
        flags |= kUrg;
        break;
      case 'E':
        flags |= kEce;
        break;
      case 'W':
        flags |= kCwr;
        break;
      default:
        ADD_FAILURE() << "not a flag: " << letter;
    }
  }
  return flags;
}

void ReadOption(const std::vector<std::string>& words, CapturedSegment* segment) {
  const std::string& name = words.at(0);
  if (name == "mss") {
    segment->mss = Number(words.at(1));
  } else if (name == "wscale") {
    segment->window_scale = Number(words.at(1));
  } else if (name == "sackOK") {
    segment->sack_permitted = true;
  } else if (name == "TS") {
    segment->ts_val = Number(words.at(1));
    segment->ts_ecr = Number(words.at(2));
  } else if (name == "sack") {
    const std::vector<std::string> ends = absl::StrSplit(words.at(1), ':');
    segment->sack[segment->sack_blocks++] = {Number(ends.at(0)), Number(ends.at(1))};
  } else if (name == "tfo") {
    segment->fast_open = true;
    if (words.size() > 1) segment->fast_open_cookie_bytes = Number(words.at(1));
  } else if (name == "md5") {
    segment->signed_by_md5 = true;
  } else if (name == "relative") {
    segment->relative = true;
  } else if (name == "unknown") {
    segment->options_known = false;
  } else {
    ADD_FAILURE() << "not an option: " << name;
  }
}

CapturedSegment ReadSegment(absl::string_view line) {
  CapturedSegment segment;
  const std::vector<absl::string_view> halves = absl::StrSplit(line, absl::MaxSplits('<', 1));
  const std::vector<std::string> words = absl::StrSplit(halves[0], ' ', absl::SkipWhitespace());
  if (words.size() < 6) {
    ADD_FAILURE() << "not a segment: " << line;
    return segment;
  }
  double seconds = 0;
  if (absl::SimpleAtod(words[0], &seconds)) {
    // To the nanosecond, whatever the double says.
    segment.time = absl::Nanoseconds(static_cast<int64_t>(seconds * 1e9 + 0.5));
  }
  const bool from_client = words[1] == "C";
  const TraceEndpoint& from = from_client ? kClientEnd : kServerEnd;
  const TraceEndpoint& to = from_client ? kServerEnd : kClientEnd;
  segment.src_ip = from.ip;
  segment.src_port = from.port;
  segment.dst_ip = to.ip;
  segment.dst_port = to.port;
  segment.flags = Flags(words[4]);
  const std::vector<std::string> numbers =
      absl::StrSplit(words[5], absl::ByAnyChar("()"), absl::SkipEmpty());
  if (numbers.at(0) != "-") segment.seq = Number(numbers.at(0));
  segment.payload_bytes = Number(numbers.at(1));
  for (size_t i = 6; i + 1 < words.size(); i += 2) {
    if (words[i] == "ack") segment.ack = Number(words[i + 1]);
    if (words[i] == "win") segment.window = Number(words[i + 1]);
  }
  if (halves.size() == 2) {
    const absl::string_view options = halves[1].substr(0, halves[1].find('>'));
    for (const absl::string_view option : absl::StrSplit(options, ',')) {
      ReadOption(absl::StrSplit(option, ' ', absl::SkipWhitespace()), &segment);
    }
  }
  return segment;
}

std::string Told(const TrackedSegment& segment) {
  std::vector<std::string> words = {std::string(Name(segment.client_state)),
                                    std::string(Name(segment.server_state))};
  for (const SegmentEvent event : segment.events) words.emplace_back(Name(event));
  return absl::StrJoin(words, " ");
}

}  // namespace

const TraceEndpoint kClientEnd = {*IpAddress::Parse("10.0.0.5"), 51514};
const TraceEndpoint kServerEnd = {*IpAddress::Parse("10.0.0.9"), 6379};

std::vector<CapturedSegment> Narrated(absl::string_view text) {
  std::vector<CapturedSegment> segments;
  for (const std::string& line : Lines(text)) {
    segments.push_back(ReadSegment(line.substr(0, line.find("=>"))));
  }
  return segments;
}

TraceResult Tracked(absl::string_view text, const TrackerOptions& options) {
  Tracker tracker(options);
  int64_t number = 0;
  for (const CapturedSegment& segment : Narrated(text)) tracker.Observe("trace", ++number, segment);
  return tracker.Result();
}

TrackedConnection ExpectTold(absl::string_view text) {
  const TraceResult result = Tracked(text);
  EXPECT_EQ(result.connections.size(), 1u);
  if (result.connections.size() != 1) return {};
  const TrackedConnection& connection = result.connections.front();
  const std::vector<std::string> lines = Lines(text);
  EXPECT_EQ(connection.segments.size(), lines.size());
  for (size_t i = 0; i < std::min(lines.size(), connection.segments.size()); ++i) {
    const std::vector<std::string> halves = absl::StrSplit(lines[i], "=>");
    if (halves.size() != 2) continue;
    const std::vector<std::string> expected =
        absl::StrSplit(halves[1], ' ', absl::SkipWhitespace());
    EXPECT_EQ(Told(connection.segments[i]), absl::StrJoin(expected, " "))
        << "after " << halves[0] << "\nnote: " << connection.segments[i].note;
  }
  return connection;
}

}  // namespace tcpmedic
