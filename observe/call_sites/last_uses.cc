#include "observe/call_sites/last_uses.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/algorithm/container.h"

namespace tcpmedic {

void LastUses::Advance(int64_t time_ns) {
  absl::c_stable_sort(
      waiting_, [](const TracedCall& a, const TracedCall& b) { return a.time_ns < b.time_ns; });
  auto next = waiting_.begin();
  for (; next != waiting_.end() && next->time_ns < time_ns; ++next) Apply(*next);
  waiting_.erase(waiting_.begin(), next);
}

void LastUses::Apply(TracedCall& call) {
  if (call.kind == CallKind::kClose) {
    uses_.erase(call.fd);
    return;
  }
  auto found = uses_.find(call.fd);
  if (found == uses_.end()) {
    if (uses_.size() >= max_fds_ && !MakeRoom(call.kind)) {
      ++dropped_;
      return;
    }
    found = uses_.try_emplace(call.fd).first;
  }
  LastUse& use = found->second;
  // Whether it still is the socket that was identified: certain only while every close is seen.
  const bool same = use.window == window_ && call.kind != CallKind::kAccept;
  use = {call.kind, std::move(call.stack), same ? use.socket_inode : 0, window_};
}

bool LastUses::MakeRoom(CallKind kind) {
  // A few tries keep it cheap; the table's order is as good as chance.
  constexpr int kTries = 64;
  if (kind != CallKind::kReadEof) return false;
  auto victim = uses_.begin();
  for (int i = 0; i < kTries && victim != uses_.end(); ++i, ++victim) {
    if (victim->second.kind == CallKind::kReadEof) continue;
    uses_.erase(victim);
    ++dropped_;
    return true;
  }
  return false;
}

std::vector<int> LastUses::Unidentified() const {
  std::vector<int> fds;
  for (const auto& [fd, use] : uses_) {
    if (use.window == window_ && use.socket_inode == 0) fds.push_back(fd);
  }
  return fds;
}

void LastUses::Identify(int fd, uint64_t socket_inode) {
  const auto use = uses_.find(fd);
  if (use != uses_.end()) use->second.socket_inode = socket_inode;
}

void LastUses::EndWindow() {
  Advance(std::numeric_limits<int64_t>::max());
  absl::erase_if(uses_, [](const auto& entry) { return entry.second.socket_inode == 0; });
}

void LastUses::Clear() {
  waiting_.clear();
  uses_.clear();
}

const LastUse* LastUses::Find(int fd, uint64_t socket_inode) const {
  const auto use = uses_.find(fd);
  const bool is_it =
      use != uses_.end() && socket_inode != 0 && use->second.socket_inode == socket_inode;
  return is_it ? &use->second : nullptr;
}

}  // namespace tcpmedic
