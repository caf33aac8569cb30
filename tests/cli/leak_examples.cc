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

void SetInt(v1::IncidentView& view, const std::string& name, int64_t value) {
  for (v1::Evidence& fact : *view.mutable_incident()->mutable_finding()->mutable_evidence()) {
    if (fact.name() == name) fact.mutable_value()->set_int_value(value);
  }
}

void Forget(v1::IncidentView& view, const std::string& prefix) {
  auto* const evidence = view.mutable_incident()->mutable_finding()->mutable_evidence();
  for (int i = evidence->size() - 1; i >= 0; --i) {
    if (evidence->Get(i).name().rfind(prefix, 0) == 0) evidence->DeleteSubrange(i, 1);
  }
}

v1::Order& AddSampling(v1::IncidentView& view) {
  v1::Incident& incident = *view.mutable_incident();
  incident.mutable_decision()
      ->add_actions()
      ->mutable_sample_call_sites()
      ->mutable_duration()
      ->set_seconds(60);
  incident.set_proposal_id("p-77c1d2");
  incident.set_proposal_state(v1::Proposal::STATE_APPROVED);
  *view.add_proposals() = FromText<v1::Proposal>(R"pb(
    id: "p-77c1d2"
    state: STATE_APPROVED
    action { sample_call_sites { duration { seconds: 60 } } }
    targets_max: 1
    policy: "close-wait-leak-alert"
    decided_by: "policy close-wait-leak-alert")pb");
  v1::Order& order = *view.add_orders();
  order = FromText<v1::Order>(R"pb(
    id: "o-5ad0b1"
    proposal_id: "p-77c1d2"
    state: STATE_APPLIED
    action { sample_call_sites { duration { seconds: 60 } } }
    targets_max: 1
    targets { pid: 812 state: STATE_APPLIED }
    dispatched_at { seconds: 1795317113 }
    applied_at { seconds: 1795317113 })pb");
  return order;
}

}  // namespace

v1::IncidentView LeakAlerted() {
  v1::IncidentView view = FromText<v1::IncidentView>(R"pb(
    incident {
      id: "i-4c7be021"
      host: "web-1"
      state: STATE_OPEN
      finding_present: true
      opened_at { seconds: 1795317051 }
      finding {
        signature: "close-wait-leak"
        severity: SEVERITY_WARNING
        confidence: CONFIDENCE_CERTAIN
        title: "A program does not close its connections"
        verdict: "nginx (pid 812) does not close what its peers have closed, at 0.0.0.0:8080: 9821 connections in CLOSE-WAIT, the oldest for 196s. In the last 84s they became 4200 more, 3000 a minute, and none was closed."
        advice: "Mend the program; nothing on the host can: read() == 0 must reach close() on every path. A restart gives all descriptors back."
        disproof: "If the number falls without a restart, the program does close them, late."
        group: "process=812, listener=0.0.0.0:8080"
        group_by { attribute: "process" value: "812" }
        group_by { attribute: "listener" value: "0.0.0.0:8080" }
        subject: SUBJECT_PROCESS
        netns { cookie: 4099 inode: 4026532281 name: "netns of pid 812 (nginx)" }
        evidence {
          name: "process.closed"
          value { int_value: 0 }
          unit: "sockets"
          basis: "window 15s"
          source: "inet_diag: gone from the dump"
        }
        evidence {
          name: "process.rises"
          value { int_value: 28 }
          unit: "readings"
          basis: "readings 3s apart"
          source: "inet_diag_msg.idiag_state"
        }
        evidence {
          name: "process.rising_for"
          value { duration_value { seconds: 84 } }
          basis: "readings 3s apart"
          source: "inet_diag_msg.idiag_state"
        }
        evidence {
          name: "process.risen_by"
          value { int_value: 4200 }
          unit: "sockets"
          basis: "window 84s"
          source: "inet_diag_msg.idiag_state"
        }
        evidence {
          name: "process.growth_per_min"
          value { double_value: 3000 }
          unit: "sockets/min"
          basis: "window 84s"
          source: "inet_diag_msg.idiag_state"
        }
        evidence {
          name: "process.pid"
          value { int_value: 812 }
          basis: "now"
          source: "/proc/PID"
        }
        evidence {
          name: "process.comm"
          value { string_value: "nginx" }
          basis: "now"
          source: "/proc/PID/stat comm"
        }
        evidence {
          name: "process.listener"
          value { string_value: "0.0.0.0:8080" }
          basis: "now"
          source: "inet_diag_sockid.idiag_src, idiag_sport"
        }
        evidence {
          name: "process.peers"
          value { string_value: "203.0.113.20 63 %, 203.0.113.21 37 %" }
          basis: "now"
          source: "inet_diag_sockid.idiag_dst"
        }
        evidence {
          name: "process.sockets"
          value { int_value: 9821 }
          unit: "sockets"
          basis: "now"
          source: "inet_diag_msg.idiag_state"
        }
        evidence {
          name: "process.unread_eof"
          value { int_value: 0 }
          unit: "sockets"
          basis: "now"
          source: "inet_diag_msg.idiag_rqueue"
        }
        evidence {
          name: "process.read_eof"
          value { int_value: 9821 }
          unit: "sockets"
          basis: "now"
          source: "inet_diag_msg.idiag_rqueue"
        }
        evidence {
          name: "process.oldest"
          value { duration_value { seconds: 196 } }
          basis: "now"
          source: "tcp_info.tcpi_last_ack_recv"
        }
        evidence {
          name: "process.fd_count"
          value { int_value: 9850 }
          basis: "now"
          source: "/proc/PID/fd"
        }
        evidence {
          name: "process.fd_limit"
          value { int_value: 20000 }
          basis: "now"
          source: "/proc/PID/limits: Max open files, soft"
        }
        evidence {
          name: "process.fd_limit_in"
          value { duration_value { seconds: 203 } }
          basis: "window 80s"
          source: "/proc/PID/fd, /proc/PID/limits"
        }
        evidence {
          name: "process.rss_bytes"
          value { int_value: 195035136 }
          unit: "bytes"
          basis: "now"
          source: "/proc/PID/status VmRSS"
        }
        evidence {
          name: "process.rss_growth_bytes_per_min"
          value { double_value: 49152000 }
          unit: "bytes/min"
          basis: "window 80s"
          source: "/proc/PID/status VmRSS"
        }
        exemplar {
          cookie: 4711
          netns_cookie: 4099
          local { ip: "203.0.113.7" port: 8080 }
          remote { ip: "203.0.113.20" port: 41822 }
        }
        socket_count: 9821
        processes {
          pid: 812
          started_at { seconds: 1795230705 }
          comm: "nginx"
          exe: "/usr/sbin/nginx"
          cmdline: "nginx: worker process"
          uid: 33
          systemd_unit: "nginx.service"
          fds: 14
          fds: 15
          fds: 16
        }
        since { seconds: 1795317051 }
        found_at { seconds: 1795317051 }
        observed_at { seconds: 1795317124 }
      }
      decision {
        policy: "close-wait-leak-alert"
        revision: "digest:3f2a91c0d4e5"
        actions { raise_alert { receivers: "oncall" receivers: "chat" } }
      }
    })pb");
  AddEntry(view, 1795317051, "opened",
           "A program does not close its connections (warning, certain)", "agent");
  AddEntry(view, 1795317051, "alerted", "Policy close-wait-leak-alert: alert oncall, chat",
           "policy close-wait-leak-alert");
  return view;
}

v1::IncidentView LeakProposed() {
  v1::IncidentView view = LeakAlerted();
  AddSampling(view);
  view.clear_orders();
  view.mutable_incident()->set_proposal_state(v1::Proposal::STATE_PENDING);
  v1::Proposal& proposal = *view.mutable_proposals(0);
  proposal.set_state(v1::Proposal::STATE_PENDING);
  proposal.clear_decided_by();
  proposal.set_revision("digest:3f2a91c0d4e5");
  proposal.mutable_expires_at()->set_seconds(1795320651);
  return view;
}

v1::IncidentView LeakSampling() {
  v1::IncidentView view = LeakAlerted();
  AddSampling(view);
  return view;
}

v1::IncidentView LeakSampled() {
  v1::IncidentView view = LeakAlerted();
  v1::Order& order = AddSampling(view);
  order.set_state(v1::Order::STATE_ENDED);
  *order.mutable_call_sites() = FromText<v1::CallSites>(R"pb(
    sites {
      kind: KIND_READ_EOF
      fds: 412
      frames {
        function: "__libc_recv"
        module: "/usr/lib/x86_64-linux-gnu/libc.so.6"
        offset: 1089322
      }
      frames {
        function: "Handle"
        source: "leak.cc:42"
        module: "/usr/sbin/nginx"
        offset: 4660
        build_id: "ab12"
      }
      frames { function: "Serve" source: "leak.cc:97" module: "/usr/sbin/nginx" offset: 5200 }
      frames { function: "main" source: "main.cc:12" module: "/usr/sbin/nginx" offset: 6000 }
    }
    sites {
      kind: KIND_READ
      fds: 3
      frames { module: "/usr/lib/nginx/modules/stream.so" offset: 9029 }
    }
    samples: 9120
    sampled { seconds: 6 }
    leaked_fds: 500
    seen_fds: 415)pb");
  AddEntry(view, 1795317114, "ended",
           "Order o-5ad0b1 ended: 412 of 500 leaked descriptors: read returned 0 in Handle "
           "(leak.cc:42); and 1 other place",
           "agent");
  return view;
}

v1::IncidentView LeakNotSampled() {
  v1::IncidentView view = LeakAlerted();
  v1::Order& order = AddSampling(view);
  order.set_state(v1::Order::STATE_REFUSED);
  order.clear_targets();
  order.clear_applied_at();
  order.set_reason("/etc/tcpmedic/guard.yaml does not allow sample_call_sites on this host");
  return view;
}

v1::IncidentView LeakUpstream() {
  v1::IncidentView view = LeakAlerted();
  v1::Finding& finding = *view.mutable_incident()->mutable_finding();
  finding.mutable_group_by(1)->set_value("upstream 10.0.0.7:5432");
  SetInt(view, "process.unread_eof", 9700);
  SetInt(view, "process.read_eof", 121);
  Forget(view, "process.fd_");
  Forget(view, "process.rss_");
  finding.mutable_processes(0)->set_comm("worker");
  finding.mutable_processes(0)->clear_fds();
  *finding.add_processes() = finding.processes(0);
  *finding.add_processes() = finding.processes(0);
  finding.mutable_processes(1)->set_pid(813);
  finding.mutable_processes(2)->set_pid(814);
  return view;
}

v1::IncidentView LeakOver() {
  v1::IncidentView view = LeakSampled();
  v1::Incident& incident = *view.mutable_incident();
  incident.set_finding_present(false);
  incident.set_state(v1::Incident::STATE_CLOSED);
  incident.set_outcome(v1::Incident::OUTCOME_ALERTED);
  incident.mutable_closed_at()->set_seconds(1795317120);
  AddEntry(view, 1795317120, "alerted", "The finding has gone after 1m9s, and its alert with it",
           "controller");
  return view;
}

}  // namespace tcpmedic::cli
