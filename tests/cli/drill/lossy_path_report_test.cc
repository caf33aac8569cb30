#include "cli/drill/lossy_path_report.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace tcpmedic::cli {
namespace {

using ::testing::HasSubstr;

v1::IncidentView View() {
  v1::IncidentView view;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(
        incident {
          id: "i-abc234"
          finding {
            signature: "pinned-cwnd"
            confidence: CONFIDENCE_CERTAIN
            evidence {
              name: "socket.cwnd"
              value { int_value: 11 }
              unit: "segments"
            }
            evidence { name: "socket.dsack_ratio" }
            processes { pid: 42 comm: "iperf3" cmdline: "iperf3" cmdline: "-c" }
            before {
              start { seconds: 1000 }
              end { seconds: 1010 }
              values {
                name: "congestion_control"
                value { string_value: "cubic" }
              }
              values {
                name: "goodput_bps"
                value { double_value: 800000 }
              }
            }
          }
        }
        proposals {
          id: "p-xyz"
          action { set_congestion_control { algorithm: "bbr" } }
          targets_max: 200
          digest: "d1"
        })pb",
      &view));
  return view;
}

LossyPathReport Proposed() {
  LossyPathReport report;
  report.drill = "lossy-path";
  report.outcome = Outcome::kProposed;
  report.expectation = {Outcome::kProposed, "theory"};
  report.policies_digest = "cafe";
  report.incident = View();
  report.fault_to_finding = absl::Milliseconds(10500);
  report.receiver_before_bps = 790000;
  return report;
}

TEST(DrillJson, HasTheContractsKeysAndPlainNumbers) {
  const nlohmann::json json = ToJson(Proposed());
  EXPECT_EQ(json["drill"], "lossy-path");
  EXPECT_EQ(json["as_expected"], true);
  EXPECT_EQ(json["outcome"], "proposed");
  EXPECT_EQ(json["signature"], "pinned-cwnd");
  EXPECT_EQ(json["confidence"], "certain");
  EXPECT_EQ(json["incident_id"], "i-abc234");
  EXPECT_EQ(json["policies_digest"], "cafe");
  EXPECT_EQ(json["seconds"]["fault_to_finding"], 10.5);
  EXPECT_EQ(json["before"]["congestion_control"], "cubic");
  EXPECT_EQ(json["before"]["goodput_bps"], 800000.0);
  EXPECT_TRUE(json["before"]["rtt_us"].is_null());
  EXPECT_EQ(json["before"]["start"], "1970-01-01T00:16:40Z");
  EXPECT_EQ(json["receiver"]["goodput_bps"], 790000.0);
  EXPECT_EQ(json["evidence"]["socket.cwnd"], 11);
  EXPECT_TRUE(json["evidence"]["socket.dsack_ratio"].is_null());
  EXPECT_EQ(json["processes"][0]["cmdline"], "iperf3 -c");
  EXPECT_EQ(json["proposal"]["action"], "set_congestion_control");
  EXPECT_EQ(json["proposal"]["algorithm"], "bbr");
  EXPECT_EQ(json["proposal"]["targets_max"], 200);
  EXPECT_EQ(json["left_behind"], nlohmann::json::array());
}

TEST(DrillJson, NothingDetectedIsNullsAndAReason) {
  LossyPathReport report;
  report.drill = "lossy-path";
  report.expectation = {Outcome::kNotDetected, "clean"};
  report.why_not = "1 socket without `x`";
  const nlohmann::json json = ToJson(report);
  EXPECT_EQ(json["as_expected"], true);
  EXPECT_TRUE(json["signature"].is_null());
  EXPECT_TRUE(json["before"].is_null());
  EXPECT_TRUE(json["proposal"].is_null());
  EXPECT_TRUE(json["seconds"]["fault_to_finding"].is_null());
  EXPECT_EQ(json["why_not"], "1 socket without `x`");
}

TEST(DrillReport, WhatTheLabDroppedItselfVoidsTheResult) {
  LossyPathReport report = Proposed();
  report.problems = {"the lab was too busy"};
  EXPECT_FALSE(report.as_expected());
  EXPECT_THAT(RenderDrill(report, {}), HasSubstr("the lab was too busy"));
}

TEST(DrillReport, WhatIsLeftBehindVoidsTheResult) {
  LossyPathReport report = Proposed();
  report.left_behind = {"link lab0"};
  EXPECT_FALSE(report.as_expected());
  EXPECT_THAT(RenderDrill(report, {}), HasSubstr("Left behind: link lab0"));
}

TEST(DrillText, HoldsTheAgentAgainstTheReceiver) {
  EXPECT_THAT(
      RenderDrill(Proposed(), {}),
      HasSubstr("the agent measured 0.80 Mbit/s, the receiving program counted 0.79 Mbit/s"));
}

}  // namespace
}  // namespace tcpmedic::cli
