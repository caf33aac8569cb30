// Recorded evidence as readers would hand it on, written by hand.
#ifndef TCPMEDIC_TESTS_DIAGNOSIS_RECORDED_RECORDED_H_
#define TCPMEDIC_TESTS_DIAGNOSIS_RECORDED_RECORDED_H_

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "controller/policy/policy_set.h"
#include "diagnosis/recorded/recorded_evidence.h"
#include "tests/diagnosis/shipped_signature.h"

namespace tcpmedic {

inline const std::vector<std::shared_ptr<const CompiledSignature>>& AllShipped() {
  static const auto* const all = [] {
    std::vector<Issue> issues;
    const auto set = LoadPolicyDirectory(TCPMEDIC_SOURCE_DIR "/policies", &issues);
    auto* const compiled = new std::vector<std::shared_ptr<const CompiledSignature>>;
    if (!set.ok()) {
      std::fprintf(stderr, "%s\n%s\n", set.status().ToString().c_str(), Format(issues).c_str());
      std::abort();
    }
    for (const v1::Signature& signature : set->signatures.signatures()) {
      compiled->push_back(MustCompile(signature));
    }
    return compiled;
  }();
  return *all;
}

inline Place At(int64_t line) { return {"incident.txt", line}; }

inline RecordedCounter Counter(const std::string& name, int64_t value, int64_t line,
                               bool is_increase = false) {
  return {At(line), name, value, is_increase};
}

// TCP between 10.0.0.5 and 203.0.113.20, of the given ports.
inline RecordedSocket Socket(TcpState state, uint16_t local_port, uint16_t remote_port,
                             int64_t line) {
  RecordedSocket socket;
  socket.place = At(line);
  socket.sample.state = state;
  socket.sample.local_ip = *IpAddress::Parse("10.0.0.5");
  socket.sample.remote_ip = *IpAddress::Parse("203.0.113.20");
  socket.sample.local_port = local_port;
  socket.sample.remote_port = remote_port;
  return socket;
}

inline void SetCc(const char* name, SocketSample* sample) {
  std::strncpy(sample->congestion_control.data(), name, sample->congestion_control.size() - 1);
}

// A segment of the handshake between 203.0.113.7:`client_port` and 198.51.100.10:443.
inline CapturedSegment Segment(uint16_t flags, bool from_client, uint32_t seq, uint32_t ack,
                               absl::Duration time, uint16_t client_port = 40001) {
  CapturedSegment segment;
  segment.time = time;
  const IpAddress client = *IpAddress::Parse("203.0.113.7");
  const IpAddress server = *IpAddress::Parse("198.51.100.10");
  segment.src_ip = from_client ? client : server;
  segment.dst_ip = from_client ? server : client;
  segment.src_port = from_client ? client_port : 443;
  segment.dst_port = from_client ? 443 : client_port;
  segment.flags = flags;
  segment.seq = seq;
  if ((flags & kAck) != 0) segment.ack = ack;
  segment.window = 29200;
  return segment;
}

// "pinned-cwnd likely", …
inline std::vector<std::string> Found(const RecordedDiagnosis& diagnosis) {
  std::vector<std::string> found;
  for (const RecordedFinding& one : diagnosis.findings) {
    found.push_back(one.finding.signature() +
                    (one.finding.confidence() == v1::CONFIDENCE_CERTAIN ? " certain" : " likely"));
  }
  return found;
}

inline const v1::Evidence* EvidenceOf(const v1::Finding& finding, const std::string& name) {
  for (const v1::Evidence& evidence : finding.evidence()) {
    if (evidence.name() == name) return &evidence;
  }
  return nullptr;
}

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_DIAGNOSIS_RECORDED_RECORDED_H_
