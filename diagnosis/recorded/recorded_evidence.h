// Recorded evidence, gathered for the signatures: what pasted texts and captures say about one host
// at (about) one moment. Fill it from the readers, then Diagnose. Pure; not thread-safe.
//
// A capture that can not have shown how handshakes ended proves nothing about them: one whose
// command had a filter for SYNs, or one of three segments and more that all have SYN set. But a SYN
// or SYN-ACK that was sent again shows that its sender waited in vain, so a trace with one is taken
// as it is.
//
// Where there is one sample, a ratio is over the connection's lifetime and a counter since boot,
// and every basis says so. What needs a trend is not shown, unless the signature says what suffices
// without one.
#ifndef TCPMEDIC_DIAGNOSIS_RECORDED_RECORDED_EVIDENCE_H_
#define TCPMEDIC_DIAGNOSIS_RECORDED_RECORDED_EVIDENCE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "diagnosis/signature.h"
#include "diagnosis/trace/tracker.h"
#include "observe/recorded/recording.h"
#include "tcpmedic/v1/finding.pb.h"

namespace tcpmedic {

// A finding, and what recorded evidence cannot show. Each evidence's `source` ends with the place
// that it was read from: "nstat TcpExtSyncookiesSent, incident.txt:9".
struct RecordedFinding {
  v1::Finding finding;
  // Sentences: what weakens it ("the capture shows only SYNs: whether handshakes were finished
  // cannot be seen", "pid 1234 is not tied to these sockets").
  std::vector<std::string> remarks;
};

struct RecordedDiagnosis {
  std::vector<RecordedFinding> findings;  // most severe first
  TraceResult trace;
  // What was noticed that belongs to no finding: totals that do not add up, `wc -l` that counted
  // the header.
  std::vector<std::string> remarks;
  // Per signature that found nothing: what kept it from it, for `--why`.
  std::vector<v1::SignatureActivity> activity;
  std::vector<Unread> unread;
  int64_t sockets = 0;  // each once, however often it was listed
};

class RecordedEvidence : public RecordingSink {
 public:
  RecordedEvidence();
  ~RecordedEvidence() override;

  void OnCommand(const RecordedCommand& command) override;
  void OnSocket(const RecordedSocket& socket) override;
  void OnCounter(const RecordedCounter& counter) override;
  void OnCount(const RecordedCount& count) override;
  void OnProcess(const RecordedProcess& process) override;
  void OnSegment(const Place& place, const CapturedSegment& segment) override;
  void OnRelated(const Place& place, const RelatedPacket& related) override;
  void OnUnread(const Unread& unread) override;

  RecordedDiagnosis Diagnose(
      const std::vector<std::shared_ptr<const CompiledSignature>>& signatures) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_RECORDED_RECORDED_EVIDENCE_H_
