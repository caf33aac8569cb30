// The clients of a server that may leak, as `tcpmedic-lab leak-clients` plays them: at a steady
// rate, each connects, sends one HTTP request, reads the answer and closes in order. One thread.
#ifndef TCPMEDIC_LAB_LEAK_CLIENTS_H_
#define TCPMEDIC_LAB_LEAK_CLIENTS_H_

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "lab/shared_memory.h"

namespace tcpmedic::lab {

struct LeakClientsOptions {
  double rate_per_s = 50;  // 0 to 1,000
  int burst = 0;           // that many at once, then the rate; 0 to 10,000. Alone: a pool
  uint16_t port = 8080;
  // A client closes so long after the last bytes of its answer, 10 ms to 10 min: whoever closes
  // while more is coming resets the connection, and leaves nothing in CLOSE-WAIT.
  absl::Duration idle = absl::Milliseconds(50);
  // The client shuts down its sending half after the request, and reads on until the server closes
  // or `duration` is over, whatever `idle` says.
  bool half_close = false;
  // A client that has no answer by then has failed, and closes. 10 ms to a minute.
  absl::Duration timeout = absl::Seconds(5);
  // Then no more connect, and the program ends once the last has closed; at most an hour.
  absl::Duration duration = absl::Minutes(10);

  bool operator==(const LeakClientsOptions&) const = default;
};

// InvalidArgument, naming the field: also where more would be open at once than a process may have
// descriptors (15,000).
absl::Status Validate(const LeakClientsOptions& options);

// Of clients. Each begins, is answered or fails, and where it was answered ends in one of two ways.
struct LeakClientCounts {
  int64_t begun = 0;
  int64_t answered = 0;
  int64_t failed = 0;           // refused, reset, or without an answer in time
  int64_t closed = 0;           // by itself, after its answer
  int64_t ended_by_server = 0;  // closed or reset by the server, after its answer
  int64_t bytes_read = 0;

  bool operator==(const LeakClientCounts&) const = default;
};

// The same in shared memory: the program writes, anyone reads.
struct LeakClientsRecord {
  std::atomic<int64_t> begun;
  std::atomic<int64_t> answered;
  std::atomic<int64_t> failed;
  std::atomic<int64_t> closed;
  std::atomic<int64_t> ended_by_server;
  std::atomic<int64_t> bytes_read;
};

struct LeakClients {
  pid_t pid = 0;  // in the caller's PID namespace
  absl::Time started_at = absl::UnixEpoch();
  std::shared_ptr<SharedMemory<LeakClientsRecord>> record;

  // So far, without those that end while it reads; readable after the program has ended.
  LeakClientCounts counts() const;
};

absl::Status MakeLeakClients(const std::string& address, const LeakClientsOptions& options,
                             LeakClientsRecord* record);

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_LEAK_CLIENTS_H_
