#include "lab/role_flags.h"

#include <charconv>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace tcpmedic::lab {
namespace {

std::string Write(absl::Duration value) { return absl::FormatDuration(value); }
std::string Write(const std::string& value) { return value; }
std::string Write(int64_t value) { return absl::StrCat(value); }
std::string Write(int value) { return absl::StrCat(value); }
std::string Write(uint16_t value) { return absl::StrCat(value); }
std::string Write(uint64_t value) { return absl::StrCat(value); }
std::string Write(bool value) { return value ? "true" : "false"; }
std::string Write(LeakBug value) { return std::string(LeakBugName(value)); }
std::string Write(double value) {
  char text[32];
  return std::string(text,
                     std::to_chars(text, text + sizeof(text), value).ptr);  // reads back exactly
}

bool Read(const std::string& text, absl::Duration* value) {
  return absl::ParseDuration(text, value);
}
bool Read(const std::string& text, std::string* value) {
  *value = text;
  return true;
}
bool Read(const std::string& text, uint16_t* value) {
  uint32_t wide = 0;
  if (!absl::SimpleAtoi(text, &wide) || wide > UINT16_MAX) return false;
  *value = static_cast<uint16_t>(wide);
  return true;
}
bool Read(const std::string& text, bool* value) { return absl::SimpleAtob(text, value); }
bool Read(const std::string& text, LeakBug* value) {
  const std::optional<LeakBug> named = LeakBugNamed(text);
  if (named.has_value()) *value = *named;
  return named.has_value();
}
bool Read(const std::string& text, double* value) { return absl::SimpleAtod(text, value); }
template <typename Integer>
bool Read(const std::string& text, Integer* value) {
  return absl::SimpleAtoi(text, value);
}

// The tables that say which flag is which field. What tells one run from another at a glance is
// always written; the rest only where it differs from the default.
enum class Written { kAlways, kIfSet };

template <typename Path, typename Visitor>
void VisitPath(Path& path, Visitor visit) {
  visit(Written::kAlways, "--rtt", path.rtt);
  visit(Written::kIfSet, "--jitter", path.jitter);
  visit(Written::kAlways, "--loss", path.loss_ratio);
  visit(Written::kIfSet, "--reorder", path.reorder_ratio);
  visit(Written::kIfSet, "--reorder-delay", path.reorder_delay);
  visit(Written::kAlways, "--rate", path.rate_bps);
  visit(Written::kIfSet, "--queue", path.queue_bytes);
  visit(Written::kAlways, "--seed", path.seed);
}
template <typename Transfer, typename Visitor>
void VisitTransfer(Transfer& transfer, Visitor visit) {
  visit(Written::kAlways, "--port", transfer.port);
  visit(Written::kAlways, "--flows", transfer.flows);
  visit(Written::kAlways, "--congestion-control", transfer.congestion_control);
  visit(Written::kAlways, "--duration", transfer.duration);
  visit(Written::kIfSet, "--app-rate", transfer.app_rate_bps);
  visit(Written::kIfSet, "--read-rate", transfer.read_rate_bps);
  visit(Written::kIfSet, "--receive-buffer", transfer.receive_buffer_bytes);
  visit(Written::kIfSet, "--send-buffer", transfer.send_buffer_bytes);
  visit(Written::kIfSet, "--write-bytes", transfer.write_bytes);
  visit(Written::kIfSet, "--connection-bytes", transfer.connection_bytes);
}
template <typename Listen, typename Visitor>
void VisitListen(Listen& listen, Visitor visit) {
  visit(Written::kAlways, "--port", listen.port);
  visit(Written::kAlways, "--backlog", listen.backlog);
  visit(Written::kAlways, "--duration", listen.duration);
}
template <typename Connects, typename Visitor>
void VisitConnects(Connects& connects, Visitor visit) {
  visit(Written::kAlways, "--port", connects.port);
  visit(Written::kAlways, "--per-second", connects.rate_per_s);
  visit(Written::kIfSet, "--burst", connects.burst);
  visit(Written::kAlways, "--timeout", connects.timeout);
  visit(Written::kAlways, "--duration", connects.duration);
}
template <typename Flood, typename Visitor>
void VisitFlood(Flood& flood, Visitor visit) {
  visit(Written::kAlways, "--port", flood.port);
  visit(Written::kAlways, "--pps", flood.rate_pps);
  visit(Written::kAlways, "--duration", flood.duration);
  visit(Written::kAlways, "--seed", flood.seed);
}
template <typename Scan, typename Visitor>
void VisitScan(Scan& scan, Visitor visit) {
  visit(Written::kAlways, "--first-port", scan.first_port);
  visit(Written::kAlways, "--last-port", scan.last_port);
  visit(Written::kAlways, "--pps", scan.rate_pps);
  visit(Written::kAlways, "--duration", scan.duration);
}
template <typename LeakyServer, typename Visitor>
void VisitLeakyServer(LeakyServer& server, Visitor visit) {
  visit(Written::kAlways, "--port", server.port);
  visit(Written::kAlways, "--bug", server.bug);
  visit(Written::kAlways, "--heap", server.heap_bytes_per_connection);
  visit(Written::kAlways, "--duration", server.duration);
  visit(Written::kIfSet, "--keep-heap", server.keep_heap);
  visit(Written::kIfSet, "--stream", server.stream);
  visit(Written::kIfSet, "--drain-every", server.drain_every);
  visit(Written::kIfSet, "--shutdown-after", server.shutdown_after);
  visit(Written::kIfSet, "--shutdown-takes", server.shutdown_takes);
}
template <typename LeakClients, typename Visitor>
void VisitLeakClients(LeakClients& clients, Visitor visit) {
  visit(Written::kAlways, "--port", clients.port);
  visit(Written::kAlways, "--per-second", clients.rate_per_s);
  visit(Written::kIfSet, "--burst", clients.burst);
  visit(Written::kAlways, "--idle", clients.idle);
  visit(Written::kIfSet, "--half-close", clients.half_close);
  visit(Written::kAlways, "--timeout", clients.timeout);
  visit(Written::kAlways, "--duration", clients.duration);
}

class Writer {
 public:
  explicit Writer(std::vector<std::string>* flags) : flags_(flags) {}
  // The fields that are written only if set are all zero by default.
  template <typename Value>
  void operator()(Written when, const char* flag, const Value& value) {
    if (when == Written::kIfSet && value == Value()) return;
    flags_->push_back(flag);
    flags_->push_back(Write(value));
  }

 private:
  std::vector<std::string>* flags_;
};

}  // namespace

std::vector<std::string> ToFlags(const InitOptions& init) {
  std::vector<std::string> flags = ToFlags(init.path);
  if (init.ipv6) flags.push_back("--ipv6");
  for (const auto& [name, value] : init.server_sysctls) {
    flags.push_back("--server-sysctl");
    flags.push_back(absl::StrCat(name, "=", value));
  }
  return flags;
}

std::vector<std::string> ToFlags(const PathSpec& path) {
  std::vector<std::string> flags;
  VisitPath(path, Writer(&flags));
  return flags;
}

std::vector<std::string> ToFlags(const TransferOptions& transfer) {
  std::vector<std::string> flags;
  VisitTransfer(transfer, Writer(&flags));
  return flags;
}

std::vector<std::string> ToFlags(const ListenOptions& listen) {
  std::vector<std::string> flags;
  VisitListen(listen, Writer(&flags));
  return flags;
}

std::vector<std::string> ToFlags(const ConnectOptions& connects) {
  std::vector<std::string> flags;
  VisitConnects(connects, Writer(&flags));
  return flags;
}

std::vector<std::string> ToFlags(const SynFloodOptions& flood) {
  std::vector<std::string> flags;
  VisitFlood(flood, Writer(&flags));
  return flags;
}

std::vector<std::string> ToFlags(const PortScanOptions& scan) {
  std::vector<std::string> flags;
  VisitScan(scan, Writer(&flags));
  return flags;
}

std::vector<std::string> ToFlags(const LeakyServerOptions& leaky_server) {
  std::vector<std::string> flags;
  VisitLeakyServer(leaky_server, Writer(&flags));
  return flags;
}

std::vector<std::string> ToFlags(const LeakClientsOptions& leak_clients) {
  std::vector<std::string> flags;
  VisitLeakClients(leak_clients, Writer(&flags));
  return flags;
}

absl::StatusOr<RoleFlags> FromFlags(absl::Span<const std::string> flags) {
  RoleFlags read;
  for (size_t i = 0; i < flags.size(); ++i) {
    const std::string& flag = flags[i];
    if (flag == "--ipv6") {
      read.init.ipv6 = true;
      continue;
    }
    if (i + 1 == flags.size()) {
      return absl::InvalidArgumentError(absl::StrCat(flag, " is no flag, or lacks its value"));
    }
    const std::string& text = flags[++i];
    if (flag == "--server-sysctl") {
      const size_t equals = text.find('=');
      if (equals == 0 || equals == std::string::npos) {
        return absl::InvalidArgumentError(absl::StrCat(flag, " ", text, ": not NAME=VALUE"));
      }
      read.init.server_sysctls[text.substr(0, equals)] = text.substr(equals + 1);
      continue;
    }
    bool known = false;
    bool good = false;
    const auto take = [&](Written, absl::string_view name, auto& field) {
      if (name != flag) return;
      known = true;
      good = Read(text, &field);
    };
    VisitPath(read.init.path, take);
    VisitTransfer(read.transfer, take);
    VisitListen(read.listen, take);
    VisitConnects(read.connects, take);
    VisitFlood(read.flood, take);
    VisitScan(read.scan, take);
    VisitLeakyServer(read.leaky_server, take);
    VisitLeakClients(read.leak_clients, take);
    take(Written::kAlways, "--to", read.address);
    take(Written::kAlways, "--on", read.address);
    if (!known) return absl::InvalidArgumentError(absl::StrCat("unknown flag ", flag));
    if (!good)
      return absl::InvalidArgumentError(absl::StrCat(flag, " ", text, ": not such a value"));
  }
  return read;
}

}  // namespace tcpmedic::lab
