// The sockets of one namespace that pass a process signature's `sockets`, counted a few times in
// its window, and the groups that they fall into: those that one process holds at one listener, or
// to one upstream address. Pure; not thread-safe.
//
// A socket is counted from the first reading that finds it a reading's length after its FIN: one
// that the program is about to close never is. It remembers which reading that was; so the past of
// a group is known at the moment when its holder is: as far back as no socket of it has left.
//
// Holders are dear. They are asked for only while the pile is suspicious: it has kLeastSockets, and
// more than it once had. A group with fewer than those is not looked at either.
#ifndef TCPMEDIC_DIAGNOSIS_PROCESS_PILE_H_
#define TCPMEDIC_DIAGNOSIS_PROCESS_PILE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "core/clock.h"
#include "diagnosis/accepted_by.h"
#include "diagnosis/holder_source.h"
#include "diagnosis/process_schema.h"
#include "diagnosis/rise.h"
#include "observe/socket_sample.h"

namespace tcpmedic {

// What makes a group: the process that it belongs to, and AcceptedBy::Origin::text. Of several
// processes that hold a socket (forks share them) it belongs to the one that holds most of the
// listener's sockets; of those to the one with the lowest pid.
struct ProcessGroupKey {
  ProcessKey process;
  std::string listener;
  auto operator<=>(const ProcessGroupKey&) const = default;
};

// "203.0.113.20 63 %, 203.0.113.21 37 %": the remote addresses of most of that many sockets, at
// most ProcessPile::kMaxPeersNamed.
std::string PeersText(const std::map<IpAddress, int64_t>& by_peer, size_t sockets);

class ProcessPile {
 public:
  static constexpr int64_t kLeastSockets = 50;
  static constexpr size_t kMaxHolders = 16;  // kept of one socket: those with the lowest pids
  static constexpr size_t kMaxPeersNamed = 3;
  static constexpr absl::Duration kRemembered = absl::Minutes(32);  // what readings go back
  static constexpr size_t kMaxReadings = 1024;
  // A socket that nobody was found to hold is looked for again after so many readings.
  static constexpr int64_t kAskAgainAfter = 10;

  explicit ProcessPile(absl::Duration window)
      : window_(window), spacing_(window / kReadingsPerWindow) {}

  struct Socket {
    SocketKey key;
    uint32_t inode = 0;
    IpAddress local_ip, remote_ip;
    uint16_t local_port = 0, remote_port = 0;
    bool eof_unread = false;
    bool unacknowledged = false;        // the peer has not acknowledged all that was sent
    absl::Duration since;               // uptime of the FIN
    bool since_seen = false;            // that was not reported: since it was first seen
    std::vector<SocketHolder> holders;  // ascending by pid
   private:
    friend class ProcessPile;
    std::optional<uint64_t> bytes_acked;
    absl::Duration acked_at = -absl::InfiniteDuration();  // when these last grew
    uint64_t seen_scan = 0;
    int64_t counted = -1;  // the first reading that counted it
    int64_t asked = -1;    // the newest reading that asked for its holders, and was answered
    std::optional<ProcessGroupKey> group;
  };

  // Whether the listeners are to be shown by the next dump. Seldom: the kernel's table of listeners
  // is large, however few there are.
  bool WantsListeners(Moment now) const;

  void BeginDump(Moment now);
  // A listener, or a socket that passes `sockets`. `may_add` false: a new one is not kept. False:
  // it was not.
  bool Add(const SocketSample& sample, bool may_add);
  // Forgets those that the dump did not show. `listeners_shown`: those were asked for too.
  void EndDump(bool listeners_shown);

  // What one reading shows of a group. The reading has no process and stays valid until the next
  // call; members are the oldest first.
  struct Group {
    ProcessGroupKey key;
    ProcessReading reading;
    std::vector<const Socket*> members;
  };
  // Whether it is time for the next reading.
  bool ReadingIsDue(Moment now) const;
  // Takes it. Null: holders cannot be asked for.
  // Nullopt: who holds what is not known, or not worth to know; what was found stays as it was.
  std::optional<std::vector<Group>> Read(Moment now, HolderSource* holders);

  size_t size() const { return sockets_.size(); }
  // How many members the group has by now, since the newest reading.
  int64_t MembersOf(const ProcessGroupKey& key) const;
  // They themselves, oldest first.
  std::vector<const Socket*> Members(const ProcessGroupKey& key) const;
  // Goes on asking for holders although nothing rises any more: somebody watches a group.
  void set_watched(bool watched) { watched_ = watched; }

 private:
  // What became of a group's sockets.
  struct Tally {
    int64_t members = 0;
    int64_t run_began = 0;            // the reading before which one left last
    std::deque<absl::Duration> left;  // uptimes, within the window
  };

  int64_t next_reading() const { return first_reading_ + static_cast<int64_t>(readings_.size()); }
  void Count(Moment now);
  void ForgetEnded(HolderSource* holders);
  void AskForHolders(HolderSource* holders);
  std::map<ProcessGroupKey, std::vector<Socket*>> Grouped();
  ProcessReading ReadingOf(const std::vector<Socket*>& members, Tally* tally, Moment now) const;
  Rise RiseSince(const std::vector<Socket*>& members, int64_t run_began) const;

  const absl::Duration window_;
  const absl::Duration spacing_;
  bool watched_ = false;
  bool suspicious_ = false;
  Moment now_;
  uint64_t scan_ = 0;
  absl::flat_hash_map<uint64_t, Socket> sockets_;  // by cookie
  AcceptedBy accepted_by_;
  absl::Duration listeners_shown_at_;

  std::deque<absl::Duration> readings_;  // uptimes
  int64_t first_reading_ = 0;            // the number of readings_.front()
  int64_t counted_sockets_ = 0;
  int64_t newest_counted_ = -1;  // reading
  // As of a Tally: of sockets that left before anyone asked who held them.
  int64_t run_of_all_began_ = 0;
  std::map<ProcessGroupKey, Tally> tallies_;
  std::map<ProcessGroupKey, AcceptedBy::Origin> origins_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_PROCESS_PILE_H_
