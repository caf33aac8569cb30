// How fast a capture is read, by the reader alone and by `tcpmedic diagnose FILE` as a whole, for
// people and with `-o json`, beside `tcpdump -r FILE -n >/dev/null` on the same file in the same
// run; and how much memory that takes. Fails where either form is slower than half of tcpdump, or
// takes more than 200 MB. Usage: capture_speed [MEGABYTES [FILE]], by default 256 of them into
// a file that is removed afterwards. A FILE that exists is measured as it is.
//
// The packets are those of a busy server: 200 connections with options and timestamps, IPv4 and
// IPv6, data of 0 to 1448 bytes, ACKs with SACK blocks, one handshake and one FIN in a hundred, and
// a little UDP.

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/unique_fd.h"
#include "observe/capture/capture_file.h"
#include "tests/observe/capture/packet_bytes.h"
#include "tests/observe/recorded/ignoring_sink.h"

extern char** environ;

namespace tcpmedic {
namespace {

constexpr int kConnections = 200;
constexpr int64_t kMostResidentKb = 200 << 10;

struct Flow {
  uint16_t port;
  bool v6;
  uint32_t sent, received, clock;
};

std::string TimestampOption(uint32_t val, uint32_t ecr) {
  return absl::StrCat(std::string("\1\1\x08\x0a"), BigEndian32(val), BigEndian32(ecr));
}

std::string NextPacket(std::mt19937& random, std::vector<Flow>& flows) {
  static const std::string payload(1448, 'x');
  Flow& flow = flows[random() % flows.size()];
  const uint32_t kind = random() % 100;
  if (kind < 2) return EthernetBytes(0x0800, Ipv4Bytes(17, payload.substr(0, 100)));
  const bool out = random() % 2 == 0;
  TcpFields tcp;
  tcp.src_port = out ? flow.port : 443;
  tcp.dst_port = out ? 443 : flow.port;
  tcp.seq = out ? flow.sent : flow.received;
  tcp.ack = out ? flow.received : flow.sent;
  tcp.window = 502;
  tcp.flags = 0x10;
  ++flow.clock;
  tcp.options = TimestampOption(flow.clock, flow.clock - 20);
  if (kind == 2) {
    tcp.flags = 0x02;
    tcp.ack = 0;
    tcp.options = absl::StrCat(std::string("\2\4\x05\xb4\4\2\x08\x0a"), BigEndian32(flow.clock),
                               BigEndian32(0), std::string("\1\3\3\7"));
  } else if (kind == 3) {
    tcp.flags = 0x11;
  } else if (kind < 40) {
    if (kind < 10) {
      absl::StrAppend(&tcp.options, std::string("\1\1\5\x0a"), BigEndian32(tcp.ack + 1448),
                      BigEndian32(tcp.ack + 2896));
    }
  } else {
    tcp.flags = 0x18;
    tcp.payload = payload.substr(0, kind < 60 ? random() % 1449 : 1448);
    (out ? flow.sent : flow.received) += static_cast<uint32_t>(tcp.payload.size());
  }
  const std::string bytes = TcpBytes(tcp);
  return flow.v6 ? EthernetBytes(0x86dd, Ipv6Bytes(6, bytes))
                 : EthernetBytes(0x0800, Ipv4Bytes(6, bytes));
}

void WriteCapture(const std::string& path, int64_t bytes) {
  std::mt19937 random(1);
  std::vector<Flow> flows;
  for (int i = 0; i < kConnections; ++i) {
    flows.push_back({static_cast<uint16_t>(20000 + i), i % 4 == 0, static_cast<uint32_t>(random()),
                     static_cast<uint32_t>(random()), 1000});
  }
  std::ofstream out(path, std::ios::binary);
  out << PcapFile(1, {});
  int64_t time_us = 1'700'000'000'000'000;
  while (out && out.tellp() < bytes) {
    // In runs, since each file header is cut off again.
    std::vector<PcapPacket> packets;
    for (int i = 0; i < 1000; ++i) packets.push_back({time_us += 10, NextPacket(random, flows)});
    const std::string file = PcapFile(1, packets);
    out.write(file.data() + 24, static_cast<std::streamsize>(file.size() - 24));
  }
}

class CountingSink : public IgnoringSink {
 public:
  void OnSegment(const Place&, const CapturedSegment& segment) override {
    ++segments;
    payload_bytes += segment.payload_bytes;
  }
  void OnUnread(const Unread& unread) override { unread_packets += unread.lines; }

  int64_t segments = 0, payload_bytes = 0, unread_packets = 0;
};

// The time that this takes, and the processor time of it.
struct Cost {
  absl::Duration wall, cpu;
};

absl::Duration OurCpu() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return absl::DurationFromTimeval(usage.ru_utime) + absl::DurationFromTimeval(usage.ru_stime);
}

Cost ReadOnce(const std::string& path, CountingSink* sink) {
  const absl::Time begun = absl::Now();
  const absl::Duration cpu = OurCpu();
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const absl::Status status = ReadCapture(fd.get(), "", path, sink, [](int64_t) {});
  if (!status.ok()) {
    fprintf(stderr, "%s\n", status.ToString().c_str());
    exit(1);
  }
  return {absl::Now() - begun, OurCpu() - cpu};
}

struct CommandCost : Cost {
  int64_t resident_kb = 0;  // at most
};

// The best time of several runs, and their most memory.
struct Best {
  absl::Duration cpu = absl::InfiniteDuration();
  int64_t resident_kb = 0;

  void Take(const CommandCost& cost) {
    cpu = std::min(cpu, cost.cpu);
    resident_kb = std::max(resident_kb, cost.resident_kb);
  }
};

CommandCost RunOnce(const std::vector<std::string>& command) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const absl::Time begun = absl::Now();
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, arguments[0], &files, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  int status = 0;
  rusage usage;
  if (error != 0 || wait4(pid, &status, 0, &usage) != pid || status != 0) {
    fprintf(stderr, "%s did not run\n", command[0].c_str());
    exit(1);
  }
  CommandCost cost;
  cost.wall = absl::Now() - begun;
  cost.cpu = absl::DurationFromTimeval(usage.ru_utime) + absl::DurationFromTimeval(usage.ru_stime);
  cost.resident_kb = usage.ru_maxrss;
  return cost;
}

void Print(const char* name, const Cost& cost) {
  printf("%s %6.2f s wall %6.2f s cpu   ", name, absl::ToDoubleSeconds(cost.wall),
         absl::ToDoubleSeconds(cost.cpu));
}

int Main(int argc, char** argv) {
  int64_t megabytes = 256;
  if (argc > 1 && (!absl::SimpleAtoi(argv[1], &megabytes) || megabytes < 1 || megabytes > 4096)) {
    fprintf(stderr, "usage: capture_speed [MEGABYTES [FILE]]\n");
    return 2;
  }
  const std::string path =
      argc > 2 ? argv[2] : absl::StrCat("/tmp/capture_speed.", getpid(), ".pcap");
  struct stat file;
  const bool ours = stat(path.c_str(), &file) != 0;
  if (ours) WriteCapture(path, megabytes << 20);
  if (stat(path.c_str(), &file) != 0) {
    fprintf(stderr, "%s could not be written\n", path.c_str());
    return 1;
  }

  // Turn by turn, so that all see the same machine; the first reading warms the page cache.
  CountingSink warm;
  ReadOnce(path, &warm);
  printf("%lld MB, %lld segments, %lld other packets\n", (long long)(file.st_size >> 20),
         (long long)warm.segments, (long long)warm.unread_packets);
  absl::Duration reader_cpu = absl::InfiniteDuration();
  Best text, json, tcpdump;
  for (int turn = 0; turn < 3; ++turn) {
    CountingSink sink;
    const Cost reader = ReadOnce(path, &sink);
    reader_cpu = std::min(reader_cpu, reader.cpu);
    Print("reader", reader);
    const auto run = [](const char* name, const std::vector<std::string>& command, Best* best) {
      const CommandCost cost = RunOnce(command);
      best->Take(cost);
      Print(name, cost);
    };
    const std::string diagnose = TCPMEDIC_BIN_DIR "/tcpmedic";
    run("text", {diagnose, "diagnose", path}, &text);
    run("json", {diagnose, "diagnose", path, "-o", "json"}, &json);
    run("tcpdump", {"tcpdump", "-r", path, "-n"}, &tcpdump);
    printf("\n");
  }
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("best of three, by cpu:\n");
  const auto sum_up = [&](const char* name, absl::Duration cpu, int64_t resident_kb) {
    printf("%s %.0f MB/s, %.1f times tcpdump's speed; %lld MB resident at most\n", name,
           static_cast<double>(file.st_size) / 1e6 / absl::ToDoubleSeconds(cpu),
           absl::FDivDuration(tcpdump.cpu, cpu), (long long)(resident_kb >> 10));
  };
  sum_up("reader:           ", reader_cpu, usage.ru_maxrss);
  sum_up("diagnose:         ", text.cpu, text.resident_kb);
  sum_up("diagnose -o json: ", json.cpu, json.resident_kb);
  if (ours) unlink(path.c_str());
  const bool fast = std::max(text.cpu, json.cpu) <= 2 * tcpdump.cpu;
  return fast && std::max(text.resident_kb, json.resident_kb) <= kMostResidentKb ? 0 : 1;
}

}  // namespace
}  // namespace tcpmedic

int main(int argc, char** argv) { return tcpmedic::Main(argc, argv); }
