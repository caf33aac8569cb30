// A dump recorded from a real kernel (Linux 6.18, by record_inet_diag).
// tests/data/inet_diag/scene.ss.txt is what a person saw of it; scene.txt is what is decoded from
// it, rewritten by UPDATE_GOLDEN=1.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "observe/inet_diag_parser.h"
#include "observe/netlink_channel.h"

namespace tcpmedic {
namespace {

const char kDirectory[] = TCPMEDIC_SOURCE_DIR "/tests/data/inet_diag/";

std::string ReadFile(const std::string& name) {
  std::ifstream file(kDirectory + name, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// The payloads of the recorded sockets.
std::vector<std::string> Payloads() {
  std::string recording = ReadFile("scene.bin");
  std::vector<std::string> payloads;
  const bool whole = ForEachMessage(absl::MakeSpan(recording.data(), recording.size()),
                                    [&](const nlmsghdr& header, absl::Span<const char> payload) {
                                      if (header.nlmsg_type >= NLMSG_MIN_TYPE)
                                        payloads.emplace_back(payload.data(), payload.size());
                                      return true;
                                    });
  EXPECT_TRUE(whole);
  return payloads;
}

template <typename T>
std::string Field(const SocketSample& sample, const char* name, T tcp_info::*member) {
  const auto value = sample.info.Field(member);
  return value.has_value() ? absl::StrCat(" ", name, "=", *value) : "";
}

std::string Line(const SocketSample& s) {
  return absl::StrCat(
      std::string(Name(s.state)), " ", s.local_ip.ToString(), " ", s.local_port, " > ",
      s.remote_ip.ToString(), " ", s.remote_port, s.v4_mapped ? " mapped" : "",
      " cookie=", s.key.cookie, " inode=", s.inode, " uid=", s.uid, " rqueue=", s.rqueue,
      " wqueue=", s.wqueue, " timer=", s.timer, " cgroup=", s.cgroup_id.value_or(0), " ",
      std::string(s.cc()), Field(s, "cwnd", &tcp_info::tcpi_snd_cwnd),
      Field(s, "mss", &tcp_info::tcpi_snd_mss), Field(s, "rtt_us", &tcp_info::tcpi_rtt),
      Field(s, "min_rtt_us", &tcp_info::tcpi_min_rtt),
      Field(s, "bytes_sent", &tcp_info::tcpi_bytes_sent),
      Field(s, "bytes_received", &tcp_info::tcpi_bytes_received),
      Field(s, "segs_out", &tcp_info::tcpi_segs_out),
      Field(s, "data_segs_out", &tcp_info::tcpi_data_segs_out),
      Field(s, "snd_wnd", &tcp_info::tcpi_snd_wnd),
      s.info.delivery_rate_app_limited().value_or(false) ? " app_limited" : "");
}

TEST(RecordedDump, IsDecodedAsAPersonSawIt) {
  std::multiset<std::string> lines;
  for (const std::string& payload : Payloads()) {
    SocketSample sample;
    const auto unknown_bytes = ParseInetDiagMessage(payload, &sample);
    ASSERT_TRUE(unknown_bytes.ok()) << unknown_bytes.status();
    lines.insert(absl::StrCat(Line(sample), " unknown_bytes=", *unknown_bytes));
  }
  std::string decoded;
  for (const std::string& line : lines) decoded += line + "\n";
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::ofstream(std::string(kDirectory) + "scene.txt") << decoded;
  }
  EXPECT_EQ(decoded, ReadFile("scene.txt"));
}

TEST(RecordedDump, CutAtAnyByteItIsDecodedOrRefused) {
  for (const std::string& payload : Payloads()) {
    for (size_t size = 0; size < payload.size(); ++size) {
      const std::vector<char> cut(payload.begin(), payload.begin() + size);
      SocketSample sample;
      const absl::Status status = ParseInetDiagMessage(cut, &sample).status();
      ASSERT_TRUE(status.ok() || absl::IsDataLoss(status)) << size << ": " << status;
    }
  }
}

TEST(RecordedDump, CutAtAnyByteItsMessagesEndWithin) {
  const std::string recording = ReadFile("scene.bin");
  const size_t all = Payloads().size();
  for (size_t size = 0; size < recording.size(); ++size) {
    std::vector<char> cut(recording.begin(), recording.begin() + size);
    size_t messages = 0;
    ForEachMessage(absl::MakeSpan(cut), [&](const nlmsghdr&, absl::Span<const char> payload) {
      EXPECT_LE(payload.data() + payload.size(), cut.data() + cut.size());
      ++messages;
      return true;
    });
    ASSERT_LE(messages, all);
  }
}

}  // namespace
}  // namespace tcpmedic
