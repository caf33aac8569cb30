#include "controller/fleet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "controller/wire_time.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);
constexpr char kOurs[] = "d1";

class FleetTest : public ::testing::Test {
 protected:
  // Of an agent that has been up for an hour.
  static v1::Hello HelloOf(const std::string& host, uint64_t nonce = 1) {
    v1::Hello hello;
    hello.set_host(host);
    hello.set_session_nonce(nonce);
    *hello.mutable_started_at() = ToWire(kStart - absl::Hours(1));
    return hello;
  }
  uint64_t Connect(const std::string& host = "web1", uint64_t nonce = 1) {
    const auto connection = fleet_.Connect(HelloOf(host, nonce), now_);
    EXPECT_TRUE(connection.ok()) << connection.status();
    return connection.ok() ? connection->session : 0;
  }
  void Pass(absl::Duration time) {
    now_.wall += time;
    now_.uptime += time;
  }

  v1::Report ReportNow(const std::string& digest = kOurs) const {
    v1::Report report;
    *report.mutable_at() = ToWire(now_.wall);
    report.set_signatures_digest(digest);
    report.mutable_stats()->mutable_interval()->set_seconds(1);
    return report;
  }
  Fleet::Hearing Hear(uint64_t session, const v1::Report& report) const {
    const auto hearing = fleet_.Hear(session, report, kOurs);
    EXPECT_TRUE(hearing.ok()) << hearing.status();
    return hearing.value_or(Fleet::Hearing());
  }
  Fleet::Hearing Take(uint64_t session, const v1::Report& report) {
    const Fleet::Hearing hearing = Hear(session, report);
    fleet_.Take(hearing, report, now_);
    return hearing;
  }
  std::vector<std::string> Silent() const {
    std::vector<std::string> names;
    for (const Fleet::Silent& silent : fleet_.NewlySilent(now_)) names.push_back(silent.host);
    return names;
  }

  Moment now_{kStart, absl::Hours(1)};
  Fleet fleet_{{{"db1", {{"tier", "db"}}}}, now_};
};

TEST_F(FleetTest, LabelledHostsAreKnownBeforeTheyConnect) {
  const v1::ListHostsResponse hosts = fleet_.List();
  ASSERT_THAT(hosts.hosts(), SizeIs(1));
  EXPECT_EQ(hosts.hosts(0).name(), "db1");
  EXPECT_FALSE(hosts.hosts(0).connected());
  EXPECT_EQ(hosts.hosts(0).labels().at("tier"), "db");
}

TEST_F(FleetTest, OnlyTheNewestStreamOfAHostSpeaksForIt) {
  const uint64_t first = Connect();
  const auto second = fleet_.Connect(HelloOf("web1"), now_);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->superseded, first);
  EXPECT_EQ(fleet_.Hear(first, ReportNow(), kOurs).status().code(), absl::StatusCode::kAborted);
  fleet_.Disconnect(first);
  EXPECT_TRUE(fleet_.List().hosts(1).connected());
  EXPECT_EQ(Hear(second->session, ReportNow()).host, "web1");
  fleet_.Disconnect(second->session);
  EXPECT_FALSE(fleet_.List().hosts(1).connected());
}

TEST_F(FleetTest, AHostBeyondTheBoundIsRefusedAndTheKnownOnesAreNot) {
  for (int i = 1; i < kMaxHosts; ++i) Connect(absl::StrCat("h", i));
  EXPECT_EQ(fleet_.Connect(HelloOf("another"), now_).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(fleet_.Connect(HelloOf("h1"), now_).ok());
  EXPECT_THAT(fleet_.List().hosts(), SizeIs(kMaxHosts));
}

TEST_F(FleetTest, AbsenceCountsOnceTheAgentHasLookedLongEnoughAndTwoScansMore) {
  const uint64_t session = Connect();
  Take(session, ReportNow());
  Pass(absl::Seconds(11));
  EXPECT_FALSE(Take(session, ReportNow()).AbsenceCounts(absl::Seconds(10)));
  Pass(absl::Seconds(1));
  EXPECT_TRUE(Take(session, ReportNow()).AbsenceCounts(absl::Seconds(10)));
}

TEST_F(FleetTest, AbsenceMeansNothingWhereFindingsAreLeftOutOrSignaturesAreOthers) {
  const uint64_t session = Connect();
  Take(session, ReportNow());
  Pass(absl::Hours(1));
  v1::Report incomplete = ReportNow();
  incomplete.set_findings_omitted(1);
  EXPECT_FALSE(Hear(session, incomplete).AbsenceCounts(absl::ZeroDuration()));
  EXPECT_FALSE(Hear(session, ReportNow("d0")).AbsenceCounts(absl::ZeroDuration()));
  EXPECT_TRUE(Hear(session, ReportNow()).AbsenceCounts(absl::Minutes(59)));
}

TEST_F(FleetTest, AReportThatIsNotTakenChangesNothing) {
  const uint64_t session = Connect();
  Take(session, ReportNow());
  Pass(absl::Minutes(1));
  const std::string before = fleet_.List().DebugString();
  Hear(session, ReportNow("d0"));
  EXPECT_EQ(fleet_.List().DebugString(), before);
  EXPECT_EQ(Hear(session, ReportNow()).looking_since, kStart);
}

TEST_F(FleetTest, ANewProcessLooksAnewAndAReconnectedOneGoesOn) {
  Take(Connect("web1", 1), ReportNow());
  Pass(absl::Minutes(1));
  EXPECT_EQ(Hear(Connect("web1", 1), ReportNow()).looking_since, kStart);
  EXPECT_EQ(Hear(Connect("web1", 2), ReportNow()).looking_since, now_.wall);
}

TEST_F(FleetTest, ASilentHostIsNamedUntilItIsMarkedAndItsNextReportSaysSo) {
  const uint64_t session = Connect();
  Take(session, ReportNow());
  fleet_.MarkLost("db1");
  Pass(kSilence - absl::Seconds(1));
  EXPECT_THAT(Silent(), IsEmpty());
  Pass(absl::Seconds(1));
  EXPECT_THAT(Silent(), ElementsAre("web1"));
  EXPECT_EQ(fleet_.NewlySilent(now_)[0].last_report_at, kStart);
  fleet_.MarkLost("web1");
  EXPECT_THAT(Silent(), IsEmpty());
  EXPECT_TRUE(Take(session, ReportNow()).was_lost);
  EXPECT_FALSE(Take(session, ReportNow()).was_lost);
}

TEST_F(FleetTest, ASlowAgentIsGivenFiveOfItsIntervals) {
  const uint64_t session = Connect();
  fleet_.MarkLost("db1");
  v1::Report slow = ReportNow();
  slow.mutable_stats()->mutable_interval()->set_seconds(20);
  Take(session, slow);
  Pass(absl::Seconds(99));
  EXPECT_THAT(Silent(), IsEmpty());
  Pass(absl::Seconds(1));
  EXPECT_THAT(Silent(), ElementsAre("web1"));
}

TEST_F(FleetTest, WhatIsDegradedIsShownUntilTheNextReport) {
  const uint64_t session = Connect();
  Take(session, ReportNow());
  fleet_.NoteDegraded("web1", "2 findings are not taken up");
  EXPECT_THAT(fleet_.List().hosts(1).stats().degraded(),
              ElementsAre("2 findings are not taken up"));
  Take(session, ReportNow());
  EXPECT_THAT(fleet_.List().hosts(1).stats().degraded(), IsEmpty());
}

}  // namespace
}  // namespace tcpmedic
