#include "cli/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tcpmedic/v1/order.pb.h"
#include "tests/cli/golden.h"
#include "tests/cli/order_examples.h"

namespace tcpmedic::cli {
namespace {

template <typename Message>
std::string Line(const std::string& text) {
  return PrintJsonLine(ToJson(FromText<Message>(text)));
}

TEST(Json, AnIncidentIsOneObjectWithItsProposals) {
  ExpectGolden("incident.json", PrintJson(ToJson(PinnedCwndProposed())));
}

TEST(Json, AnOrderHasItsTargetsAndItsVerification) {
  ExpectGolden("order.json", PrintJson(ToJson(PinnedCwndInconclusive().orders(0))));
}

TEST(Json, HostsKeepLabelsSortedAndActivity) {
  ExpectGolden("hosts.json", PrintJson(ToJson(TwoHosts())));
}

TEST(Json, SixtyFourBitIntegersAreNumbers) {
  EXPECT_EQ(Line<v1::SocketRef>("cookie: 18446744073709551615"),
            R"({"cookie":18446744073709551615,"netns_cookie":0,"local":null,"remote":null})"
            "\n");
}

TEST(Json, AValueIsThePlainValue) {
  EXPECT_EQ(Line<v1::Value>("bool_value: false"), "false\n");
  EXPECT_EQ(Line<v1::Value>("int_value: -3"), "-3\n");
  EXPECT_EQ(Line<v1::Value>("double_value: 0.5"), "0.5\n");
  EXPECT_EQ(Line<v1::Value>("duration_value { nanos: 148000000 }"), "0.148\n");
  EXPECT_EQ(Line<v1::Value>("timestamp_value { seconds: 1795317125 nanos: 500000000 }"),
            "\"2026-11-22T03:12:05.5Z\"\n");
  EXPECT_EQ(Line<v1::Value>(""), "null\n");
}

TEST(Json, AnEnumIsAWordWithoutItsPrefix) {
  EXPECT_EQ(ToJson(FromText<v1::Order>("state: STATE_ROLLED_BACK"))["state"], "rolled_back");
  EXPECT_EQ(ToJson(FromText<v1::Order>(""))["state"], nullptr);
}

TEST(Json, WhatIsAbsentIsNullAndWhatIsZeroIsZero) {
  const nlohmann::ordered_json process = ToJson(FromText<v1::Process>("pid: 7 fd_count: 0"));
  EXPECT_EQ(process["fd_count"], 0);
  EXPECT_EQ(process["rss_bytes"], nullptr);
  EXPECT_EQ(process["started_at"], nullptr);
  EXPECT_TRUE(process["uid"].is_null());
}

TEST(Json, OfAOneofOnlyTheMemberThatIsSetAppears) {
  EXPECT_EQ(Line<v1::Action>("note { text: 'nothing to tune' }"),
            R"({"note":{"text":"nothing to tune"}})"
            "\n");
}

TEST(Json, BytesThatAreNotUtf8DoNotBreakTheOutput) {
  v1::Note note;
  note.set_text("a\xff");
  EXPECT_EQ(PrintJsonLine(ToJson(note)), "{\"text\":\"a\xEF\xBF\xBD\"}\n");
}

TEST(Json, ANumberThatIsNoneIsNull) {
  v1::Value value;
  value.set_double_value(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(PrintJsonLine(ToJson(value)), "null\n");
}

}  // namespace
}  // namespace tcpmedic::cli
