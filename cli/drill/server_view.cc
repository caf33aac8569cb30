#include "cli/drill/server_view.h"

#include <fcntl.h>

#include <fstream>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/errno_status.h"
#include "core/sysctl_catalogue.h"
#include "core/unique_fd.h"
#include "observe/in_namespace.h"
#include "observe/inet_diag_socket.h"
#include "observe/proc_counters.h"
#include "proto/proto_time.h"

namespace tcpmedic::cli {
namespace {

absl::StatusOr<UniqueFd> OpenNetns(pid_t pid) {
  const std::string path = absl::StrCat("/proc/", pid, "/ns/net");
  UniqueFd netns(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!netns.valid()) return ErrnoStatus(absl::StrCat("open ", path));
  return netns;
}

// Of the thread's own namespace.
Sysctls ReadHere(absl::Span<const absl::string_view> names) {
  Sysctls values;
  for (const absl::string_view name : names) {
    std::ifstream file(absl::StrCat("/proc/sys/", SysctlPath(name)));
    std::string value;
    if (std::getline(file, value)) values[std::string(name)] = value;
  }
  return values;
}

}  // namespace

absl::StatusOr<Sysctls> ReadSysctls(pid_t pid, absl::Span<const absl::string_view> names) {
  if (pid == 0) return ReadHere(names);
  absl::StatusOr<UniqueFd> netns = OpenNetns(pid);
  if (!netns.ok()) return netns.status();
  Sysctls values;
  const absl::Status status = InNamespace(netns->get(), [&] { values = ReadHere(names); });
  if (!status.ok()) return status;
  return values;
}

absl::StatusOr<ServerView> LookAtServer(pid_t pid) {
  absl::StatusOr<ProcDirectory> process = ProcDirectory::Open(absl::StrCat("/proc/", pid));
  if (!process.ok()) return process.status();
  absl::StatusOr<std::unique_ptr<ProcCounters>> counters = ProcCounters::Open(*process);
  if (!counters.ok()) return counters.status();
  absl::StatusOr<UniqueFd> netns = OpenNetns(pid);
  if (!netns.ok()) return netns.status();
  absl::StatusOr<std::unique_ptr<InetDiagSocket>> sockets =
      InetDiagSocket::OpenInNamespace(netns->get());
  if (!sockets.ok()) return sockets.status();

  ServerView view;
  view.at = absl::Now();
  if (absl::Status status = (*counters)->Read(&view.counters); !status.ok()) return status;
  const absl::StatusOr<DumpStats> dump = (*sockets)->Dump(
      {.states = MaskOf(TcpState::kSynRecv)}, [&](const SocketSample&) { ++view.half_open; });
  if (!dump.ok()) return dump.status();
  return view;
}

absl::StatusOr<CloseWaitPile> LookAtCloseWait(pid_t pid) {
  absl::StatusOr<UniqueFd> netns = OpenNetns(pid);
  if (!netns.ok()) return netns.status();
  absl::StatusOr<std::unique_ptr<InetDiagSocket>> sockets =
      InetDiagSocket::OpenInNamespace(netns->get());
  if (!sockets.ok()) return sockets.status();
  CloseWaitPile pile;
  const absl::StatusOr<DumpStats> dump = (*sockets)->Dump({.states = MaskOf(TcpState::kCloseWait)},
                                                          [&pile](const SocketSample& sample) {
                                                            ++pile.sockets;
                                                            pile.unread_eof += sample.rqueue > 0;
                                                          });
  if (!dump.ok()) return dump.status();
  return pile;
}

v1::Measurement MeasureBetween(const ServerView& first, const ServerView& last) {
  v1::Measurement measurement;
  *measurement.mutable_start() = ToProto(first.at);
  *measurement.mutable_end() = ToProto(last.at);
  const double seconds = absl::ToDoubleSeconds(last.at - first.at);
  const auto increase = [&](absl::string_view counter) -> std::optional<double> {
    const std::optional<int64_t> from = first.counters.Get(counter);
    const std::optional<int64_t> to = last.counters.Get(counter);
    if (!from || !to || *to < *from) return std::nullopt;
    return static_cast<double>(*to - *from);
  };
  const auto add = [&](const char* name, std::optional<double> value) {
    v1::Evidence& evidence = *measurement.add_values();
    evidence.set_name(name);
    if (value) evidence.mutable_value()->set_double_value(*value);
  };
  const auto per_second = [seconds](std::optional<double> count) -> std::optional<double> {
    if (!count || seconds <= 0) return std::nullopt;
    return *count / seconds;
  };
  const std::optional<double> sent = increase("TcpExtSyncookiesSent");
  const std::optional<double> back = increase("TcpExtSyncookiesRecv");
  const std::optional<double> drops = increase("TcpExtListenDrops");
  const std::optional<double> overflows = increase("TcpExtListenOverflows");
  add("syncookies_sent_per_s", per_second(sent));
  add("syncookies_recv_ratio",
      sent && back && *sent > 0 ? std::optional(*back / *sent) : std::nullopt);
  v1::Evidence& half_open = *measurement.add_values();
  half_open.set_name("syn_recv_sockets");
  half_open.mutable_value()->set_int_value(last.half_open);
  add("listen_drops_per_s", per_second(drops));
  add("syn_drops_per_s",
      per_second(drops && overflows ? std::optional(*drops - *overflows) : std::nullopt));
  return measurement;
}

}  // namespace tcpmedic::cli
