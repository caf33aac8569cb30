// One signature of subject process at work: the piles of sockets that pass its `sockets`, a
// namespace each, and the lives of the findings about the processes that hold them. The sibling of
// socket_watch.h and netns_watch.h. Not thread-safe.
//
// A group is judged by each reading of its pile (process_pile.h), and stays as it was between
// these. As with sockets, a break shorter than the window is none (finding_life.h says why), unless
// a look-alike is known true or one of its sockets was closed. A finding outlives its condition by
// keep_firing_for, but never its sockets; its evidence, verdict and `before` are then those of the
// last match.
#ifndef TCPMEDIC_DIAGNOSIS_PROCESS_WATCH_H_
#define TCPMEDIC_DIAGNOSIS_PROCESS_WATCH_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "core/clock.h"
#include "diagnosis/compiled_signature.h"
#include "diagnosis/finding_life.h"
#include "diagnosis/holder_source.h"
#include "diagnosis/process_activity.h"
#include "diagnosis/process_found.h"
#include "diagnosis/process_pile.h"
#include "observe/socket_sample.h"
#include "tcpmedic/v1/evidence.pb.h"
#include "tcpmedic/v1/finding.pb.h"
#include "tcpmedic/v1/order.pb.h"

namespace tcpmedic {

class ProcessWatch {
 public:
  // Further ones are counted, not kept; about 200 bytes each.
  static constexpr size_t kMaxSockets = 100'000;

  explicit ProcessWatch(std::shared_ptr<const CompiledSignature> signature);

  const CompiledSignature& signature() const { return *signature_; }

  void BeginScan(Moment now);

  // What the dump of a namespace has to show for this signature.
  TcpStateMask StatesWanted(uint64_t netns_cookie) const;
  void BeginNamespace(uint64_t netns_cookie);
  // Allocates only for sockets that pass `sockets`, and listeners where they are wanted.
  void Observe(const SocketSample& sample);
  void EndNamespace(bool complete);

  // What the end of a scan has to know of the world around this signature.
  struct Surroundings {
    HolderSource* holders;  // null: nobody can be asked
    // Empty (cookie 0) where the scan did not see it: it is gone.
    absl::FunctionRef<v1::NetworkNamespace(uint64_t netns_cookie)> netns;
    int max_sockets_per_finding;
  };
  struct Present {
    v1::Finding finding;
    std::vector<uint32_t> inodes;  // of its listed sockets
    int pid = 0;                   // that it is about
  };
  // All findings that are present now, by namespace and group.
  std::vector<Present> EndScan(const Surroundings& around);

  // What the selector's group is, if it is a finding that holds now.
  std::optional<ProcessFound> Find(const v1::Selector& selector) const;

  size_t sockets() const { return sockets_; }     // that are kept
  int64_t not_kept() const { return not_kept_; }  // since construction
  v1::SignatureActivity activity() const { return activity_.Report(); }

 private:
  struct Judged {
    FindingLife life;
    v1::Finding finding;  // as it was when the condition was last true
    std::vector<uint32_t> inodes;
    // Of the newest reading.
    Judgement outcome;
    int64_t sockets = 0;
    std::string stop_text;
  };
  struct Place {
    explicit Place(absl::Duration window) : pile(window) {}
    ProcessPile pile;
    v1::NetworkNamespace netns;
    std::map<ProcessGroupKey, Judged> groups;
    bool read = false;  // in this scan
  };

  bool Passes(const SocketSample& sample) const;
  void Judge(ProcessPile::Group* group, Place* place, const Surroundings& around);
  Judgement JudgementOf(const ProcessReading& reading) const;
  FindingLife::Condition ConditionAfter(const Judgement& outcome, const ProcessReading& reading,
                                        const FindingLife& life) const;
  void Advance(Place* place, const Surroundings& around);

  std::shared_ptr<const CompiledSignature> signature_;
  ProcessActivity activity_;
  Moment now_;
  std::map<uint64_t, Place> places_;  // by cookie; those with sockets
  uint64_t namespace_ = 0;            // that is being dumped
  bool listeners_wanted_ = false;     // there
  size_t sockets_ = 0;
  int64_t not_kept_ = 0;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_PROCESS_WATCH_H_
