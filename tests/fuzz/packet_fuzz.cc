// Any bytes from any link: decoded without a crash, and a segment keeps what its header promises.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "observe/capture/packet_decoder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tcpmedic;
  if (size < 3) return 0;
  const LinkType link = static_cast<LinkType>(data[0] % 5);
  const uint32_t cut = data[1] << 8u | data[2];  // bytes that the snapshot length left out
  CapturedSegment segment;
  RelatedPacket related;
  const PacketKind kind = DecodePacket(link, absl::MakeConstSpan(data + 3, size - 3),
                                       static_cast<uint32_t>(size - 3 + cut), &segment, &related);
  if (kind == PacketKind::kIcmpError &&
      (!related.src_port.has_value() || !related.seq.has_value())) {
    abort();
  }
  if (kind != PacketKind::kSegment) return 0;
  if (!segment.seq.has_value() || segment.relative || segment.sack_blocks > 4 ||
      segment.ack.has_value() != segment.Has(kAck) || segment.window_scale.value_or(0) > 14) {
    abort();
  }
  return 0;
}
