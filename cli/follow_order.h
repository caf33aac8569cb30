// How an approved order goes, from the answers of the controller: what to tell whoever waits for
// it, and when it is over. Pure.
#ifndef TCPMEDIC_CLI_FOLLOW_ORDER_H_
#define TCPMEDIC_CLI_FOLLOW_ORDER_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tcpmedic/v1/operator.pb.h"

namespace tcpmedic::cli {

// An order of a silent agent is given up this long after its own deadline: by then the host has
// taken it back.
constexpr absl::Duration kPatience = absl::Seconds(15);

// The order that the approval of `proposal_id` made; null before there is one. Orders that the
// approval covers later come after it.
const v1::Order* OrderOf(const v1::IncidentView& view, absl::string_view proposal_id);

struct OrderStep {
  std::string doing;   // one text as long as the same goes on: "Verifying: 3 sockets moved to bbr"
  std::string detail;  // by the second: "12 of 20 s, now 61.2 Mbit/s (before 780 kbit/s)"
  enum class End { kGood, kBad };  // good: as was asked for, verified or undone
  std::optional<End> end;          // set once there is nothing more to wait for
};
OrderStep StepOf(const v1::IncidentView& view, absl::string_view proposal_id, absl::Time now);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_FOLLOW_ORDER_H_
