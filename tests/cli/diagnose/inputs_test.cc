#include "cli/diagnose/inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "cli/diagnose/reading_progress.h"
#include "tests/controller/store/temporary_directory.h"

namespace tcpmedic::cli {
namespace {

TEST(Inputs, ThatAreMissingAreSaidToBe) {
  const absl::Status status = CheckInputs({"/nonexistent/incident.txt"});

  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_EQ(status.message(), "there is no file /nonexistent/incident.txt");
}

TEST(Inputs, ThatAreDirectoriesAreNotRead) {
  EXPECT_EQ(CheckInputs({"/proc"}).message(),
            "/proc is a directory: name the files in it, such as /proc/*");
}

TEST(Inputs, TakeTheStandardInputOnce) {
  EXPECT_TRUE(CheckInputs({"-"}).ok());
  EXPECT_EQ(CheckInputs({"-", "-"}).message(), "the standard input, -, can be read only once");
}

// Each of its segments would look like one that was sent again.
TEST(Inputs, AreNotReadTwice) {
  const TemporaryDirectory directory;
  const std::string first = directory.path() + "/first.pcap";
  const std::string link = directory.path() + "/link.pcap";
  const std::string copy = directory.path() + "/copy.pcap";
  std::ofstream(first) << "x";
  std::ofstream(copy) << "x";
  ASSERT_EQ(symlink(first.c_str(), link.c_str()), 0);

  EXPECT_TRUE(CheckInputs({first, copy}).ok());
  EXPECT_EQ(CheckInputs({first, copy, first}).message(),
            first + " is named twice, and would count twice");
  EXPECT_EQ(CheckInputs({first, link}).message(),
            link + " is the same file as " + first + ", and would count twice");
}

TEST(Inputs, WithoutANameAreRefused) { EXPECT_FALSE(CheckInputs({""}).ok()); }

TEST(ReadingProgress, SaysHowMuchIsLeft) {
  EXPECT_EQ(ProgressText(256 << 20, 1 << 30, absl::Seconds(2)),
            "█████...............  25 % of 1 GiB, 128 MiB/s, 6 s left");
  EXPECT_EQ(ProgressText(1 << 30, 1 << 30, absl::Seconds(8)),
            "████████████████████  100 % of 1 GiB, 128 MiB/s");
}

TEST(ReadingProgress, OfAPipeHasNoTotal) {
  EXPECT_EQ(ProgressText(256 << 20, std::nullopt, absl::Seconds(2)), "256 MiB, 128 MiB/s");
}

TEST(ReadingProgress, OfAFileThatGrowsStaysWithinItsBar) {
  EXPECT_EQ(ProgressText(3000, 1000, absl::Seconds(1)),
            "████████████████████  100 % of 1,000 bytes, 3,000 bytes/s");
}

}  // namespace
}  // namespace tcpmedic::cli
