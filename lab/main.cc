// tcpmedic-lab: the processes inside a lab. Not for people: `tcpmedic drill` starts it.
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "lab/connect_record.h"
#include "lab/connects.h"
#include "lab/emulator.h"
#include "lab/init.h"
#include "lab/leak_clients.h"
#include "lab/leaky_server.h"
#include "lab/listener.h"
#include "lab/port_scan.h"
#include "lab/receiver.h"
#include "lab/role_flags.h"
#include "lab/sender.h"
#include "lab/shared_memory.h"
#include "lab/syn_flood.h"

namespace tcpmedic::lab {
namespace {

// Runs `role` with the record that the descriptor holds.
template <typename Record, typename Role>
absl::Status WithRecord(int fd, Role role) {
  const absl::StatusOr<std::unique_ptr<SharedMemory<Record>>> record =
      SharedMemory<Record>::Adopt(fd);
  if (!record.ok()) return record.status();
  return role(&***record);
}

absl::Status RunRole(const std::string& role, const RoleFlags& flags) {
  if (role == "emulate") {
    return WithRecord<PathRecord>(kPathRecordFd, [&](PathRecord* record) {
      return RunEmulator(flags.init.path, {kClientTunFd, kClientNetDevFd},
                         {kServerTunFd, kServerNetDevFd}, record);
    });
  }
  if (role == "receive") {
    return WithRecord<TimelineRecord>(kRecordFd, [&](TimelineRecord* record) {
      return RunReceiver(flags.address, flags.transfer, record);
    });
  }
  if (role == "send") return RunSender(flags.address, flags.transfer);
  if (role == "listen") return RunListener(flags.address, flags.listen);
  if (role == "connect") {
    return WithRecord<ConnectRecord>(kRecordFd, [&](ConnectRecord* record) {
      return MakeConnects(flags.address, flags.connects, record);
    });
  }
  if (role == "syn-flood") {
    return WithRecord<SynRecord>(kRecordFd, [&](SynRecord* record) {
      return SendSynFlood(flags.address, flags.flood, record);
    });
  }
  if (role == "port-scan") {
    return WithRecord<SynRecord>(kRecordFd, [&](SynRecord* record) {
      return SendPortScan(flags.address, flags.scan, record);
    });
  }
  if (role == "leaky-server") return RunLeakyServer(flags.address, flags.leaky_server);
  if (role == "leak-clients") {
    return WithRecord<LeakClientsRecord>(kRecordFd, [&](LeakClientsRecord* record) {
      return MakeLeakClients(flags.address, flags.leak_clients, record);
    });
  }
  return absl::InvalidArgumentError(
      "this program is part of the lab; run: tcpmedic drill lossy-path, syn-flood or "
      "close-wait-leak");
}

int Main(int argc, char** argv) {
  const std::string role = argc > 1 ? argv[1] : "";
  if (role == "host") {
    // Keeps the host's namespace, and gives it a process that others can name it by.
    for (;;) pause();
  }
  const std::vector<std::string> arguments(argv + std::min(argc, 2), argv + argc);
  const absl::StatusOr<RoleFlags> flags = FromFlags(arguments);
  absl::Status status = flags.status();
  if (status.ok() && role == "init") return RunInit(flags->init);
  if (status.ok()) status = RunRole(role, *flags);
  if (status.ok()) return 0;
  std::fprintf(stderr, "tcpmedic-lab %s: %s\n", role.c_str(), status.ToString().c_str());
  return status.code() == absl::StatusCode::kInvalidArgument ? 2 : 1;
}

}  // namespace
}  // namespace tcpmedic::lab

int main(int argc, char** argv) { return tcpmedic::lab::Main(argc, argv); }
