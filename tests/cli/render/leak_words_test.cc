#include "cli/render/leak_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/leak_examples.h"

namespace tcpmedic::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const v1::Finding& FindingOf(const v1::IncidentView& view) { return view.incident().finding(); }

v1::Finding WithSplit(int64_t read, int64_t unread) {
  v1::Finding finding;
  for (const auto& [name, count] :
       {std::pair("process.read_eof", read), std::pair("process.unread_eof", unread)}) {
    v1::Evidence& fact = *finding.add_evidence();
    fact.set_name(name);
    fact.mutable_value()->set_int_value(count);
  }
  return finding;
}

v1::Finding WithForecast(int64_t seconds, const std::string& basis) {
  v1::Finding finding = FromText<v1::Finding>(R"pb(
    evidence {
      name: "process.fd_count"
      value { int_value: 14000 }
    }
    evidence {
      name: "process.fd_limit"
      value { int_value: 20000 }
    }
    evidence {
      name: "process.fd_limit_in"
      value { duration_value {} }
    })pb");
  finding.mutable_evidence(2)->mutable_value()->mutable_duration_value()->set_seconds(seconds);
  finding.mutable_evidence(2)->set_basis(basis);
  return finding;
}

TEST(LeakWords, ThePileIsToldWithItsAgeAndItsGrowth) {
  EXPECT_EQ(PileText(FindingOf(LeakAlerted())),
            "9,821 sockets in CLOSE-WAIT, the oldest for 3 min; 3,000 more a minute, and none was "
            "closed");
}

TEST(LeakWords, TheEndOfFileTellsTheTwoBugsApart) {
  EXPECT_EQ(EndOfFileText(WithSplit(1200, 0)),
            "the program has read the end of file on all 1,200: it did not call close() after "
            "read() returned 0");
  EXPECT_EQ(EndOfFileText(WithSplit(0, 1200)),
            "the program has not read the end of file on any: its handler is stuck, or its pool "
            "never polls idle connections");
  EXPECT_THAT(EndOfFileText(WithSplit(1200, 3)), HasSubstr("did not call close()"));
  EXPECT_THAT(EndOfFileText(WithSplit(3, 1200)), HasSubstr("its handler is stuck"));
  EXPECT_THAT(EndOfFileText(WithSplit(400, 600)), HasSubstr("two paths leak"));
  EXPECT_THAT(EndOfFileText(v1::Finding()), IsEmpty());
}

TEST(LeakWords, TheForecastSaysWhatItRestsOn) {
  EXPECT_EQ(ForecastText(WithForecast(355, "window 57s")),
            "reaches its limit of 20,000 descriptors in about 6 min (14,000 now, by its slope over "
            "57s)");
  EXPECT_EQ(
      ForecastText(WithForecast(7200, "window 20s, growth_per_min for the slope of fd_count")),
      "reaches its limit of 20,000 descriptors in about 2 h (14,000 now, by how its sockets "
      "rise)");
  EXPECT_THAT(ForecastText(WithForecast(0, "window 57s")),
              HasSubstr("has reached its limit of 20,000 descriptors (14,000 now"));
}

TEST(LeakWords, AForecastThatIsNotKnownIsSaidToBeSo) {
  EXPECT_EQ(ForecastText(v1::Finding()), "not known: its descriptors could not be read");
  v1::Finding flat = WithForecast(1, "");
  flat.mutable_evidence()->RemoveLast();
  EXPECT_EQ(ForecastText(flat), "its limit of 20,000 descriptors is not in sight (14,000 now)");
}

TEST(LeakWords, ACgroupsMemoryIsForecastToo) {
  v1::Finding finding = WithForecast(355, "window 57s");
  finding.MergeFrom(FromText<v1::Finding>(R"pb(
    evidence {
      name: "process.memory_limit_bytes"
      value { int_value: 536870912 }
    }
    evidence {
      name: "process.memory_limit_in"
      value { duration_value { seconds: 610 } }
    })pb"));
  EXPECT_THAT(ForecastText(finding),
              HasSubstr("; its cgroup's memory, 512 MiB, is used up in about 10 min"));
}

TEST(LeakWords, WhoIsToldIsNamedOnce) {
  v1::Decision decision = LeakAlerted().incident().decision();
  *decision.add_actions() = decision.actions(0);
  EXPECT_THAT(ReceiversOf(decision), ElementsAre("oncall", "chat"));
  EXPECT_THAT(ReceiversOf(v1::Decision()), IsEmpty());
}

}  // namespace
}  // namespace tcpmedic::cli
