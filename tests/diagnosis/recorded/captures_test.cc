// The shipped signatures over every capture in tests/data/recorded, which the real kernel made.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "core/unique_fd.h"
#include "observe/capture/capture_file.h"
#include "tests/diagnosis/recorded/recorded.h"

namespace tcpmedic {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const fs::path kRecorded = fs::path(TCPMEDIC_SOURCE_DIR) / "tests/data/recorded";

RecordedDiagnosis DiagnosisOf(const fs::path& file) {
  const UniqueFd fd(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  RecordedEvidence evidence;
  const absl::Status status =
      ReadCapture(fd.get(), "", file.filename().string(), &evidence, [](int64_t) {});
  EXPECT_TRUE(status.ok()) << status;
  return evidence.Diagnose(AllShipped());
}

TEST(RecordedCaptures, HandshakesThatFailAreFoundAndNothingElseIs) {
  const std::map<std::string, std::string> failing = {
      {"handshake-half-open/server.pcap", "handshake-half-open certain"},
      {"handshake-no-reply-linear/client.pcap", "handshake-no-reply certain"},
      {"handshake-no-reply/client.pcap", "handshake-no-reply certain"},
      {"handshake-refused/server.pcap", "handshake-refused certain"},
      {"syn-answered-by-icmp/client.pcap", "handshake-unreachable certain"},
      // A scan of an open port and a closed one.
      {"syn-scan/server.pcap", "handshake-refused certain"},
  };
  size_t found = 0;
  for (const auto& entry : fs::recursive_directory_iterator(kRecorded)) {
    if (entry.path().extension() != ".pcap" && entry.path().extension() != ".pcapng") continue;
    const std::string name = fs::relative(entry.path(), kRecorded).string();
    const auto expected = failing.find(name);
    std::vector<std::string> findings;
    if (expected != failing.end()) findings.push_back(expected->second);
    EXPECT_EQ(Found(DiagnosisOf(entry.path())), findings) << name;
    found += findings.size();
  }
  EXPECT_EQ(found, failing.size());
}

TEST(RecordedCaptures, WhatAFilterLeftOutIsSaidAndNotGuessed) {
  const RecordedDiagnosis diagnosis =
      DiagnosisOf(kRecorded / "handshake-only-syns-captured/server.pcap");
  EXPECT_THAT(diagnosis.findings, IsEmpty());
  EXPECT_THAT(diagnosis.remarks, testing::ElementsAre(HasSubstr("has SYN set")));
}

}  // namespace
}  // namespace tcpmedic
