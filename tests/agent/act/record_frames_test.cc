#include "agent/act/record_frames.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;

std::string Framed(std::initializer_list<absl::string_view> records) {
  std::string file;
  for (const absl::string_view record : records) AppendFrame(record, &file);
  return file;
}

TEST(RecordFrames, TheChecksumIsCastagnolis) { EXPECT_EQ(Crc32c("123456789"), 0xe3069283u); }

TEST(RecordFrames, RecordsAreReadBackInOrder) {
  const std::string file = Framed({"one", std::string("t\0o", 3), "three"});
  const auto frames = ReadFrames(file);
  ASSERT_TRUE(frames.ok()) << frames.status();
  EXPECT_THAT(frames->records, ElementsAre("one", absl::string_view("t\0o", 3), "three"));
  EXPECT_EQ(frames->torn_bytes, 0u);
}

TEST(RecordFrames, ARecordTornAtAnyByteIsIgnored) {
  const std::string whole = Framed({"kept"});
  const std::string file = Framed({"kept", "torn"});
  for (size_t size = whole.size(); size < file.size(); ++size) {
    const auto frames = ReadFrames(absl::string_view(file).substr(0, size));
    ASSERT_TRUE(frames.ok()) << size << ": " << frames.status();
    EXPECT_THAT(frames->records, ElementsAre("kept")) << size;
    EXPECT_EQ(frames->torn_bytes, size - whole.size());
  }
}

TEST(RecordFrames, ATailThatIsLongEnoughButWasNeverWrittenIsIgnored) {
  std::string file = Framed({"kept"}) + std::string(4096, '\0');
  const auto frames = ReadFrames(file);
  ASSERT_TRUE(frames.ok()) << frames.status();
  EXPECT_THAT(frames->records, ElementsAre("kept"));
}

TEST(RecordFrames, AnyFlippedByteBeforeTheLastRecordIsDamage) {
  const std::string first = Framed({"first"});
  const std::string second = Framed({"second"});
  const std::string file = first + second + Framed({"last"});
  for (size_t i = 0; i < first.size() + second.size(); ++i) {
    std::string damaged = file;
    damaged[i] ^= 0x55;
    const auto frames = ReadFrames(damaged);
    EXPECT_TRUE(absl::IsDataLoss(frames.status())) << "byte " << i;
    const size_t at = i < first.size() ? 0 : first.size();
    EXPECT_EQ(frames.status().message(),
              "the record at byte " + std::to_string(at) + " is damaged");
  }
}

}  // namespace
}  // namespace tcpmedic
