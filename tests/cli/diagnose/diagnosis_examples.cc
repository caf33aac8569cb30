#include "tests/cli/diagnose/diagnosis_examples.h"

#include <cstdint>
#include <utility>

#include "tests/cli/examples.h"

namespace tcpmedic::cli {
namespace {

TraceEndpoint At(const char* ip, uint16_t port) { return {*IpAddress::Parse(ip), port}; }

// What passes in one direction; times are seconds since midnight.
struct Passing {
  double at;
  bool from_client;
  uint16_t flags;
  uint32_t rel_seq, rel_ack;
  uint32_t bytes;
  EndState client, server;
  std::string note;
};

constexpr uint32_t kClientIsn = 1'000'000;
constexpr uint32_t kServerIsn = 4'200'000;

TrackedSegment Segment(const Passing& passing, int64_t number) {
  TrackedSegment segment;
  segment.number = number;
  segment.time = absl::Hours(14) + absl::Seconds(passing.at);
  segment.from_client = passing.from_client;
  segment.flags = passing.flags;
  segment.rel_seq = passing.rel_seq;
  segment.seq = (passing.from_client ? kClientIsn : kServerIsn) + passing.rel_seq;
  if ((passing.flags & kAck) != 0) {
    segment.rel_ack = passing.rel_ack;
    segment.ack = (passing.from_client ? kServerIsn : kClientIsn) + passing.rel_ack;
  }
  segment.payload_bytes = passing.bytes;
  segment.client_state = passing.client;
  segment.server_state = passing.server;
  segment.note = passing.note;
  return segment;
}

TrackedConnection Connection(TraceEndpoint client, TraceEndpoint server,
                             const std::vector<Passing>& passing) {
  TrackedConnection connection;
  connection.input = "trace.txt";
  connection.client = client;
  connection.server = server;
  connection.start_captured = true;
  connection.time_base = TimeBase::kMidnight;
  connection.client_isn = kClientIsn;
  for (const Passing& each : passing) {
    connection.segments.push_back(
        Segment(each, static_cast<int64_t>(connection.segments.size()) + 1));
    if ((each.flags & kSyn) != 0) {
      ++(each.from_client ? connection.totals.syns : connection.totals.syn_acks);
    }
    (each.from_client ? connection.totals.client_bytes : connection.totals.server_bytes) +=
        each.bytes;
  }
  connection.totals.segments = static_cast<int64_t>(connection.segments.size());
  return connection;
}

Unread NotRead(int64_t line, std::string reason, std::string excerpt, int64_t lines) {
  return {{"session.txt", line}, std::move(reason), std::move(excerpt), lines};
}

}  // namespace

TrackedConnection Handshake() {
  TrackedConnection connection =
      Connection(At("10.0.0.5", 51514), At("10.0.0.9", 6379),
                 {{131.001, true, kSyn, 0, 0, 0, EndState::kSynSent, EndState::kListen, ""},
                  {131.001, false, kSyn | kAck, 0, 1, 0, EndState::kSynSent, EndState::kSynReceived,
                   "ack 1000001 confirms the client's SYN, which consumes one number."},
                  {131.002, true, kAck, 1, 1, 0, EndState::kEstablished, EndState::kEstablished,
                   "ack 4200001 confirms the server's SYN: the handshake is complete."},
                  {131.002, true, kPsh | kAck, 1, 1, 14, EndState::kEstablished,
                   EndState::kEstablished, "First data byte: 1000001 = ISN + 1."}});
  connection.outcome = Outcome::kEstablished;
  connection.summary =
      "The handshake took 1 ms; the client has sent 14 bytes, which the trace does not show "
      "acknowledged.";
  connection.server_isn = kServerIsn;
  connection.first_data_seq = 1'000'001;
  connection.handshake_rtt = absl::Milliseconds(1);
  return connection;
}

TrackedConnection NoReply() {
  const std::string again = "SYN again: the first is lost, or its answer is.";
  TrackedConnection connection =
      Connection(At("10.0.0.5", 40000), At("10.0.0.7", 5432),
                 {{1, true, kSyn, 0, 0, 0, EndState::kSynSent, EndState::kUnknown, ""},
                  {2, true, kSyn, 0, 0, 0, EndState::kSynSent, EndState::kUnknown, again},
                  {4, true, kSyn, 0, 0, 0, EndState::kSynSent, EndState::kUnknown, again}});
  connection.outcome = Outcome::kNoReply;
  connection.summary = "Nobody answered three SYNs.";
  connection.syn_spacing = {absl::Seconds(1), absl::Seconds(2)};
  return connection;
}

TrackedConnection Refused() {
  TrackedConnection connection =
      Connection(At("2001:db8:1111:2222:3333:4444:5555:6666", 40001),
                 At("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", 443),
                 {{1, true, kSyn, 0, 0, 0, EndState::kSynSent, EndState::kClosed, ""},
                  {1.25, false, kRst | kAck, 0, 1, 0, EndState::kClosed, EndState::kClosed,
                   "RST by the server: nobody listens on port 443."}});
  connection.outcome = Outcome::kRefused;
  connection.summary = "The server refused it with a RST.";
  connection.reset_by = connection.server;
  return connection;
}

TrackedConnection LongTransfer(int segments) {
  TrackedConnection connection = Handshake();
  connection.segments.pop_back();
  connection.client.port = 51515;
  connection.totals = {.syns = 1, .syn_acks = 1};
  uint32_t next = 1;
  for (int i = 0; i < segments; ++i, next += 1448) {
    const double at = 131.01 + i * 0.001;
    const bool again = i == segments / 2;
    for (const bool data : {true, false}) {
      connection.segments.push_back(
          Segment({at, data, kAck, data ? next : 1, data ? 1 : next + 1448, data ? 1448u : 0u,
                   EndState::kEstablished, EndState::kEstablished,
                   data && again ? "Sent again: it was lost." : ""},
                  static_cast<int64_t>(connection.segments.size()) + 1));
    }
  }
  connection.totals.segments = static_cast<int64_t>(connection.segments.size());
  connection.totals.client_bytes = int64_t{1448} * segments;
  connection.totals.retransmissions = 1;
  return connection;
}

TraceResult TraceOf(std::vector<TrackedConnection> connections) {
  TraceResult trace;
  trace.by_outcome.resize(static_cast<size_t>(Outcome::kMidStream) + 1);
  for (const TrackedConnection& connection : connections) {
    ++trace.by_outcome[static_cast<size_t>(connection.outcome)];
    trace.segments += connection.totals.segments;
  }
  trace.connections_seen = static_cast<int64_t>(connections.size());
  trace.connections = std::move(connections);
  return trace;
}

DiagnosisView NothingWrong() {
  DiagnosisView view;
  view.of = "trace.txt";
  view.trace = TraceOf({Handshake()});
  view.read.segments = 4;
  return view;
}

DiagnosisView PinnedWindow() {
  DiagnosisView view;
  view.of = "slow.txt";
  view.read.sockets = 1;
  DiagnosedFinding found;
  found.finding = FromText<v1::Finding>(R"pb(
    signature: "pinned-cwnd"
    group: "socket.remote_ip=203.0.113.20"
    group_by { attribute: "socket.remote_ip" value: "203.0.113.20" }
    subject: SUBJECT_SOCKET
    severity: SEVERITY_WARNING
    confidence: CONFIDENCE_LIKELY
    title: "Congestion window pinned by loss on a long path"
    verdict: "Loss of 3.3 % holds the window at 11 segments: 11 × 1448 bytes ÷ 148 ms = 860 kbit/s."
    advice: "Move these sockets to BBR. Then find who drops."
    disproof: "If BBR delivers no more, the path itself is that narrow."
    evidence {
      name: "socket.cc"
      value { string_value: "cubic" }
      basis: "now"
      source: "INET_DIAG_CONG, slow.txt:3"
    }
    evidence {
      name: "socket.retrans_ratio"
      value { double_value: 0.0333 }
      basis: "lifetime, bytes_sent ÷ mss for data_segs_out"
      source: "tcp_info.tcpi_total_retrans / tcpi_data_segs_out, slow.txt:4"
    }
    evidence {
      name: "socket.cwnd"
      value { int_value: 11 }
      unit: "segments"
      basis: "now"
      source: "tcp_info.tcpi_snd_cwnd, slow.txt:3"
    }
    evidence { name: "socket.busy_ratio" basis: "lifetime" source: "tcp_info.tcpi_busy_time" }
    not_shown {
      look_alike: "receiver-limited"
      expression: "socket.rwnd_limited_ratio > 0.1"
      missing: "socket.rwnd_limited_ratio"
    }
    exemplar {
      local { ip: "10.0.0.5" port: 44120 }
      remote { ip: "203.0.113.20" port: 443 }
    }
    socket_count: 1)pb");
  found.remarks = {
      "ss shows a reordering degree of 12: some of the retransmits may be reordering."};
  found.decision = FromText<v1::Decision>(R"pb(
    policy: "lossy-path-to-bbr"
    actions { set_congestion_control { algorithm: "bbr" scope: SCOPE_SOCKETS } }
    considered { policy: "lossy-path-to-bbr" result: "matched" })pb");
  view.findings.push_back(std::move(found));
  return view;
}

DiagnosisView FloodAndLeak() {
  DiagnosisView view;
  view.of = "session.txt";
  view.read = {.counts = 3, .counters = 2, .processes = 1};
  DiagnosedFinding leak;
  leak.finding = FromText<v1::Finding>(R"pb(
    signature: "close-wait-leak"
    group: "process=not known"
    subject: SUBJECT_PROCESS
    severity: SEVERITY_WARNING
    confidence: CONFIDENCE_LIKELY
    title: "A program does not close its connections"
    verdict: "9821 connections are in CLOSE-WAIT: the peers have closed, the program has not."
    advice: "Mend the program: read() == 0 must reach close() on every path."
    disproof: "If the number falls without a restart, the program does close them, late."
    evidence {
      name: "process.sockets"
      value { int_value: 9821 }
      unit: "sockets"
      basis: "now"
      source: "ss, session.txt:3"
    })pb");
  leak.remarks = {"pid 1234 is not tied to these sockets: ss -p would tell.",
                  "\"climbing every minute\" is a remark, not a measurement."};
  leak.decision = FromText<v1::Decision>(R"pb(
    policy: "close-wait-leak-alert"
    actions { raise_alert { receivers: "oncall" } }
    considered { policy: "close-wait-leak-alert" result: "matched" })pb");
  DiagnosedFinding flood;
  flood.finding = FromText<v1::Finding>(R"pb(
    signature: "syn-flood-absorbed"
    subject: SUBJECT_NETNS
    severity: SEVERITY_INFO
    confidence: CONFIDENCE_CERTAIN
    title: "SYN flood, absorbed by SYN cookies"
    verdict: "41827 cookies were sent and 0.75 % came back."
    advice: "Nothing to tune."
    disproof: "Clients report failures."
    evidence {
      name: "netns.syncookies_sent"
      value { int_value: 41827 }
      basis: "since boot"
      source: "nstat TcpExtSyncookiesSent, session.txt:9"
    })pb");
  flood.decision = FromText<v1::Decision>(R"pb(
    policy: "syn-flood-noted"
    actions { note { text: "Leave this host as it is." } }
    considered { policy: "syn-flood-noted" result: "matched" })pb");
  view.findings.push_back(std::move(leak));
  view.findings.push_back(std::move(flood));
  view.remarks = {"`wc -l` has counted the header of ss: 9820 sockets, not 9821."};
  view.unread = {NotRead(5, "not a line of any tool that is known", "(thousands more SYNs)", 1),
                 NotRead(12, "not a line of ss", "\x1b[31mred", 3)};
  return view;
}

DiagnosisView HealthyHost() {
  DiagnosisView view;
  view.of = "this host";
  view.live = true;
  view.watched = absl::Seconds(20);
  view.sockets_seen = 1204;
  view.namespaces_seen = 3;
  view.activity.resize(5);
  return view;
}

DiagnosisView HostOfOneOwner() {
  DiagnosisView view = HealthyHost();
  view.namespaces_seen = 1;
  view.not_seen = {"who holds sockets is not known of 41 processes of other users (EACCES)"};
  return view;
}

}  // namespace tcpmedic::cli
