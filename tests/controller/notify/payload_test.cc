#include "controller/notify/payload.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "absl/strings/ascii.h"

namespace tcpmedic {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

const absl::Time kNow = absl::FromUnixMillis(1'704'164'700'500);  // 2024-01-02T03:05:00.500Z

Delivery Parse(const char* text) {
  Delivery delivery;
  delivery.receiver = "oncall";
  delivery.version = 7;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &delivery.alert));
  return delivery;
}

Delivery Firing() {
  return Parse(R"pb(
    key: "i-7k2m/3f9c"
    state: STATE_FIRING
    labels { key: "severity" value: "critical" }
    labels { key: "alertname" value: "close-wait-leak" }
    labels { key: "host" value: "db1" }
    annotations { key: "summary" value: "A \"leak\"" }
    annotations { key: "description" value: "two\nlines" }
    starts_at { seconds: 1704164645 nanos: 678000000 }
    incident_id: "i-7k2m"
    generator: "tcpmedic show i-7k2m"
  )pb");
}

Delivery Resolved() {
  Delivery delivery = Firing();
  delivery.alert.set_state(v1::Alert::STATE_RESOLVED);
  delivery.alert.mutable_ends_at()->set_seconds(1704164700);
  return delivery;
}

Delivery Event() {
  return Parse(R"pb(
    key: "i-7k2m/proposed/1"
    state: STATE_EVENT
    event: "proposed"
    labels { key: "alertname" value: "pinned-cwnd" }
    starts_at { seconds: 1704164645 }
    incident_id: "i-7k2m"
    generator: "tcpmedic show i-7k2m"
  )pb");
}

// The fields of postableAlert in Alertmanager's api/v2/openapi.yaml: labels, annotations, startsAt,
// endsAt (both date-time), generatorURL (uri, left out).
TEST(AlertmanagerBody, OfAFiringAlertHasNoEnd) {
  EXPECT_EQ(AlertmanagerBody({Firing()}, kNow),
            R"([{"labels":{"alertname":"close-wait-leak","host":"db1","severity":"critical"},)"
            R"("annotations":{"description":"two\nlines","incident":"i-7k2m",)"
            R"("show":"tcpmedic show i-7k2m","summary":"A \"leak\""},)"
            R"("startsAt":"2024-01-02T03:04:05.678Z"}])");
}

TEST(AlertmanagerBody, OfAResolvedAlertHasItsEnd) {
  EXPECT_THAT(AlertmanagerBody({Resolved()}, kNow),
              HasSubstr(R"("startsAt":"2024-01-02T03:04:05.678Z",)"
                        R"("endsAt":"2024-01-02T03:05:00.000Z"})"));
}

TEST(AlertmanagerBody, OfAnEventEndsSoonAfterItIsSent) {
  EXPECT_THAT(AlertmanagerBody({Event()}, kNow),
              HasSubstr(R"("startsAt":"2024-01-02T03:04:05.000Z",)"
                        R"("endsAt":"2024-01-02T03:10:00.500Z"})"));
}

TEST(AlertmanagerBody, ManyAreOneArray) {
  const std::string body = AlertmanagerBody({Firing(), Event()}, kNow);
  EXPECT_THAT(body, HasSubstr("},{"));
  EXPECT_EQ(body.front(), '[');
  EXPECT_EQ(body.back(), ']');
}

TEST(WebhookBody, IsAsDocumented) {
  EXPECT_EQ(WebhookBody(Firing()),
            R"({"version":1,"key":"i-7k2m/3f9c","state":"firing","event":null,)"
            R"("incident":"i-7k2m","starts_at":"2024-01-02T03:04:05.678Z","ends_at":null,)"
            R"("labels":{"alertname":"close-wait-leak","host":"db1","severity":"critical"},)"
            R"("annotations":{"description":"two\nlines","incident":"i-7k2m",)"
            R"("show":"tcpmedic show i-7k2m","summary":"A \"leak\""}})");
  EXPECT_THAT(WebhookBody(Resolved()), HasSubstr(R"("ends_at":"2024-01-02T03:05:00.000Z")"));
  EXPECT_THAT(WebhookBody(Event()), HasSubstr(R"("state":"event","event":"proposed")"));
}

TEST(WebhookBody, BytesThatAreNoTextAreReplaced) {
  Delivery delivery = Firing();
  (*delivery.alert.mutable_labels())["host"] = "db\xff\x01";
  EXPECT_THAT(WebhookBody(delivery), HasSubstr("\"host\":\"db\xEF\xBF\xBD\\u0001\""));
}

TEST(IdempotencyKey, IsTheSameForTheSameStateAndAnotherForTheNext) {
  EXPECT_EQ(IdempotencyKey(Firing()), "\"i-7k2m/3f9c/firing/7\"");
  EXPECT_EQ(IdempotencyKey(Resolved()), "\"i-7k2m/3f9c/resolved/7\"");
}

TEST(JournalFields, OfAFiringAlert) {
  EXPECT_THAT(
      JournalFields(Firing()),
      ElementsAre(Pair("MESSAGE", "A \"leak\"\ntwo\nlines"), Pair("MESSAGE_ID", kJournalFiring),
                  Pair("PRIORITY", "2"), Pair("SYSLOG_IDENTIFIER", "tcpmedic-controller"),
                  Pair("TCPMEDIC_KEY", "i-7k2m/3f9c"), Pair("TCPMEDIC_STATE", "firing"),
                  Pair("TCPMEDIC_INCIDENT", "i-7k2m"),
                  Pair("TCPMEDIC_STARTS_AT", "2024-01-02T03:04:05.678Z"),
                  Pair("TCPMEDIC_SHOW", "tcpmedic show i-7k2m"),
                  Pair("TCPMEDIC_LABEL_ALERTNAME", "close-wait-leak"),
                  Pair("TCPMEDIC_LABEL_HOST", "db1"), Pair("TCPMEDIC_LABEL_SEVERITY", "critical"),
                  Pair("TCPMEDIC_DESCRIPTION", "two\nlines"),
                  Pair("TCPMEDIC_SUMMARY", "A \"leak\"")));
}

TEST(JournalFields, AResolvedOneSaysSoAndIsNoAlarm) {
  const auto fields = JournalFields(Resolved());
  EXPECT_THAT(fields, Contains(Pair("MESSAGE", "A \"leak\": resolved")));
  EXPECT_THAT(fields, Contains(Pair("MESSAGE_ID", kJournalResolved)));
  EXPECT_THAT(fields, Contains(Pair("PRIORITY", "5")));
  EXPECT_THAT(JournalFields(Event()), Contains(Pair("MESSAGE_ID", kJournalEvent)));
}

TEST(JournalFields, NamesAreOnesThatTheJournalTakes) {
  Delivery delivery = Firing();
  (*delivery.alert.mutable_labels())[std::string(90, 'x')] = "1";
  for (const auto& [name, value] : JournalFields(delivery)) {
    EXPECT_LE(name.size(), 64u);
    EXPECT_TRUE(absl::ascii_isupper(name[0])) << name;
  }
}

}  // namespace
}  // namespace tcpmedic
