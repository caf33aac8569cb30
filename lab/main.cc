// tcpmedic-lab: the processes inside a lab. Not for people: `tcpmedic drill` starts it.
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "lab/emulator.h"
#include "lab/init.h"
#include "lab/receiver.h"
#include "lab/role_flags.h"
#include "lab/sender.h"
#include "lab/shared_memory.h"

namespace tcpmedic::lab {
namespace {

absl::Status Emulate(const RoleFlags& flags) {
  absl::StatusOr<std::unique_ptr<SharedMemory<PathRecord>>> record =
      SharedMemory<PathRecord>::Adopt(kPathRecordFd);
  if (!record.ok()) return record.status();
  return RunEmulator(flags.path, {kClientTunFd, kClientNetDevFd}, {kServerTunFd, kServerNetDevFd},
                     &***record);
}

absl::Status Receive(const RoleFlags& flags) {
  absl::StatusOr<std::unique_ptr<SharedMemory<TimelineRecord>>> record =
      SharedMemory<TimelineRecord>::Adopt(kTimelineFd);
  if (!record.ok()) return record.status();
  return RunReceiver(flags.address, flags.transfer, &***record);
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
  if (status.ok() && role == "init") return RunInit(*flags);
  if (status.ok() && role == "emulate") {
    status = Emulate(*flags);
  } else if (status.ok() && role == "receive") {
    status = Receive(*flags);
  } else if (status.ok() && role == "send") {
    status = RunSender(flags->address, flags->transfer);
  } else if (status.ok()) {
    std::fprintf(stderr, "tcpmedic-lab is part of the lab; run: tcpmedic drill lossy-path\n");
    return 2;
  }
  if (status.ok()) return 0;
  std::fprintf(stderr, "tcpmedic-lab %s: %s\n", role.c_str(), status.ToString().c_str());
  return status.code() == absl::StatusCode::kInvalidArgument ? 2 : 1;
}

}  // namespace
}  // namespace tcpmedic::lab

int main(int argc, char** argv) { return tcpmedic::lab::Main(argc, argv); }
