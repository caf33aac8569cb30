// diagnose, run as a child on what it cannot read, and with what it does not understand: a sentence
// on standard error that says why, and an exit code that a script can tell from an answer's.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "tests/cli/diagnose/diagnose_runs.h"

namespace tcpmedic::cli {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const std::string kSlow = Recorded("transcripts/slow-transfer.txt");

std::string ContentOf(const std::string& path) {
  std::stringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

class DiagnoseMisused : public Diagnose {
 protected:
  struct Outcome {
    int code = -1;
    std::string out;
    std::string err;
  };
  // By /bin/sh, with what `redirected` says: "< /tmp".
  Outcome Shell(const std::string& words, const std::string& redirected,
                const std::string& before = "") {
    const std::string out = absl::StrCat(temporary_.path(), "/out");
    const std::string err = absl::StrCat(temporary_.path(), "/err");
    const int status =
        std::system(absl::StrCat("timeout 20 ", before, TCPMEDIC_BIN_DIR, "/tcpmedic diagnose ",
                                 words, " > ", out, " 2> ", err, " ", redirected)
                        .c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, ContentOf(out), ContentOf(err)};
  }
};

TEST_F(DiagnoseMisused, SaysOfWhatCannotBeReadWhyInOneSentence) {
  struct Case {
    std::string name;
    std::string input;
    int code;
    std::string said;
  };
  std::mt19937 random(1);
  std::string noise(100'000, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  const std::string capture = ContentOf(Recorded("handshake/client.pcap"));
  const std::vector<Case> cases = {
      {"missing", temporary_.path() + "/nothing", 2, "there is no file"},
      {"below a file", kSlow + "/x", 2, "Not a directory"},
      {"directory", temporary_.path(), 2, "is a directory"},
      {"device", "/dev/zero", 2, "is a device"},
      {"empty", File("empty", ""), 1, "it is empty"},
      {"program", TCPMEDIC_BIN_DIR "/tcpmedic", 1, "binary data: neither a text nor a capture"},
      {"noise", File("noise", noise), 1, "binary data: neither a text nor a capture"},
      {"zeros", File("zeros", std::string(1'000'000, '\0')), 1, "binary data"},
      {"gzip", File("incident.gz", "\x1f\x8b\x08 and so on"), 1, "gzip -dc"},
      {"UTF-16", File("utf16", std::string("\xff\xfe$\0 \0s\0s\0", 10)), 1, "save it as UTF-8"},
      {"a capture cut in its header", File("cut.pcap", capture.substr(0, 10)), 1,
       "not a pcap or pcapng capture"},
      {"a capture of nothing", File("none.pcap", capture.substr(0, 24)), 1,
       "a capture without a packet"},
      {"a letter", File("letter", "Dear diary,\ntoday the network was slow.\n"), 1,
       "not a line of"},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.name);
    const Outcome outcome = Shell(each.input, "");
    EXPECT_EQ(outcome.code, each.code);
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err, AllOf(HasSubstr(each.input), HasSubstr(each.said)));
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  }
}

TEST_F(DiagnoseMisused, SaysOfAStandardInputThatCannotBeReadWhy) {
  struct Case {
    std::string redirected;
    std::string said;
    int code;
  };
  const std::vector<Case> cases = {
      {"< /dev/null", "the standard input: it is empty", 1},
      {"<&-", "the standard input, -, is closed", 2},
      {absl::StrCat("< ", temporary_.path()), "the standard input, -, is a directory", 2},
      {absl::StrCat("0> ", temporary_.path(), "/written"), "not open for reading", 2},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.redirected);
    const Outcome outcome = Shell("-", each.redirected);
    EXPECT_EQ(outcome.code, each.code);
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err, HasSubstr(each.said));
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  }
}

TEST_F(DiagnoseMisused, SaysOfAFileOfAnothersThatItMayNotBeRead) {
  const std::string secret = File("secret.pcap", "x");
  ASSERT_EQ(chmod(secret.c_str(), 0), 0);
  // Root may read it; nobody may not even run a program that stands in root's home.
  const Outcome outcome =
      Shell(secret, "", geteuid() == 0 ? "setpriv --reuid=65534 --clear-groups " : "");
  if (outcome.code == 126 || outcome.code == 127) GTEST_SKIP() << outcome.err;
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr(absl::StrCat("cannot read ", secret, ": Permission denied")));
}

TEST_F(DiagnoseMisused, ReadsWhatStandsBesideALineThatIsTooLong) {
  const std::string session = absl::StrCat(std::string(3'000'000, 'x'), "\n", ContentOf(kSlow));
  const json answer = JsonOf(File("session.txt", session));

  ASSERT_THAT(answer["findings"], SizeIs(1));
  EXPECT_EQ(answer["findings"][0]["signature"], "pinned-cwnd");
  EXPECT_THAT(answer["unread"].dump(), HasSubstr("what follows the first 64 KiB of a line"));
}

TEST_F(DiagnoseMisused, ReadsACaptureAsFarAsItGoes) {
  const std::string whole = ContentOf(Recorded("handshake/client.pcap"));
  const json answer = JsonOf(File("killed.pcap", whole.substr(0, whole.size() - 20)));

  ASSERT_THAT(answer["connections"], SizeIs(1));
  EXPECT_EQ(answer["connections"][0]["outcome"], "established");
  ASSERT_THAT(answer["unread"], SizeIs(1));
  EXPECT_EQ(answer["unread"][0]["reason"], "the file ends in the middle of this packet");
}

TEST_F(DiagnoseMisused, RefusesFlagsThatDoNotGoTogether) {
  const std::vector<std::vector<std::string>> refused = {
      {"--connection", "10.0.0.5:1"},
      {kSlow, "--for", "10s"},
      {kSlow, "--only-netns", "4026531840"},
      {"--only-netns", "host"},
      {"--only-netns", "0"},
      {"--only-netns", "-5"},
      {"--only-netns", "4026531840x"},
      {"--only-netns", "18446744073709551616"},
      {"--only-netns", "net:[4026531840"},
      {"--only-netns", "mnt:[4026531840]"},
      {"--policies", "/nonexistent"},
      {"--for", "0s"},
      {"--for", "soon"},
      {"--nosuch"},
      {kSlow, "-o", "yaml"},
      {"-", "-"},
      {kSlow, "--connection", "10.0.0.5:44120", "--all-connections"},
  };
  for (const std::vector<std::string>& words : refused) {
    const Ran ran = Run(words);
    SCOPED_TRACE(absl::StrCat(words.front(), ": ", ran.output));
    EXPECT_EQ(ran.code, 2);
    EXPECT_NE(ran.output, "");
  }
}

TEST_F(DiagnoseMisused, SaysHowANamespaceIsNamed) {
  EXPECT_EQ(
      Run({"--only-netns", "web"}).output,
      "tcpmedic: --only-netns web: write the number that `readlink /proc/PID/ns/net` shows of "
      "a process in that namespace\n");
}

TEST_F(DiagnoseMisused, SaysThatNoProcessIsInANamespaceThatIsNone) {
  for (const std::string inode : {"1", "net:[1]"}) {
    const Ran ran = Run({"--for", "1s", "--only-netns", inode});

    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.output, HasSubstr("in network namespace 1:"));
  }
}

TEST_F(DiagnoseMisused, SaysWhichOfTheNamespacesAskedForIsNotThere) {
  const std::string own = std::filesystem::read_symlink("/proc/self/ns/net");
  const Ran ran = Run({"--for", "1s", "--only-netns", own, "--only-netns", "1"});

  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.output, HasSubstr("network namespace 1: no process that may be looked at"));
}

TEST_F(DiagnoseMisused, TakesNothingToLookForAsAMistakeAndNotAsHealth) {
  const Ran ran = Run({kSlow, "--policies", temporary_.path()});

  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.output, HasSubstr("there is no signature in " + temporary_.path()));
}

TEST_F(DiagnoseMisused, DoesNotExitAsIfItHadFoundSomethingWhereItFailed) {
  const std::string empty = File("empty", "");
  const std::string letters = File("letters", "Dear diary,\n\nDear reader,\n");
  const std::vector<std::vector<std::string>> failures = {
      {empty},
      {empty, letters},
      {File("ps", "  PID COMMAND\n    1 systemd\n")},
      {letters, "-o", "json"},
      {kSlow, "--policies", temporary_.path()},
      {kSlow, "--connection", "10.0.0.5:1"},
      {"--for", "1s", "--only-netns", "1"},
  };
  for (std::vector<std::string> words : failures) {
    SCOPED_TRACE(words.back());
    EXPECT_EQ(Run(words).code, 1);
    words.push_back("--exit-code");
    EXPECT_EQ(Run(words).code, 2);
  }
}

TEST_F(DiagnoseMisused, EndsAtOnceOnCtrlCAndAnswersNothing) {
  const Outcome outcome = Shell("--for 30s", "", "timeout --preserve-status -s INT 1 ");

  EXPECT_EQ(outcome.code, 128 + 2);
  EXPECT_EQ(outcome.out, "");
}

TEST_F(DiagnoseMisused, DoesNotPassAFullDiskOver) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP();
  for (const std::string& words : {kSlow, kSlow + " -o json"}) {
    const Outcome outcome = Shell(words, "> /dev/full");
    EXPECT_EQ(outcome.code, 1);
    EXPECT_THAT(outcome.err, HasSubstr("write the standard output: ENOSPC"));
  }
}

}  // namespace
}  // namespace tcpmedic::cli
