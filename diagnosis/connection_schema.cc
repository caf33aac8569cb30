#include "diagnosis/connection_schema.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "core/expr/template.h"
#include "diagnosis/evidence.h"

namespace tcpmedic {
namespace {

using expr::Type;
using expr::Value;
using MaybeValue = std::optional<Value>;
using Reading = ConnectionReading;

MaybeValue ResetBy(const Reading& r, const TraceEndpoint& end) {
  return Value::Bool(r.connection->reset_by.has_value() && *r.connection->reset_by == end);
}

template <int64_t ConnectionTotals::*member>
MaybeValue Total(const Reading& r) {
  return Value::Int(r.connection->totals.*member);
}

const ConnectionAttribute kAttributes[] = {
    {"connection.outcome", Type::String(), "", "trace: flags, seq and ack of its segments",
     "what became of it: \"established\", \"closed\", \"half-closed\", \"reset\", \"refused\", "
     "\"no-reply\", \"half-open\", \"server-still-waits\" where the server sends its SYN-ACK after "
     "the client's ACK; \"handshake-not-shown\" and \"close-not-shown\" where the trace leaves out "
     "what would tell; \"mid-stream\"",
     [](const Reading& r) -> MaybeValue { return Value::String(Name(r.connection->outcome)); }},
    {"connection.server", Type::String(), "", "trace: addresses and ports",
     "whom the SYN was sent to: \"203.0.113.20:443\"",
     [](const Reading& r) -> MaybeValue { return Value::String(r.server); }},
    {"connection.server_ip", Type::Ip(), "", "trace: addresses", "its address",
     [](const Reading& r) -> MaybeValue { return Value::Ip(r.connection->server.ip); }},
    {"connection.server_port", Type::Int(), "", "trace: ports", "its port",
     [](const Reading& r) -> MaybeValue { return Value::Int(r.connection->server.port); }},
    {"connection.client", Type::String(), "", "trace: addresses and ports",
     "who sent the SYN: \"10.0.0.5:51514\"",
     [](const Reading& r) -> MaybeValue { return Value::String(r.client); }},
    {"connection.client_ip", Type::Ip(), "", "trace: addresses", "its address",
     [](const Reading& r) -> MaybeValue { return Value::Ip(r.connection->client.ip); }},
    {"connection.start_captured", Type::Bool(), "", "trace: SYN", "the trace has its SYN",
     [](const Reading& r) -> MaybeValue { return Value::Bool(r.connection->start_captured); }},

    // The handshake.
    {"connection.syns", Type::Int(), "segments", "trace: SYN", "SYNs that the client sent",
     Total<&ConnectionTotals::syns>},
    {"connection.syn_acks", Type::Int(), "segments", "trace: SYN, ACK",
     "SYN-ACKs that the server sent", Total<&ConnectionTotals::syn_acks>},
    {"connection.syn_spacing", Type::String(), "", "trace: times of its SYNs",
     "the times between SYNs that were sent again: \"1 s, 2 s, 4 s\"",
     [](const Reading& r) -> MaybeValue {
       if (r.syn_spacing.empty()) return std::nullopt;
       return Value::String(r.syn_spacing);
     }},
    {"connection.syn_span", Type::Duration(), "", "trace: times of its SYNs",
     "from the first SYN to the last",
     [](const Reading& r) -> MaybeValue {
       const auto& spacing = r.connection->syn_spacing;
       if (spacing.empty()) return std::nullopt;
       return Value::Duration(
           std::accumulate(spacing.begin(), spacing.end(), absl::ZeroDuration()));
     }},
    {"connection.syn_icmp_errors", Type::Int(), "errors", "trace: ICMP, ICMPv6",
     "kinds and senders of ICMP errors that answered its SYN",
     [](const Reading& r) -> MaybeValue {
       return Value::Int(std::count_if(
           r.connection->icmp.begin(), r.connection->icmp.end(),
           [](const IcmpReport& report) { return report.of_client && AnswersSyn(report); }));
     }},
    {"connection.syn_icmp", Type::String(), "", "trace: ICMP, ICMPv6",
     "the first of these in words: \"192.0.2.1 answered the SYN with ICMP host unreachable, …\"",
     [](const Reading& r) -> MaybeValue {
       if (r.syn_icmp.empty()) return std::nullopt;
       return Value::String(r.syn_icmp);
     }},
    {"connection.handshake_rtt", Type::Duration(), "", "trace: times of SYN, SYN-ACK and ACK",
     "SYN to SYN-ACK and SYN-ACK to ACK, together",
     [](const Reading& r) -> MaybeValue {
       if (!r.connection->handshake_rtt.has_value()) return std::nullopt;
       return Value::Duration(*r.connection->handshake_rtt);
     }},
    {"connection.reset_by_server", Type::Bool(), "", "trace: RST",
     "a RST came from the server's address",
     [](const Reading& r) { return ResetBy(r, r.connection->server); }},
    {"connection.reset_by_client", Type::Bool(), "", "trace: RST",
     "a RST came from the client's address",
     [](const Reading& r) { return ResetBy(r, r.connection->client); }},

    // The whole.
    {"connection.segments", Type::Int(), "segments", "trace", "segments of both sides",
     Total<&ConnectionTotals::segments>},
    {"connection.retransmissions", Type::Int(), "segments", "trace: seq",
     "segments with data that was sent before", Total<&ConnectionTotals::retransmissions>},
    {"connection.zero_windows", Type::Int(), "segments", "trace: window",
     "segments that closed the sender's receive window", Total<&ConnectionTotals::zero_windows>},
};

struct GroupAttribute {
  absl::string_view name;
  absl::string_view unit;
  absl::string_view doc;
  int64_t ConnectionGroupReading::*value;
};
const GroupAttribute kGroupAttributes[] = {
    {"group.count", "connections", "connections in the group that match",
     &ConnectionGroupReading::count},
    {"group.clients", "addresses", "distinct addresses that they come from",
     &ConnectionGroupReading::clients},
    {"group.syns_again", "connections", "connections in the group whose client sent its SYN again",
     &ConnectionGroupReading::syns_again},
    {"group.syns_once", "connections",
     "connections in the group whose client did not send its SYN again, although the trace goes on "
     "for more than the second after which one without an answer does",
     &ConnectionGroupReading::syns_once},
};

expr::Schema MakeSchema(bool with_group) {
  expr::Schema schema;
  for (const ConnectionAttribute& attribute : kAttributes) {
    schema.Add({std::string(attribute.name), attribute.type, std::string(attribute.doc)});
  }
  if (!with_group) return schema;
  for (const GroupAttribute& attribute : kGroupAttributes) {
    schema.Add({std::string(attribute.name), Type::Int(), std::string(attribute.doc)});
  }
  return schema;
}

}  // namespace

ConnectionReading::ConnectionReading(const TrackedConnection& tracked)
    : connection(&tracked),
      client(EndpointText(tracked.client.ip, tracked.client.port)),
      server(EndpointText(tracked.server.ip, tracked.server.port)) {
  for (const absl::Duration spacing : tracked.syn_spacing) {
    absl::StrAppend(&syn_spacing, syn_spacing.empty() ? "" : ", ",
                    expr::ToText(Value::Duration(spacing)));
  }
  if (const IcmpReport* const answer = AnswerToSyn(tracked.icmp)) {
    syn_icmp = SynReportText(*answer, tracked.server.ip);
  }
}

absl::Span<const ConnectionAttribute> ConnectionAttributes() { return kAttributes; }

const expr::Schema& ConnectionSchema() {
  static const auto* const schema = new expr::Schema(MakeSchema(/*with_group=*/false));
  return *schema;
}

const expr::Schema& ConnectionVerdictSchema() {
  static const auto* const schema = new expr::Schema(MakeSchema(/*with_group=*/true));
  return *schema;
}

Value ConnectionActivation::Get(int slot) const {
  return kAttributes[slot].read(reading_).value_or(Value::Unknown(slot));
}

Value ConnectionVerdictActivation::Get(int slot) const {
  const int own = ConnectionSchema().size();
  if (slot < own) return exemplar_.Get(slot);
  return Value::Int(group_.*kGroupAttributes[slot - own].value);
}

v1::Evidence MakeEvidence(int slot, const ConnectionReading& exemplar,
                          const ConnectionGroupReading& group) {
  const int own = ConnectionSchema().size();
  v1::Evidence evidence;
  SetValue(ConnectionVerdictActivation(exemplar, group).Get(slot), &evidence);
  if (slot < own) {
    evidence.set_name(std::string(kAttributes[slot].name));
    evidence.set_unit(std::string(kAttributes[slot].unit));
    evidence.set_source(std::string(kAttributes[slot].source));
  } else {
    evidence.set_name(std::string(kGroupAttributes[slot - own].name));
    evidence.set_unit(std::string(kGroupAttributes[slot - own].unit));
    evidence.set_source("trace");
  }
  evidence.set_basis("trace");
  return evidence;
}

}  // namespace tcpmedic
