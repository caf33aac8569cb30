#include "tests/cli/order_examples.h"

#include <initializer_list>

#include "absl/strings/str_cat.h"

namespace tcpmedic::cli {
namespace {

v1::TimelineEntry Entry(int64_t at, const std::string& what, const std::string& text,
                        const std::string& actor) {
  v1::TimelineEntry entry;
  entry.mutable_at()->set_seconds(at);
  entry.set_what(what);
  entry.set_text(text);
  entry.set_actor(actor);
  return entry;
}

// Alice approved two seconds before `dispatched`.
v1::IncidentView Approved(int64_t dispatched) {
  v1::IncidentView view = PinnedCwndProposed();
  v1::Incident& incident = *view.mutable_incident();
  incident.set_proposal_state(v1::Proposal::STATE_APPROVED);
  v1::Proposal& proposal = *view.mutable_proposals(0);
  proposal.set_state(v1::Proposal::STATE_APPROVED);
  proposal.mutable_decided_at()->set_seconds(dispatched - 2);
  proposal.set_decided_by("alice");
  *incident.add_timeline() =
      Entry(dispatched - 2, "approved", "Proposal p-51c09d approved", "alice");
  v1::Order& order = *view.add_orders();
  order.set_id("o-2b7e11");
  order.set_proposal_id(proposal.id());
  order.set_incident_id(incident.id());
  order.set_state(v1::Order::STATE_DISPATCHED);
  *order.mutable_selector() = proposal.selector();
  *order.mutable_action() = proposal.action();
  order.set_targets_max(200);
  order.mutable_dispatched_at()->set_seconds(dispatched);
  order.mutable_expires_at()->set_seconds(dispatched + 30);
  order.mutable_confirm_within()->set_seconds(35);
  order.mutable_verify_after()->set_seconds(20);
  order.set_holdback_ratio(0.1);
  return view;
}

v1::Target& AddTarget(v1::Order& order, v1::Target::State state) {
  v1::Target& target = *order.add_targets();
  target.mutable_socket()->set_cookie(8193 + order.targets_size());
  target.mutable_socket()->set_netns_cookie(1);
  target.set_state(state);
  target.set_value_before("cubic");
  target.set_value_after("bbr");
  return target;
}

v1::Measurement Measured(double goodput_bps, double retrans_ratio, int cwnd, int rtt_us,
                         const std::string& algorithm, int sockets) {
  v1::Measurement measurement = FromText<v1::Measurement>(R"pb(
    values { name: "congestion_control" basis: "now" source: "INET_DIAG_CONG" }
    values { name: "goodput_bps" unit: "bit/s" basis: "window 10s" }
    values { name: "rtt_us" unit: "us" basis: "median over 10s" }
    values { name: "cwnd_segments" unit: "segments" basis: "median over 10s" }
    values { name: "retrans_ratio" basis: "window 10s" })pb");
  measurement.mutable_values(0)->mutable_value()->set_string_value(algorithm);
  measurement.mutable_values(1)->mutable_value()->set_double_value(goodput_bps);
  measurement.mutable_values(2)->mutable_value()->set_int_value(rtt_us);
  measurement.mutable_values(3)->mutable_value()->set_int_value(cwnd);
  measurement.mutable_values(4)->mutable_value()->set_double_value(retrans_ratio);
  measurement.set_sockets(sockets);
  return measurement;
}

// A point a second, the first ten before `applied`.
void SetCourse(v1::Order& order, std::initializer_list<double> megabits) {
  int64_t at = order.applied_at().seconds() - 9;
  for (const double goodput : megabits) {
    v1::GoodputPoint& point = *order.mutable_verification()->add_course();
    point.mutable_at()->set_seconds(at++);
    point.set_goodput_bps(goodput * 1e6);
  }
}

constexpr char kExpect[] =
    "after.goodput_bps >= 3.0 * before.goodput_bps && after.retrans_ratio < 0.15";

// Applied at `applied`; the targets are left to the caller.
v1::IncidentView Applied(int64_t applied) {
  v1::IncidentView view = Approved(applied);
  v1::Order& order = *view.mutable_orders(0);
  order.set_state(v1::Order::STATE_APPLIED);
  order.mutable_applied_at()->set_seconds(applied);
  v1::Verification& verification = *order.mutable_verification();
  verification.set_order_id(order.id());
  verification.set_expect(kExpect);
  *verification.mutable_before() = Measured(780321.5, 0.0102, 11, 148000, "cubic", 3);
  return view;
}

void Close(v1::IncidentView& view, v1::Incident::Outcome outcome, int64_t at) {
  view.mutable_incident()->set_state(v1::Incident::STATE_CLOSED);
  view.mutable_incident()->set_outcome(outcome);
  view.mutable_incident()->mutable_closed_at()->set_seconds(at);
}

}  // namespace

v1::IncidentView PinnedCwndSent() { return Approved(1795317123); }

v1::IncidentView PinnedCwndVerifying() {
  v1::IncidentView view = Applied(1795317113);
  v1::Order& order = *view.mutable_orders(0);
  for (int i = 0; i < 3; ++i) AddTarget(order, v1::Target::STATE_APPLIED);
  *order.mutable_verification()->mutable_after() = Measured(61.2e6, 0.0141, 812, 159000, "bbr", 3);
  SetCourse(order, {0.8, 0.8, 0.7, 0.8, 0.9, 0.8, 0.8, 0.7, 0.8, 0.8,  //
                    4.1, 11,  22,  34,  47,  55,  60,  62,  63,  64,  64});
  *view.mutable_incident()->add_timeline() =
      Entry(1795317113, "applied", "Order o-2b7e11 applied to 3 sockets", "agent");
  return view;
}

v1::IncidentView PinnedCwndVerified() {
  v1::IncidentView view = Applied(1795317060);
  v1::Incident& incident = *view.mutable_incident();
  incident.mutable_finding()->set_socket_count(8);
  incident.set_finding_present(false);
  Close(view, v1::Incident::OUTCOME_REMEDIED, 1795317081);
  v1::Order& order = *view.mutable_orders(0);
  order.set_state(v1::Order::STATE_COMMITTED);
  order.mutable_decided_at()->set_seconds(1795317080);
  for (int i = 0; i < 6; ++i) AddTarget(order, v1::Target::STATE_APPLIED);
  AddTarget(order, v1::Target::STATE_APPLIED).set_held_back(true);
  AddTarget(order, v1::Target::STATE_GONE).set_reason("closed before it could be changed");
  v1::Verification& verification = *order.mutable_verification();
  verification.set_result(v1::Verification::RESULT_IMPROVED);
  *verification.mutable_before() = Measured(4.68e6, 0.0102, 11, 148000, "cubic", 6);
  *verification.mutable_after() = Measured(88.4e6, 0.0141, 161, 159000, "bbr", 6);
  *verification.mutable_held_back_before() = Measured(0.79e6, 0.0102, 11, 148000, "cubic", 1);
  *verification.mutable_held_back_after() = Measured(0.8e6, 0.0102, 11, 149000, "cubic", 1);
  SetCourse(order, {4.6, 4.7, 4.7, 4.5, 4.8, 4.7, 4.6, 4.7, 4.7, 4.7,  //
                    9,   21,  40,  58,  71,  80,  85,  88,  88,  89,
                    88,  88,  89,  88,  88,  88,  89,  88,  88,  88});
  *incident.add_timeline() =
      Entry(1795317060, "applied", "Order o-2b7e11 applied to 6 sockets", "agent");
  *incident.add_timeline() =
      Entry(1795317081, "verified", "Order o-2b7e11 verified and kept", "agent");
  return view;
}

v1::IncidentView PinnedCwndRolledBack() {
  v1::IncidentView view = Applied(1795317060);
  Close(view, v1::Incident::OUTCOME_FAILED, 1795317081);
  v1::Order& order = *view.mutable_orders(0);
  order.set_state(v1::Order::STATE_ROLLED_BACK);
  order.mutable_decided_at()->set_seconds(1795317080);
  for (int i = 0; i < 3; ++i) AddTarget(order, v1::Target::STATE_UNDONE);
  v1::Verification& verification = *order.mutable_verification();
  verification.set_result(v1::Verification::RESULT_NOT_IMPROVED);
  verification.set_reason("after.goodput_bps is 812 kbit/s, not at least 3 × 780 kbit/s");
  *verification.mutable_after() = Measured(812e3, 0.0431, 14, 171000, "bbr", 3);
  SetCourse(order, {0.8, 0.8, 0.7, 0.8, 0.9, 0.8, 0.8, 0.7, 0.8, 0.8,  //
                    0.9, 1,   0.9, 0.8, 0.8, 0.8, 0.7, 0.8, 0.8, 0.9,
                    0.8, 0.8, 0.8, 0.9, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8});
  return view;
}

v1::IncidentView PinnedCwndRefused() {
  v1::IncidentView view = Approved(1795317060);
  Close(view, v1::Incident::OUTCOME_FAILED, 1795317060);
  v1::Order& order = *view.mutable_orders(0);
  order.set_state(v1::Order::STATE_REFUSED);
  order.set_reason("/etc/tcpmedic/guard.yaml does not allow set_congestion_control on this host");
  for (int i = 0; i < 3; ++i) {
    v1::Target& target = AddTarget(order, v1::Target::STATE_REFUSED);
    target.clear_value_before();
    target.clear_value_after();
  }
  return view;
}

v1::IncidentView PinnedCwndDrifted() {
  v1::IncidentView view = PinnedCwndRolledBack();
  v1::Order& order = *view.mutable_orders(0);
  order.set_state(v1::Order::STATE_DRIFTED);
  order.mutable_targets(1)->set_state(v1::Target::STATE_DRIFTED);
  order.mutable_targets(1)->set_reason("it is on reno now, not on our bbr");
  return view;
}

v1::IncidentView PinnedCwndInconclusive() {
  v1::IncidentView view = Applied(1795317060);
  Close(view, v1::Incident::OUTCOME_FAILED, 1795317071);
  v1::Order& order = *view.mutable_orders(0);
  order.set_state(v1::Order::STATE_ROLLED_BACK);
  order.mutable_decided_at()->set_seconds(1795317070);
  for (int i = 0; i < 3; ++i) {
    AddTarget(order, v1::Target::STATE_GONE).set_reason("closed 4 s after the change");
  }
  v1::Verification& verification = *order.mutable_verification();
  verification.set_result(v1::Verification::RESULT_INCONCLUSIVE);
  verification.set_reason("every target closed before 10 s could be measured");
  SetCourse(order, {0.8, 0.8, 0.7, 0.8, 0.9, 0.8, 0.8, 0.7, 0.8, 0.8, 2.1, 6.5, 12, 19});
  return view;
}

v1::IncidentView PinnedCwndSilent() {
  v1::IncidentView view = PinnedCwndVerifying();
  v1::Order& order = *view.mutable_orders(0);
  order.set_state(v1::Order::STATE_UNKNOWN);
  while (order.verification().course_size() > 15) {
    order.mutable_verification()->mutable_course()->RemoveLast();
  }
  order.mutable_verification()->clear_after();
  return view;
}

}  // namespace tcpmedic::cli
