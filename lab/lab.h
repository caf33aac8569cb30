// A throwaway network: two hosts, "client" and "server", in anonymous network namespaces joined by
// an emulated path.
//
// Everything runs in a PID namespace of its own, whose init ends when the process that holds the
// Lab ends, however it ends; the kernel then ends the rest. No named namespace, and nothing of the
// machine's own namespaces, is touched. The caller's process never enters the lab's namespaces and
// holds no descriptor of them.
//
//   lab = Lab::Start({.path = {.rtt = absl::Milliseconds(148), .loss_ratio = 0.01}});
//   transfer = (*lab)->RunTransfer({.congestion_control = "cubic"});
//   … (*lab)->server().netns_inode …
//   transfer->timeline.GoodputBps(from, to);
//   left_behind = (*lab)->Stop();
//
// or, for what happens before a connection is one, a listener on the server, legitimate clients,
// and a flood beside them:
//
//   (*lab)->RunListener({.backlog = 128});
//   connects = (*lab)->RunConnects({.rate_per_s = 20});
//   flood = (*lab)->RunSynFlood({.rate_pps = 2000});
//   connects->log.StartedFrom(flood->started_at).success_ratio
//
// or a server that forgets its connections, and the clients that close them:
//
//   server = (*lab)->RunLeakyServer({.bug = LeakBug::kNeverRead});
//   (*lab)->RunLeakClients({.rate_per_s = 50});
//
// Thread-safe.
#ifndef TCPMEDIC_LAB_LAB_H_
#define TCPMEDIC_LAB_LAB_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "lab/connects.h"
#include "lab/exit_status.h"
#include "lab/host_role.h"
#include "lab/leak_clients.h"
#include "lab/leaky_server.h"
#include "lab/listener.h"
#include "lab/path_spec.h"
#include "lab/path_stats.h"
#include "lab/port_scan.h"
#include "lab/receiver_timeline.h"
#include "lab/syn_flood.h"
#include "lab/transfer_options.h"

namespace tcpmedic::lab {

struct LabOptions {
  PathSpec path = {};
  bool ipv6 = false;  // the hosts have IPv6 addresses instead of IPv4
  // Set in the server's namespace before the lab is up, under sysctl(8)'s dotted names:
  // "net.ipv4.tcp_syncookies". Only what begins with "net." and belongs to the namespace: the
  // kernel shows nothing else there.
  std::map<std::string, std::string> server_sysctls = {};
  std::string lab_binary = "";  // empty: tcpmedic-lab beside this program
};

struct LabHost {
  std::string name;     // "client" or "server"
  std::string address;  // "203.0.113.20" or "2001:db8:2::20"
  uint64_t netns_inode = 0;
  uint64_t netns_cookie = 0;  // SO_NETNS_COOKIE
  // A process in the namespace that lives as long as the lab, in the caller's PID namespace.
  pid_t pid = 0;
};

struct Transfer {
  pid_t sender_pid = 0;  // in the caller's PID namespace
  pid_t receiver_pid = 0;
  absl::Time started_at = absl::UnixEpoch();  // when the sender was started
  ReceiverTimeline timeline;
};

class Lab {
 public:
  // Returns once both hosts are up and the path carries packets. InvalidArgument: the path cannot
  // be emulated, or a sysctl has no such name. NotFound: no lab binary, or no such sysctl in a
  // namespace. PermissionDenied: not root. Unavailable: the kernel
  // refused something; the message says what.
  static absl::StatusOr<std::unique_ptr<Lab>> Start(const LabOptions& options);
  ~Lab();  // as Stop()
  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;

  const LabHost& client() const;
  const LabHost& server() const;
  // "ipv4" or "ipv6", as $FAMILY has it.
  const std::string& family() const;

  // Starts the lab's own receiver, waits until it listens, and starts the sender. Both end by
  // themselves some seconds after `duration`, or with EndTransfer, which waits for that: the path
  // is then free for the next.
  absl::StatusOr<Transfer> RunTransfer(const TransferOptions& options);
  absl::Status EndTransfer(const Transfer& transfer);

  // Starts a server for short connections on the server's host, on all its addresses, and waits
  // until it listens.
  absl::StatusOr<pid_t> RunListener(const ListenOptions& options);
  // Starts legitimate clients on the client's host, which connect to the server again and again.
  absl::StatusOr<Connects> RunConnects(const ConnectOptions& options);
  // Starts a flood of SYNs, or a port scan, from the client's host.
  absl::StatusOr<SynFlood> RunSynFlood(const SynFloodOptions& options);
  absl::StatusOr<PortScan> RunPortScan(const PortScanOptions& options);

  // Starts a server that leaks its connections on the server's host, on all its addresses, and
  // waits until it listens.
  absl::StatusOr<pid_t> RunLeakyServer(const LeakyServerOptions& options);
  // Starts its clients on the client's host: for any HTTP server there.
  absl::StatusOr<LeakClients> RunLeakClients(const LeakClientsOptions& options);

  // Ends a program that this lab started (SIGTERM), and waits for that. Ok where it has ended
  // before. NotFound: not ours. DeadlineExceeded: it did not end within 5 s.
  absl::Status EndProgram(pid_t pid);

  // Starts `/bin/sh -c command` on a host, with $ADDR and $PORT of the server and $FAMILY set, its
  // input empty and its output and errors appended to `output_file` (made if need be). Returns its
  // pid in the caller's PID namespace.
  absl::StatusOr<pid_t> RunCommand(HostRole host, const std::string& command, uint16_t port,
                                   const std::string& output_file);
  // DeadlineExceeded: no socket on the host listens on `port` in time. Aborted: `pid` (where not 0)
  // ended first.
  absl::Status WaitUntilListening(HostRole host, uint16_t port, absl::Duration timeout,
                                  pid_t pid = 0);

  // The end of a process that this lab started. nullopt: it still runs. NotFound: not ours.
  absl::StatusOr<std::optional<ExitStatus>> Exited(pid_t pid);
  // Waits for it. DeadlineExceeded: it still runs. Unavailable: the lab has gone.
  absl::StatusOr<ExitStatus> WaitForExit(pid_t pid, absl::Duration timeout);
  // Sends a signal to a process that this lab started. NotFound: not ours, or it has ended.
  absl::Status Signal(pid_t pid, int signal);

  // What the path has done so far; readable after Stop too.
  PathStats Stats() const;
  // Why the lab can no longer be relied on: its init or its emulator has ended. Ok while all is
  // well.
  absl::Status Health();

  // Ends everything and waits for it, a few seconds at most. What is still there, one line each;
  // empty: nothing. Calling it again looks again.
  std::vector<std::string> Stop();

 private:
  struct Impl;
  explicit Lab(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_LAB_H_
