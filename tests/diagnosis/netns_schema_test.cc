#include "diagnosis/netns_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/expr/template.h"
#include "tests/diagnosis/scripted_netns.h"
#include "tests/diagnosis/synthetic.h"

namespace tcpmedic {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Every attribute by name, as text.
std::map<std::string, std::string> Values(const NetnsReading& reading) {
  std::map<std::string, std::string> values;
  const NetnsActivation activation(reading);
  for (int slot = 0; slot < NetnsSchema().size(); ++slot) {
    values[NetnsSchema().at(slot).name] = expr::ToText(activation.Get(slot));
  }
  return values;
}

TEST(NetnsSchema, EveryAttributeIsReadFromWhereItSays) {
  ScriptedNetns before, after;
  before.values["net.ipv4.tcp_syncookies"] = after.values["net.ipv4.tcp_syncookies"] = 0;
  const std::map<std::string, int64_t> increases = {
      {"TcpExtSyncookiesSent", 4'000}, {"TcpExtSyncookiesRecv", 30},
      {"TcpExtSyncookiesFailed", 7},   {"TcpExtTCPReqQFullDoCookies", 3'900},
      {"TcpExtTCPReqQFullDrop", 11},   {"TcpExtListenOverflows", 100},
      {"TcpExtListenDrops", 1'100},    {"TcpPassiveOpens", 90},
  };
  for (const auto& [name, increase] : increases) after.values[name] += increase;
  const NetnsPoint newest = PointOf(after.Counters(), At(5));
  const NetnsDelta window = Between(PointOf(before.Counters(), At(0)), newest);
  after.Listen(443, 4'096, 1'024);
  after.HalfOpen(1'000);
  Listeners listeners;
  for (const SocketSample& socket : after.sockets) listeners.Add(socket);
  const ListenersSeen seen = listeners.Count(&newest);

  const std::map<std::string, std::string> expected = {
      {"netns.syncookies_sent", "4000"},
      {"netns.syncookies_recv", "30"},
      {"netns.syncookies_failed", "7"},
      {"netns.syncookies_recv_ratio", "0.0075"},
      {"netns.reqq_full_do_cookies", "3900"},
      {"netns.reqq_full_drops", "11"},
      {"netns.listen_overflows", "100"},
      {"netns.listen_drops", "1100"},
      {"netns.syn_drops", "1000"},
      {"netns.syncookies_sent_per_s", "800"},
      {"netns.listen_drops_per_s", "220"},
      {"netns.syn_drops_per_s", "200"},
      {"netns.passive_opens_per_s", "18"},
      {"netns.counted_since", "(not known)"},
      {"netns.tcp_syncookies", "0"},
      {"netns.tcp_max_syn_backlog", "2048"},
      {"netns.somaxconn", "4096"},
      {"netns.syn_recv_sockets", "1000"},
      {"listener.address", "0.0.0.0:443"},
      {"listener.local_ip", "0.0.0.0"},
      {"listener.local_port", "443"},
      {"listener.backlog", "4096"},
      {"listener.accept_queue", "1024"},
      {"listener.accept_queue_ratio", "0.25"},
      {"listener.syn_recv_sockets", "1000"},
      {"listener.syn_queue_limit", "1536"},
      {"listener.sources", "1000"},
      {"listener.top_sources", "198.18.0.0/16 50 %, 198.19.0.0/16 50 %"},
  };
  EXPECT_EQ(Values({&newest, &window, &seen}), expected);
}

TEST(NetnsSchema, WhatIsNotThereIsUnknown) {
  for (const auto& [name, value] : Values({})) EXPECT_EQ(value, "(not known)") << name;
  // Nothing was sent, nobody listens.
  const NetnsPoint point = PointOf(ScriptedNetns().Counters(), At(0));
  const NetnsDelta window = Between(point, point);
  const ListenersSeen nobody;
  const auto values = Values({&point, &window, &nobody});
  EXPECT_EQ(values.at("netns.syncookies_recv_ratio"), "(not known)");
  EXPECT_EQ(values.at("netns.syn_recv_sockets"), "0");
  EXPECT_EQ(values.at("listener.backlog"), "(not known)");
}

TEST(NetnsSchema, OnlyWhatADumpShowsNeedsOne) {
  const NetnsPoint newest = PointOf(ScriptedNetns().Counters(), At(5));
  NetnsDelta window = Between(newest, newest);
  window.span = absl::Seconds(5);
  window.increases[static_cast<size_t>(NetnsCounter::kSyncookiesSent)] = 1;
  const auto values = Values({&newest, &window, nullptr});
  for (const NetnsAttribute& attribute : NetnsAttributes()) {
    if (attribute.name == "netns.counted_since") continue;  // of one sample
    EXPECT_EQ(values.at(std::string(attribute.name)) == "(not known)", attribute.needs_dump)
        << attribute.name;
  }
}

TEST(NetnsSchema, OneSampleSaysSinceWhenItsCountersCount) {
  const NetnsPoint point = PointOf(ScriptedNetns().Counters(), At(0));
  const NetnsDelta boot = OverOneReading(point, CountedOver::kLifetime);
  EXPECT_EQ(Values({&point, &boot, nullptr}).at("netns.counted_since"), "boot");
  const NetnsDelta last_run = OverOneReading(point, CountedOver::kLastRead);
  EXPECT_EQ(Values({&point, &last_run, nullptr}).at("netns.counted_since"), "nstat's last run");
}

TEST(NetnsSchema, HalfOpenConnectionsThatWereNotShownAreUnknown) {
  ScriptedNetns netns;
  netns.Listen(443, 128);
  netns.HalfOpen(5);
  Listeners listeners;
  for (const SocketSample& socket : netns.sockets) listeners.Add(socket);
  ListenersSeen seen = listeners.Count(nullptr);
  seen.half_open_listed = false;
  auto values = Values({nullptr, nullptr, &seen});
  EXPECT_EQ(values.at("listener.syn_recv_sockets"), "5");
  EXPECT_EQ(values.at("listener.sources"), "(not known)");
  EXPECT_EQ(values.at("listener.top_sources"), "(not known)");
  seen.half_open_counted = false;
  values = Values({nullptr, nullptr, &seen});
  EXPECT_EQ(values.at("netns.syn_recv_sockets"), "(not known)");
  EXPECT_EQ(values.at("listener.syn_recv_sockets"), "(not known)");
  EXPECT_EQ(values.at("listener.backlog"), "128");
}

TEST(NetnsSchema, EvidenceSaysOverWhatAndWhereFrom) {
  NetnsDelta window;
  window.span = absl::Milliseconds(5'210);
  window.increases[static_cast<size_t>(NetnsCounter::kSyncookiesSent)] = 521;
  const int slot = *NetnsSchema().Find("netns.syncookies_sent_per_s");
  EXPECT_EQ(MakeEvidence(slot, {nullptr, &window, nullptr}).ShortDebugString(),
            "name: \"netns.syncookies_sent_per_s\" value { double_value: 100 } unit: \"/s\" basis: "
            "\"window 5.2s\" source: \"TcpExtSyncookiesSent\"");
  EXPECT_EQ(MakeEvidence(slot, {}).basis(), "window not full");
  EXPECT_FALSE(MakeEvidence(slot, {}).has_value());
  EXPECT_EQ(MakeEvidence(*NetnsSchema().Find("netns.tcp_syncookies"), {}).basis(), "now");
}

TEST(NetnsCondition, IsAboutTheNamespaceAlone) {
  std::vector<Issue> issues;
  EXPECT_TRUE(CompileNetnsCondition(
                  "netns.syncookies_sent_per_s > 1.0 || netns.syn_recv_sockets > 50", &issues)
                  .has_value());
  EXPECT_THAT(issues, IsEmpty());
  EXPECT_FALSE(CompileNetnsCondition("listener.backlog > 1", &issues).has_value());
  ASSERT_THAT(issues, SizeIs(1));
  EXPECT_THAT(issues[0].message, HasSubstr("listener.backlog"));
  EXPECT_EQ(issues[0].position.column, 1);
  EXPECT_FALSE(CompileNetnsCondition("netns.syncookies_sent", &issues).has_value());
}

}  // namespace
}  // namespace tcpmedic
