#include "proto/words.h"

#include <gtest/gtest.h>

#include "tcpmedic/v1/finding.pb.h"
#include "tcpmedic/v1/incident.pb.h"

namespace tcpmedic {
namespace {

TEST(Words, AnEnumValueIsItsNameWithoutItsType) {
  EXPECT_EQ(Name(v1::SEVERITY_WARNING), "warning");
  EXPECT_EQ(Name(v1::CONFIDENCE_CERTAIN), "certain");
  EXPECT_EQ(Name(v1::Incident::OUTCOME_REJECTED), "rejected");
  EXPECT_EQ(Name(v1::Proposal::STATE_VOID), "void");
  EXPECT_EQ(Name(v1::Order::STATE_ROLLED_BACK), "rolled_back");
  EXPECT_EQ(Name(v1::SetCongestionControl::SCOPE_SOCKETS), "sockets");
}

TEST(Words, AnUnspecifiedOrNewerValueIsWhatTheCallerSays) {
  EXPECT_EQ(Name(v1::SEVERITY_UNSPECIFIED), "");
  EXPECT_EQ(Name(v1::SEVERITY_UNSPECIFIED, "unrated"), "unrated");
  EXPECT_EQ(Name(static_cast<v1::Severity>(99), "unrated"), "unrated");
}

TEST(Words, ActionsAreSentences) {
  const auto words = [](auto set) {
    v1::Action action;
    set(&action);
    return Words(action);
  };
  EXPECT_EQ(words([](auto* a) { a->mutable_set_congestion_control()->set_algorithm("bbr"); }),
            "set congestion control bbr");
  EXPECT_EQ(words([](auto* a) {
              for (const char* name : {"net.ipv4.tcp_sack", "net.ipv4.tcp_dsack"}) {
                auto* setting = a->mutable_set_sysctl()->add_settings();
                setting->set_name(name);
                setting->set_value("1");
              }
            }),
            "set net.ipv4.tcp_sack = 1, net.ipv4.tcp_dsack = 1");
  EXPECT_EQ(words([](auto* a) { a->mutable_sample_call_sites(); }), "sample call sites");
  EXPECT_EQ(words([](auto* a) {
              a->mutable_raise_alert()->add_receivers("oncall");
              a->mutable_raise_alert()->add_receivers("chat");
            }),
            "alert oncall, chat");
  EXPECT_EQ(words([](auto* a) { a->mutable_note()->set_text("a busy link"); }),
            "note: a busy link");
  EXPECT_EQ(words([](auto*) {}), "nothing");
}

}  // namespace
}  // namespace tcpmedic
