#include "lab/emulator.h"

#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "core/errno_status.h"
#include "lab/clock_ns.h"
#include "lab/host_network.h"
#include "lab/impairment.h"
#include "lab/real_time.h"

namespace tcpmedic::lab {
namespace {

// What one direction may hold, so that a mistake in a path does not take the machine's memory.
// Validate keeps full-size packets well below it.
constexpr int64_t kMaxHeldBytes = int64_t{512} << 20;
// Of bookkeeping and allocation per packet: many small packets must not slip under the limit.
constexpr int64_t kPacketOverheadBytes = 64;
// Packets read from one device before the other one and the due departures get their turn.
constexpr int kReadBatch = 64;
constexpr int64_t kBookkeepingIntervalNs = 100'000'000;
constexpr int64_t kLateNs = 1'000'000;

// The emulator is the only writer, so a plain load and store will do.
void Add(std::atomic<int64_t>& counter, int64_t by) {
  counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}
void Raise(std::atomic<int64_t>& highest, int64_t to) {
  if (to > highest.load(std::memory_order_relaxed)) highest.store(to, std::memory_order_relaxed);
}

struct Packet {
  int64_t departure_ns;
  uint64_t number;  // among equals, first come first served
  int length_bytes;
  std::unique_ptr<uint8_t[]> bytes;
};
struct LeavesLater {
  bool operator()(const Packet& a, const Packet& b) const {
    return std::tie(a.departure_ns, a.number) > std::tie(b.departure_ns, b.number);
  }
};

class OneWay {
 public:
  OneWay(const PathSpec& path, Direction direction, PathEnd from, PathEnd to,
         PathRecord::DirectionRecord* record)
      : impairment_(path, direction), from_(from), to_(to), record_(*record) {}

  // Reads what the sending host has sent, up to a batch.
  absl::Status Receive() {
    for (int i = 0; i < kReadBatch; ++i) {
      const ssize_t length = read(from_.tun_fd, buffer_.data(), buffer_.size());
      if (length < 0) {
        if (errno == EAGAIN) break;
        if (errno == EINTR) continue;
        return ErrnoStatus("read from a TUN device");
      }
      Admit(NowNs(), static_cast<int>(length));
    }
    return absl::OkStatus();
  }

  // Writes what is due to the receiving host.
  void Send(int64_t now_ns) {
    while (!held_.empty() && held_.front().departure_ns <= now_ns) {
      std::pop_heap(held_.begin(), held_.end(), LeavesLater());
      const Packet packet = std::move(held_.back());
      held_.pop_back();
      held_bytes_ -= packet.length_bytes + kPacketOverheadBytes;
      if (write(to_.tun_fd, packet.bytes.get(), packet.length_bytes) != packet.length_bytes) {
        Add(record_.emulator_drops, 1);
        continue;
      }
      Add(record_.packets_out, 1);
      Add(record_.bytes_out, packet.length_bytes);
      const int64_t late_ns = now_ns - packet.departure_ns;
      Add(record_.lateness_sum_ns, late_ns);
      Raise(record_.max_lateness_ns, late_ns);
      if (late_ns > kLateNs) Add(record_.late_packets, 1);
    }
  }

  // INT64_MAX: nothing is held.
  int64_t next_departure_ns() const {
    return held_.empty() ? INT64_MAX : held_.front().departure_ns;
  }

  void ReadDeviceDrops() {
    char text[4096];
    const ssize_t length = pread(from_.net_dev_fd, text, sizeof(text), 0);
    if (length <= 0) return;
    record_.device_drops.store(TransmitDrops(absl::string_view(text, length)),
                               std::memory_order_relaxed);
  }

 private:
  void Admit(int64_t now_ns, int length_bytes) {
    Add(record_.packets_in, 1);
    Add(record_.bytes_in, length_bytes);
    const Verdict verdict = impairment_.Admit(now_ns, length_bytes);
    Raise(record_.max_queue_bytes, verdict.queue_bytes);
    if (verdict.fate == Fate::kLost) return Add(record_.lost, 1);
    if (verdict.fate == Fate::kQueueFull) return Add(record_.queue_full, 1);
    if (held_bytes_ + length_bytes + kPacketOverheadBytes > kMaxHeldBytes) {
      return Add(record_.emulator_drops, 1);
    }
    if (verdict.held_back) Add(record_.reordered, 1);
    Packet packet{verdict.departure_ns, ++numbered_, length_bytes,
                  std::unique_ptr<uint8_t[]>(new uint8_t[length_bytes])};
    std::memcpy(packet.bytes.get(), buffer_.data(), length_bytes);
    held_bytes_ += length_bytes + kPacketOverheadBytes;
    held_.push_back(std::move(packet));
    std::push_heap(held_.begin(), held_.end(), LeavesLater());
  }

  Impairment impairment_;
  const PathEnd from_;
  const PathEnd to_;
  PathRecord::DirectionRecord& record_;
  std::vector<Packet> held_;  // a heap, the next to leave in front
  int64_t held_bytes_ = 0;
  uint64_t numbered_ = 0;
  std::array<uint8_t, kMtuBytes> buffer_;
};

DirectionStats ReadDirection(const PathRecord::DirectionRecord& record) {
  const auto get = [](const std::atomic<int64_t>& counter) {
    return counter.load(std::memory_order_relaxed);
  };
  DirectionStats stats;
  stats.packets_in = get(record.packets_in);
  stats.bytes_in = get(record.bytes_in);
  stats.packets_out = get(record.packets_out);
  stats.bytes_out = get(record.bytes_out);
  stats.lost = get(record.lost);
  stats.queue_full = get(record.queue_full);
  stats.reordered = get(record.reordered);
  stats.max_queue_bytes = get(record.max_queue_bytes);
  stats.device_drops = get(record.device_drops);
  stats.emulator_drops = get(record.emulator_drops);
  stats.mean_lateness =
      absl::Nanoseconds(get(record.lateness_sum_ns)) / std::max<int64_t>(stats.packets_out, 1);
  stats.max_lateness = absl::Nanoseconds(get(record.max_lateness_ns));
  stats.late_packets = get(record.late_packets);
  return stats;
}

}  // namespace

PathStats PathRecord::Read() const {
  PathStats stats;
  stats.to_server = ReadDirection(directions[static_cast<int>(Direction::kToServer)]);
  stats.to_client = ReadDirection(directions[static_cast<int>(Direction::kToClient)]);
  stats.emulator_cpu = absl::Nanoseconds(cpu_ns.load(std::memory_order_relaxed));
  return stats;
}

absl::Status RunEmulator(const PathSpec& path, PathEnd client, PathEnd server, PathRecord* record) {
  // The default slack of 50 µs would be seen in every round trip.
  if (prctl(PR_SET_TIMERSLACK, 1) != 0) return ErrnoStatus("prctl PR_SET_TIMERSLACK");
  KeepTimeUnderLoad();  // the path's rate bounds what it uses; the stats show its lateness

  auto to_server =
      std::make_unique<OneWay>(path, Direction::kToServer, client, server,
                               &record->directions[static_cast<int>(Direction::kToServer)]);
  auto to_client =
      std::make_unique<OneWay>(path, Direction::kToClient, server, client,
                               &record->directions[static_cast<int>(Direction::kToClient)]);
  pollfd polled[] = {{client.tun_fd, POLLIN, 0}, {server.tun_fd, POLLIN, 0}};
  int64_t bookkeeping_due_ns = NowNs();
  for (;;) {
    const int64_t now_ns = NowNs();
    to_server->Send(now_ns);
    to_client->Send(now_ns);
    if (now_ns >= bookkeeping_due_ns) {
      to_server->ReadDeviceDrops();
      to_client->ReadDeviceDrops();
      record->cpu_ns.store(NowNs(CLOCK_PROCESS_CPUTIME_ID), std::memory_order_relaxed);
      bookkeeping_due_ns = now_ns + kBookkeepingIntervalNs;
    }
    const int64_t due_ns = std::min(
        {to_server->next_departure_ns(), to_client->next_departure_ns(), bookkeeping_due_ns});
    const int64_t wait_ns = std::max<int64_t>(due_ns - NowNs(), 0);
    const timespec wait = ToTimespec(wait_ns);
    if (ppoll(polled, 2, &wait, nullptr) < 0 && errno != EINTR) return ErrnoStatus("ppoll");
    for (const pollfd& device : polled) {
      if (device.revents & (POLLERR | POLLHUP | POLLNVAL)) {
        return absl::UnavailableError("a TUN device has gone");
      }
    }
    if (polled[0].revents & POLLIN) {
      if (absl::Status status = to_server->Receive(); !status.ok()) return status;
    }
    if (polled[1].revents & POLLIN) {
      if (absl::Status status = to_client->Receive(); !status.ok()) return status;
    }
  }
}

}  // namespace tcpmedic::lab
