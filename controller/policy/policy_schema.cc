#include "controller/policy/policy_schema.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "diagnosis/netns_measurement.h"

namespace tcpmedic {
namespace {

using expr::Type;

expr::Schema MakeWhenSchema() {
  expr::Schema schema;  // in the order of WhenSlot
  schema.Add({"host.name", Type::String(), "the host's name"});
  schema.Add({"host.labels", Type::Map(Type::String()),
              "the host's labels, from the controller's configuration"});
  schema.Add({"finding.signature", Type::String(), "the signature's name"});
  schema.Add({"finding.group", Type::String(), "the group's key as one line"});
  schema.Add({"finding.severity", Type::String(), "\"info\", \"warning\" or \"critical\""});
  schema.Add({"finding.confidence", Type::String(), "\"certain\" or \"likely\""});
  schema.Add({"finding.socket_count", Type::Int(), "how many sockets match"});
  return schema;
}

expr::Schema MakeSocketsSchema() {
  expr::Schema schema;
  for (const std::string when : {"before", "after"}) {
    const auto add = [&](const char* name, Type type, const char* doc) {
      schema.Add({absl::StrCat(when, ".", name), type, doc});
    };
    add("goodput_bps", Type::Double(), "acknowledged payload of all targets, bit/s");
    add("retrans_ratio", Type::Double(), "retransmitted ÷ sent segments");
    add("rtt_us", Type::Int(), "median smoothed round-trip time, microseconds");
    add("cwnd_segments", Type::Int(), "median congestion window, segments");
    add("ssthresh_segments", Type::Int(), "median slow-start threshold, segments");
    add("congestion_control", Type::String(), "the algorithm in use");
  }
  return schema;
}

expr::Schema MakeNetnsSchema() {
  expr::Schema schema;
  for (const std::string when : {"before", "after"}) {
    for (const MeasuredAttribute& measured : NetnsMeasured()) {
      schema.Add(
          {absl::StrCat(when, ".", measured.name), measured.type, std::string(measured.doc)});
    }
  }
  return schema;
}

}  // namespace

const expr::Schema& WhenSchema() {
  static const expr::Schema* const schema = new expr::Schema(MakeWhenSchema());
  return *schema;
}

const expr::Schema& ExpectSchema(const v1::Action& action) {
  static const expr::Schema* const sockets = new expr::Schema(MakeSocketsSchema());
  static const expr::Schema* const netns = new expr::Schema(MakeNetnsSchema());
  return action.has_set_sysctl() ? *netns : *sockets;
}

}  // namespace tcpmedic
