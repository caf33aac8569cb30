// One signature of subject netns at work: judges each namespace, and keeps the findings' lives. The
// sibling of socket_watch.h. Not thread-safe.
//
// What counters and settings alone decide is asked first; only where all of that is known true, or
// a finding is alive, is the namespace's dump worth its cost.
//
// As with sockets, a break shorter than the window is none (finding_life.h says why), unless a
// look-alike is known true, the counters were reset, or a setting alone shows that the signature no
// longer holds. A finding outlives its condition by keep_firing_for, but never the namespace; its
// evidence, verdict and `before` are then those of the last match.
#ifndef TCPMEDIC_DIAGNOSIS_NETNS_WATCH_H_
#define TCPMEDIC_DIAGNOSIS_NETNS_WATCH_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "core/clock.h"
#include "diagnosis/compiled_signature.h"
#include "diagnosis/finding_life.h"
#include "diagnosis/netns_activity.h"
#include "diagnosis/netns_history.h"
#include "diagnosis/netns_measurement.h"
#include "diagnosis/netns_schema.h"
#include "tcpmedic/v1/evidence.pb.h"
#include "tcpmedic/v1/finding.pb.h"

namespace tcpmedic {

// One namespace as one scan showed it.
struct NetnsView {
  const v1::NetworkNamespace& netns;
  const NetnsHistory& history;             // its newest point is of this scan
  const ListenersSeen* listeners;          // of this scan's dump; null: none was made
  std::optional<HalfOpenCount> half_open;  // of the newest dump
};

class NetnsWatch {
 public:
  explicit NetnsWatch(std::shared_ptr<const CompiledSignature> signature);

  const CompiledSignature& signature() const { return *signature_; }

  void BeginScan(Moment now);

  // Whether the namespace's listeners and half-open connections have to be looked at in this scan.
  // `history` ends with it.
  bool WantsListeners(uint64_t netns_cookie, const NetnsHistory& history) const;

  // Once in a scan for each namespace that was read; the others stay as they were.
  void Judge(const NetnsView& view);

  struct Present {
    v1::Finding finding;
    std::vector<uint32_t> inodes;  // of the exemplar's sockets
  };
  // All findings that are present now, by cookie. Namespaces that are not in `alive` are gone.
  std::vector<Present> EndScan(const absl::flat_hash_set<uint64_t>& alive);

  // Whether the newest scan read the namespace and shows a finding there that holds.
  bool HoldsIn(uint64_t netns_cookie) const;

  v1::SignatureActivity activity() const { return activity_.Report(); }

 private:
  struct Place {
    FindingLife life;
    v1::Finding finding;  // as it was when the condition was last true
    std::vector<uint32_t> inodes;
    uint64_t judged_scan = 0;
  };

  // At the first conjunct of one of the two kinds that is not known true; nullopt: none.
  std::optional<Judgement> StoppedAt(const NetnsReading& reading, bool needs_dump) const;
  FindingLife::Condition ConditionAfter(const Judgement& outcome, const NetnsReading& reading,
                                        const FindingLife& life) const;

  std::shared_ptr<const CompiledSignature> signature_;
  NetnsActivity activity_;
  Moment now_;
  uint64_t scan_ = 0;
  std::map<uint64_t, Place> places_;  // where the condition holds or did, by cookie
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_NETNS_WATCH_H_
