#include "cli/diagnose/diagnosis_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/cli/diagnose/diagnosis_examples.h"
#include "tests/cli/diagnose/json_of_diagnosis.h"
#include "tests/cli/golden.h"

namespace tcpmedic::cli {
namespace {

using nlohmann::ordered_json;
using ::testing::IsSupersetOf;
using ::testing::SizeIs;

std::vector<std::string> KeysOf(const ordered_json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

TEST(DiagnosisJson, OfAFindingHasItsEvidenceAndRemedy) {
  ExpectGolden("diagnose_pinned.json", DiagnosisJsonText(PinnedWindow()));
}

TEST(DiagnosisJson, OfATraceHasItsSegments) {
  ExpectGolden("diagnose_handshake.json", DiagnosisJsonText(NothingWrong()));
}

// Programs rely on these.
TEST(DiagnosisJson, HasTheKeysThatAreDocumented) {
  const ordered_json found = DiagnosisJson(PinnedWindow());
  EXPECT_THAT(KeysOf(found),
              IsSupersetOf(std::vector<std::string>{"findings", "connections", "unread"}));
  EXPECT_THAT(KeysOf(found["findings"][0]),
              IsSupersetOf(std::vector<std::string>{"signature", "subject", "severity",
                                                    "confidence", "verdict", "advice", "disproof",
                                                    "remedy", "not_shown", "evidence"}));
  EXPECT_EQ(KeysOf(found["findings"][0]["evidence"][0]),
            (std::vector<std::string>{"name", "value", "unit", "basis", "source"}));
  const ordered_json traced = DiagnosisJson(NothingWrong());
  EXPECT_THAT(KeysOf(traced["connections"][0]),
              IsSupersetOf(std::vector<std::string>{"client", "server", "outcome", "client_isn",
                                                    "server_isn", "first_data_seq",
                                                    "handshake_rtt_us", "segments"}));
  EXPECT_THAT(KeysOf(traced["connections"][0]["segments"][0]),
              IsSupersetOf(std::vector<std::string>{"time", "from", "flags", "seq", "rel_seq",
                                                    "ack", "rel_ack", "length", "client_state",
                                                    "server_state", "note"}));
}

TEST(DiagnosisJson, WhatSsDoesNotShowOfAProcessIsNull) {
  DiagnosisView view = FloodAndLeak();
  v1::Finding& finding = view.findings[0].finding;
  finding.set_socket_count(1100);
  v1::Process& process = *finding.add_processes();
  process.set_pid(812);
  process.set_comm("leaky");
  process.add_fds(7);

  const ordered_json found = DiagnosisJson(view)["findings"][0];
  EXPECT_EQ(found["sockets"], 1100);
  EXPECT_EQ(found["processes"][0]["comm"], "leaky");
  EXPECT_EQ(found["processes"][0]["uid"], nullptr);
  EXPECT_EQ(found["processes"][0]["exe"], nullptr);
  process.set_uid(0);  // root, where ps has shown it
  EXPECT_EQ(DiagnosisJson(view)["findings"][0]["processes"][0]["uid"], 0);
}

TEST(DiagnosisJson, DurationsAreInSecondsAndSaySo) {
  DiagnosisView view = PinnedWindow();
  v1::Evidence& evidence = *view.findings[0].finding.mutable_evidence(0);
  evidence.mutable_value()->mutable_duration_value()->set_seconds(7);

  const ordered_json json = DiagnosisJson(view)["findings"][0]["evidence"][0];
  EXPECT_EQ(json["value"], 7);
  EXPECT_EQ(json["unit"], "s");
}

TEST(DiagnosisJson, RemedyIsTheChangeWithItsAction) {
  EXPECT_EQ(DiagnosisJson(PinnedWindow())["findings"][0]["remedy"],
            (ordered_json{
                {"action", "set_congestion_control"}, {"algorithm", "bbr"}, {"scope", "sockets"}}));
}

TEST(DiagnosisJson, RemedyOfWhatIsOnlyToldOrNotedIsNull) {
  const ordered_json json = DiagnosisJson(FloodAndLeak());

  EXPECT_TRUE(json["findings"][0]["remedy"].is_null());
  EXPECT_TRUE(json["findings"][1]["remedy"].is_null());
  EXPECT_EQ(json["findings"][1]["note"], "Leave this host as it is.");
}

TEST(DiagnosisJson, NamesWhatWasNotRead) {
  const ordered_json unread = DiagnosisJson(FloodAndLeak())["unread"];

  EXPECT_EQ(unread[0]["source"], "session.txt:5");
  EXPECT_EQ(unread[0]["reason"], "not a line of any tool that is known");
  EXPECT_EQ(unread[1]["lines"], 3);
}

TEST(DiagnosisJson, GivesOnlyTheConnectionsThatWereAskedFor) {
  DiagnosisView view = NothingWrong();
  view.trace = TraceOf({Handshake(), NoReply()});

  const ordered_json json = DiagnosisJson(view, {&view.trace.connections[1]});
  ASSERT_THAT(json["connections"], SizeIs(1));
  EXPECT_EQ(json["connections"][0]["outcome"], "no-reply");
  EXPECT_TRUE(json["connections"][0]["segments"][0]["server_state"].is_null());
}

TEST(DiagnosisJson, TimesAreOfACalendarOnlyWhereTheCaptureHasOne) {
  DiagnosisView view = NothingWrong();
  EXPECT_EQ(DiagnosisJson(view)["connections"][0]["segments"][0]["time"], "14:02:11.001000");

  // tcpdump -ttt and -ttttt: seconds.
  view.trace.connections[0].time_base = TimeBase::kFirstPacket;
  view.trace.connections[0].segments[0].time = absl::Milliseconds(1500);
  EXPECT_EQ(DiagnosisJson(view)["connections"][0]["segments"][0]["time"], 1.5);

  view.trace.connections[0].time_base = TimeBase::kEpoch;
  view.trace.connections[0].segments[0].time = absl::Seconds(1'795'316'981) + absl::Microseconds(7);
  EXPECT_EQ(DiagnosisJson(view)["connections"][0]["segments"][0]["time"],
            "2026-11-22T03:09:41.000007Z");

  view.trace.connections[0].segments[0].time.reset();
  EXPECT_TRUE(DiagnosisJson(view)["connections"][0]["segments"][0]["time"].is_null());
}

TEST(DiagnosisJson, IcmpErrorsStandWithTheirConnection) {
  DiagnosisView view = NothingWrong();
  IcmpReport report;
  report.number = 2;
  report.error = IcmpError::kHostUnreachable;
  report.from = *IpAddress::Parse("192.0.2.9");
  report.about_syn = report.of_client = true;
  report.after = absl::Milliseconds(10);
  view.trace.connections[0].icmp = {report};
  EXPECT_EQ(DiagnosisJson(view)["connections"][0]["icmp_errors"],
            ordered_json::parse(R"([{"number":2,"count":1,"from":"192.0.2.9",
                "error":"host unreachable","mtu":null,"about":"client","after_s":0.01}])"));
}

TEST(DiagnosisJson, AWholeInputHasNoLines) {
  DiagnosisView view = NothingWrong();
  view.unread = {{.place = {"a.pcapng", 0}, .reason = "compressed", .excerpt = ""},
                 {.place = {"a.pcap", 7}, .reason = "not TCP", .excerpt = "", .lines = 3}};
  const ordered_json json = DiagnosisJson(view);
  EXPECT_TRUE(json["unread"][0]["lines"].is_null());
  EXPECT_EQ(json["unread"][1]["lines"], 3);
}

TEST(DiagnosisJson, StopsAtTheFirstPieceThatCannotBeWritten) {
  int pieces = 0;
  const absl::Status written = WriteDiagnosisJson(NothingWrong(), {}, [&](absl::string_view) {
    return ++pieces < 3 ? absl::OkStatus() : absl::ResourceExhaustedError("the disk is full");
  });
  EXPECT_EQ(written, absl::ResourceExhaustedError("the disk is full"));
  EXPECT_EQ(pieces, 3);
}

}  // namespace
}  // namespace tcpmedic::cli
