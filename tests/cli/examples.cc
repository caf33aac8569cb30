#include "tests/cli/examples.h"

namespace tcpmedic::cli {

v1::IncidentView PinnedCwndProposed() {
  return FromText<v1::IncidentView>(R"pb(
    incident {
      id: "i-7f3a91c2"
      host: "web-1"
      state: STATE_OPEN
      finding_present: true
      proposal_id: "p-51c09d"
      proposal_state: STATE_PENDING
      opened_at { seconds: 1795316986 }
      finding {
        signature: "pinned-cwnd"
        signature_revision: "digest:3f2a91c0d4e5"
        group: "netns=4026531840 socket.remote_ip=203.0.113.20"
        group_by { attribute: "netns" value: "4026531840" }
        group_by { attribute: "socket.remote_ip" value: "203.0.113.20" }
        subject: SUBJECT_SOCKET
        netns { cookie: 1 inode: 4026531840 name: "host" }
        severity: SEVERITY_WARNING
        confidence: CONFIDENCE_CERTAIN
        title: "Congestion window pinned by loss on a long path"
        verdict: "Loss of 1.02 % holds the window at 11 segments (loss alone predicts 12.1): 11 × 1448 bytes ÷ 148 ms = 861 kbit/s; the socket delivers 780 kbit/s. CUBIC takes every lost segment for congestion and, at this round-trip time, cannot grow back before the next one.\n"
        advice: "Move these sockets to BBR, which paces by measured bandwidth and does not halve on random loss. Then find who drops: a dirty link, a policer, a full shallow buffer.\n"
        disproof: "If BBR delivers no more, the path itself is that narrow (a policer drops at this rate), and the loss is its signal.\n"
        evidence {
          name: "socket.cc"
          value { string_value: "cubic" }
          basis: "now"
          source: "INET_DIAG_CONG"
        }
        evidence {
          name: "socket.path_rtt"
          value { duration_value { nanos: 148000000 } }
          basis: "now"
          source: "tcp_info.tcpi_min_rtt"
        }
        evidence {
          name: "socket.retrans_ratio"
          value { double_value: 0.0102 }
          basis: "window 5s"
          source: "tcp_info.tcpi_total_retrans / tcpi_data_segs_out"
        }
        evidence {
          name: "socket.cwnd"
          value { int_value: 11 }
          unit: "segments"
          basis: "now"
          source: "tcp_info.tcpi_snd_cwnd"
        }
        evidence {
          name: "socket.loss_predicted_cwnd"
          value { double_value: 12.08 }
          unit: "segments"
          basis: "window 5s"
          source: "1.22 / sqrt(retrans_ratio)"
        }
        evidence {
          name: "socket.mss"
          value { int_value: 1448 }
          unit: "bytes"
          basis: "now"
          source: "tcp_info.tcpi_snd_mss"
        }
        evidence {
          name: "socket.goodput_bps"
          value { double_value: 780321.5 }
          unit: "bit/s"
          basis: "window 5s"
          source: "tcp_info.tcpi_bytes_acked"
        }
        evidence {
          name: "socket.busy_ratio"
          value { double_value: 0.998 }
          basis: "window 5s"
          source: "tcp_info.tcpi_busy_time"
        }
        evidence {
          name: "socket.rwnd_limited_ratio"
          value { double_value: 0 }
          basis: "window 5s"
          source: "tcp_info.tcpi_rwnd_limited"
        }
        evidence {
          name: "socket.dsack_ratio"
          value { double_value: 0.0008 }
          basis: "window 5s"
          source: "tcp_info.tcpi_dsack_dups / tcpi_total_retrans"
        }
        exemplar {
          cookie: 8193
          netns_cookie: 1
          local { ip: "10.0.0.5" port: 44120 }
          remote { ip: "203.0.113.20" port: 5201 }
        }
        socket_count: 3
        processes {
          pid: 48121
          uid: 0
          started_at { seconds: 1795316943 }
          comm: "iperf3"
          exe: "/usr/bin/iperf3"
          cmdline: "iperf3"
          cmdline: "-c"
          cmdline: "203.0.113.20"
          cmdline: "-p"
          cmdline: "5201"
          cmdline: "-C"
          cmdline: "cubic"
          cmdline: "-t"
          cmdline: "40"
          systemd_unit: "backup.service"
          fd_count: 7
          fds: 5
        }
        since { seconds: 1795316981 }
        found_at { seconds: 1795316986 }
        observed_at { seconds: 1795317124 nanos: 500000000 }
      }
      decision {
        policy: "lossy-path-to-bbr"
        revision: "digest:3f2a91c0d4e5"
        actions { set_congestion_control { algorithm: "bbr" scope: SCOPE_SOCKETS } }
        considered { policy: "lossy-path-to-bbr" result: "matched" }
      }
      timeline {
        at { seconds: 1795316986 }
        what: "opened"
        text: "Congestion window pinned by loss on a long path (warning, certain)"
        actor: "agent"
      }
      timeline {
        at { seconds: 1795316986 }
        what: "decided"
        text: "Policy lossy-path-to-bbr: set congestion control bbr"
        actor: "policy lossy-path-to-bbr"
      }
      timeline {
        at { seconds: 1795316986 }
        what: "proposed"
        text: "Proposal p-51c09d: set congestion control bbr, at most 200 targets, open until 04:09:46Z"
        actor: "policy lossy-path-to-bbr"
      }
    }
    proposals {
      id: "p-51c09d"
      incident_id: "i-7f3a91c2"
      state: STATE_PENDING
      selector {
        host: "web-1"
        signature: "pinned-cwnd"
        group_by { attribute: "netns" value: "4026531840" }
        group_by { attribute: "socket.remote_ip" value: "203.0.113.20" }
        netns_cookie: 1
      }
      action { set_congestion_control { algorithm: "bbr" scope: SCOPE_SOCKETS } }
      targets_max: 200
      policy: "lossy-path-to-bbr"
      revision: "digest:3f2a91c0d4e5"
      digest: "9b74c9897bac770ffc029102a200c5de"
      approval {
        mode: MODE_MANUAL
        quorum: 1
        expires { seconds: 3600 }
        covers { seconds: 3600 }
      }
      verify {
        after { seconds: 20 }
        expect: "after.goodput_bps >= 3.0 * before.goodput_bps && after.retrans_ratio < 0.15"
      }
      holdback_ratio: 0.1
      undo: "each socket gets back the algorithm that it had, if it still lives and ours is still set"
      created_at { seconds: 1795316986 }
      expires_at { seconds: 1795320586 }
    })pb");
}

v1::IncidentView PinnedCwndLikely() {
  v1::IncidentView view = PinnedCwndProposed();
  view.clear_proposals();
  v1::Incident& incident = *view.mutable_incident();
  incident.clear_proposal_id();
  incident.clear_proposal_state();
  incident.mutable_timeline()->RemoveLast();
  *incident.mutable_decision() =
      FromText<v1::Decision>(R"pb(
        revision: "digest:3f2a91c0d4e5"
        considered {
          policy: "lossy-path-to-bbr"
          result: "unknown: host.labels[\"tier\"] is not set"
        })pb");
  v1::TimelineEntry& decided = *incident.mutable_timeline()->rbegin();
  decided.set_actor("controller");
  decided.set_text("No policy matches: noted");
  v1::Finding& finding = *incident.mutable_finding();
  finding.set_confidence(v1::CONFIDENCE_LIKELY);
  *finding.add_not_shown() = FromText<v1::NotShown>(R"pb(
    look_alike: "reordering"
    expression: "socket.dsack_ratio > 0.2"
    missing: "socket.dsack_ratio")pb");
  *finding.add_not_shown() = FromText<v1::NotShown>(R"pb(
    look_alike: "application-limited"
    expression: "socket.busy_ratio < 0.8 || socket.app_limited"
    missing: "socket.busy_ratio"
    missing: "socket.app_limited")pb");
  finding.mutable_evidence(7)->clear_value();
  finding.mutable_evidence(9)->clear_value();
  finding.clear_processes();
  return view;
}

v1::IncidentView PinnedCwndRejected() {
  v1::IncidentView view = PinnedCwndProposed();
  v1::Incident& incident = *view.mutable_incident();
  incident.set_state(v1::Incident::STATE_CLOSED);
  incident.set_outcome(v1::Incident::OUTCOME_REJECTED);
  incident.set_proposal_state(v1::Proposal::STATE_REJECTED);
  incident.mutable_closed_at()->set_seconds(1795317065);
  v1::Proposal& proposal = *view.mutable_proposals(0);
  proposal.set_state(v1::Proposal::STATE_REJECTED);
  proposal.mutable_decided_at()->set_seconds(1795317065);
  proposal.set_decided_by("alice");
  proposal.set_reason("backup window, the link is being replaced tonight");
  *incident.add_timeline() = FromText<v1::TimelineEntry>(R"pb(
    at { seconds: 1795317065 }
    what: "rejected"
    text: "Proposal p-51c09d rejected: backup window, the link is being replaced tonight"
    actor: "alice")pb");
  return view;
}

v1::ListHostsResponse TwoHosts() {
  return FromText<v1::ListHostsResponse>(R"pb(
    hosts {
      name: "db-1"
      connected_at { seconds: 1795300000 }
      last_report_at { seconds: 1795316885 }
      agent_version: "0.1.0"
      kernel: "6.1.0-28-amd64"
    }
    hosts {
      name: "web-1"
      connected: true
      connected_at { seconds: 1795300000 }
      last_report_at { seconds: 1795317124 }
      agent_version: "0.1.0"
      kernel: "6.18.0"
      open_incidents: 1
      labels { key: "tier" value: "web" }
      labels { key: "az" value: "a" }
      stats {
        interval { seconds: 1 }
        scan_cpu { nanos: 3200000 }
        namespaces: 3
        sockets: 1204
        suspects: 14
        degraded: "file descriptors of 41 processes of other users cannot be read (EACCES): their sockets have no program; run the agent as root"
      }
      activity {
        signature: "pinned-cwnd"
        sockets_seen: 1204
        suspects: 14
        stops { at: "socket.state == \"established\"" sockets: 90 }
        stops {
          at: "socket.cc == \"cubic\""
          sockets: 1100
          example: "10.0.0.5:44120 → 203.0.113.20:443: socket.cc = bbr"
        }
        stops {
          at: "application-limited"
          look_alike: true
          sockets: 10
          example: "10.0.0.5:22 → 198.51.100.7:50122: socket.busy_ratio = 0.02"
        }
        stops { at: "socket.retrans_ratio >= 0.001" sockets: 4 waiting: true }
      }
      activity { signature: "syn-flood" sockets_seen: 1204 }
    })pb");
}

}  // namespace tcpmedic::cli
