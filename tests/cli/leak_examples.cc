#include "tests/cli/leak_examples.h"

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

v1::Order& AddOrder(v1::IncidentView& view, v1::Order::State state) {
  view.mutable_proposals(0)->set_state(v1::Proposal::STATE_APPROVED);
  view.mutable_incident()->set_proposal_state(v1::Proposal::STATE_APPROVED);
  view.mutable_incident()->set_order_id("o-5c3a9e");
  view.mutable_incident()->set_order_state(state);
  v1::Order& order = *view.add_orders();
  order.set_id("o-5c3a9e");
  order.set_incident_id("i-7k2m9p4q");
  order.set_state(state);
  *order.mutable_action() = view.proposals(0).action();
  return order;
}

}  // namespace

v1::IncidentView LeakAlerted() {
  return FromText<v1::IncidentView>(R"pb(
    incident {
      id: "i-7k2m9p4q"
      host: "app-1"
      state: STATE_OPEN
      finding_present: true
      opened_at { seconds: 1795317051 }
      decision {
        policy: "close-wait-leak-alert"
        revision: "digest:4f5a"
        actions { raise_alert { receivers: "oncall" } }
      }
      finding {
        signature: "close-wait-leak"
        title: "A program does not close its connections"
        severity: SEVERITY_WARNING
        subject: SUBJECT_PROCESS
        confidence: CONFIDENCE_CERTAIN
        group: "process=812 listener=0.0.0.0:8080"
        group_by { attribute: "process" value: "812" }
        group_by { attribute: "listener" value: "0.0.0.0:8080" }
        netns { cookie: 1 inode: 4026531840 name: "host" }
        socket_count: 9821
        verdict: "python3 (pid 812) does not close what its peers have closed, at 0.0.0.0:8080: 9821 connections in CLOSE-WAIT, the oldest for 3 h 16 min. In the last 31 min they became 1560 more, 50 a minute, and none was closed. The program has read the end of file on them (Recv-Q is 0 on 9821) and dropped them: read() returned 0, and that path does not reach close(). It has 9834 of 20000 descriptors, and none left in 3 h 23 min; its memory is 780 MiB, 1.5 MiB more a minute. Peers: 203.0.113.20 63 %, 203.0.113.21 37 %."
        advice: "Mend the program; nothing on the host can. Where the end of file was read: read() == 0 must reach close() on every path, so look at early returns, error branches and exceptions between the two. Where it was not: the handler must come back to read(), or the pool must poll its idle connections (POLLIN, POLLRDHUP) and close those that answer. A restart gives all descriptors back and buys as much time as it took until now."
        disproof: "If the number falls without a restart, the program does close them, late."
        evidence {
          name: "process.sockets"
          value { int_value: 9821 }
          unit: "sockets"
          basis: "now"
          source: "inet_diag_msg.idiag_state"
        }
        evidence {
          name: "process.growth_per_min"
          value { double_value: 50.3 }
          unit: "sockets/min"
          basis: "window 31 min"
          source: "inet_diag_msg.idiag_state"
        }
        evidence {
          name: "process.fd_limit_in"
          value { duration_value { seconds: 12180 } }
          basis: "window 10 min"
          source: "/proc/PID/fd, /proc/PID/limits"
        }
        evidence {
          name: "process.peers"
          value { string_value: "203.0.113.20 63 %, 203.0.113.21 37 %" }
          basis: "now"
          source: "inet_diag_sockid.idiag_dst"
        }
        exemplar {
          local { ip: "10.0.0.5" port: 8080 }
          remote { ip: "203.0.113.20" port: 44120 }
        }
        processes {
          pid: 812
          started_at { seconds: 1795305325 }
          comm: "python3"
          exe: "/usr/bin/python3.11"
          cmdline: "/usr/bin/python3"
          cmdline: "/srv/app/serve.py"
          uid: 33
          systemd_unit: "app.service"
          fd_count: 9834
          fd_limit: 20000
        }
        since { seconds: 1795317041 }
        observed_at { seconds: 1795317124 }
      }
      timeline {
        at { seconds: 1795317051 }
        what: "opened"
        text: "A program does not close its connections (warning, certain)"
        actor: "agent"
      }
      timeline {
        at { seconds: 1795317051 }
        what: "alerted"
        text: "Policy close-wait-leak-alert: alert oncall"
        actor: "policy close-wait-leak-alert"
      }
    })pb");
}

v1::IncidentView LeakProposed() {
  v1::IncidentView view = LeakAlerted();
  v1::Incident& incident = *view.mutable_incident();
  incident.mutable_decision()->set_policy("close-wait-leak-call-sites");
  incident.mutable_timeline(1)->set_text(
      "Policy close-wait-leak-call-sites: alert oncall; sample call sites");
  incident.mutable_decision()
      ->add_actions()
      ->mutable_sample_call_sites()
      ->mutable_duration()
      ->set_seconds(60);
  incident.set_proposal_id("p-3d20f6");
  incident.set_proposal_state(v1::Proposal::STATE_PENDING);
  v1::Proposal& proposal = *view.add_proposals();
  proposal.set_id("p-3d20f6");
  proposal.set_incident_id(incident.id());
  proposal.set_state(v1::Proposal::STATE_PENDING);
  proposal.set_policy("close-wait-leak-call-sites");
  proposal.set_revision("digest:4f5a");
  proposal.set_targets_max(1);
  proposal.set_undo("nothing to undo: it only reads");
  proposal.mutable_expires_at()->set_seconds(1795320651);
  *proposal.mutable_action() = incident.decision().actions(1);
  return view;
}

v1::IncidentView LeakSampling() {
  v1::IncidentView view = LeakProposed();
  AddOrder(view, v1::Order::STATE_APPLIED).mutable_applied_at()->set_seconds(1795317113);
  return view;
}

v1::IncidentView LeakSampled() {
  v1::IncidentView view = LeakProposed();
  *AddOrder(view, v1::Order::STATE_ENDED).mutable_call_sites() = FromText<v1::CallSites>(R"pb(
    sites {
      kind: KIND_READ_EOF
      fds: 212
      frames { function: "read" module: "/usr/lib/x86_64-linux-gnu/libc.so.6" offset: 1058304 }
      frames { function: "Handle(int)" source: "serve.cc:42" module: "/srv/app/serve" offset: 4660 }
      frames { function: "main" source: "serve.cc:80" module: "/srv/app/serve" offset: 5000 }
    }
    sites {
      kind: KIND_ACCEPT
      fds: 3
      frames { module: "/srv/app/serve" offset: 7331 }
    }
    samples: 12034
    sampled { seconds: 6 }
    leaked_fds: 9821
    seen_fds: 215
    degraded: "Descriptors that leaked before the sampling began were not seen."
  )pb");
  AddEntry(view, 1795317113, "applied",
           "Order o-5c3a9e samples call sites of pid 812 for at most 1m; it only reads", "agent");
  AddEntry(view, 1795317123, "ended",
           "Order o-5c3a9e has ended: 212 of 9821 leaked descriptors: read returned 0 in "
           "Handle(int) (serve.cc:42); and 1 other place",
           "agent");
  return view;
}

v1::IncidentView LeakNotSampled() {
  v1::IncidentView view = LeakProposed();
  AddOrder(view, v1::Order::STATE_REFUSED)
      .set_reason("/etc/tcpmedic/guard.yaml does not allow sample_call_sites");
  return view;
}

v1::IncidentView LeakOver() {
  v1::IncidentView view = LeakSampled();
  v1::Incident& incident = *view.mutable_incident();
  incident.set_state(v1::Incident::STATE_CLOSED);
  incident.set_outcome(v1::Incident::OUTCOME_ALERTED);
  incident.set_finding_present(false);
  incident.mutable_closed_at()->set_seconds(1795317124);
  AddEntry(view, 1795317124, "alerted", "The finding has gone after 73s, and its alert with it",
           "agent");
  return view;
}

}  // namespace tcpmedic::cli
