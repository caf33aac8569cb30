#include "diagnosis/process_schema.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

using expr::Type;
using expr::Value;
using MaybeValue = std::optional<Value>;

// Further ahead a straight line says nothing.
constexpr absl::Duration kFarthestForecast = absl::Hours(24 * 30);

// When `left` is used up at `per_minute`; nullopt: never, or not soon.
MaybeValue UsedUpIn(double left, double per_minute) {
  if (per_minute <= 0) return std::nullopt;
  if (left <= 0) return Value::Duration(absl::ZeroDuration());
  const absl::Duration in = left / per_minute * absl::Minutes(1);
  if (in > kFarthestForecast) return std::nullopt;
  return Value::Duration(absl::Trunc(in, absl::Seconds(1)));
}

std::string OverWindow(const ProcessReading& r) {
  if (!r.closed.has_value() && !r.still_sending.has_value()) return "one sample";
  return absl::StrCat("window ", SpanText(r.window));
}

std::string OverReadings(const ProcessReading& r) {
  if (!r.rise.has_value()) return "one sample";
  return absl::StrCat("readings ", SpanText(r.window / kReadingsPerWindow), " apart");
}

std::string OverRise(const ProcessReading& r) {
  if (!r.rise.has_value()) return "one sample";
  return absl::StrCat("window ", SpanText(r.rise->rising_for));
}

std::string OverGrowthSpan(const ProcessReading& r) {
  if (r.process == nullptr || !r.process->has_growth_span()) return "window not full";
  return absl::StrCat("window ", SpanText(FromProto(r.process->growth_span())));
}

bool FdSlopeIsKnown(const ProcessReading& r) {
  return r.process != nullptr && r.process->has_fd_growth_per_min();
}

template <std::optional<int64_t> ProcessReading::*member>
MaybeValue OfGroup(const ProcessReading& r) {
  if (!(r.*member).has_value()) return std::nullopt;
  return Value::Int(*(r.*member));
}

const ProcessAttribute kAttributes[] = {
    // Who it is.
    {"process.pid", Type::Int(), "", Basis::kNow, "/proc/PID", "process id, as the agent sees it",
     [](const ProcessReading& r) -> MaybeValue {
       if (r.process == nullptr) return std::nullopt;
       return Value::Int(r.process->pid());
     }},
    {"process.comm", Type::String(), "", Basis::kNow, "/proc/PID/stat comm", "the program's name",
     [](const ProcessReading& r) -> MaybeValue {
       if (r.process == nullptr) return std::nullopt;
       return Value::String(r.process->comm());
     }},
    {"process.listener", Type::String(), "", Basis::kNow, "inet_diag_sockid.idiag_src, idiag_sport",
     "the listener that accepted the sockets, \"0.0.0.0:8080\" or \"[::]:8080\"; of connections "
     "that the program made itself, \"upstream 10.0.0.7:5432\"; \"*:8080\" where the listener was "
     "closed before it was seen",
     [](const ProcessReading& r) -> MaybeValue {
       if (r.listener.empty()) return std::nullopt;
       return Value::String(r.listener);
     }},
    {"process.listener_closed", Type::Bool(), "", Basis::kNow, "inet_diag: sockets in LISTEN",
     "the listener is closed while its connections live on, as in a program that is being shut "
     "down; false of connections that the program made itself",
     [](const ProcessReading& r) -> MaybeValue {
       if (!r.listener_closed.has_value()) return std::nullopt;
       return Value::Bool(*r.listener_closed);
     }},
    {"process.peers", Type::String(), "", Basis::kNow, "inet_diag_sockid.idiag_dst",
     "the remote addresses of most of the sockets: \"203.0.113.20 63 %, 203.0.113.21 37 %\"",
     [](const ProcessReading& r) -> MaybeValue {
       if (r.peers.empty()) return std::nullopt;
       return Value::String(r.peers);
     }},

    // Its sockets at that listener, or to that address.
    {"process.sockets", Type::Int(), "sockets", Basis::kNow, "inet_diag_msg.idiag_state",
     "sockets for which `sockets` holds, and has for a fifth of the window",
     [](const ProcessReading& r) -> MaybeValue { return Value::Int(r.sockets); }},
    {"process.unread_eof", Type::Int(), "sockets", Basis::kNow, "inet_diag_msg.idiag_rqueue",
     "of these, with Recv-Q 1 or more: the program has not read the peer's FIN",
     OfGroup<&ProcessReading::unread_eof>},
    {"process.read_eof", Type::Int(), "sockets", Basis::kNow, "inet_diag_msg.idiag_rqueue",
     "of these, with Recv-Q 0: the program has read the peer's FIN, and not called close()",
     [](const ProcessReading& r) -> MaybeValue {
       if (!r.unread_eof.has_value()) return std::nullopt;
       return Value::Int(r.sockets - *r.unread_eof);
     }},
    {"process.oldest", Type::Duration(), "", Basis::kNow, "tcp_info.tcpi_last_ack_recv",
     "since the FIN of the oldest: since the last that came from its peer; else since it was first "
     "seen so",
     [](const ProcessReading& r) -> MaybeValue {
       if (r.sockets == 0 || !r.oldest.has_value()) return std::nullopt;
       return Value::Duration(absl::Trunc(*r.oldest, absl::Milliseconds(1)));
     },
     [](const ProcessReading& r) -> std::string {
       return r.oldest_since_seen ? "now, since first seen" : "now";
     }},
    {"process.still_sending", Type::Int(), "sockets", Basis::kWindow, "tcp_info.tcpi_bytes_acked",
     "of these, that the program still sends on: bytes were acknowledged in the window, or wait to "
     "be. A half-closed connection in use",
     OfGroup<&ProcessReading::still_sending>, OverWindow},
    {"process.closed", Type::Int(), "sockets", Basis::kWindow, "inet_diag: gone from the dump",
     "that were closed in the window; one that is closed ends the rise",
     OfGroup<&ProcessReading::closed>, OverWindow},

    // How their number rises.
    {"process.rises", Type::Int(), "readings", Basis::kWindow, "inet_diag_msg.idiag_state",
     "how many readings one after another, a fifth of the window apart, were each higher than the "
     "one before",
     [](const ProcessReading& r) -> MaybeValue {
       if (!r.rise.has_value()) return std::nullopt;
       return Value::Int(r.rise->rises);
     },
     OverReadings},
    {"process.rising_for", Type::Duration(), "", Basis::kWindow, "inet_diag_msg.idiag_state",
     "how long their number has risen without a pause, and none was closed: in each of those "
     "readings, or in each fifth of a longer time; looks half an hour back",
     [](const ProcessReading& r) -> MaybeValue {
       if (!r.rise.has_value()) return std::nullopt;
       return Value::Duration(r.rise->rising_for);
     },
     OverReadings},
    {"process.risen_by", Type::Int(), "sockets", Basis::kWindow, "inet_diag_msg.idiag_state",
     "how many more they have become in rising_for",
     [](const ProcessReading& r) -> MaybeValue {
       if (!r.rise.has_value()) return std::nullopt;
       return Value::Int(r.rise->risen_by);
     },
     OverRise},
    {"process.growth_per_min", Type::Double(), "sockets/min", Basis::kWindow,
     "inet_diag_msg.idiag_state", "risen_by a minute; 0 where they do not rise",
     [](const ProcessReading& r) -> MaybeValue {
       if (!r.rise.has_value()) return std::nullopt;
       return Value::Double(r.rise->per_minute);
     },
     OverRise},

    // The program, and when it ends.
    {"process.fd_count", Type::Int(), "", Basis::kNow, "/proc/PID/fd", "its open descriptors",
     [](const ProcessReading& r) -> MaybeValue {
       if (r.process == nullptr || !r.process->has_fd_count()) return std::nullopt;
       return Value::Int(r.process->fd_count());
     }},
    {"process.fd_limit", Type::Int(), "", Basis::kNow, "/proc/PID/limits: Max open files, soft",
     "how many descriptors it may have",
     [](const ProcessReading& r) -> MaybeValue {
       if (r.process == nullptr || !r.process->has_fd_limit()) return std::nullopt;
       return Value::Int(r.process->fd_limit());
     }},
    {"process.fd_limit_in", Type::Duration(), "", Basis::kWindow, "/proc/PID/fd, /proc/PID/limits",
     "when it has no descriptor left at the slope of fd_count, or before that is known at "
     "growth_per_min; unknown where it does not grow, or that is more than 30 days away",
     [](const ProcessReading& r) -> MaybeValue {
       const v1::Process* const process = r.process;
       if (process == nullptr || !process->has_fd_count() || !process->has_fd_limit()) {
         return std::nullopt;
       }
       if (!FdSlopeIsKnown(r) && !r.rise.has_value()) return std::nullopt;
       return UsedUpIn(process->fd_limit() - process->fd_count(),
                       FdSlopeIsKnown(r) ? process->fd_growth_per_min() : r.rise->per_minute);
     },
     [](const ProcessReading& r) {
       return FdSlopeIsKnown(r)
                  ? OverGrowthSpan(r)
                  : absl::StrCat(OverRise(r), ", growth_per_min for the slope of fd_count");
     }},
    {"process.rss_bytes", Type::Int(), "bytes", Basis::kNow, "/proc/PID/status VmRSS",
     "its resident memory; the kernel's memory for sockets is not in it",
     [](const ProcessReading& r) -> MaybeValue {
       if (r.process == nullptr || !r.process->has_rss_bytes()) return std::nullopt;
       return Value::Int(r.process->rss_bytes());
     }},
    {"process.rss_growth_bytes_per_min", Type::Double(), "bytes/min", Basis::kWindow,
     "/proc/PID/status VmRSS", "its slope over the last minutes",
     [](const ProcessReading& r) -> MaybeValue {
       if (r.process == nullptr || !r.process->has_rss_growth_bytes_per_min()) return std::nullopt;
       return Value::Double(r.process->rss_growth_bytes_per_min());
     },
     OverGrowthSpan},
    {"process.memory_limit_bytes", Type::Int(), "bytes", Basis::kNow, "cgroup memory.max",
     "of its cgroup, or of the one above that has the least left; unknown where there is no limit",
     [](const ProcessReading& r) -> MaybeValue {
       if (r.process == nullptr || !r.process->has_memory_limit_bytes()) return std::nullopt;
       return Value::Int(r.process->memory_limit_bytes());
     }},
    {"process.memory_limit_in", Type::Duration(), "", Basis::kWindow,
     "cgroup memory.max, memory.current; /proc/PID/status VmRSS",
     "when that cgroup has no memory left at the slope of rss_bytes; unknown as fd_limit_in",
     [](const ProcessReading& r) -> MaybeValue {
       const v1::Process* const process = r.process;
       if (process == nullptr || !process->has_memory_limit_bytes() ||
           !process->has_memory_used_bytes() || !process->has_rss_growth_bytes_per_min()) {
         return std::nullopt;
       }
       return UsedUpIn(
           static_cast<double>(process->memory_limit_bytes() - process->memory_used_bytes()),
           process->rss_growth_bytes_per_min());
     },
     OverGrowthSpan},
};

}  // namespace

absl::Span<const ProcessAttribute> ProcessAttributes() { return kAttributes; }

const expr::Schema& ProcessSchema() {
  static const expr::Schema* const schema = [] {
    auto* const made = new expr::Schema;
    for (const ProcessAttribute& attribute : kAttributes) {
      made->Add({std::string(attribute.name), attribute.type, std::string(attribute.doc)});
    }
    return made;
  }();
  return *schema;
}

Value ProcessActivation::Get(int slot) const {
  return kAttributes[slot].read(reading_).value_or(Value::Unknown(slot));
}

v1::Evidence MakeEvidence(int slot, const ProcessReading& reading) {
  const ProcessAttribute& attribute = kAttributes[slot];
  v1::Evidence evidence;
  SetValue(ProcessActivation(reading).Get(slot), &evidence);
  evidence.set_name(std::string(attribute.name));
  evidence.set_unit(std::string(attribute.unit));
  evidence.set_source(std::string(attribute.source));
  evidence.set_basis(attribute.taken_over == nullptr ? "now" : attribute.taken_over(reading));
  return evidence;
}

}  // namespace tcpmedic
