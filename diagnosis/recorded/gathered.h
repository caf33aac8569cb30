// All that readers have handed on, put together: one entry per socket, counter and process, however
// often it was pasted. The newest reading of a thing is the one that counts, but a line that says
// less takes nothing back: `ss -tan` after `ss -ti` leaves the window of a socket known. Bounded:
// what is beyond is counted. Plain; not thread-safe.
#ifndef TCPMEDIC_DIAGNOSIS_RECORDED_GATHERED_H_
#define TCPMEDIC_DIAGNOSIS_RECORDED_GATHERED_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "observe/recorded/recording.h"

namespace tcpmedic {

class Gathered {
 public:
  static constexpr size_t kMaxSockets = 500'000;
  static constexpr size_t kMaxCounters = 10'000;
  static constexpr size_t kMaxOthers = 10'000;  // of commands, of counts, of processes, of unread

  void Add(const RecordedCommand& command);
  void Add(const RecordedSocket& socket);
  void Add(const RecordedCounter& counter);
  void Add(const RecordedCount& count);
  void Add(const RecordedProcess& process);
  void Add(const Unread& unread);

  const std::vector<RecordedCommand>& commands() const { return commands_; }
  // That printed what stands there; null: not known.
  const RecordedCommand* CommandOf(const Place& place) const;
  // Each with a key of its own; IsMadeUp tells which were not read.
  const std::vector<RecordedSocket>& sockets() const { return sockets_; }
  static bool IsMadeUp(const SocketKey& key) { return (key.cookie & kMadeUp) != 0; }
  // Null: not read. Of increases only where there is no total.
  const RecordedCounter* CounterOf(const std::string& name, bool increase) const;
  const std::vector<RecordedCount>& counts() const { return counts_; }
  const std::vector<RecordedProcess>& processes() const { return processes_; }
  const std::vector<Unread>& unread() const { return unread_; }
  // Sentences about what was beyond the bounds; none: nothing was.
  std::vector<std::string> NotKept() const;

 private:
  // Of 64-bit socket cookies, which the kernel counts up from 1, none has this bit.
  static constexpr uint64_t kMadeUp = uint64_t{1} << 63;
  using FourTuple = std::tuple<IpAddress, uint16_t, IpAddress, uint16_t, bool>;

  template <typename T>
  void Keep(const T& one, std::vector<T>* all);
  void Merge(const RecordedSocket& socket, RecordedSocket* known);

  std::vector<RecordedCommand> commands_;
  std::vector<RecordedSocket> sockets_;
  struct Known {
    size_t index = 0;
    int64_t command = 0;  // that showed it last
  };
  absl::flat_hash_map<FourTuple, Known> by_four_tuple_;
  std::map<std::string, RecordedCounter> totals_, increases_;
  std::vector<RecordedCount> counts_;
  std::vector<RecordedProcess> processes_;
  std::vector<Unread> unread_;
  int64_t command_ = 0;
  int64_t sockets_not_kept_ = 0;
  int64_t others_not_kept_ = 0;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_RECORDED_GATHERED_H_
