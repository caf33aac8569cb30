// The command lines of the lab's own processes, written and read in one place: a value goes through
// ToFlags and back unchanged. What they look like in ps:
//
//   tcpmedic-lab emulate --rtt 148ms … --loss 0.01 --rate 100000000 --seed 7
//   tcpmedic-lab send --to 203.0.113.20 --port 5201 --flows 1 --congestion-control cubic …
//   tcpmedic-lab syn-flood --to 203.0.113.20 --port 443 --pps 2000 …
//
// Pure.
#ifndef TCPMEDIC_LAB_ROLE_FLAGS_H_
#define TCPMEDIC_LAB_ROLE_FLAGS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "lab/connects.h"
#include "lab/leak_clients.h"
#include "lab/leaky_server.h"
#include "lab/listener.h"
#include "lab/path_spec.h"
#include "lab/port_scan.h"
#include "lab/syn_flood.h"
#include "lab/transfer_options.h"

namespace tcpmedic::lab {

// What the lab's init needs to know.
struct InitOptions {
  PathSpec path;
  bool ipv6 = false;
  std::map<std::string, std::string> server_sysctls;  // as LabOptions has them

  bool operator==(const InitOptions&) const = default;
};

std::vector<std::string> ToFlags(const InitOptions& init);
std::vector<std::string> ToFlags(const PathSpec& path);
std::vector<std::string> ToFlags(const TransferOptions& transfer);
std::vector<std::string> ToFlags(const ListenOptions& listen);
std::vector<std::string> ToFlags(const ConnectOptions& connects);
std::vector<std::string> ToFlags(const SynFloodOptions& flood);
std::vector<std::string> ToFlags(const PortScanOptions& scan);
std::vector<std::string> ToFlags(const LeakyServerOptions& leaky_server);
std::vector<std::string> ToFlags(const LeakClientsOptions& leak_clients);

// What a command line of any role says. A flag that several roles have, such as --port, is set in
// each of them.
struct RoleFlags {
  InitOptions init;  // its path is the emulator's too
  TransferOptions transfer;
  ListenOptions listen;
  ConnectOptions connects;
  SynFloodOptions flood;
  PortScanOptions scan;
  LeakyServerOptions leaky_server;
  LeakClientsOptions leak_clients;
  std::string address;  // --to of the sending side, --on of the receiving one
};
// InvalidArgument: a flag that is not known, or a value that is none.
absl::StatusOr<RoleFlags> FromFlags(absl::Span<const std::string> flags);

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_ROLE_FLAGS_H_
