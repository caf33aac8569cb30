// diagnose, run as a child on files: what it reads, what it refuses, and its exit codes. No
// controller, no root.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/cli/run_program.h"
#include "tests/controller/store/temporary_directory.h"

namespace tcpmedic::cli {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// As people paste them.
constexpr char kHandshake[] =
    R"(14:02:11.001 IP 10.0.0.5.51514 > 10.0.0.9.6379: Flags [S],  seq 1000000, win 64240, length 0
14:02:11.001 IP 10.0.0.9.6379  > 10.0.0.5.51514: Flags [S.], seq 4200000, ack 1000001, win 65160, length 0
14:02:11.002 IP 10.0.0.5.51514 > 10.0.0.9.6379: Flags [.],  seq 1000001, ack 4200001, win 64240, length 0
14:02:11.002 IP 10.0.0.5.51514 > 10.0.0.9.6379: Flags [P.], seq 1000001, ack 4200001, win 64240, length 14
)";
constexpr char kFlood[] = R"($ sudo tcpdump -i eth0 'tcp[tcpflags] & tcp-syn != 0' -tnn
IP 203.0.113.7.40001 > 198.51.100.10.443: Flags [S],  seq 100, win 29200, length 0
IP 198.51.100.10.443 > 203.0.113.7.40001: Flags [S.], seq 3851629874, ack 101, win 28960, length 0
(thousands more SYNs from random sources; almost none send the final ACK)
$ nstat -az | grep -i syncookies
TcpExtSyncookiesSent            41827
TcpExtSyncookiesRecv              312
)";
constexpr char kPile[] = R"($ ss -tan state established | wc -l
12384
$ ss -tan state close-wait | wc -l
9821
$ ps -p 1234 -o pid,stat,rss,cmd
  PID STAT   RSS CMD
 1234 Ssl 8392000 /usr/bin/app-server   # RSS climbing every minute
)";
constexpr char kSlow[] = R"($ ss -tin state established dst 203.0.113.20
ESTAB 0 0 10.0.0.5:44120 203.0.113.20:443
   cubic wscale:7,7 rtt:148.2/9.1 mss:1448 cwnd:11 ssthresh:8
   bytes_sent:9M bytes_acked:9M retrans:0/214 reordering:12 rate:780Kbps
)";

class Diagnose : public ::testing::Test {
 protected:
  Ran Run(std::vector<std::string> words) {
    words.insert(words.begin(), "diagnose");
    return RunProgram(words, absl::StrCat(temporary_.path(), "/output", ++runs_));
  }
  std::string File(const std::string& name, const std::string& content) {
    const std::string path = absl::StrCat(temporary_.path(), "/", name);
    std::ofstream(path) << content;
    return path;
  }
  // Of the answer to one file with this content.
  json JsonOf(const std::string& content) {
    const Ran ran = Run({File("input", content), "-o", "json"});
    EXPECT_EQ(ran.code, 0) << ran.output;
    return json::parse(ran.output, nullptr, /*allow_exceptions=*/false);
  }

  const TemporaryDirectory temporary_;
  int runs_ = 0;
};

TEST_F(Diagnose, FindsNothingWrongWithAHandshake) {
  const json found = JsonOf(kHandshake);

  EXPECT_THAT(found["findings"], SizeIs(0));
  ASSERT_THAT(found["connections"], SizeIs(1));
  const json& connection = found["connections"][0];
  EXPECT_EQ(connection["client"], "10.0.0.5:51514");
  EXPECT_EQ(connection["server"], "10.0.0.9:6379");
  EXPECT_EQ(connection["outcome"], "established");
  EXPECT_EQ(connection["client_isn"], 1000000);
  EXPECT_EQ(connection["first_data_seq"], 1000001);
  ASSERT_THAT(connection["segments"], SizeIs(4));
  EXPECT_EQ(connection["segments"][2]["ack"], 4200001);
  EXPECT_EQ(connection["segments"][2]["rel_ack"], 1);
  EXPECT_EQ(connection["segments"][3]["length"], 14);
}

TEST_F(Diagnose, TellsAnAbsorbedFloodAndTunesNothing) {
  const json found = JsonOf(kFlood);

  ASSERT_THAT(found["findings"], SizeIs(1));
  EXPECT_EQ(found["findings"][0]["signature"], "syn-flood-absorbed");
  EXPECT_TRUE(found["findings"][0]["remedy"].is_null());
  ASSERT_THAT(found["unread"], SizeIs(1));
  EXPECT_THAT(found["unread"][0]["source"].get<std::string>(), HasSubstr("input:4"));
}

TEST_F(Diagnose, TellsALeakAndWhatOneSampleCannotShow) {
  const json found = JsonOf(kPile);

  ASSERT_THAT(found["findings"], SizeIs(1));
  EXPECT_EQ(found["findings"][0]["signature"], "close-wait-leak");
  EXPECT_TRUE(found["findings"][0]["remedy"].is_null());
  EXPECT_THAT(found["findings"][0]["remarks"].dump(),
              AllOf(HasSubstr("pid 1234"), HasSubstr("climbing")));
}

TEST_F(Diagnose, TellsAPinnedWindowAndMovesItToBbr) {
  const json found = JsonOf(kSlow);

  ASSERT_THAT(found["findings"], SizeIs(1));
  EXPECT_EQ(found["findings"][0]["signature"], "pinned-cwnd");
  EXPECT_EQ(found["findings"][0]["remedy"]["action"], "set_congestion_control");
  EXPECT_EQ(found["findings"][0]["remedy"]["algorithm"], "bbr");
}

TEST_F(Diagnose, TakesSeveralFilesTogether) {
  const Ran ran = Run({File("slow.txt", kSlow), File("flood.txt", kFlood), "-o", "json"});

  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(json::parse(ran.output)["findings"], SizeIs(2));
}

TEST_F(Diagnose, ExitsByWhatItFoundOnlyWhereAsked) {
  const std::string slow = File("slow.txt", kSlow);

  EXPECT_EQ(Run({slow}).code, 0);
  EXPECT_EQ(Run({slow, "--exit-code"}).code, 1);
  EXPECT_EQ(Run({File("handshake.txt", kHandshake), "--exit-code"}).code, 0);
}

TEST_F(Diagnose, SaysWhyNothingWasFound) {
  const Ran ran = Run({File("handshake.txt", kHandshake), "--why"});

  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.output, HasSubstr("pinned-cwnd"));
}

TEST_F(Diagnose, DrawsTheConnectionThatIsAskedFor) {
  const std::string trace = File("trace.txt", kHandshake);

  EXPECT_THAT(Run({trace, "--connection", "10.0.0.5:51514"}).output, HasSubstr("ISN 1000000"));
  const Ran none = Run({trace, "--connection", "10.0.0.5:1"});
  EXPECT_EQ(none.code, 1);
  EXPECT_THAT(none.output, HasSubstr("no connection of 10.0.0.5:1; there is 10.0.0.5:51514"));
  EXPECT_EQ(Run({trace, "--connection", "web-1"}).code, 2);
}

TEST_F(Diagnose, SaysOfWhatCannotBeReadWhyInOneSentence) {
  struct Case {
    std::string name;
    std::string input;
    int code;
  };
  const std::string binary("\0\1\2\3\xff\xfe", 6);
  const std::vector<Case> cases = {
      {"missing", temporary_.path() + "/nothing", 2},
      {"directory", temporary_.path(), 2},
      {"empty", File("empty", ""), 1},
      {"binary", File("binary", binary + binary + binary), 1},
      {"a capture without its header", File("cut.pcap", std::string("\xd4\xc3\xb2\xa1\2\0", 6)), 1},
      {"a letter", File("letter", "Dear diary,\ntoday the network was slow.\n"), 1},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.name);
    const Ran ran = Run({each.input});
    EXPECT_EQ(ran.code, each.code);
    EXPECT_THAT(ran.output, HasSubstr(each.input));
    EXPECT_EQ(std::count(ran.output.begin(), ran.output.end(), '\n'), 1) << ran.output;
  }
}

TEST_F(Diagnose, RefusesFlagsThatDoNotGoTogether) {
  EXPECT_EQ(Run({"--connection", "10.0.0.5:1"}).code, 2);
  EXPECT_EQ(Run({File("slow.txt", kSlow), "--for", "10s"}).code, 2);
  EXPECT_EQ(Run({"--for", "0s"}).code, 2);
  EXPECT_EQ(Run({"--for", "soon"}).code, 2);
}

TEST_F(Diagnose, DoesNotPassAFullDiskOver) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP();
  const std::string output = absl::StrCat(temporary_.path(), "/errors");
  const std::string command = absl::StrCat(TCPMEDIC_BIN_DIR "/tcpmedic diagnose ",
                                           File("slow.txt", kSlow), " > /dev/full 2> ", output);
  const int status = std::system(command.c_str());

  EXPECT_EQ(WEXITSTATUS(status), 1);
  std::stringstream errors;
  errors << std::ifstream(output).rdbuf();
  EXPECT_THAT(errors.str(), HasSubstr("write the standard output: ENOSPC"));
}

TEST_F(Diagnose, WatchesThisHostWithoutAController) {
  const Ran ran = Run({"--for", "1s", "-o", "json"});

  EXPECT_EQ(ran.code, 0) << ran.output;
  EXPECT_THAT(ran.output, AllOf(HasSubstr("\"findings\""), HasSubstr("\"watched_s\"")));
}

}  // namespace
}  // namespace tcpmedic::cli
