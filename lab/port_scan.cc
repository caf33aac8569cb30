#include "lab/port_scan.h"

#include "absl/strings/str_cat.h"
#include "lab/host_role.h"
#include "lab/mix.h"
#include "lab/syn_sender.h"

namespace tcpmedic::lab {

absl::Status Validate(const PortScanOptions& options) {
  if (options.first_port == 0 || options.last_port < options.first_port) {
    return absl::InvalidArgumentError(
        absl::StrCat("ports ", options.first_port, " to ", options.last_port, " are none"));
  }
  return ValidateSynRate(options.rate_pps, options.duration);
}

absl::Status SendPortScan(const std::string& address, const PortScanOptions& options,
                          SynRecord* record) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  const int64_t ports = options.last_port - options.first_port + 1;
  return SendSyns(
      address, options.rate_pps, options.duration,
      [&](const IpAddress& server, int64_t number) {
        const uint64_t chance = Mix(static_cast<uint64_t>(number));
        return Syn{.source = *IpAddress::Parse(AddressOf(HostRole::kClient, server.v6)),
                   .destination = server,
                   // Below what the kernel gives its own sockets (ip_local_port_range).
                   .source_port = static_cast<uint16_t>(1024 + chance % 8192),
                   .destination_port = static_cast<uint16_t>(options.first_port + number % ports),
                   .sequence = static_cast<uint32_t>(chance >> 32),
                   .timestamp = static_cast<uint32_t>(number)};
      },
      record);
}

}  // namespace tcpmedic::lab
