#include "observe/capture/capture_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/unique_fd.h"
#include "tests/observe/capture/collected_recording.h"
#include "tests/observe/capture/packet_bytes.h"

namespace tcpmedic {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint32_t kEthernet = 1;

UniqueFd FdOf(absl::string_view content) {
  UniqueFd fd(memfd_create("capture", MFD_CLOEXEC));
  EXPECT_EQ(write(fd.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
  EXPECT_EQ(lseek(fd.get(), 0, SEEK_SET), 0);
  return fd;
}

struct Result {
  absl::Status status;
  CollectedRecording recording;
  std::vector<int64_t> progress;
};

Result Read(absl::string_view content) {
  Result result;
  const UniqueFd fd = FdOf(content);
  result.status = ReadCapture(fd.get(), "", "a.pcap", &result.recording,
                              [&](int64_t bytes) { result.progress.push_back(bytes); });
  return result;
}

PcapPacket Segment(uint32_t seq, int64_t time_us = 1'700'000'000'000'001) {
  TcpFields fields;
  fields.seq = seq;
  return {time_us, EthernetBytes(0x0800, Ipv4Bytes(6, TcpBytes(fields)))};
}

PcapPacket Arp() { return {0, EthernetBytes(0x0806, std::string(28, '\0'))}; }

TEST(CaptureFile, SegmentsComeInOrderWithTheirPacketNumbersAndTimes) {
  const std::string file =
      PcapFile(kEthernet, {Segment(1), Arp(), Segment(2, 1'700'000'001'500'000)});
  const Result result = Read(file);
  ASSERT_TRUE(result.status.ok()) << result.status;
  ASSERT_THAT(result.recording.segments, SizeIs(2));
  EXPECT_EQ(result.recording.segments[0].place.input, "a.pcap");
  EXPECT_EQ(result.recording.segments[0].place.line, 1);
  EXPECT_EQ(result.recording.segments[1].place.line, 3);
  EXPECT_EQ(result.recording.segments[1].segment.seq, 2u);
  EXPECT_EQ(result.recording.segments[1].segment.time,
            absl::Seconds(1'700'000'001) + absl::Milliseconds(500));
  EXPECT_EQ(result.recording.segments[1].segment.time_base, TimeBase::kEpoch);
  ASSERT_FALSE(result.progress.empty());
  EXPECT_EQ(result.progress.back(), static_cast<int64_t>(file.size()));
}

TEST(CaptureFile, WhatIsNotTcpIsOneUnreadWithItsCount) {
  const Result result = Read(PcapFile(kEthernet, {Segment(1), Arp(), Segment(2), Arp(), Arp()}));
  ASSERT_THAT(result.recording.unread, SizeIs(1));
  EXPECT_EQ(result.recording.unread[0].reason, "not TCP");
  EXPECT_EQ(result.recording.unread[0].place.line, 2);
  EXPECT_EQ(result.recording.unread[0].lines, 3);
}

TEST(CaptureFile, AFileThatEndsWithinAPacketKeepsWhatCameBefore) {
  const std::string file = PcapFile(kEthernet, {Segment(1), Segment(2)});
  for (const size_t cut : {size_t{1}, size_t{54}, size_t{60}}) {
    SCOPED_TRACE(cut);
    const Result result = Read(file.substr(0, file.size() - cut));
    ASSERT_TRUE(result.status.ok()) << result.status;
    EXPECT_THAT(result.recording.segments, SizeIs(1));
    ASSERT_THAT(result.recording.unread, SizeIs(1));
    EXPECT_EQ(result.recording.unread[0].reason, "the file ends in the middle of this packet");
    EXPECT_EQ(result.recording.unread[0].place.line, 2);
  }
}

TEST(CaptureFile, EachTruncationIsASentenceAndNeverACrash) {
  const std::string file = PcapFile(kEthernet, {Segment(1), Segment(2)});
  for (size_t size = 0; size <= file.size(); ++size) {
    const Result result = Read(absl::string_view(file).substr(0, size));
    EXPECT_EQ(result.status.ok(), size >= 24) << size;
  }
}

TEST(CaptureFile, EmptyForeignAndUnreadableInputsGetASentence) {
  EXPECT_EQ(Read("").status, absl::InvalidArgumentError("a.pcap is empty"));
  const absl::Status foreign = Read("this is not a capture, but long enough for its header").status;
  EXPECT_EQ(foreign.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(foreign.message(), HasSubstr("a.pcap is not a pcap or pcapng capture"));
  const absl::Status wireless = Read(PcapFile(105, {Segment(1)})).status;
  EXPECT_EQ(wireless.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(wireless.message(), HasSubstr("IEEE802_11"));

  CollectedRecording recording;
  const UniqueFd directory(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const absl::Status status = ReadCapture(directory.get(), "", "dir", &recording, [](int64_t) {});
  EXPECT_EQ(status.message(), "read dir: EISDIR");
}

TEST(CaptureFile, CutTcpOptionsAreOneUnreadWithTheirCount) {
  TcpFields syn;
  syn.options = std::string("\x02\x04\x05\xb4\x01\x03\x03\x07", 8);
  syn.payload = std::string(100, 'x');
  const std::string whole = EthernetBytes(0x0800, Ipv4Bytes(6, TcpBytes(syn)));
  const auto cut = [&](size_t captured) {
    return PcapPacket{0, whole.substr(0, captured), static_cast<uint32_t>(whole.size())};
  };
  // 14 + 20 + 28 bytes of headers: the third has lost payload only.
  const Result result = Read(PcapFile(kEthernet, {Segment(1), cut(60), cut(62), cut(58)}));
  EXPECT_THAT(result.recording.segments, SizeIs(4));
  ASSERT_THAT(result.recording.unread, SizeIs(1));
  EXPECT_THAT(result.recording.unread[0].reason,
              HasSubstr("TCP options cut by the snapshot length"));
  EXPECT_EQ(result.recording.unread[0].place.line, 2);
  EXPECT_EQ(result.recording.unread[0].lines, 2);
  EXPECT_TRUE(result.recording.unread[0].packets);
}

TEST(CaptureFile, AnIcmpErrorIsToldInItsPlaceAndIsNotUnread) {
  TcpFields syn;
  const std::string error =
      Ipv4Bytes(1, std::string("\3\1\0\0\0\0\0\0", 8) + Ipv4Bytes(6, TcpBytes(syn)));
  const Result result = Read(PcapFile(
      kEthernet, {Segment(1'000'000), {1'700'000'000'010'000, EthernetBytes(0x0800, error)}}));
  ASSERT_THAT(result.recording.related, SizeIs(1));
  EXPECT_EQ(result.recording.related[0].place.line, 2);
  EXPECT_EQ(result.recording.related[0].packet.seq, 1'000'000u);
  EXPECT_EQ(result.recording.related[0].packet.time,
            absl::Seconds(1'700'000'000) + absl::Milliseconds(10));
  EXPECT_THAT(result.recording.unread, IsEmpty());
}

TEST(CaptureFile, APacketOfTooManyBytesIsToldNotTrusted) {
  std::string file = PcapFile(kEthernet, {Segment(1), Segment(2)});
  // The second packet's captured length: 24 of the file, 16 + 54 of the first, 8 of its own header.
  for (size_t at = 24 + 70 + 8; at < 24 + 70 + 12; ++at) file[at] = '\xff';
  const Result result = Read(file);
  ASSERT_TRUE(result.status.ok());
  EXPECT_THAT(result.recording.segments, SizeIs(1));
  ASSERT_THAT(result.recording.unread, SizeIs(1));
  EXPECT_THAT(result.recording.unread[0].reason, HasSubstr("the rest of the file"));
}

TEST(CaptureFile, APipeWhoseStartWasReadAlreadyIsTheSameCapture) {
  const std::string file = PcapFile(kEthernet, {Segment(1), Segment(2)});
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd from(ends[0]);
  {
    const UniqueFd to(ends[1]);
    ASSERT_EQ(write(to.get(), file.data() + 30, file.size() - 30),
              static_cast<ssize_t>(file.size() - 30));
  }
  CollectedRecording recording;
  int64_t read_bytes = 0;
  EXPECT_TRUE(ReadCapture(from.get(), absl::string_view(file).substr(0, 30), "-", &recording,
                          [&](int64_t bytes) { read_bytes = bytes; })
                  .ok());
  EXPECT_THAT(recording.segments, SizeIs(2));
  EXPECT_EQ(read_bytes, static_cast<int64_t>(file.size()));
}

// One section header, one interface with nanoseconds (if_tsresol 9), one enhanced packet block.
TEST(CaptureFile, PcapngWithNanoseconds) {
  const auto u32 = [](uint32_t value) {
    return std::string{static_cast<char>(value), static_cast<char>(value >> 8),
                       static_cast<char>(value >> 16), static_cast<char>(value >> 24)};
  };
  const auto block = [&](uint32_t type, const std::string& body) {
    const uint32_t size = static_cast<uint32_t>(body.size() + 12);
    return u32(type) + u32(size) + body + u32(size);
  };
  const std::string packet = Segment(7).bytes;
  ASSERT_EQ(packet.size(), 54u);
  const uint64_t time = 1'700'000'000'123'456'789;
  const std::string file =
      block(0x0a0d0d0a, u32(0x1a2b3c4d) + u32(1) + u32(0xffffffff) + u32(0xffffffff)) +
      block(1, u32(kEthernet) + u32(262144) + u32(9 | 1 << 16) + u32(9) + u32(0)) +
      block(6, u32(0) + u32(static_cast<uint32_t>(time >> 32)) + u32(static_cast<uint32_t>(time)) +
                   u32(54) + u32(54) + packet + std::string(2, '\0'));
  const Result result = Read(file);
  ASSERT_TRUE(result.status.ok()) << result.status;
  ASSERT_THAT(result.recording.segments, SizeIs(1));
  EXPECT_THAT(result.recording.unread, IsEmpty());
  EXPECT_EQ(result.recording.segments[0].segment.seq, 7u);
  EXPECT_EQ(result.recording.segments[0].segment.time,
            absl::Seconds(1'700'000'000) + absl::Nanoseconds(123'456'789));
}

}  // namespace
}  // namespace tcpmedic
