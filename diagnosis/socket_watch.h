// One signature of subject socket at work: judges each socket, remembers the sockets that match,
// and keeps the groups' lives. Not thread-safe.
//
// A socket that matched stays in its group while breaks are shorter than the window (finding_life.h
// says why), unless a look-alike is known true, its counters were reset, or one sample alone shows
// that it no longer matches: then it leaves. A finding outlives all of its sockets' matches by
// keep_firing_for, but never the sockets themselves; its evidence, verdict and `before` are then
// those of the last match, which their basis and observed_at say.
#ifndef TCPMEDIC_DIAGNOSIS_SOCKET_WATCH_H_
#define TCPMEDIC_DIAGNOSIS_SOCKET_WATCH_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "core/clock.h"
#include "diagnosis/compiled_signature.h"
#include "diagnosis/finding_life.h"
#include "diagnosis/socket_activity.h"
#include "diagnosis/socket_finding.h"
#include "diagnosis/socket_history.h"
#include "observe/socket_sample.h"
#include "tcpmedic/v1/order.pb.h"

namespace tcpmedic {

// What one sample says of a socket, before any history.
struct Standing {
  enum class Kind : uint8_t {
    kNo,       // it cannot match
    kYoung,    // only what grows with its life is missing: it may become a suspect
    kSuspect,  // the rest is decided over the window
  };
  Kind kind = Kind::kSuspect;
  size_t stopped_at = 0;  // the conjunct, unless kSuspect
};

class SocketWatch {
 public:
  explicit SocketWatch(std::shared_ptr<const CompiledSignature> signature);

  const CompiledSignature& signature() const { return *signature_; }

  void BeginScan(Moment now);

  // Does not allocate.
  Standing FromSampleAlone(const SocketSample& sample) const;
  // Counts the socket, and if it is a suspect judges it. `history` ends with this sample; null
  // where the socket is not remembered. Allocates only for sockets that match.
  void Judge(const SocketSample& sample, const Standing& standing, const SocketHistory* history);

  // What the end of a scan has to know of the world around this signature.
  struct Surroundings {
    // Namespaces whose dump failed: what was not seen there is as it was.
    const absl::flat_hash_set<uint64_t>& not_read;
    absl::FunctionRef<const SocketHistory*(const SocketKey&)> history;  // null: none
    absl::FunctionRef<v1::NetworkNamespace(uint64_t netns_cookie)> netns;
    int max_sockets_per_finding;
  };
  struct Present {
    v1::Finding finding;
    std::vector<uint32_t>
        inodes;  // of its sockets, as far as a process holds them; as bounded as they
  };
  // All findings that are present now, by group.
  std::vector<Present> EndScan(const Surroundings& around);

  // The members of the selector's group and namespace that the newest scan saw, as it saw them, at
  // most `max`; those first that have matched longest. None where it names no group.
  std::vector<SocketSample> Members(const v1::Selector& selector, int max) const;

  v1::SignatureActivity activity() const { return activity_.Report(); }

 private:
  struct Tracked {
    Match match;
    SocketSample newest;  // whether it matched or not
    std::string group;
    bool member = false;  // matched within the last window without a break
    uint64_t seen_scan = 0;
    Judgement::Kind outcome = Judgement::Kind::kMatch;  // in that scan
  };
  struct Group {
    FindingLife life;
    v1::Finding finding;  // as it was when the condition was last true
    // Rebuilt in every scan.
    std::vector<const Tracked*> members;
    std::vector<SocketKey> leavers;  // of the sockets below
    std::vector<const Match*>
        listed;  // sockets that live: members, and those that left since the last match
    bool matched_now = false;
    bool as_it_was = false;
  };

  Judgement OverWindow(const SocketReading& reading) const;
  bool StaysMember(const Tracked& tracked) const;
  void GatherGroups(const Surroundings& around);
  void Advance(Group* group, const Surroundings& around);
  bool ConditionHolds(const Group& group) const;

  std::shared_ptr<const CompiledSignature> signature_;
  SocketActivity activity_;
  Moment now_;
  uint64_t scan_ = 0;
  absl::flat_hash_map<SocketKey, Tracked> tracked_;
  std::map<std::string, Group> groups_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_SOCKET_WATCH_H_
