#include "controller/notify/alert.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "controller/policy/alert_schema.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'600);
const HostFacts kHost = {"db1", {{"tier", "db"}}};

v1::Incident Leak() {
  v1::Incident incident;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(
        id: "i-7k2m"
        host: "db1"
        state: STATE_OPEN
        finding_present: true
        opened_at { seconds: 1700000030 }
        finding {
          signature: "close-wait-leak"
          group: "server"
          group_by { attribute: "process.listener" value: "0.0.0.0:8080" }
          subject: SUBJECT_PROCESS
          severity: SEVERITY_WARNING
          title: "Sockets that the program never closes"
          verdict: "9,821 sockets"
          advice: "look at read() == 0"
          disproof: "a flat count"
          evidence {
            name: "process.close_wait_sockets"
            value { int_value: 9821 }
            unit: "sockets"
            basis: "now"
          }
          evidence { name: "process.fd_limit_in" basis: "now" }
          not_shown { look_alike: "half-close" missing: "socket.unread" }
          processes { pid: 812 comm: "server" systemd_unit: "app.service" }
          since { seconds: 1700000000 }
          observed_at { seconds: 1700000100 }
        }
        decision {
          policy: "leak"
          actions { note { text: "…" } }
          actions { raise_alert { receivers: "oncall" receivers: "chat" } }
        }
      )pb",
      &incident));
  return incident;
}

v1::RaiseAlert* Raise(v1::Incident* incident) {
  return incident->mutable_decision()->mutable_actions(1)->mutable_raise_alert();
}

// "RECEIVER STATE KEY" of each, with "~" for a refresh.
std::vector<std::string> Told(const std::vector<AddressedAlert>& alerts) {
  std::vector<std::string> told;
  for (const AddressedAlert& alert : alerts) {
    told.push_back(absl::StrCat(alert.receiver, " ",
                                v1::Alert::State_Name(alert.alert.state()).substr(6),
                                alert.refresh ? "~" : ""));
  }
  return told;
}
std::vector<std::string> Between(const v1::Incident& before, const v1::Incident& after) {
  return Told(AlertsBetween(before, after, kHost, kNow));
}

TEST(StandingAlerts, SayWhatItIsAndWhereToLook) {
  const auto alerts = StandingAlerts(Leak(), kHost);
  EXPECT_THAT(Told(alerts), ElementsAre("oncall FIRING", "chat FIRING"));
  const v1::Alert& alert = alerts[0].alert;
  EXPECT_EQ(alert.DebugString(), alerts[1].alert.DebugString());
  EXPECT_THAT(alert.labels(),
              UnorderedElementsAre(Pair("alertname", "close-wait-leak"), Pair("host", "db1"),
                                   Pair("severity", "warning"), Pair("process", "server"),
                                   Pair("process_listener", "0.0.0.0:8080")));
  EXPECT_THAT(
      alert.annotations(),
      UnorderedElementsAre(Pair("summary", "Sockets that the program never closes on db1"),
                           Pair("description", "9,821 sockets"), Pair("verdict", "9,821 sockets"),
                           Pair("advice", "look at read() == 0"), Pair("disproof", "a flat count"),
                           Pair("evidence",
                                "process.close_wait_sockets = 9821 sockets, now\n"
                                "process.fd_limit_in = (not known), now"),
                           Pair("not_ruled_out", "half-close (not known: socket.unread)"),
                           Pair("processes", "server (pid 812, app.service)")));
  EXPECT_EQ(FromProto(alert.starts_at()), absl::FromUnixSeconds(1'700'000'000));
  EXPECT_EQ(alert.incident_id(), "i-7k2m");
  EXPECT_EQ(alert.generator(), "tcpmedic show i-7k2m");
}

TEST(StandingAlerts, APolicyGivesTextsAndLabelsButNotTheAlertsOwn) {
  v1::Incident incident = Leak();
  Raise(&incident)->set_summary(
      "{{ process.comm }} on {{ host.name }} ({{ host.labels[\"tier\"] }})");
  Raise(&incident)->set_description(
      "{{ finding.evidence[\"process.close_wait_sockets\"] }} of pid {{ process.pid }}");
  (*Raise(&incident)->mutable_labels())["team"] = "storage";
  (*Raise(&incident)->mutable_labels())["host"] = "elsewhere";
  const v1::Alert alert = StandingAlerts(incident, kHost)[0].alert;
  EXPECT_EQ(alert.annotations().at("summary"), "server on db1 (db)");
  EXPECT_EQ(alert.annotations().at("description"), "9821 sockets of pid 812");
  EXPECT_EQ(alert.labels().at("team"), "storage");
  EXPECT_EQ(alert.labels().at("host"), "db1");
}

TEST(StandingAlerts, WhatTheHostSaysIsBoundedBetweenCharacters) {
  v1::Incident incident = Leak();
  std::string text;
  while (text.size() < 3 * kMaxAnnotationBytes) text += "ü";
  incident.mutable_finding()->set_verdict("x" + text);
  incident.mutable_finding()->mutable_processes(0)->set_comm(text);
  const v1::Alert alert = StandingAlerts(incident, kHost)[0].alert;
  EXPECT_LE(alert.labels().at("process").size(), kMaxLabelBytes);
  const std::string& verdict = alert.annotations().at("verdict");
  EXPECT_LE(verdict.size(), kMaxAnnotationBytes);
  EXPECT_GE(verdict.size(), kMaxAnnotationBytes - 4);
  EXPECT_EQ((verdict.size() - 1 - 3) % 2, 0u);  // x, whole ü, …
}

TEST(StandingAlerts, AnAgentsClockThatRunsAheadDoesNotStartItInTheFuture) {
  v1::Incident incident = Leak();
  incident.mutable_finding()->mutable_since()->set_seconds(1'900'000'000);
  EXPECT_EQ(FromProto(StandingAlerts(incident, kHost)[0].alert.starts_at()),
            FromProto(incident.opened_at()));
}

TEST(AlertsBetween, ANewIncidentFiresAndItsEndResolves) {
  EXPECT_THAT(Between({}, Leak()), ElementsAre("oncall FIRING", "chat FIRING"));
  v1::Incident closed = Leak();
  closed.set_state(v1::Incident::STATE_CLOSED);
  closed.set_finding_present(false);
  const auto resolved = AlertsBetween(Leak(), closed, kHost, kNow);
  EXPECT_THAT(Told(resolved), ElementsAre("oncall RESOLVED", "chat RESOLVED"));
  EXPECT_EQ(resolved[0].alert.key(), StandingAlerts(Leak(), kHost)[0].alert.key());
  EXPECT_EQ(FromProto(resolved[0].alert.ends_at()), kNow);
  EXPECT_THAT(Between(closed, closed), IsEmpty());
  EXPECT_THAT(Between(closed, Leak()), ElementsAre("oncall FIRING", "chat FIRING"));
}

TEST(AlertsBetween, ItStandsAsLongAsTheFindingDoes) {
  v1::Incident rejected = Leak();
  rejected.set_state(v1::Incident::STATE_CLOSED);
  EXPECT_THAT(Between(Leak(), rejected), IsEmpty());
  v1::Incident gone = Leak();  // an order is under way
  gone.set_finding_present(false);
  EXPECT_THAT(Between(Leak(), gone), IsEmpty());
}

TEST(AlertsBetween, NewerFiguresAreARefreshOnceAMinute) {
  v1::Incident later = Leak();
  later.mutable_finding()->set_verdict("9,900 sockets");
  later.mutable_finding()->mutable_observed_at()->set_seconds(1'700'000'102);
  EXPECT_THAT(Between(Leak(), later), IsEmpty());
  later.mutable_finding()->mutable_observed_at()->set_seconds(1'700'000'160);
  EXPECT_THAT(Between(Leak(), later), ElementsAre("oncall FIRING~", "chat FIRING~"));
}

TEST(AlertsBetween, ARisenSeverityIsAnotherAlertAndTheOldOneEndsFirst) {
  v1::Incident worse = Leak();
  worse.mutable_finding()->set_severity(v1::SEVERITY_CRITICAL);
  const auto told = AlertsBetween(Leak(), worse, kHost, kNow);
  EXPECT_THAT(Told(told),
              ElementsAre("oncall RESOLVED", "chat RESOLVED", "oncall FIRING", "chat FIRING"));
  EXPECT_EQ(told[0].alert.labels().at("severity"), "warning");
  EXPECT_EQ(told[2].alert.labels().at("severity"), "critical");
  EXPECT_NE(told[0].alert.key(), told[2].alert.key());
}

TEST(AlertsBetween, ADecisionThatNoLongerNamesAReceiverResolvesThere) {
  v1::Incident fewer = Leak();
  Raise(&fewer)->mutable_receivers()->RemoveLast();
  EXPECT_THAT(Between(Leak(), fewer), ElementsAre("chat RESOLVED"));
  fewer.clear_decision();
  EXPECT_THAT(Between(Leak(), fewer), ElementsAre("oncall RESOLVED", "chat RESOLVED"));
}

TEST(AlertsBetween, AnEndIsAfterTheStartWhateverTheClocksSay) {
  v1::Incident closed = Leak();
  closed.set_state(v1::Incident::STATE_CLOSED);
  closed.set_finding_present(false);
  const auto resolved = AlertsBetween(Leak(), closed, kHost, absl::FromUnixSeconds(1));
  EXPECT_GT(FromProto(resolved[0].alert.ends_at()), FromProto(resolved[0].alert.starts_at()));
}

TEST(EventFor, IsSaidToEachReceiverOnce) {
  google::protobuf::RepeatedPtrField<std::string> receivers;
  for (const char* name : {"oncall", "chat", "oncall"}) *receivers.Add() = name;
  const auto events =
      EventFor(Leak(), kHost, "i-7k2m/proposed/1", "proposed", "Proposal p-1: …", receivers, kNow);
  EXPECT_THAT(Told(events), ElementsAre("oncall EVENT", "chat EVENT"));
  const v1::Alert& event = events[0].alert;
  EXPECT_EQ(event.key(), "i-7k2m/proposed/1");
  EXPECT_EQ(event.event(), "proposed");
  EXPECT_EQ(event.labels().at("event"), "proposed");
  EXPECT_EQ(event.labels().at("incident"), "i-7k2m");
  EXPECT_EQ(event.annotations().at("description"), "Proposal p-1: …");
  EXPECT_EQ(FromProto(event.starts_at()), kNow);
}

TEST(IsNotified, ProposedRolledBackAndUnknown) {
  for (const char* what : {"proposed", "rolled_back", "unknown"}) EXPECT_TRUE(IsNotified(what));
  for (const char* what : {"opened", "expired", "cleared", "remedied", ""}) {
    EXPECT_FALSE(IsNotified(what));
  }
}

TEST(IsFreeAlertLabel, IsALabelOfPrometheusThatTheAlertDoesNotHaveItself) {
  for (const char* name : {"team", "_team2", "Team"}) EXPECT_TRUE(IsFreeAlertLabel(name)) << name;
  for (const char* name : {"", "2team", "te-am", "__name__", "alertname", "host", "severity"}) {
    EXPECT_FALSE(IsFreeAlertLabel(name)) << name;
  }
}

TEST(AlertsBetween, CallSitesAreToldAtOnceAndStayInTheLastWord) {
  const v1::Incident leak = Leak();
  const AlertSource sampled(leak, "412 of 500: read returned 0 in Handle (leak.cc:42)");
  const auto told = AlertsBetween(leak, sampled, kHost, kNow);
  EXPECT_THAT(Told(told), ElementsAre("oncall FIRING", "chat FIRING"));
  EXPECT_EQ(told[0].alert.annotations().at("call_sites"), sampled.call_sites);
  EXPECT_EQ(told[0].alert.key(), StandingAlerts(leak, kHost)[0].alert.key());
  EXPECT_THAT(AlertsBetween(sampled, sampled, kHost, kNow), IsEmpty());
  v1::Incident closed = leak;
  closed.set_state(v1::Incident::STATE_CLOSED);
  closed.set_finding_present(false);
  const auto resolved = AlertsBetween(sampled, {closed, sampled.call_sites}, kHost, kNow);
  EXPECT_THAT(Told(resolved), ElementsAre("oncall RESOLVED", "chat RESOLVED"));
  EXPECT_EQ(resolved[0].alert.annotations().at("call_sites"), sampled.call_sites);
}

}  // namespace
}  // namespace tcpmedic
