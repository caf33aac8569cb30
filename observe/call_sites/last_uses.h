// The last use of each of a process's descriptors. Pure, bounded; not thread-safe.
//
// A number is not a socket: while nothing is sampled it may be closed and given out again. So the
// caller identifies the descriptors by their sockets' inodes while it still samples, and what could
// not be identified by the end of a window is forgotten.
#ifndef TCPMEDIC_OBSERVE_CALL_SITES_LAST_USES_H_
#define TCPMEDIC_OBSERVE_CALL_SITES_LAST_USES_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "observe/call_sites/perf_records.h"

namespace tcpmedic {

struct LastUse {
  CallKind kind = CallKind::kRead;
  std::shared_ptr<const UserStack> stack;
  uint64_t socket_inode = 0;  // 0: not identified in this window
  int64_t window = 0;
};

class LastUses {
 public:
  // Beyond `max_fds` a read that returned 0 takes another use's place; other uses are dropped.
  explicit LastUses(size_t max_fds) : max_fds_(max_fds) {}

  void BeginWindow() { ++window_; }
  // Calls come from several CPUs, hence out of order: they wait here until Advance.
  void Add(TracedCall call) { waiting_.push_back(std::move(call)); }
  // Applies what happened before `time_ns`, oldest first.
  void Advance(int64_t time_ns);

  // Descriptors used in this window and not identified since.
  std::vector<int> Unidentified() const;
  void Identify(int fd, uint64_t socket_inode);
  void Forget(int fd) { uses_.erase(fd); }
  // Applies what is left, then forgets the uses that nobody has identified.
  void EndWindow();
  void Clear();

  // Null: not used while sampled, or another socket has the number now.
  const LastUse* Find(int fd, uint64_t socket_inode) const;
  size_t size() const { return uses_.size(); }
  int64_t dropped() const { return dropped_; }  // uses, for want of room

 private:
  void Apply(TracedCall& call);
  bool MakeRoom(CallKind kind);

  const size_t max_fds_;
  int64_t window_ = 0;
  int64_t dropped_ = 0;
  std::vector<TracedCall> waiting_;
  absl::flat_hash_map<int, LastUse> uses_;  // by fd
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_CALL_SITES_LAST_USES_H_
