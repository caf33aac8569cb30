// What diagnose takes of a capture of many connections, run as a child: its memory is bounded in
// both forms of the answer, and a disk that fills up in the middle of a long one is told.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/controller/store/temporary_directory.h"
#include "tests/observe/capture/packet_bytes.h"

extern char** environ;

namespace tcpmedic::cli {
namespace {

using ::testing::HasSubstr;

constexpr int kConnections = 10'000;  // as many as are listed
constexpr int kDataSegments = 17;

// Each: a handshake, then data from the client, one byte a segment; all of them at the same time.
std::string ManyConnections() {
  std::vector<PcapPacket> packets;
  int64_t time_us = 1'700'000'000'000'000;
  for (int round = 0; round < 3 + kDataSegments; ++round) {
    for (int i = 0; i < kConnections; ++i) {
      TcpFields tcp;
      tcp.src_port = static_cast<uint16_t>(20'000 + i);
      tcp.dst_port = 6379;
      if (round == 1) {
        std::swap(tcp.src_port, tcp.dst_port);
        tcp.seq = 5'000'000;
        tcp.ack = 1'000'001;
        tcp.flags = 0x12;
      } else if (round > 1) {
        tcp.seq = 1'000'001 + static_cast<uint32_t>(round > 2 ? round - 3 : 0);
        tcp.ack = 5'000'001;
        tcp.flags = 0x10;
        if (round > 2) tcp.payload = "x";
      }
      packets.push_back({time_us += 10, EthernetBytes(0x0800, Ipv4Bytes(6, TcpBytes(tcp)))});
    }
  }
  return PcapFile(1, packets);
}

std::string ContentOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class DiagnoseOfManyConnections : public ::testing::Test {
 protected:
  struct Ended {
    int code = -1;
    int64_t resident_kb = 0;  // at most
    std::string err;
  };

  DiagnoseOfManyConnections() { std::ofstream(capture_, std::ios::binary) << ManyConnections(); }

  Ended Diagnose(const std::string& form, const std::string& out) {
    const std::string err = absl::StrCat(temporary_.path(), "/err");
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 1, out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&files, 2, err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    std::vector<std::string> words = {TCPMEDIC_BIN_DIR "/tcpmedic", "diagnose", capture_, "-o",
                                      form};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_t pid = 0;
    const int error = posix_spawn(&pid, arguments[0], &files, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    int status = 0;
    rusage usage;
    if (error != 0 || wait4(pid, &status, 0, &usage) != pid) return {};
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, usage.ru_maxrss, ContentOf(err)};
  }

  const TemporaryDirectory temporary_;
  const std::string capture_ = absl::StrCat(temporary_.path(), "/many.pcap");
};

TEST_F(DiagnoseOfManyConnections, JsonTakesNoMoreMemoryThanTheScreen) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's memory is not ours";
#endif
  const std::string out = absl::StrCat(temporary_.path(), "/out");
  const Ended screen = Diagnose("text", out);
  ASSERT_EQ(screen.code, 0) << screen.err;
  const Ended json = Diagnose("json", out);
  ASSERT_EQ(json.code, 0) << json.err;

  // All connections with 16 segments and more each: many times what the program may take for it.
  EXPECT_GT(std::filesystem::file_size(out), 50 << 20);
  EXPECT_LT(screen.resident_kb, 128 << 10);
  EXPECT_LT(json.resident_kb, screen.resident_kb + (16 << 10));
}

TEST_F(DiagnoseOfManyConnections, ADiskThatFillsUpInTheMiddleIsTold) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP();
  const Ended ended = Diagnose("json", "/dev/full");
  EXPECT_EQ(ended.code, 1);
  EXPECT_EQ(ended.err, "tcpmedic: write the standard output: ENOSPC\n");
}

}  // namespace
}  // namespace tcpmedic::cli
