#include "cli/drill/close_wait_leak_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/cli/leak_examples.h"

namespace tcpmedic::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

CloseWaitLeakReport Alerted(v1::IncidentView view) {
  CloseWaitLeakReport report;
  report.drill = "close-wait-leak";
  report.outcome = Outcome::kAlerted;
  report.expectation = {Outcome::kAlerted, "theory", "close-wait-leak"};
  report.incident = std::move(view);
  report.fault_to_finding = absl::Seconds(19);
  report.bug = lab::LeakBug::kReadEof;
  report.server_pid = 812;
  report.clients = lab::LeakClientCounts{
      .begun = 9900, .answered = 9830, .failed = 2, .closed = 9825, .ended_by_server = 0};
  report.outside = CloseWaitPile{.sockets = 9822, .unread_eof = 1};
  return report;
}

TEST(CloseWaitLeakJson, HasTheContractsKeysAndPlainNumbers) {
  const nlohmann::json json = ToJson(Alerted(LeakAlerted()));
  EXPECT_EQ(json["drill"], "close-wait-leak");
  EXPECT_EQ(json["as_expected"], true);
  EXPECT_EQ(json["outcome"], "alerted");
  EXPECT_EQ(json["signature"], "close-wait-leak");
  const nlohmann::json& evidence = json["evidence"];
  EXPECT_EQ(evidence["pid"], 812);
  EXPECT_EQ(evidence["comm"], "nginx");
  EXPECT_EQ(evidence["close_wait_sockets"], 9821);
  EXPECT_EQ(evidence["unread_eof"], 0);
  EXPECT_EQ(evidence["read_eof"], 9821);
  EXPECT_EQ(evidence["oldest_seconds"], 196.0);
  EXPECT_EQ(evidence["growth_per_min"], 3000.0);
  EXPECT_EQ(evidence["rss_growth_bytes_per_min"], 49'152'000.0);
  EXPECT_EQ(evidence["fd_limit_in_seconds"], 203.0);
  EXPECT_EQ(evidence["listener"], "0.0.0.0:8080");
  EXPECT_TRUE(evidence.at("call_sites").is_null());
  EXPECT_EQ(evidence["process.fd_limit"], 20000);
  EXPECT_EQ(json["told"], nlohmann::json::parse(R"(["oncall", "chat"])"));
  EXPECT_EQ(json["server"], nlohmann::json::parse(R"({"pid": 812, "bug": "read-eof"})"));
  EXPECT_EQ(json["clients"]["closed"], 9825);
  EXPECT_EQ(
      json["outside"],
      nlohmann::json::parse(R"({"close_wait_sockets": 9822, "unread_eof": 1, "read_eof": 9821})"));
  EXPECT_TRUE(json["proposal"].is_null());
}

TEST(CloseWaitLeakJson, TheSitesNameFunctionAndLineElseModuleAndOffset) {
  const nlohmann::json json = ToJson(Alerted(LeakSampled()));
  const nlohmann::json& found = json["evidence"]["call_sites"];
  EXPECT_EQ(found["leaked_fds"], 500);
  EXPECT_EQ(found["seen_fds"], 415);
  EXPECT_EQ(found["sites"][0]["kind"], "read_eof");
  EXPECT_EQ(found["sites"][0]["fds"], 412);
  EXPECT_EQ(found["sites"][0]["function"], "Handle");
  EXPECT_EQ(found["sites"][0]["source"], "leak.cc:42");
  EXPECT_EQ(found["sites"][0]["frames"].size(), 4u);
  EXPECT_TRUE(found["sites"][1]["function"].is_null());
  EXPECT_TRUE(found["sites"][1]["source"].is_null());
  EXPECT_EQ(found["sites"][1]["module"], "/usr/lib/nginx/modules/stream.so");
  EXPECT_EQ(found["sites"][1]["offset"], 9029);
  EXPECT_EQ(json["proposal"]["action"], "sample_call_sites");
  EXPECT_EQ(json["proposal"]["duration_seconds"], 60.0);
}

TEST(CloseWaitLeakJson, WhatIsNotKnownIsNull) {
  const nlohmann::json evidence = ToJson(Alerted(LeakUpstream()))["evidence"];
  EXPECT_TRUE(evidence.at("fd_limit_in_seconds").is_null());
  EXPECT_TRUE(evidence.at("rss_growth_bytes_per_min").is_null());
  EXPECT_EQ(evidence["unread_eof"], 9700);
}

TEST(CloseWaitLeakJson, SilenceHasNoEvidence) {
  CloseWaitLeakReport report = Alerted(LeakAlerted());
  report.incident.reset();
  const nlohmann::json json = ToJson(report);
  EXPECT_THAT(json["evidence"], IsEmpty());
  EXPECT_THAT(json["told"], IsEmpty());
}

TEST(CheckAgainstLab, TheRightProcessAndBugAreNoProblem) {
  CloseWaitLeakReport report = Alerted(LeakAlerted());
  CheckAgainstLab(report);
  EXPECT_THAT(report.problems, IsEmpty());
}

TEST(CheckAgainstLab, AnotherProcessOrTheOtherBugIsNotAsExpected) {
  CloseWaitLeakReport report = Alerted(LeakAlerted());
  report.server_pid = 999;
  report.bug = lab::LeakBug::kNeverRead;
  CheckAgainstLab(report);
  EXPECT_THAT(report.problems,
              ElementsAre("the alert names pid 812, and it is pid 999 that leaks",
                          "the alert has the bug never-read on 0 of 9821 sockets only"));
  EXPECT_FALSE(report.as_expected());
}

TEST(CheckAgainstLab, OfTheUsersServerNothingIsKnown) {
  CloseWaitLeakReport report = Alerted(LeakAlerted());
  report.bug.reset();
  report.server_pid = 999;  // its shell
  CheckAgainstLab(report);
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_TRUE(ToJson(report)["server"]["bug"].is_null());
}

TEST(CloseWaitLeakReport, SaysWhatTheLabKnows) {
  EXPECT_THAT(RenderDrill(Alerted(LeakAlerted()), {}),
              AllOf(HasSubstr("Found 19.0 s after the first client came. Nothing was changed."),
                    HasSubstr("The server is pid 812, with the bug read-eof; it answered 9,830 "
                              "clients, and 9,825 of them closed."),
                    HasSubstr("seen from outside: 9,822, the end of file unread on 1 of them.")));
}

}  // namespace
}  // namespace tcpmedic::cli
