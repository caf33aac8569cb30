#include "diagnosis/process_finding.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "diagnosis/finding_builder.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

using expr::Type;

enum MeasuredSlot { kCloseWaitSockets, kGrowthPerMin };

// In the order of MeasuredSlot.
const MeasuredAttribute kMeasured[] = {
    {"close_wait_sockets", Type::Int(), "sockets", "inet_diag_msg.idiag_state",
     "sockets of the group at the end"},
    {"growth_per_min", Type::Double(), "sockets/min", "inet_diag_msg.idiag_state",
     "how many more they have become, a minute"},
};

v1::SocketRef RefOf(const ProcessPile::Socket& socket) {
  v1::SocketRef ref;
  ref.set_cookie(socket.key.cookie);
  ref.set_netns_cookie(socket.key.netns_cookie);
  ref.mutable_local()->set_ip(socket.local_ip.ToString());
  ref.mutable_local()->set_port(socket.local_port);
  ref.mutable_remote()->set_ip(socket.remote_ip.ToString());
  ref.mutable_remote()->set_port(socket.remote_port);
  return ref;
}

v1::Measurement Measure(const ProcessReading& reading, Moment now) {
  const Rise rise = reading.rise.value_or(Rise());
  const absl::Duration span =
      rise.rises == 0 && rise.risen_by == 0 ? absl::ZeroDuration() : now.uptime - rise.began;
  v1::Measurement measurement;
  *measurement.mutable_start() = ToProto(now.wall - span);
  *measurement.mutable_end() = ToProto(now.wall);
  measurement.set_sockets(static_cast<int32_t>(reading.sockets));
  const auto add = [&](MeasuredSlot slot, std::string basis) {
    const MeasuredAttribute& attribute = kMeasured[slot];
    return AddValue(attribute.name, attribute.unit, std::move(basis), attribute.source,
                    &measurement)
        ->mutable_value();
  };
  add(kCloseWaitSockets, "now")->set_int_value(reading.sockets);
  add(kGrowthPerMin, absl::StrCat("window ", SpanText(span)))->set_double_value(rise.per_minute);
  return measurement;
}

}  // namespace

std::vector<std::string> GroupValues(const ProcessGroupKey& key) {
  return {absl::StrCat(key.process.pid), key.listener};
}

absl::Span<const MeasuredAttribute> ProcessMeasured() { return kMeasured; }

v1::Finding BuildFinding(const CompiledSignature& signature, const ProcessFacts& facts,
                         int max_sockets) {
  const ProcessPile::Group& group = *facts.group;
  const ProcessActivation activation(group.reading);
  v1::Finding finding = BeginFinding(signature, GroupValues(group.key), *facts.life, facts.now);
  *finding.mutable_netns() = *facts.netns;
  finding.set_verdict(signature.verdict.Render(activation));
  for (const int slot : signature.evidence_slots) {
    *finding.add_evidence() = MakeEvidence(slot, group.reading);
  }
  for (int slot = 0; slot < ProcessSchema().size(); ++slot) {
    const auto& named = signature.evidence_slots;
    if (std::find(named.begin(), named.end(), slot) != named.end()) continue;
    v1::Evidence evidence = MakeEvidence(slot, group.reading);
    if (evidence.value().kind_case() != v1::Value::KIND_NOT_SET) {
      *finding.add_evidence() = std::move(evidence);
    }
  }
  for (size_t i = 0; i < signature.look_alikes.size(); ++i) {
    if ((facts.unknown_look_alikes >> i & 1) == 0) continue;
    AddNotShown(signature.look_alikes[i], ProcessSchema(), activation, &finding);
  }
  SetConfidence(&finding);
  *finding.mutable_exemplar() = RefOf(*group.members.front());
  finding.set_socket_count(static_cast<int32_t>(group.members.size()));
  for (const ProcessPile::Socket* const member : group.members) {
    if (finding.sockets_size() == max_sockets) break;
    *finding.add_sockets() = RefOf(*member);
  }
  *finding.mutable_before() = Measure(group.reading, facts.now);
  return finding;
}

}  // namespace tcpmedic
