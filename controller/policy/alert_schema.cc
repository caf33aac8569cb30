#include "controller/policy/alert_schema.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace tcpmedic {
namespace {

using expr::Type;

constexpr absl::string_view kOwnLabels[] = {"alertname", "event",   "host",
                                            "incident",  "process", "severity"};

expr::Schema MakeAlertSchema() {
  expr::Schema schema;  // in the order of AlertSlot
  schema.Add({"host.name", Type::String(), "the host's name"});
  schema.Add({"host.labels", Type::Map(Type::String()),
              "the host's labels, from the controller's configuration"});
  schema.Add({"incident.id", Type::String(), "as `tcpmedic show` takes it"});
  schema.Add({"finding.signature", Type::String(), "the signature's name"});
  schema.Add({"finding.group", Type::String(), "the group's key as one line"});
  schema.Add({"finding.severity", Type::String(), "\"info\", \"warning\" or \"critical\""});
  schema.Add({"finding.confidence", Type::String(), "\"certain\" or \"likely\""});
  schema.Add({"finding.socket_count", Type::Int(), "how many sockets match"});
  schema.Add({"finding.title", Type::String(), "the signature's title"});
  schema.Add({"finding.verdict", Type::String(), "what is wrong, with the arithmetic"});
  schema.Add({"finding.advice", Type::String(), "what to do"});
  schema.Add({"finding.disproof", Type::String(), "what would prove it wrong"});
  schema.Add({"finding.evidence", Type::Map(Type::String()),
              "each fact as text, by its name: finding.evidence[\"socket.cwnd\"]"});
  schema.Add({"process.comm", Type::String(), "the program that holds most of the sockets"});
  schema.Add({"process.pid", Type::Int(), "its pid, in the agent's pid namespace"});
  schema.Add({"process.unit", Type::String(), "its systemd unit"});
  return schema;
}

}  // namespace

const expr::Schema& AlertSchema() {
  static const expr::Schema* const schema = new expr::Schema(MakeAlertSchema());
  return *schema;
}

bool IsFreeAlertLabel(absl::string_view name) {
  return !name.empty() && !absl::ascii_isdigit(name[0]) && !absl::StartsWith(name, "__") &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return absl::ascii_isalnum(c) || c == '_'; }) &&
         std::find(std::begin(kOwnLabels), std::end(kOwnLabels), name) == std::end(kOwnLabels);
}

}  // namespace tcpmedic
