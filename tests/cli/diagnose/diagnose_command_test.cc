// diagnose, run as a child on files: what it finds, in which words and keys, and its exit codes. No
// controller, no root.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/cli/diagnose/diagnose_runs.h"

namespace tcpmedic::cli {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const std::string kHandshake = Recorded("transcripts/handshake.txt");
const std::string kFlood = Recorded("transcripts/syn-flood.txt");
const std::string kPile = Recorded("transcripts/close-wait.txt");
const std::string kSlow = Recorded("transcripts/slow-transfer.txt");

TEST_F(Diagnose, FindsNothingWrongWithAHandshake) {
  const json found = JsonOf(kHandshake);

  EXPECT_THAT(found["findings"], SizeIs(0));
  EXPECT_THAT(found["unread"], SizeIs(0));
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
  EXPECT_THAT(connection["segments"][2]["note"].get<std::string>(), HasSubstr("confirms its SYN"));
  EXPECT_EQ(connection["segments"][3]["length"], 14);
}

TEST_F(Diagnose, TellsAnAbsorbedFloodAndTunesNothing) {
  const json found = JsonOf(kFlood);

  ASSERT_THAT(found["findings"], SizeIs(1));
  EXPECT_EQ(found["findings"][0]["signature"], "syn-flood-absorbed");
  EXPECT_TRUE(found["findings"][0]["remedy"].is_null());
  EXPECT_THAT(found["findings"][0]["remarks"].dump(), HasSubstr("filter"));
  ASSERT_THAT(found["unread"], SizeIs(1));
  EXPECT_EQ(found["unread"][0]["source"], kFlood + ":6");
}

TEST_F(Diagnose, TellsALeakAndWhatOneSampleCannotShow) {
  const json found = JsonOf(kPile);

  ASSERT_THAT(found["findings"], SizeIs(1));
  EXPECT_EQ(found["findings"][0]["signature"], "close-wait-leak");
  EXPECT_TRUE(found["findings"][0]["remedy"].is_null());
  EXPECT_THAT(found["findings"][0]["verdict"].get<std::string>(), HasSubstr("missing close()"));
  EXPECT_THAT(found["findings"][0]["remarks"].dump(),
              AllOf(HasSubstr("pid 1234"), HasSubstr("climbing"), HasSubstr("header line")));
}

TEST_F(Diagnose, TellsAPinnedWindowAndMovesItToBbr) {
  const json found = JsonOf(kSlow);

  ASSERT_THAT(found["findings"], SizeIs(1));
  EXPECT_EQ(found["findings"][0]["signature"], "pinned-cwnd");
  EXPECT_EQ(found["findings"][0]["remedy"]["action"], "set_congestion_control");
  EXPECT_EQ(found["findings"][0]["remedy"]["algorithm"], "bbr");
  // 11 × 1448 × 8 ÷ 148.2 ms.
  EXPECT_THAT(found["findings"][0]["verdict"].get<std::string>(),
              AllOf(HasSubstr("11 × 1448 bytes ÷ 148 ms = 860 kbit/s"), HasSubstr("780 kbit/s")));
}

TEST_F(Diagnose, TakesFilesOfDifferentKindsTogether) {
  const Ran ran = Run({kSlow, Recorded("handshake/client.pcap"), kFlood, "-o", "json"});

  EXPECT_EQ(ran.code, 0);
  const json found = json::parse(ran.output, nullptr, /*allow_exceptions=*/false);
  EXPECT_THAT(found["findings"], SizeIs(2));
  // The capture's one, and the flood's two.
  EXPECT_THAT(found["connections"], SizeIs(3));
}

TEST_F(Diagnose, ExitsByWhatItFoundOnlyWhereAsked) {
  EXPECT_EQ(Run({kSlow}).code, 0);
  EXPECT_EQ(Run({kSlow, "--exit-code"}).code, 1);
  EXPECT_EQ(Run({kSlow, "--exit-code", "-o", "json"}).code, 1);
  EXPECT_EQ(Run({kHandshake, "--exit-code"}).code, 0);
}

TEST_F(Diagnose, SaysWhyNothingWasFound) {
  const Ran ran = Run({kHandshake, "--why"});

  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.output, HasSubstr("pinned-cwnd"));
}

TEST_F(Diagnose, SaysWhyInJsonToo) {
  EXPECT_FALSE(JsonOf(kHandshake).contains("why"));
  const Ran ran = Run({kHandshake, "--why", "-o", "json"});
  const json answer = json::parse(ran.output, nullptr, /*allow_exceptions=*/false);
  ASSERT_TRUE(answer.is_object()) << ran.output;
  EXPECT_THAT(answer["why"].dump(), HasSubstr("\"signature\":\"pinned-cwnd\""));
}

TEST_F(Diagnose, DrawsTheConnectionThatIsAskedFor) {
  EXPECT_THAT(Run({kHandshake, "--connection", "10.0.0.5:51514"}).output, HasSubstr("ISN 1000000"));
  const Ran none = Run({kHandshake, "--connection", "10.0.0.5:1"});
  EXPECT_EQ(none.code, 1);
  EXPECT_THAT(none.output, HasSubstr("no connection of 10.0.0.5:1; there is 10.0.0.5:51514"));
  EXPECT_EQ(Run({kHandshake, "--connection", "web-1"}).code, 2);
}

TEST_F(Diagnose, WatchesThisHostWithoutAController) {
  const Ran ran = Run({"--for", "1s", "-o", "json"});

  EXPECT_EQ(ran.code, 0) << ran.output;
  EXPECT_THAT(ran.output, AllOf(HasSubstr("\"findings\""), HasSubstr("\"watched_s\"")));
}

// Of what each key's value may be: JSON's own types, and "null" where it need not be known.
using Keys = std::map<std::string, std::vector<std::string>>;

void ExpectKeys(const std::string& what, const json& object, const Keys& keys) {
  for (const auto& [key, types] : keys) {
    SCOPED_TRACE(what + "." + key);
    ASSERT_TRUE(object.contains(key)) << object.dump(2);
    EXPECT_THAT(types, ::testing::Contains(object[key].type_name()));
  }
}

const std::vector<std::string> kText = {"string"};
const std::vector<std::string> kTextOrNull = {"string", "null"};
const std::vector<std::string> kNumber = {"number"};
const std::vector<std::string> kNumberOrNull = {"number", "null"};
const std::vector<std::string> kArray = {"array"};

void ExpectDocumented(const json& answer) {
  ExpectKeys("answer", answer, {{"findings", kArray}, {"connections", kArray}, {"unread", kArray}});
  for (const json& finding : answer["findings"]) {
    ExpectKeys("findings[]", finding,
               {{"signature", kText},
                {"subject", kText},
                {"severity", kText},
                {"confidence", kText},
                {"verdict", kText},
                {"advice", kText},
                {"disproof", kText},
                {"remedy", {"object", "null"}},
                {"not_shown", kArray},
                {"evidence", kArray}});
    if (finding["remedy"].is_object()) {
      ExpectKeys("remedy", finding["remedy"], {{"action", kText}});
    }
    for (const json& evidence : finding["evidence"]) {
      ExpectKeys("evidence[]", evidence,
                 {{"name", kText},
                  {"value", {"string", "number", "boolean", "null"}},
                  {"unit", kText},
                  {"basis", kText},
                  {"source", kText}});
      EXPECT_THAT(evidence, SizeIs(5));
    }
  }
  for (const json& connection : answer["connections"]) {
    ExpectKeys("connections[]", connection,
               {{"client", kText},
                {"server", kText},
                {"outcome", kText},
                {"client_isn", kNumberOrNull},
                {"server_isn", kNumberOrNull},
                {"first_data_seq", kNumberOrNull},
                {"handshake_rtt_us", kNumberOrNull},
                {"segments", kArray}});
    for (const json& segment : connection["segments"]) {
      ExpectKeys("segments[]", segment,
                 {{"time", {"string", "number", "null"}},
                  {"from", kText},
                  {"flags", kText},
                  {"seq", kNumberOrNull},
                  {"rel_seq", kNumberOrNull},
                  {"ack", kNumberOrNull},
                  {"rel_ack", kNumberOrNull},
                  {"length", kNumber},
                  {"client_state", kTextOrNull},
                  {"server_state", kTextOrNull},
                  {"note", kTextOrNull}});
    }
  }
  for (const json& unread : answer["unread"]) {
    ExpectKeys("unread[]", unread, {{"source", kText}, {"reason", kText}});
  }
}

// Programs rely on these.
TEST_F(Diagnose, AnswersInJsonWithTheDocumentedKeys) {
  for (const std::string& input :
       {kHandshake, kFlood, kPile, kSlow, Recorded("handshake-refused/server.pcap"),
        Recorded("handshake-no-reply/client.pcap"), Recorded("mid-stream/client.pcap"),
        Recorded("mixed-traffic/client.pcap")}) {
    SCOPED_TRACE(input);
    ExpectDocumented(JsonOf(input));
  }
}

TEST_F(Diagnose, AnswersInJsonAlsoWhereItHasReadNothing) {
  const Ran ran = Run({File("letter", "Dear diary,\n"), "-o", "json"});

  EXPECT_EQ(ran.code, 1);
  const json answer = json::parse(ran.output, nullptr, /*allow_exceptions=*/false);
  ASSERT_TRUE(answer.is_object()) << ran.output;
  ExpectDocumented(answer);
  EXPECT_THAT(answer["unread"], SizeIs(1));
}

}  // namespace
}  // namespace tcpmedic::cli
