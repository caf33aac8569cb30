#include "cli/drill/syn_flood_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/cli/flood_examples.h"

namespace tcpmedic::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

ServerView View(int64_t at, int64_t sent, int64_t back, int64_t drops, int64_t overflows) {
  ServerView view;
  view.at = absl::FromUnixSeconds(at);
  view.counters.Set("TcpExtSyncookiesSent", sent);
  view.counters.Set("TcpExtSyncookiesRecv", back);
  view.counters.Set("TcpExtListenDrops", drops);
  view.counters.Set("TcpExtListenOverflows", overflows);
  view.half_open = 3;
  return view;
}

SynFloodReport Verified() {
  SynFloodReport report;
  report.drill = "syn-flood";
  report.outcome = Outcome::kVerified;
  report.expectation = {Outcome::kVerified, "theory", "syn-flood-unprotected"};
  report.incident = FloodVerified();
  report.fault_to_finding = absl::Seconds(11);
  report.baseline = MeasureBetween(View(100, 0, 0, 0, 0), View(105, 0, 0, 0, 0));
  report.legit_baseline = lab::ConnectStats{100, 1.0, 40'100};
  report.legit_before = lab::ConnectStats{240, 0.0, std::nullopt};
  report.legit_after = lab::ConnectStats{380, 1.0, 40'200};
  report.syns_sent = 80'000;
  report.sysctls_before = {{"net.core.somaxconn", "128"}, {"net.ipv4.tcp_syncookies", "0"}};
  report.sysctls_after = {{"net.core.somaxconn", "128"}, {"net.ipv4.tcp_syncookies", "1"}};
  return report;
}

TEST(SynFloodJson, HasTheContractsKeysAndPlainNumbers) {
  const nlohmann::json json = ToJson(Verified());
  EXPECT_EQ(json["drill"], "syn-flood");
  EXPECT_EQ(json["as_expected"], true);
  EXPECT_EQ(json["outcome"], "verified");
  EXPECT_EQ(json["signature"], "syn-flood-unprotected");
  EXPECT_EQ(json["expected_signature"], "syn-flood-unprotected");
  EXPECT_EQ(json["baseline"]["syncookies_sent_per_s"], 0.0);
  EXPECT_TRUE(json["baseline"]["syncookies_recv_ratio"].is_null());
  EXPECT_EQ(json["before"]["syn_drops_per_s"], 1980.4);
  EXPECT_EQ(json["before"]["syn_recv_sockets"], 128);
  EXPECT_TRUE(json["before"]["syncookies_recv_ratio"].is_null());
  EXPECT_EQ(json["after"]["syncookies_sent_per_s"], 1974.2);
  EXPECT_EQ(json["after"]["listen_drops_per_s"], 0.0);
  EXPECT_EQ(json["legit"]["baseline"]["connect_p50_us"], 40'100);
  EXPECT_EQ(json["legit"]["before"]["success_ratio"], 0.0);
  EXPECT_EQ(json["legit"]["before"]["connects"], 240);
  EXPECT_TRUE(json["legit"]["before"]["connect_p50_us"].is_null());
  EXPECT_EQ(json["legit"]["after"]["success_ratio"], 1.0);
  EXPECT_EQ(json["listener"],
            nlohmann::json::parse(R"({"address": "0.0.0.0", "port": 443, "backlog": 128,
                                      "accept_queue": 0, "pid": 812, "comm": "nginx"})"));
  EXPECT_EQ(json["sysctls"]["net.ipv4.tcp_syncookies"],
            nlohmann::json::parse(R"({"before": 0, "after": 1})"));
  EXPECT_EQ(json["proposal"]["action"], "set_sysctl");
  EXPECT_EQ(json["proposal"]["settings"]["net.ipv4.tcp_syncookies"], "1");
  EXPECT_EQ(json["targets"][0]["sysctl"], "net.ipv4.tcp_syncookies");
  EXPECT_EQ(json["syns_sent"], 80'000);
}

TEST(SynFloodJson, NothingChangedIsNoAfter) {
  SynFloodReport report = Verified();
  report.incident = FloodAbsorbed();
  report.legit_after.reset();
  const nlohmann::json json = ToJson(report);
  EXPECT_TRUE(json["after"].is_null());
  EXPECT_TRUE(json["legit"]["after"].is_null());
  EXPECT_TRUE(json["proposal"].is_null());
}

TEST(SynFloodJson, NothingFoundIsNoListener) {
  SynFloodReport report = Verified();
  report.incident.reset();
  EXPECT_TRUE(ToJson(report)["listener"].is_null());
}

TEST(SynFloodReport, AnotherSignatureIsNotAsExpected) {
  SynFloodReport report = Verified();
  report.incident->mutable_incident()->mutable_finding()->set_signature("syn-flood-absorbed");
  EXPECT_FALSE(report.as_expected());
  EXPECT_THAT(RenderDrill(report, {}),
              HasSubstr("verified as syn-flood-absorbed instead of verified as "
                        "syn-flood-unprotected: theory"));
}

TEST(SynFloodReport, SaysWhoGotInAndWhichSettingChanged) {
  EXPECT_THAT(RenderDrill(Verified(), {}),
              AllOf(HasSubstr("Legitimate clients that got in: baseline 100 % of 100 in 40.1 ms; "
                              "before 0 % of 240; after 100 % of 380 in 40.2 ms."),
                    HasSubstr("seen from outside: net.ipv4.tcp_syncookies 0 → 1."),
                    Not(HasSubstr("somaxconn"))));
}

TEST(MeasureBetween, CountsPerSecondAndLeavesOutWhatIsNotKnown) {
  const nlohmann::json json =
      MeasurementJson(MeasureBetween(View(100, 1000, 10, 50, 20), View(110, 3000, 110, 150, 60)),
                      {"syncookies_sent_per_s", "syncookies_recv_ratio", "syn_recv_sockets",
                       "listen_drops_per_s", "syn_drops_per_s"});
  EXPECT_EQ(json["syncookies_sent_per_s"], 200.0);
  EXPECT_EQ(json["syncookies_recv_ratio"], 0.05);
  EXPECT_EQ(json["syn_recv_sockets"], 3);
  EXPECT_EQ(json["listen_drops_per_s"], 10.0);
  EXPECT_EQ(json["syn_drops_per_s"], 6.0);

  ServerView reset = View(110, 5, 0, 0, 0);
  reset.counters.Clear();
  const nlohmann::json unknown =
      MeasurementJson(MeasureBetween(View(100, 1000, 10, 50, 20), reset),
                      {"syncookies_sent_per_s", "listen_drops_per_s", "syn_drops_per_s"});
  EXPECT_TRUE(unknown["syncookies_sent_per_s"].is_null());
  EXPECT_TRUE(unknown["syn_drops_per_s"].is_null());
}

}  // namespace
}  // namespace tcpmedic::cli
