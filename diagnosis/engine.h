// The signature engine: samples in, findings out. No I/O, no clock of its own; time comes
// with each scan. Not thread-safe: one engine belongs to one scanning thread.
//
// Per scan:  BeginScan(now) → ObserveNamespace for each namespace → for each that is dumped:
// BeginNamespace, Observe for each socket in StatesWanted, EndNamespace → EndScan → Findings.
//
// Of sockets the engine keeps samples only of suspects: those that pass the part of a signature's
// `sockets` that one sample can decide. Memory follows suspects, not sockets; Observe does not
// allocate for the others. A socket that fails only for its youth (socket.data_segments >= 200) is
// remembered too, while that takes no more than half of the room: its window is full by the time
// that it is old enough, and a fresh flow is found seconds sooner.
//
// Of namespaces it keeps a few counters each. Listeners and half-open connections are asked for
// only where counters alone do not rule a signature of subject netns out.
//
// Processes are known by the sockets that they hold and do not close. Who holds them is dear to
// find out, so it is asked only where their number has risen (process_pile.h).
//
// A remedy erases its own finding, so what live orders have changed is followed by its key,
// whatever the signatures say (followed_sockets.h, followed_namespaces.h).
//
// How a finding lives: finding_life.h; how a socket belongs to one: socket_watch.h; a namespace:
// netns_watch.h; a process: process_watch.h. Each kind of subject has a scan of its own
// (socket_scan.h, netns_scan.h, process_scan.h), of which the engine makes one.
#ifndef TCPMEDIC_DIAGNOSIS_ENGINE_H_
#define TCPMEDIC_DIAGNOSIS_ENGINE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/clock.h"
#include "diagnosis/followed_sockets.h"
#include "diagnosis/holder_source.h"
#include "diagnosis/process_watch.h"
#include "diagnosis/signature.h"
#include "observe/counters.h"
#include "observe/socket_sample.h"
#include "tcpmedic/v1/evidence.pb.h"
#include "tcpmedic/v1/finding.pb.h"
#include "tcpmedic/v1/order.pb.h"

namespace tcpmedic {

struct EngineOptions {
  int max_suspects = 20'000;         // further ones are counted, not kept
  int max_findings = 256;            // per scan; further ones are counted
  int max_sockets_per_finding = 64;  // listed; all are counted
  int max_members = 4096;            // given by Members; further ones are not
};

class Engine {
 public:
  explicit Engine(EngineOptions options = {});
  ~Engine();

  // Replaces all signatures. Findings of signatures whose text is unchanged keep their state.
  // `revision` is copied into the findings.
  void SetSignatures(std::vector<std::shared_ptr<const CompiledSignature>> signatures,
                     std::string revision);

  void BeginScan(Moment now);
  // Every namespace there is, all before the first BeginNamespace. `counters`: of this moment;
  // null: they could not be read, and what was found there stays as it was.
  void ObserveNamespace(const v1::NetworkNamespace& netns, const CounterSample* counters);
  // What the dump of a namespace that was observed in this scan has to ask the kernel for: the
  // states that a signature can match, a followed socket may be in, or the namespace's own
  // signatures need to see now. 0: dump nothing.
  TcpStateMask StatesWanted(uint64_t netns_cookie) const;
  // The sockets observed from here on belong to this namespace, which was observed in this scan.
  // Also where nothing is wanted or no socket can be there, so that it counts as read.
  void BeginNamespace(uint64_t netns_cookie);
  void Observe(const SocketSample& sample);
  // Ends the current namespace. `complete` false: its dump failed; its suspects and findings are
  // kept as they were.
  void EndNamespace(bool complete);

  struct Result {
    // All that are present now, of namespaces before those of processes before those of sockets;
    // processes are not filled in.
    std::vector<v1::Finding> findings;
    int findings_omitted = 0;
    std::vector<v1::SignatureActivity> activity;  // in the same order
    int64_t sockets = 0;
    int64_t suspects = 0;
    int64_t suspects_not_kept = 0;  // since construction
  };
  // `holders` null: nobody can be asked, and no signature of subject process finds anything.
  Result EndScan(HolderSource* holders = nullptr);

  // The inodes of the sockets behind the findings of the last EndScan, for attribution; of a
  // namespace, its exemplar's.
  struct FindingSockets {
    int finding = 0;               // index into Result::findings
    std::vector<uint32_t> inodes;  // bounded by max_sockets_per_finding
    int pid = 0;                   // subject process: the holder that it is about
  };
  std::vector<FindingSockets> finding_sockets() const;

  // The sockets that match the selector's signature, group and namespace now, each as the newest
  // scan saw it; those first that have matched longest. None: it names no signature or no group,
  // nothing matches, or its namespace was not read in the newest scan. The selector's host is the
  // caller's business.
  std::vector<SocketSample> Members(const v1::Selector& selector) const;

  // The namespace in which the selector's signature, of subject netns, holds as a finding now: seen
  // in the newest scan, or by less than a window before it. NullOpt: it names no such signature or
  // group, nothing is found there, or the namespace was not read in the newest scan. The selector's
  // host is the caller's business.
  std::optional<v1::NetworkNamespace> NamespaceOf(const v1::Selector& selector) const;

  // The process that the selector's finding, of subject process, is about, with all sockets of the
  // group as the newest scan saw them. NullOpt: it names no such signature or group, nothing is
  // found there, or the namespace was not read in the newest scan. The selector's host is the
  // caller's business.
  std::optional<ProcessFound> ProcessOf(const v1::Selector& selector) const;

  // Whether the condition (CompileNetnsCondition) holds in the namespace as of the newest scan;
  // what is counted is counted over kMeasuredSpan, or over what is known where that is less but at
  // least a second. NullOpt: unknown, or no such condition.
  std::optional<bool> Holds(uint64_t netns_cookie, absl::string_view condition);

  // From now on these sockets, or this namespace, are measured in each scan. What is known of them
  // already is taken over, so call it between the scan that found them and the next.
  void Follow(const FollowRequest& request);
  void Unfollow(absl::string_view order_id);
  // As FollowedSockets::MeasuredOf.
  std::optional<v1::Verification> MeasuredOf(absl::string_view order_id) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_ENGINE_H_
