// The lab's first process: `tcpmedic-lab init`, which the holder of a Lab starts. It makes the PID
// namespace, whose process 1 makes the hosts, starts the emulator, and then starts and reaps
// programs as the holder asks over the control channel. When the holder has gone, process 1 exits
// and the kernel ends all others.
#ifndef TCPMEDIC_LAB_INIT_H_
#define TCPMEDIC_LAB_INIT_H_

#include "lab/role_flags.h"

namespace tcpmedic::lab {

// As argv[0] of a RunRequest: the lab's own program, in one of its roles.
inline constexpr char kLabProgram[] = "tcpmedic-lab";

// The descriptors that the holder gives `tcpmedic-lab init`, and process 1 gives `tcpmedic-lab
// emulate`.
inline constexpr int kControlFd = 3;
inline constexpr int kPathRecordFd = 4;
inline constexpr int kClientTunFd = 5;
inline constexpr int kServerTunFd = 6;
inline constexpr int kClientNetDevFd = 7;
inline constexpr int kServerNetDevFd = 8;
// What RunRequest's second descriptor becomes: what the program records for the holder, such as the
// receiver's timeline.
inline constexpr int kRecordFd = 3;

// Runs until the lab has ended; returns the program's exit code. What goes wrong is said over the
// control channel.
int RunInit(const InitOptions& options);

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_INIT_H_
