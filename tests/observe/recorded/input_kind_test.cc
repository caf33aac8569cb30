#include "observe/recorded/input_kind.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

namespace tcpmedic {
namespace {

TEST(KindOf, IsToldByTheFirstBytes) {
  EXPECT_EQ(KindOf(""), InputKind::kEmpty);
  EXPECT_EQ(KindOf("$ ss -tan\n"), InputKind::kText);
  EXPECT_EQ(KindOf(std::string("\xd4\xc3\xb2\xa1\x02\x00", 6)), InputKind::kPcap);
  EXPECT_EQ(KindOf("\xa1\xb2\x3c\x4d"), InputKind::kPcap);
  EXPECT_EQ(KindOf("\x0a\x0d\x0d\x0a"), InputKind::kPcapng);
  EXPECT_EQ(KindOf("\x1f\x8b\x08"), InputKind::kCompressed);
  EXPECT_EQ(KindOf(std::string("\x7f"
                               "ELF\x02\x01\x01\x00",
                               8)),
            InputKind::kBinary);
}

TEST(ReadInputStart, TakesWhatAPipeGivesInPieces) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(write(ends[1], "\xd4\xc3", 2), 2);
  ASSERT_EQ(write(ends[1], "\xb2\xa1rest", 6), 6);
  close(ends[1]);
  const auto start = ReadInputStart(ends[0], "-");
  close(ends[0]);
  ASSERT_TRUE(start.ok());
  EXPECT_EQ(start->kind, InputKind::kPcap);
  EXPECT_EQ(start->bytes, "\xd4\xc3\xb2\xa1rest");
}

TEST(ReadInputStart, NamesTheInputInAnError) {
  const int directory = open("/", O_RDONLY | O_DIRECTORY);
  const auto start = ReadInputStart(directory, "incidents/");
  close(directory);
  EXPECT_EQ(start.status().message(), "read incidents/: EISDIR");
}

}  // namespace
}  // namespace tcpmedic
