#include "tests/cli/flood_examples.h"

#include <optional>

namespace tcpmedic::cli {
namespace {

void AddEntry(v1::IncidentView& view, int64_t at, const std::string& what, const std::string& text,
              const std::string& actor) {
  v1::TimelineEntry& entry = *view.mutable_incident()->add_timeline();
  entry.mutable_at()->set_seconds(at);
  entry.set_what(what);
  entry.set_text(text);
  entry.set_actor(actor);
}

// What both floods have in common: nginx in a container's namespace.
v1::IncidentView Flood() {
  return FromText<v1::IncidentView>(R"pb(
    incident {
      id: "i-90ab12cd"
      host: "web-1"
      state: STATE_OPEN
      finding_present: true
      opened_at { seconds: 1795317051 }
      finding {
        group: "netns=4026532281"
        group_by { attribute: "netns" value: "4026532281" }
        subject: SUBJECT_NETNS
        netns { cookie: 4099 inode: 4026532281 name: "netns of pid 812 (nginx)" }
        confidence: CONFIDENCE_CERTAIN
        exemplar {
          cookie: 77
          netns_cookie: 4099
          local { ip: "0.0.0.0" port: 443 }
        }
        processes {
          pid: 812
          uid: 0
          started_at { seconds: 1795230705 }
          comm: "nginx"
          exe: "/usr/sbin/nginx"
          cmdline: "nginx: master process /usr/sbin/nginx"
          container_id: "4f5a6b7c8d9e0f1a2b3c"
          fds: 6
        }
        since { seconds: 1795317041 }
        found_at { seconds: 1795317051 }
        observed_at { seconds: 1795317124 }
      }
    })pb");
}

constexpr char kListenerEvidence[] = R"pb(
  evidence {
    name: "listener.syn_recv_sockets"
    value { int_value: 128 }
    unit: "sockets"
    basis: "now"
    source: "inet_diag: sockets in SYN-RECV"
  }
  evidence {
    name: "listener.syn_queue_limit"
    value { int_value: 128 }
    unit: "sockets"
    basis: "now"
    source: "inet_csk_reqsk_queue_is_full()"
  }
  evidence {
    name: "listener.backlog"
    value { int_value: 128 }
    basis: "now"
    source: "inet_diag_msg.idiag_wqueue"
  }
  evidence {
    name: "listener.accept_queue"
    value { int_value: 0 }
    unit: "connections"
    basis: "now"
    source: "inet_diag_msg.idiag_rqueue"
  }
  evidence {
    name: "listener.sources"
    value { int_value: 128 }
    unit: "addresses"
    basis: "now"
    source: "inet_diag_sockid.idiag_dst"
  }
  evidence {
    name: "listener.top_sources"
    value { string_value: "198.18.0.0/16 52 %, 198.19.0.0/16 48 %" }
    basis: "now"
    source: "inet_diag_sockid.idiag_dst"
  })pb";

// Absent values were not reported.
v1::Measurement Measured(std::optional<double> cookies, std::optional<double> returned,
                         std::optional<int> half_open, std::optional<double> drops) {
  v1::Measurement measurement = FromText<v1::Measurement>(R"pb(
    values { name: "syncookies_sent_per_s" unit: "/s" basis: "window 10s" }
    values { name: "syncookies_recv_ratio" basis: "window 10s" }
    values { name: "syn_recv_sockets" unit: "sockets" basis: "now" }
    values { name: "listen_drops_per_s" unit: "/s" basis: "window 10s" }
    values { name: "syn_drops_per_s" unit: "/s" basis: "window 10s" })pb");
  if (cookies) measurement.mutable_values(0)->mutable_value()->set_double_value(*cookies);
  if (returned) measurement.mutable_values(1)->mutable_value()->set_double_value(*returned);
  if (half_open) measurement.mutable_values(2)->mutable_value()->set_int_value(*half_open);
  if (drops) {
    measurement.mutable_values(3)->mutable_value()->set_double_value(*drops);
    measurement.mutable_values(4)->mutable_value()->set_double_value(*drops);
  }
  return measurement;
}

// Alice approved two seconds before `at`.
v1::IncidentView Sent(int64_t at) {
  v1::IncidentView view = FloodProposed();
  v1::Incident& incident = *view.mutable_incident();
  incident.set_proposal_state(v1::Proposal::STATE_APPROVED);
  v1::Proposal& proposal = *view.mutable_proposals(0);
  proposal.set_state(v1::Proposal::STATE_APPROVED);
  proposal.mutable_decided_at()->set_seconds(at - 2);
  proposal.set_decided_by("alice");
  AddEntry(view, at - 2, "approved", "Proposal p-3d20f6 approved", "alice");
  v1::Order& order = *view.add_orders();
  order.set_id("o-66f0aa");
  order.set_proposal_id(proposal.id());
  order.set_incident_id(incident.id());
  order.set_state(v1::Order::STATE_DISPATCHED);
  *order.mutable_selector() = proposal.selector();
  *order.mutable_action() = proposal.action();
  *order.mutable_lease() = proposal.lease();
  order.set_targets_max(1);
  order.mutable_dispatched_at()->set_seconds(at);
  order.mutable_expires_at()->set_seconds(at + 30);
  order.mutable_confirm_within()->set_seconds(35);
  order.mutable_verify_after()->set_seconds(20);
  return view;
}

v1::IncidentView Applied(int64_t at) {
  v1::IncidentView view = Sent(at);
  v1::Order& order = *view.mutable_orders(0);
  order.set_state(v1::Order::STATE_APPLIED);
  order.mutable_applied_at()->set_seconds(at);
  v1::Target& target = *order.add_targets();
  target.set_sysctl("net.ipv4.tcp_syncookies");
  target.set_state(v1::Target::STATE_APPLIED);
  target.set_value_before("0");
  target.set_value_after("1");
  v1::Verification& verification = *order.mutable_verification();
  verification.set_order_id(order.id());
  verification.set_expect(view.proposals(0).verify().expect());
  *verification.mutable_before() = Measured(0, std::nullopt, 128, 1980.4);
  AddEntry(view, at, "applied", "Order o-66f0aa applied: net.ipv4.tcp_syncookies 0 → 1", "agent");
  return view;
}

v1::IncidentView Committed() {
  v1::IncidentView view = Applied(1795317060);
  v1::Incident& incident = *view.mutable_incident();
  incident.set_finding_present(false);
  incident.set_state(v1::Incident::STATE_CLOSED);
  incident.set_outcome(v1::Incident::OUTCOME_REMEDIED);
  incident.mutable_closed_at()->set_seconds(1795317081);
  v1::Order& order = *view.mutable_orders(0);
  order.set_state(v1::Order::STATE_COMMITTED);
  order.mutable_decided_at()->set_seconds(1795317080);
  order.mutable_lease_until()->set_seconds(1795324324);
  v1::Verification& verification = *order.mutable_verification();
  verification.set_result(v1::Verification::RESULT_IMPROVED);
  *verification.mutable_after() = Measured(1974.2, 0.0101, 128, 0);
  AddEntry(view, 1795317081, "verified", "Order o-66f0aa verified and kept", "agent");
  return view;
}

}  // namespace

v1::IncidentView FloodAbsorbed() {
  v1::IncidentView view = Flood();
  v1::Incident& incident = *view.mutable_incident();
  v1::Finding& finding = *incident.mutable_finding();
  finding.MergeFrom(FromText<v1::Finding>(R"pb(
    signature: "syn-flood-absorbed"
    severity: SEVERITY_INFO
    title: "SYN flood, absorbed by SYN cookies"
    verdict: "9,871 cookies were sent in 5 s and 1.01 % came back: sources that nobody owns. Cookies hold no state, so no memory is at risk, and no accept queue overflowed: clients get in."
    advice: "Leave tcp_syncookies on. Filter upstream: your provider or the edge can drop by source prefix before the link fills."
    disproof: "clients report failures: then the link or a CPU is full, not this queue."
    evidence {
      name: "netns.syncookies_sent_per_s"
      value { double_value: 1974.2 }
      unit: "/s"
      basis: "window 5s"
      source: "TcpExtSyncookiesSent"
    }
    evidence {
      name: "netns.syncookies_recv_ratio"
      value { double_value: 0.0101 }
      basis: "window 5s"
      source: "TcpExtSyncookiesRecv / TcpExtSyncookiesSent"
    }
    evidence {
      name: "netns.listen_overflows"
      value { int_value: 0 }
      basis: "window 5s"
      source: "TcpExtListenOverflows"
    })pb"));
  finding.MergeFrom(FromText<v1::Finding>(kListenerEvidence));
  *incident.mutable_decision() = FromText<v1::Decision>(R"pb(
    policy: "syn-flood-absorbed"
    revision: "digest:3f2a91c0d4e5"
    actions {
      note {
        text: "Nothing to tune here: cookies are stateless and hold. Watch the link and the CPU instead; ask upstream to drop 198.18.0.0/15."
      }
    })pb");
  AddEntry(view, 1795317051, "opened", "SYN flood, absorbed by SYN cookies (info, certain)",
           "agent");
  AddEntry(view, 1795317051, "noted", "Policy syn-flood-absorbed: noted", "policy x");
  return view;
}

v1::IncidentView FloodProposed() {
  v1::IncidentView view = Flood();
  v1::Incident& incident = *view.mutable_incident();
  v1::Finding& finding = *incident.mutable_finding();
  finding.MergeFrom(FromText<v1::Finding>(R"pb(
    signature: "syn-flood-unprotected"
    severity: SEVERITY_CRITICAL
    title: "SYN flood fills the SYN queue, and cookies are off"
    verdict: "128 of 128 half-open connections: listener 0.0.0.0:443 drops 1,980 SYNs per second, and whoever sent them. tcp_syncookies is 0, so a full queue locks users out."
    advice: "Turn SYN cookies on in this namespace: they answer without a queue. Then filter upstream."
    disproof: "drops go on with cookies on: then it is not the SYN queue that drops."
    evidence {
      name: "netns.tcp_syncookies"
      value { int_value: 0 }
      basis: "now"
      source: "net.ipv4.tcp_syncookies"
    }
    evidence {
      name: "netns.syn_drops_per_s"
      value { double_value: 1980.4 }
      unit: "/s"
      basis: "window 5s"
      source: "TcpExtListenDrops - TcpExtListenOverflows"
    })pb"));
  finding.MergeFrom(FromText<v1::Finding>(kListenerEvidence));
  *finding.mutable_before() = Measured(0, std::nullopt, 128, 1980.4);
  incident.set_proposal_id("p-3d20f6");
  incident.set_proposal_state(v1::Proposal::STATE_PENDING);
  *incident.mutable_decision() = FromText<v1::Decision>(R"pb(
    policy: "syn-flood-cookies"
    revision: "digest:3f2a91c0d4e5"
    actions { set_sysctl { settings { name: "net.ipv4.tcp_syncookies" value: "1" } } })pb");
  *view.add_proposals() = FromText<v1::Proposal>(R"pb(
    id: "p-3d20f6"
    incident_id: "i-90ab12cd"
    state: STATE_PENDING
    selector {
      host: "web-1"
      signature: "syn-flood-unprotected"
      group_by { attribute: "netns" value: "4026532281" }
      netns_cookie: 4099
    }
    action { set_sysctl { settings { name: "net.ipv4.tcp_syncookies" value: "1" } } }
    targets_max: 1
    policy: "syn-flood-cookies"
    revision: "digest:3f2a91c0d4e5"
    digest: "d1"
    approval { mode: MODE_MANUAL quorum: 1 }
    verify {
      after { seconds: 20 }
      expect: "after.syn_drops_per_s <= 0.05 * before.syn_drops_per_s && after.syncookies_sent_per_s > 0.0"
    }
    undo: "net.ipv4.tcp_syncookies is set back to 0, if it is still 1 then"
    created_at { seconds: 1795317051 }
    expires_at { seconds: 1795320651 }
    lease {
      for { seconds: 7200 }
      renew_while: "netns.syncookies_sent_per_s > 1.0"
    })pb");
  AddEntry(view, 1795317051, "opened",
           "SYN flood fills the SYN queue, and cookies are off (critical, certain)", "agent");
  AddEntry(view, 1795317051, "proposed",
           "Proposal p-3d20f6: set net.ipv4.tcp_syncookies = 1, open until 04:10:51 UTC",
           "policy syn-flood-cookies");
  return view;
}

v1::IncidentView FloodVerifying() {
  v1::IncidentView view = Applied(1795317113);
  *view.mutable_orders(0)->mutable_verification()->mutable_after() =
      Measured(1969.5, 0.0098, 128, 0);
  return view;
}

v1::IncidentView FloodVerified() { return Committed(); }

v1::IncidentView FloodLeaseOver() {
  v1::IncidentView view = Committed();
  v1::Order& order = *view.mutable_orders(0);
  order.set_state(v1::Order::STATE_ENDED);
  order.set_reason(
      "the lease ran out: netns.syncookies_sent_per_s > 1.0 was last true at 03:11:40");
  order.mutable_targets(0)->set_state(v1::Target::STATE_UNDONE);
  AddEntry(view, 1795317120, "ended", "Order o-66f0aa: the lease ran out, all is as it was",
           "agent");
  return view;
}

v1::IncidentView FloodDrifted() {
  v1::IncidentView view = Committed();
  v1::Order& order = *view.mutable_orders(0);
  order.set_state(v1::Order::STATE_DRIFTED);
  order.set_roll_back_by("alice");
  order.mutable_targets(0)->set_state(v1::Target::STATE_DRIFTED);
  order.mutable_targets(0)->set_reason("it is 2 now, not our 1");
  return view;
}

v1::IncidentView FloodRefused() {
  v1::IncidentView view = Sent(1795317060);
  v1::Order& order = *view.mutable_orders(0);
  order.set_state(v1::Order::STATE_REFUSED);
  order.set_reason("/etc/tcpmedic/guard.yaml does not allow net.ipv4.tcp_syncookies on this host");
  return view;
}

}  // namespace tcpmedic::cli
