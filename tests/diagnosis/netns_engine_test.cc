// Signatures of subject netns through the engine: the gate in front of the dump, findings and their
// lives, what may be asked of a namespace, and orders that change one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "diagnosis/engine.h"
#include "diagnosis/listeners.h"
#include "tests/diagnosis/scan_fixture.h"
#include "tests/diagnosis/scripted_netns.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Conditions as they are shipped, but kept here: these tests are about the engine.
v1::Signature Unprotected() {
  v1::Signature signature;
  signature.set_name("unprotected");
  signature.set_title("The SYN queue is full and cookies are off");
  signature.set_severity(v1::SEVERITY_CRITICAL);
  signature.set_subject(v1::SUBJECT_NETNS);
  signature.set_when(
      "netns.tcp_syncookies == 0 && netns.syn_drops > 0 && "
      "double(listener.syn_recv_sockets) >= 0.7 * double(listener.syn_queue_limit)");
  v1::NamedExpression* const look_alike = signature.add_unless();
  look_alike->set_name("accept-queue-overflow");
  look_alike->set_expression("netns.listen_overflows > 0");
  signature.add_group_by("netns");
  signature.mutable_for_()->set_seconds(5);
  signature.mutable_window()->set_seconds(5);
  signature.mutable_keep_firing_for()->set_seconds(10);
  signature.set_verdict(
      "{{ listener.address }}: {{ listener.syn_recv_sockets }} of {{ listener.syn_queue_limit }}");
  signature.set_advice("cookies");
  signature.set_disproof("none");
  return signature;
}

v1::Signature Absorbed() {
  v1::Signature signature = Unprotected();
  signature.set_name("absorbed");
  signature.set_when("netns.syncookies_sent >= 100 && netns.syncookies_recv_ratio < 0.5");
  signature.set_verdict("{{ netns.syncookies_sent }}");
  return signature;
}

class NetnsEngineTest : public ::testing::Test {
 protected:
  NetnsEngineTest() { Use({Unprotected()}); }

  void Use(const std::vector<v1::Signature>& signatures) {
    std::vector<std::shared_ptr<const CompiledSignature>> compiled;
    for (const v1::Signature& signature : signatures) compiled.push_back(MustCompile(signature));
    engine_.SetSignatures(std::move(compiled), "rev-1");
  }

  // Namespace 1, flooded while its cookies are off.
  ScriptedNetns& AddFlooded(uint64_t cookie = 1) {
    ScriptedNetns& netns = namespaces_[cookie];
    netns.cookie = cookie;
    netns.values["net.ipv4.tcp_syncookies"] = 0;
    netns.per_second["TcpExtListenDrops"] = 1'900;
    netns.Listen(443, 128);
    netns.HalfOpen(128);
    return netns;
  }
  ScriptedNetns& netns() { return namespaces_.at(1); }

  // As the agent's scanner does.
  Engine::Result Scan() {
    ++seconds_;
    engine_.BeginScan(At(seconds_));
    for (auto& [cookie, netns] : namespaces_) {
      netns.Advance(1);
      const CounterSample counters = netns.Counters();
      engine_.ObserveNamespace(netns.Netns(),
                               counters_fail_in_.contains(cookie) ? nullptr : &counters);
    }
    for (auto& [cookie, netns] : namespaces_) {
      const TcpStateMask states = engine_.StatesWanted(cookie);
      asked_[cookie] = states;
      engine_.BeginNamespace(cookie);
      const bool fails = states != 0 && dump_fails_in_.contains(cookie);
      for (SocketSample socket : netns.sockets) {
        if (fails) break;
        socket.key.netns_cookie = cookie;
        if ((MaskOf(socket.state) & states) != 0) engine_.Observe(socket);
      }
      engine_.EndNamespace(!fails);
    }
    return engine_.EndScan();
  }
  Engine::Result ScanUntil(int seconds) {
    Engine::Result result;
    while (seconds_ < seconds) result = Scan();
    return result;
  }
  // The second at which the finding came, at the latest `seconds`; 0: it did not.
  int FoundAt(int seconds) {
    while (seconds_ < seconds) {
      if (!Scan().findings.empty()) return seconds_;
    }
    return 0;
  }

  Engine engine_;
  std::map<uint64_t, ScriptedNetns> namespaces_;
  std::map<uint64_t, TcpStateMask> asked_;  // in the newest scan
  std::set<uint64_t> dump_fails_in_;
  std::set<uint64_t> counters_fail_in_;
  int seconds_ = 0;
};

v1::Selector SelectorOf(const v1::Finding& finding) {
  v1::Selector selector;
  selector.set_signature(finding.signature());
  *selector.mutable_group_by() = finding.group_by();
  selector.set_netns_cookie(finding.netns().cookie());
  return selector;
}

// NAME → value as text; "?" where it is absent.
std::map<std::string, std::string> Values(
    const google::protobuf::RepeatedPtrField<v1::Evidence>& values) {
  std::map<std::string, std::string> texts;
  for (const v1::Evidence& value : values) {
    std::string& text = texts[value.name()];
    switch (value.value().kind_case()) {
      case v1::Value::kIntValue:
        text = absl::StrCat(value.value().int_value());
        break;
      case v1::Value::kDoubleValue:
        text = absl::StrCat(value.value().double_value());
        break;
      case v1::Value::kStringValue:
        text = value.value().string_value();
        break;
      default:
        text = "?";
    }
  }
  return texts;
}

TEST_F(NetnsEngineTest, NothingIsDumpedWhileCountersAreQuiet) {
  AddFlooded().per_second.clear();
  for (int second = 0; second < 20; ++second) {
    EXPECT_THAT(Scan().findings, IsEmpty());
    EXPECT_EQ(asked_[1], 0u);
  }
}

TEST_F(NetnsEngineTest, ListenersAndHalfOpenConnectionsAreAskedForWhereCountersSaySo) {
  AddFlooded();
  namespaces_[2].cookie = 2;
  ScanUntil(5);
  EXPECT_EQ(asked_[1], 0u);  // the window is not full
  ScanUntil(6);
  EXPECT_EQ(asked_[1], MaskOf(TcpState::kListen) | MaskOf(TcpState::kSynRecv));
  EXPECT_EQ(asked_[2], 0u);
}

TEST_F(NetnsEngineTest, WhatSocketSignaturesWantIsAskedForEverywhere) {
  AddFlooded();
  namespaces_[2].cookie = 2;
  Use({Unprotected(), ShippedSignature("pinned-cwnd")});
  ScanUntil(6);
  EXPECT_EQ(asked_[1], Listeners::kStates | MaskOf(TcpState::kEstablished));
  EXPECT_EQ(asked_[2], MaskOf(TcpState::kEstablished));
}

TEST_F(NetnsEngineTest, ListenersAreNotJudgedBySignaturesOfSocketsThatDoNotAskForThem) {
  AddFlooded();
  Use({Unprotected(), ShippedSignature("pinned-cwnd")});
  const Engine::Result result = ScanUntil(6);
  ASSERT_THAT(result.activity, SizeIs(2));
  EXPECT_EQ(Text(result.activity[1]), "seen 0, suspects 0");
  EXPECT_EQ(result.sockets, 129);
}

TEST_F(NetnsEngineTest, FindingTellsTheNamespaceTheListenerAndTheArithmetic) {
  AddFlooded();
  ASSERT_EQ(FoundAt(30), 11);  // the window, then `for`
  const v1::Finding finding = Scan().findings.at(0);
  EXPECT_EQ(finding.signature(), "unprotected");
  EXPECT_EQ(finding.signature_revision(), "rev-1");
  EXPECT_EQ(finding.group(), "netns=1");
  ASSERT_EQ(finding.group_by_size(), 1);
  EXPECT_EQ(finding.subject(), v1::SUBJECT_NETNS);
  EXPECT_EQ(finding.netns().name(), "netns 1");
  EXPECT_EQ(finding.severity(), v1::SEVERITY_CRITICAL);
  EXPECT_EQ(finding.confidence(), v1::CONFIDENCE_CERTAIN);
  EXPECT_EQ(finding.verdict(), "0.0.0.0:443: 128 of 128");
  EXPECT_EQ(finding.advice(), "cookies");
  EXPECT_EQ(finding.exemplar().ShortDebugString(),
            "cookie: 443 netns_cookie: 1 local { ip: \"0.0.0.0\" port: 443 }");
  EXPECT_EQ(finding.sockets_size(), 0);
  EXPECT_EQ(finding.socket_count(), 0);
  EXPECT_EQ(finding.since().seconds(), 1'700'000'006);
  EXPECT_EQ(finding.found_at().seconds(), 1'700'000'011);
  EXPECT_EQ(finding.observed_at().seconds(), 1'700'000'012);
  const std::map<std::string, std::string> evidence = {
      {"netns.tcp_syncookies", "0"},        {"netns.syn_drops", "9500"},
      {"listener.syn_recv_sockets", "128"}, {"listener.syn_queue_limit", "128"},
      {"netns.listen_overflows", "0"},      {"listener.address", "0.0.0.0:443"}};
  EXPECT_EQ(Values(finding.evidence()), evidence);
  const std::map<std::string, std::string> before = {{"syncookies_sent_per_s", "0"},
                                                     {"syncookies_recv_ratio", "?"},
                                                     {"syn_recv_sockets", "128"},
                                                     {"listen_drops_per_s", "1900"},
                                                     {"syn_drops_per_s", "1900"}};
  EXPECT_EQ(Values(finding.before().values()), before);
  EXPECT_EQ(finding.before().start().seconds(), 1'700'000'002);
  EXPECT_EQ(finding.before().end().seconds(), 1'700'000'012);
  const auto sockets = engine_.finding_sockets();
  ASSERT_THAT(sockets, SizeIs(1));
  EXPECT_EQ(sockets[0].finding, 0);
  EXPECT_THAT(sockets[0].inodes, ElementsAre(9'443u));
}

TEST_F(NetnsEngineTest, BothLimitsOfTheSynQueueAreFound) {
  const struct {
    uint32_t backlog;
    int half_open;
    bool found;
  } cases[] = {
      {128, 128, true},      // the backlog is the limit
      {128, 90, true},       // 0.7 × 128 = 89.6
      {128, 89, false},      //
      {4'096, 1'536, true},  // ¾ of 2048 is
      {4'096, 1'076, true},  // 0.7 × 1536 = 1075.2
      {4'096, 1'075, false},
  };
  for (const auto& c : cases) {
    engine_.SetSignatures({}, "");
    Use({Unprotected()});
    ScriptedNetns flooded;
    flooded.values["net.ipv4.tcp_syncookies"] = 0;
    flooded.per_second["TcpExtListenDrops"] = 500;
    flooded.Listen(443, c.backlog);
    flooded.HalfOpen(c.half_open);
    namespaces_ = {{1, flooded}};
    EXPECT_EQ(FoundAt(seconds_ + 15) != 0, c.found) << c.half_open << " of " << c.backlog;
  }
}

TEST_F(NetnsEngineTest, DropsThatFullAcceptQueuesExplainAreNoFinding) {
  AddFlooded().per_second["TcpExtListenOverflows"] = 1'900;
  EXPECT_EQ(FoundAt(20), 0);
}

TEST_F(NetnsEngineTest, LookAlikeSuppressesAndIsSaid) {
  AddFlooded().per_second["TcpExtListenOverflows"] = 3;
  ASSERT_EQ(FoundAt(20), 0);
  EXPECT_EQ(Text(Scan().activity.at(0)),
            "seen 1, suspects 1\n"
            "looks like accept-queue-overflow (1): netns 1: netns.listen_overflows = 15");
}

TEST_F(NetnsEngineTest, UnknownLookAlikeLowersConfidence) {
  v1::Signature signature = Unprotected();
  signature.mutable_unless(0)->set_expression("netns.syncookies_recv_ratio > 0.5");
  Use({signature});
  AddFlooded();  // no cookie is sent: there is no ratio
  const v1::Finding finding = ScanUntil(11).findings.at(0);
  EXPECT_EQ(finding.confidence(), v1::CONFIDENCE_LIKELY);
  ASSERT_EQ(finding.not_shown_size(), 1);
  EXPECT_EQ(finding.not_shown(0).look_alike(), "accept-queue-overflow");
  EXPECT_THAT(finding.not_shown(0).missing(), ElementsAre("netns.syncookies_recv_ratio"));
}

TEST_F(NetnsEngineTest, ActivityCountsNamespacesWhereTheyStop) {
  AddFlooded();               // waits
  namespaces_[2].cookie = 2;  // cookies are on
  namespaces_[3].cookie = 3;  // so here, and it is busier
  namespaces_[3].values["TcpPassiveOpens"] = 2'000'000;
  namespaces_[4].cookie = 4;  // it is not known
  namespaces_[4].values.erase("net.ipv4.tcp_syncookies");
  namespaces_[4].values["TcpPassiveOpens"] = 5;
  EXPECT_EQ(Text(Scan().activity.at(0)),
            "seen 4, suspects 0\n"
            "not netns.tcp_syncookies == 0 (3): netns 3: netns.tcp_syncookies = 1\n"
            "waits for netns.syn_drops > 0 (1): netns 1: netns.syn_drops = (not known)");
  netns().sockets.clear();
  EXPECT_THAT(Text(ScanUntil(6).activity.at(0)),
              HasSubstr("seen 4, suspects 1\n"
                        "not netns.tcp_syncookies == 0 (3): netns 3: netns.tcp_syncookies = 1\n"
                        "not double(listener.syn_recv_sockets) >= "));
}

TEST_F(NetnsEngineTest, MissingCounterIsNoFinding) {
  AddFlooded().values.erase("TcpExtListenOverflows");
  EXPECT_EQ(FoundAt(20), 0);
}

TEST_F(NetnsEngineTest, CountersThatAreResetBeginANewWindow) {
  AddFlooded();
  ScanUntil(7);  // pending since 6
  netns().ResetCounters();
  EXPECT_EQ(FoundAt(30), 18);  // reset at 8; the window is full at 13, `for` at 18
}

TEST_F(NetnsEngineTest, FindingOutlivesItsConditionByKeepFiringForAsOfItsLastMatch) {
  AddFlooded();
  ScanUntil(12);
  netns().per_second.clear();
  netns().sockets.resize(1);
  // The window holds drops until 16 s; the half-open connections are gone at once.
  ASSERT_THAT(ScanUntil(13).findings, SizeIs(1));
  const v1::Finding finding = ScanUntil(21).findings.at(0);
  EXPECT_EQ(finding.observed_at().seconds(), 1'700'000'012);
  EXPECT_EQ(finding.evidence(0).basis(), "now, at the last match");
  EXPECT_EQ(asked_[1], Listeners::kStates);  // it lives
  EXPECT_THAT(ScanUntil(22).findings, IsEmpty());
  ScanUntil(23);
  EXPECT_EQ(asked_[1], 0u);
}

TEST_F(NetnsEngineTest, BreakShorterThanTheWindowIsNone) {
  AddFlooded();
  ScanUntil(8);  // pending since 6
  const std::vector<SocketSample> sockets = netns().sockets;
  netns().sockets.resize(1);
  ScanUntil(10);
  netns().sockets = sockets;
  EXPECT_EQ(FoundAt(11), 11);
}

TEST_F(NetnsEngineTest, SettingThatRulesItOutIsABreakAtOnce) {
  AddFlooded();
  ScanUntil(8);
  netns().values["net.ipv4.tcp_syncookies"] = 1;
  ScanUntil(9);
  netns().values["net.ipv4.tcp_syncookies"] = 0;
  EXPECT_EQ(FoundAt(30), 15);  // since 10
}

TEST_F(NetnsEngineTest, ForOfZeroFiresAtOnceAndOneBurstIsEnough) {
  v1::Signature signature = Absorbed();
  signature.set_name("too-small");
  signature.set_when("netns.syncookies_sent >= 100 && netns.syncookies_recv_ratio >= 0.5");
  signature.mutable_for_()->set_seconds(0);
  Use({signature});
  ScriptedNetns& netns = namespaces_[1];
  netns.Listen(443, 16);
  ScanUntil(10);
  netns.values["TcpExtSyncookiesSent"] += 1'371;
  netns.values["TcpExtSyncookiesRecv"] += 1'371;
  const v1::Finding finding = Scan().findings.at(0);
  EXPECT_EQ(finding.verdict(), "1371");
  // Nothing is half-open any more, and still it is known who listens.
  EXPECT_EQ(finding.exemplar().local().port(), 443u);
  EXPECT_THAT(ScanUntil(24).findings, SizeIs(1));
  EXPECT_THAT(ScanUntil(25).findings, IsEmpty());  // the last match at 15, then ten seconds
}

TEST_F(NetnsEngineTest, NamespacesAreFindingsOfTheirOwn) {
  AddFlooded(1);
  AddFlooded(2);
  ScanUntil(3);
  AddFlooded(3);
  ASSERT_THAT(ScanUntil(11).findings, SizeIs(2));
  const Engine::Result result = ScanUntil(14);
  ASSERT_THAT(result.findings, SizeIs(3));
  EXPECT_EQ(result.findings[0].group(), "netns=1");
  EXPECT_EQ(result.findings[1].group(), "netns=2");
  EXPECT_EQ(result.findings[2].group(), "netns=3");
  EXPECT_EQ(result.findings[2].exemplar().netns_cookie(), 3u);
}

TEST_F(NetnsEngineTest, TwoSignaturesOfOneNamespaceAreTwoFindings) {
  Use({Absorbed(), Unprotected()});
  AddFlooded().per_second["TcpExtSyncookiesSent"] = 1'000;
  const Engine::Result result = ScanUntil(11);
  ASSERT_THAT(result.findings, SizeIs(2));
  EXPECT_EQ(result.findings[0].signature(), "absorbed");
  EXPECT_EQ(result.findings[1].signature(), "unprotected");
  EXPECT_THAT(result.activity, SizeIs(2));
}

TEST_F(NetnsEngineTest, FindingLeavesWithItsNamespace) {
  AddFlooded();
  ASSERT_THAT(ScanUntil(11).findings, SizeIs(1));
  namespaces_.clear();
  EXPECT_THAT(Scan().findings, IsEmpty());
}

TEST_F(NetnsEngineTest, WhereTheDumpFailsAllStaysAsItWas) {
  AddFlooded();
  ScanUntil(11);
  netns().values["net.ipv4.tcp_syncookies"] = 1;
  dump_fails_in_ = {1};
  const Engine::Result result = ScanUntil(40);
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_EQ(result.findings[0].observed_at().seconds(), 1'700'000'011);
  EXPECT_FALSE(engine_.NamespaceOf(SelectorOf(result.findings[0])).has_value());
  dump_fails_in_.clear();
  EXPECT_THAT(Scan().findings, IsEmpty());
}

TEST_F(NetnsEngineTest, WhereTheCountersCannotBeReadAllStaysAsItWas) {
  AddFlooded();
  ScanUntil(11);
  counters_fail_in_ = {1};
  EXPECT_THAT(ScanUntil(40).findings, SizeIs(1));
  EXPECT_EQ(engine_.Holds(1, "netns.tcp_syncookies == 0"), std::nullopt);
}

TEST_F(NetnsEngineTest, SignatureWhoseTextIsUnchangedKeepsItsFindings) {
  AddFlooded();
  ScanUntil(11);
  engine_.SetSignatures({MustCompile(Absorbed()), MustCompile(Unprotected())}, "rev-2");
  const Engine::Result result = Scan();
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_EQ(result.findings[0].since().seconds(), 1'700'000'006);
  EXPECT_EQ(result.findings[0].signature_revision(), "rev-2");
}

TEST_F(NetnsEngineTest, NamespaceOfASelectorIsWhereItsFindingHoldsNow) {
  AddFlooded();
  AddFlooded(2);
  const v1::Finding finding = ScanUntil(11).findings.at(1);
  const v1::Selector right = SelectorOf(finding);
  ASSERT_TRUE(engine_.NamespaceOf(right).has_value());
  EXPECT_EQ(engine_.NamespaceOf(right)->ShortDebugString(), finding.netns().ShortDebugString());

  v1::Selector other_signature = right, no_group = right, other_group = right, no_netns = right,
               other_netns = right, other_attribute = right;
  other_signature.set_signature("absorbed");
  no_group.clear_group_by();
  other_group.mutable_group_by(0)->set_value("1");
  no_netns.clear_netns_cookie();
  other_netns.set_netns_cookie(1);
  other_attribute.mutable_group_by(0)->set_attribute("socket.remote_ip");
  for (const v1::Selector& selector : {v1::Selector(), other_signature, no_group, other_group,
                                       no_netns, other_netns, other_attribute}) {
    EXPECT_FALSE(engine_.NamespaceOf(selector).has_value()) << selector.ShortDebugString();
  }

  // Cookies come on: the finding lingers, but holds no more.
  namespaces_.at(2).values["net.ipv4.tcp_syncookies"] = 1;
  ASSERT_THAT(Scan().findings, SizeIs(2));
  EXPECT_FALSE(engine_.NamespaceOf(right).has_value());
}

TEST_F(NetnsEngineTest, PendingIsNoFindingYet) {
  AddFlooded();
  v1::Selector selector;
  selector.set_signature("unprotected");
  selector.set_netns_cookie(1);
  selector.add_group_by()->set_attribute("netns");
  selector.mutable_group_by(0)->set_value("1");
  ScanUntil(10);
  EXPECT_FALSE(engine_.NamespaceOf(selector).has_value());
  ScanUntil(11);
  EXPECT_TRUE(engine_.NamespaceOf(selector).has_value());
}

TEST_F(NetnsEngineTest, ConditionHoldsOverTenSeconds) {
  engine_.SetSignatures({}, "");  // whatever the signatures say
  ScriptedNetns& netns = namespaces_[1];
  netns.per_second["TcpExtSyncookiesSent"] = 100;
  const char* const sent = "netns.syncookies_sent_per_s > 1.0";
  EXPECT_EQ(engine_.Holds(1, sent), std::nullopt);  // no scan yet
  ScanUntil(1);
  EXPECT_EQ(engine_.Holds(1, sent), std::nullopt);  // one reading
  EXPECT_EQ(engine_.Holds(1, "netns.tcp_syncookies == 1"), true);
  ScanUntil(3);
  EXPECT_EQ(engine_.Holds(1, sent), true);  // over what is known
  ScanUntil(20);
  EXPECT_EQ(engine_.Holds(1, sent), true);
  EXPECT_EQ(engine_.Holds(1, "netns.syncookies_sent == 900"), true);  // nine seconds make ten
  EXPECT_EQ(engine_.Holds(1, "netns.syncookies_recv_ratio > 0.5"), false);
  netns.per_second.clear();
  ScanUntil(28);
  EXPECT_EQ(engine_.Holds(1, sent), true);
  ScanUntil(29);
  EXPECT_EQ(engine_.Holds(1, sent), false);
  EXPECT_EQ(engine_.Holds(1, "netns.syncookies_recv_ratio > 0.5"), std::nullopt);
}

TEST_F(NetnsEngineTest, ConditionOfWhatCannotBeKnownIsUnknown) {
  namespaces_[1].values.erase("TcpExtSyncookiesSent");
  ScanUntil(20);
  EXPECT_EQ(engine_.Holds(1, "netns.syncookies_sent_per_s > 1.0"), std::nullopt);
  EXPECT_EQ(engine_.Holds(1, "netns.syn_recv_sockets > 1"), std::nullopt);  // no dump
  EXPECT_EQ(engine_.Holds(2, "netns.tcp_syncookies == 1"), std::nullopt);   // no such namespace
  EXPECT_EQ(engine_.Holds(1, "listener.backlog > 1"), std::nullopt);        // no such condition
  EXPECT_EQ(engine_.Holds(1, "netns.tcp_syncookies"), std::nullopt);
  EXPECT_EQ(engine_.Holds(1, ""), std::nullopt);
  namespaces_.clear();
  Scan();
  EXPECT_EQ(engine_.Holds(1, "netns.tcp_syncookies == 1"), std::nullopt);  // gone
}

TEST_F(NetnsEngineTest, MoreConditionsThanAreKeptAreStillAnswered) {
  namespaces_[1];
  Scan();
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_EQ(engine_.Holds(1, absl::StrCat("netns.tcp_syncookies == ", i)), i == 1) << i;
  }
}

FollowRequest Order(uint64_t cookie, double applied) {
  FollowRequest request;
  request.order_id = "o-1";
  request.netns_cookie = cookie;
  request.applied = At(applied);
  return request;
}

TEST_F(NetnsEngineTest, FollowedNamespaceIsMeasuredWhateverTheSignaturesSay) {
  AddFlooded();
  ScanUntil(14);
  engine_.Follow(Order(1, 14.2));
  // The remedy: cookies absorb what was dropped.
  netns().values["net.ipv4.tcp_syncookies"] = 1;
  netns().per_second = {{"TcpExtSyncookiesSent", 1'900}};
  const v1::Verification at_the_change = *engine_.MeasuredOf("o-1");
  EXPECT_EQ(at_the_change.order_id(), "o-1");
  EXPECT_EQ(at_the_change.before().start().seconds(), 1'700'000'004);
  EXPECT_EQ(at_the_change.before().end().seconds(), 1'700'000'014);
  const std::map<std::string, std::string> before = {{"syncookies_sent_per_s", "0"},
                                                     {"syncookies_recv_ratio", "?"},
                                                     {"syn_recv_sockets", "128"},
                                                     {"listen_drops_per_s", "1900"},
                                                     {"syn_drops_per_s", "1900"}};
  EXPECT_EQ(Values(at_the_change.before().values()), before);

  ScanUntil(20);
  EXPECT_FALSE(engine_.MeasuredOf("o-1")->has_after());  // 5 s to settle, then at least one
  ScanUntil(21);
  EXPECT_EQ(engine_.MeasuredOf("o-1")->after().start().seconds(), 1'700'000'020);
  netns().HalfOpen(3, 8'443);
  ASSERT_THAT(ScanUntil(60).findings, IsEmpty());
  EXPECT_EQ(asked_[1], Listeners::kStates);
  const v1::Verification measured = *engine_.MeasuredOf("o-1");
  EXPECT_EQ(Values(measured.before().values()), before);
  EXPECT_EQ(measured.after().start().seconds(), 1'700'000'050);
  EXPECT_EQ(measured.after().end().seconds(), 1'700'000'060);
  const std::map<std::string, std::string> after = {{"syncookies_sent_per_s", "1900"},
                                                    {"syncookies_recv_ratio", "0"},
                                                    {"syn_recv_sockets", "131"},
                                                    {"listen_drops_per_s", "0"},
                                                    {"syn_drops_per_s", "0"}};
  EXPECT_EQ(Values(measured.after().values()), after);

  engine_.Unfollow("o-1");
  EXPECT_FALSE(engine_.MeasuredOf("o-1").has_value());
  Scan();
  EXPECT_EQ(asked_[1], 0u);
}

TEST_F(NetnsEngineTest, FollowedNamespaceThatIsNotReadIsAsItWasAndOneThatIsGoneHasNoAfter) {
  AddFlooded();
  ScanUntil(14);
  engine_.Follow(Order(1, 14));
  ScanUntil(30);
  const std::string measured = engine_.MeasuredOf("o-1")->ShortDebugString();
  counters_fail_in_ = {1};
  ScanUntil(35);
  EXPECT_EQ(engine_.MeasuredOf("o-1")->ShortDebugString(), measured);
  namespaces_.clear();
  Scan();
  EXPECT_TRUE(engine_.MeasuredOf("o-1")->has_before());
  EXPECT_FALSE(engine_.MeasuredOf("o-1")->has_after());
}

TEST_F(NetnsEngineTest, NamespaceUnknownAtTheChangeIsMeasuredAfterIt) {
  engine_.Follow(Order(1, -30));  // the agent was restarted
  AddFlooded();
  ScanUntil(20);
  EXPECT_FALSE(engine_.MeasuredOf("o-1")->has_before());
  EXPECT_EQ(engine_.MeasuredOf("o-1")->after().start().seconds(), 1'700'000'010);
}

TEST_F(NetnsEngineTest, FollowingAgainChangesNothing) {
  AddFlooded();
  ScanUntil(14);
  engine_.Follow(Order(1, 14));
  ScanUntil(30);
  engine_.Follow(Order(2, 30));
  EXPECT_EQ(engine_.MeasuredOf("o-1")->before().end().seconds(), 1'700'000'014);
  Scan();
  EXPECT_EQ(asked_[1], Listeners::kStates);
}

}  // namespace
}  // namespace tcpmedic
