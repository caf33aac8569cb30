#include "controller/policy/process_script.h"

#include <linux/tcp.h>

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "controller/policy/field_reader.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

constexpr int64_t kMaxSockets = 100'000;  // each one is a sample in every scan
constexpr int64_t kMaxPeers = 200;        // of one /24
constexpr int64_t kMaxHolders = 16;
constexpr int32_t kMaxPid = 4'194'304;  // PID_MAX_LIMIT
// Sockets from before the start have been there so long.
constexpr absl::Duration kAgeAtStart = absl::Minutes(10);
// As an agent, which has to see a number for a while before it speaks of its slope.
constexpr absl::Duration kSlopeKnownAfter = absl::Seconds(10);
constexpr uint64_t kStartTicks = 1;
constexpr uint32_t kFirstInode = 9'000;

// Of ranges for documentation (RFC 5737, 3849).
IpAddress Local(bool v6) { return *IpAddress::Parse(v6 ? "2001:db8::5" : "192.0.2.5"); }
IpAddress Peer(bool v6, int64_t i) {
  IpAddress ip = *IpAddress::Parse(v6 ? "2001:db8:1::" : "203.0.113.0");
  ip.bytes[v6 ? 15 : 3] = static_cast<uint8_t>(20 + i);
  return ip;
}

// When the `i`-th socket came, counted from 1.
absl::Duration OpenedAt(const Series& opened, int64_t i) {
  const double later = static_cast<double>(i) - opened.start;
  if (later <= 0 || opened.per_second <= 0) return -kAgeAtStart;
  return opened.from + absl::Seconds(later / opened.per_second);
}

// Of every run of sockets the first `ratio`, spread evenly.
bool IsAmong(int64_t i, double ratio) {
  return std::floor(static_cast<double>(i) * ratio) >
         std::floor(static_cast<double>(i - 1) * ratio);
}

int64_t CountAt(const Series& series, absl::Duration at) {
  return std::min(kMaxSockets, static_cast<int64_t>(series.At(at)));
}

// The fields of a process, one at a time.
class ProcessReader {
 public:
  ProcessReader(const YamlFile& file, const YamlNode& node, std::vector<Issue>* issues)
      : fields_(file, node, "a process", issues) {}

  void ReadInto(ProcessScript* script) {
    if (auto comm = fields_.Text("comm", Need::kOptional)) script->comm = *comm;
    if (auto pid = fields_.Integer("pid", 1, kMaxPid, Need::kOptional)) {
      script->pid = static_cast<int32_t>(*pid);
    }
    ReadCount("holders", 1, kMaxHolders, &script->holders);
    if (fields_.Any("listener", Need::kOptional) != nullptr) {
      fields_.Endpoint("listener", &script->ip, &script->port);
      script->upstream = false;
    }
    if (fields_.Any("upstream", Need::kOptional) != nullptr) {
      fields_.Endpoint("upstream", &script->ip, &script->port);
      script->upstream = true;
    }
    if (auto until = fields_.Duration("listens_until", absl::ZeroDuration(), absl::Hours(1),
                                      Need::kOptional)) {
      script->listens_until = *until;
    }
    ReadSeries("opened", &script->opened);
    ReadSeries("closed", &script->closed);
    if (auto ratio = fields_.Percentage("unread", Need::kOptional)) script->unread_ratio = *ratio;
    if (auto ratio = fields_.Percentage("still_sending", Need::kOptional)) {
      script->sending_ratio = *ratio;
    }
    ReadCount("peers", 1, kMaxPeers, &script->peers);
    ReadMaybe("fds", &script->fds);
    ReadMaybe("rss_bytes", &script->rss_bytes);
    ReadMaybe("fd_limit", &script->fd_limit);
    ReadMaybe("memory_limit_bytes", &script->memory_limit_bytes);
    fields_.RejectOthers();
  }

 private:
  void ReadCount(absl::string_view name, int64_t min, int64_t max, int64_t* into) {
    if (auto count = fields_.Integer(name, min, max, Need::kOptional)) *into = *count;
  }
  void ReadSeries(absl::string_view name, Series* into) {
    const YamlNode* const text = fields_.Scalar(name, Need::kOptional);
    if (text == nullptr) return;
    if (const std::optional<Series> series = ParseSeries(text->text, absl::ZeroDuration())) {
      *into = *series;
    } else {
      fields_.Complain(*text,
                       absl::StrCat("'", name, "' must be a start, and how it grows if it does"),
                       "200, 0 +50/s, or 0 +300/s from 8s to 9s");
    }
  }
  // "missing": it cannot be read.
  bool IsMissing(absl::string_view name) {
    const YamlNode* const node = fields_.Any(name, Need::kOptional);
    return node != nullptr && node->text == "missing";
  }
  void ReadMaybe(absl::string_view name, std::optional<Series>* into) {
    if (IsMissing(name)) {
      into->reset();
      return;
    }
    Series series = into->value_or(Series());
    ReadSeries(name, &series);
    if (fields_.Any(name, Need::kOptional) != nullptr) *into = series;
  }
  void ReadMaybe(absl::string_view name, std::optional<int64_t>* into) {
    if (IsMissing(name)) {
      into->reset();
    } else if (auto value = fields_.Integer(name, 1, INT64_MAX, Need::kOptional)) {
      *into = *value;
    }
  }

  FieldReader fields_;
};

}  // namespace

void ReadProcessScript(const YamlFile& file, const YamlNode& node, ProcessScript* script,
                       std::vector<Issue>* issues) {
  ProcessReader(file, node, issues).ReadInto(script);
}

std::vector<SocketSample> ProcessScript::SocketsAt(absl::Duration since_start,
                                                   uint64_t netns_cookie) const {
  std::vector<SocketSample> samples;
  SocketSample socket;
  socket.key = {static_cast<uint64_t>(kMaxSockets) + 1, netns_cookie};
  if (!upstream && since_start < listens_until) {
    socket.state = TcpState::kListen;
    socket.local_ip = ip;
    socket.local_port = port;
    socket.remote_ip.v6 = ip.v6;
    socket.wqueue = 4096;
    socket.inode = kFirstInode;
    samples.push_back(socket);
  }
  socket.state = TcpState::kCloseWait;
  socket.local_ip = Local(ip.v6);
  socket.wqueue = 0;
  const int64_t last = CountAt(opened, since_start);
  for (int64_t i = CountAt(closed, since_start) + 1; i <= last; ++i) {
    const bool sends = IsAmong(i, sending_ratio);
    const auto any_port = static_cast<uint16_t>(1024 + i % 60'000);
    socket.key.cookie = static_cast<uint64_t>(i);
    socket.inode = kFirstInode + static_cast<uint32_t>(i);
    socket.local_port = upstream ? any_port : port;
    socket.remote_ip = upstream ? ip : Peer(ip.v6, i % peers);
    socket.remote_port = upstream ? port : any_port;
    socket.rqueue = IsAmong(i, unread_ratio) ? 1 : 0;
    tcp_info info{};
    info.tcpi_state = static_cast<uint8_t>(TcpState::kCloseWait);
    // What is sent is acknowledged at once.
    info.tcpi_last_ack_recv = static_cast<uint32_t>(
        sends ? 0 : absl::ToInt64Milliseconds(since_start - OpenedAt(opened, i)));
    info.tcpi_bytes_acked =
        1'000 + (sends ? static_cast<uint64_t>(absl::ToInt64Milliseconds(since_start)) : 0);
    socket.info.Assign(&info, sizeof(info));
    samples.push_back(socket);
  }
  return samples;
}

v1::Process ProcessScript::At(absl::Duration since_start) const {
  v1::Process process;
  process.set_pid(pid);
  process.set_comm(comm);
  const bool slope_known = since_start >= kSlopeKnownAfter;
  if (slope_known && (fds.has_value() || rss_bytes.has_value())) {
    *process.mutable_growth_span() = ToProto(since_start);
  }
  const auto per_minute = [&](const Series& series) {
    return (series.At(since_start) - series.At(absl::ZeroDuration())) /
           absl::FDivDuration(since_start, absl::Minutes(1));
  };
  if (fds.has_value()) {
    process.set_fd_count(static_cast<int32_t>(fds->At(since_start)));
    if (slope_known) process.set_fd_growth_per_min(per_minute(*fds));
  }
  if (rss_bytes.has_value()) {
    process.set_rss_bytes(static_cast<int64_t>(rss_bytes->At(since_start)));
    if (slope_known) process.set_rss_growth_bytes_per_min(per_minute(*rss_bytes));
  }
  if (fd_limit.has_value()) process.set_fd_limit(static_cast<int32_t>(*fd_limit));
  if (memory_limit_bytes.has_value()) {
    process.set_memory_limit_bytes(*memory_limit_bytes);
    if (process.has_rss_bytes()) process.set_memory_used_bytes(process.rss_bytes());
  }
  return process;
}

HoldersByInode ScriptedHolders::HoldersOf(const std::vector<uint32_t>& inodes) {
  HoldersByInode holders;
  for (const uint32_t inode : inodes) {
    for (int64_t i = 0; i < script_->holders; ++i) {
      holders[inode].push_back({{script_->pid + static_cast<int>(i), kStartTicks},
                                static_cast<int>(inode - kFirstInode) + 3});
    }
  }
  return holders;
}

const v1::Process* ScriptedHolders::Describe(const ProcessKey& process) {
  process_.set_pid(process.pid);
  return &process_;
}

}  // namespace tcpmedic
