#include "lab/syn_flood.h"

#include <arpa/inet.h>

#include "absl/strings/str_cat.h"
#include "lab/mix.h"
#include "lab/syn_sender.h"

namespace tcpmedic::lab {
namespace {

constexpr uint16_t kFirstSourcePort = 1024;

void PutBytes(uint64_t value, int count, uint8_t* at) {
  for (int i = 0; i < count; ++i) at[i] = static_cast<uint8_t>(value >> 8 * (count - 1 - i));
}

IpAddress SpoofedSource(bool v6, uint64_t chance) {
  IpAddress source;
  source.v6 = v6;
  if (v6) {  // 2001:2::/48
    source.bytes = {0x20, 0x01, 0x00, 0x02};
    PutBytes(chance, 8, source.bytes.data() + 8);
    PutBytes(Mix(chance), 2, source.bytes.data() + 6);
  } else {  // 198.18.0.0/15
    constexpr uint32_t kPrefix = 198u << 24 | 18u << 16;
    constexpr uint32_t kHostBits = (1u << 17) - 1;
    PutBytes(kPrefix | (chance & kHostBits), 4, source.bytes.data());
  }
  return source;
}

}  // namespace

absl::Status Validate(const SynFloodOptions& options) {
  if (options.port == 0) return absl::InvalidArgumentError("port 0");
  return ValidateSynRate(options.rate_pps, options.duration);
}

absl::Status SendSynFlood(const std::string& address, const SynFloodOptions& options,
                          SynRecord* record) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  const uint64_t stream = Mix(options.seed);
  return SendSyns(
      address, options.rate_pps, options.duration,
      [&](const IpAddress& server, int64_t number) {
        const uint64_t chance = Mix(stream + static_cast<uint64_t>(number));
        const uint64_t more = Mix(chance);
        return Syn{.source = SpoofedSource(server.v6, chance),
                   .destination = server,
                   .source_port =
                       static_cast<uint16_t>(kFirstSourcePort + more % (65536 - kFirstSourcePort)),
                   .destination_port = options.port,
                   .sequence = static_cast<uint32_t>(more >> 32),
                   .timestamp = static_cast<uint32_t>(Mix(more))};
      },
      record);
}

}  // namespace tcpmedic::lab
