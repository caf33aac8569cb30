// Any sequence of segments, however absurd: the tracker neither crashes nor loses count.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "diagnosis/trace/tracker.h"

namespace tcpmedic {
namespace {

class Bytes {
 public:
  Bytes(const uint8_t* data, size_t size) : data_(data), left_(size) {}
  bool empty() const { return left_ == 0; }
  uint32_t Take(int bytes) {
    uint32_t value = 0;
    for (; bytes > 0 && left_ > 0; --bytes, --left_) value = value << 8 | *data_++;
    return value;
  }

 private:
  const uint8_t* data_;
  size_t left_;
};

// Mostly near 0, so that numbers meet; sometimes near the wrap or anywhere.
uint32_t Number(Bytes& bytes) {
  const uint32_t kind = bytes.Take(1);
  if (kind < 200) return kind;
  return kind < 230 ? 0u - bytes.Take(1) : bytes.Take(4);
}

CapturedSegment Segment(Bytes& bytes) {
  CapturedSegment segment;
  const uint32_t shape = bytes.Take(1);
  segment.flags = static_cast<uint16_t>(bytes.Take(1) & 0x3f);
  segment.src_port = static_cast<uint16_t>(1 + (shape & 1));
  segment.dst_port = static_cast<uint16_t>(1 + ((shape >> 1) & 1));
  if ((shape & 4) != 0) segment.time = absl::Milliseconds(static_cast<int32_t>(bytes.Take(2)));
  if ((shape & 8) == 0) segment.seq = Number(bytes);
  if (segment.Has(kAck)) segment.ack = Number(bytes);
  segment.payload_bytes = (shape & 16) != 0 ? bytes.Take(1) : 0;
  segment.window = static_cast<uint16_t>(bytes.Take(1) * (shape >> 5));
  if ((shape & 32) != 0) {
    const uint32_t options = bytes.Take(1);
    segment.relative = (options & 1) != 0;
    segment.options_known = (options & 2) == 0;
    if ((options & 4) != 0) segment.window_scale = static_cast<uint8_t>(bytes.Take(1));
    if ((options & 8) != 0) {
      segment.ts_val = bytes.Take(1);
      segment.ts_ecr = bytes.Take(1);
    }
    segment.sack_blocks = (options & 16) != 0 ? 1 : 0;
  }
  return segment;
}

void Require(bool holds, int line = __builtin_LINE()) {
  if (holds) return;
  std::fprintf(stderr, "tracker_fuzz.cc:%d: does not hold\n", line);
  std::abort();
}

}  // namespace
}  // namespace tcpmedic

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tcpmedic;
  Bytes bytes(data, size);
  TrackerOptions options;
  options.max_segments_per_connection = static_cast<int>(16 + bytes.Take(1));
  options.max_followed = static_cast<int>(1 + bytes.Take(1) % 4);
  options.max_segments = static_cast<int>(bytes.Take(1));
  Tracker tracker(options);
  int64_t number = 0;
  while (!bytes.empty()) tracker.Observe("fuzz", ++number, Segment(bytes));
  if (size % 3 == 0) tracker.ShowsOnlySyns("fuzz");

  const TraceResult result = tracker.Result();
  Require(result.segments == number);
  int64_t connections = 0;
  for (const int64_t count : result.by_outcome) connections += count;
  Require(connections == result.connections_seen);
  Require(result.connections_left_out + static_cast<int64_t>(result.connections.size()) ==
          connections);
  for (const TrackedConnection& connection : result.connections) {
    Require(connection.totals.segments ==
            static_cast<int64_t>(connection.segments.size()) + connection.segments_left_out);
    Require(connection.totals.client_bytes >= 0 && connection.totals.server_bytes >= 0);
    Require(!connection.summary.empty());
  }
  return 0;
}
