#include "diagnosis/compiled_signature.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "diagnosis/netns_schema.h"
#include "diagnosis/process_schema.h"
#include "tests/diagnosis/shipped_signature.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> MistakesOf(const v1::Signature& signature) {
  std::vector<Issue> issues;
  const auto compiled = CompileSignature(signature, &issues);
  EXPECT_EQ(compiled == nullptr, !issues.empty());
  std::vector<std::string> messages;
  for (const Issue& issue : issues) {
    EXPECT_THAT(issue.file, IsEmpty());
    messages.push_back(issue.message);
  }
  return messages;
}

TEST(CompileSignature, SplitsTheConditionByWhatDecidesIt) {
  const auto compiled = MustCompile(ShippedSignature("pinned-cwnd"));
  std::vector<std::string> parts;
  for (const Conjunct& conjunct : compiled->conjuncts) {
    const char* const basis[] = {"now", "lifetime", "window"};
    parts.push_back(basis[static_cast<int>(conjunct.basis)] + (": " + conjunct.expression.text()));
  }
  EXPECT_THAT(
      parts,
      ElementsAre("now: socket.state == \"established\"", "now: socket.cc == \"cubic\"",
                  "now: socket.path_rtt >= duration(\"40ms\")",
                  "lifetime: socket.data_segments >= 200", "window: socket.retrans_ratio >= 0.001",
                  "window: socket.retrans_ratio <= 0.15",
                  "window: socket.cwnd <= 3.0 * socket.loss_predicted_cwnd"));
  EXPECT_EQ(compiled->states, MaskOf(TcpState::kEstablished));
  EXPECT_EQ(compiled->window, absl::Seconds(5));
  EXPECT_EQ(compiled->hold_for, absl::Seconds(5));
  EXPECT_EQ(compiled->keep_firing_for, absl::Seconds(30));
}

TEST(CompileSignature, EvidenceIsListedOnceInTheOrderOfMention) {
  v1::Signature signature = ShippedSignature("pinned-cwnd");
  signature.set_sockets(
      "socket.rtt_var > duration(\"1ms\") && socket.cwnd < 9 && socket.rtt > duration(\"1ms\")");
  signature.clear_unless();
  signature.set_verdict("{{ group.count }} of {{ socket.mss }}, {{ socket.cwnd }}");
  const auto compiled = MustCompile(signature);
  std::vector<std::string> names;
  for (const int slot : compiled->evidence_slots) names.push_back(VerdictSchema().at(slot).name);
  EXPECT_THAT(names, ElementsAre("socket.rtt_var", "socket.cwnd", "socket.rtt", "group.count",
                                 "socket.mss"));
}

TEST(CompileSignature, EveryMistakeIsReportedUnderItsField) {
  v1::Signature signature = ShippedSignature("pinned-cwnd");
  signature.set_sockets("socket.cwmd < 10");
  signature.mutable_unless(0)->set_expression("socket.rwnd_limited_ratio");
  signature.set_when("socket.cwnd > 1");
  signature.clear_group_by();
  signature.add_group_by("socket.remote_pi");
  signature.add_group_by("socket.goodput_bps");
  signature.set_verdict("{{ socket.nothing }}");
  signature.mutable_for_()->set_seconds(-1);
  EXPECT_THAT(MistakesOf(signature),
              ElementsAre(HasSubstr("sockets: "), HasSubstr("unless.receiver-limited: "),
                          HasSubstr("group_by: unknown name 'socket.remote_pi'"),
                          HasSubstr("group_by: 'socket.goodput_bps' changes"), HasSubstr("when: "),
                          HasSubstr("verdict: "), "for: is negative"));
}

TEST(CompileSignature, GroupsAreNotKnownPerSocket) {
  v1::Signature signature = ShippedSignature("pinned-cwnd");
  signature.set_sockets("group.count > 1");
  EXPECT_THAT(MistakesOf(signature), ElementsAre(HasSubstr("sockets: ")));
}

TEST(CompileSignature, RatiosNeedAWindow) {
  v1::Signature signature = ShippedSignature("pinned-cwnd");
  signature.clear_window();
  EXPECT_THAT(MistakesOf(signature),
              ElementsAre("window: is not set, and socket.retrans_ratio is taken over it"));
}

TEST(CompileSignature, ConditionThatHoldsInNoStateIsAMistake) {
  v1::Signature signature = ShippedSignature("pinned-cwnd");
  signature.set_sockets("socket.state == \"ESTAB\"");
  EXPECT_THAT(MistakesOf(signature), ElementsAre("sockets: holds in no TCP state"));
}

TEST(CompileSignature, GroupingByNothingIsAMistake) {
  v1::Signature signature = ShippedSignature("pinned-cwnd");
  signature.clear_group_by();
  EXPECT_THAT(MistakesOf(signature), ElementsAre("group_by: names nothing"));
}

TEST(CompileSignature, LookAlikesAreNamedOnceAndBounded) {
  v1::Signature signature = ShippedSignature("pinned-cwnd");
  *signature.add_unless() = signature.unless(0);
  EXPECT_THAT(MistakesOf(signature), ElementsAre(HasSubstr("is named twice")));
  signature = ShippedSignature("pinned-cwnd");
  for (int i = 0; i < 64; ++i) {
    v1::NamedExpression* const look_alike = signature.add_unless();
    look_alike->set_name("look-alike-" + std::to_string(i));
    look_alike->set_expression("false");
  }
  EXPECT_THAT(MistakesOf(signature), ElementsAre("unless: has more than 64 look-alikes"));
}

v1::Signature ProcessSignature() {
  v1::Signature signature;
  signature.set_name("close-wait-leak");
  signature.set_subject(v1::SUBJECT_PROCESS);
  signature.set_sockets("socket.state == \"close-wait\" && socket.local_port != 22");
  signature.set_when(
      "process.rises >= 5 && process.rising_for >= duration(\"15s\") && process.closed == 0");
  v1::NamedExpression* const look_alike = signature.add_unless();
  look_alike->set_name("half-close-in-use");
  look_alike->set_expression("2 * process.still_sending >= process.sockets");
  signature.add_group_by("process");
  signature.add_group_by("listener");
  signature.mutable_window()->set_seconds(15);
  signature.set_verdict("{{ process.comm }} leaks {{ process.growth_per_min }} a minute");
  return signature;
}

TEST(CompileSignature, OfAProcessAsksTheKernelOnlyForTheStatesOfItsSockets) {
  const auto compiled = MustCompile(ProcessSignature());
  EXPECT_EQ(compiled->states, MaskOf(TcpState::kCloseWait));
  EXPECT_THAT(compiled->of_sockets, SizeIs(2));
  std::vector<std::string> conjuncts;
  for (const Conjunct& conjunct : compiled->conjuncts) {
    conjuncts.push_back(conjunct.expression.text());
  }
  EXPECT_THAT(conjuncts,
              ElementsAre("process.rises >= 5", "process.rising_for >= duration(\"15s\")",
                          "process.closed == 0"));
  std::vector<std::string> names;
  for (const int slot : compiled->evidence_slots) names.push_back(ProcessSchema().at(slot).name);
  EXPECT_THAT(names, ElementsAre("process.rises", "process.rising_for", "process.closed",
                                 "process.still_sending", "process.sockets", "process.comm",
                                 "process.growth_per_min"));
}

TEST(CompileSignature, OneSampleTakesItsOwnConditionAndVerdict) {
  v1::Signature signature = ProcessSignature();
  EXPECT_EQ(MustCompile(signature)->one_sample, nullptr);
  signature.mutable_one_sample()->set_when("process.sockets >= 1000");
  signature.mutable_one_sample()->set_verdict("{{ process.sockets }} at {{ process.listener }}");
  const auto compiled = MustCompile(signature);
  EXPECT_THAT(compiled->conjuncts, SizeIs(3));
  ASSERT_NE(compiled->one_sample, nullptr);
  ASSERT_THAT(compiled->one_sample->conjuncts, SizeIs(1));
  EXPECT_EQ(compiled->one_sample->conjuncts[0].expression.text(), "process.sockets >= 1000");
  std::vector<std::string> names;
  for (const int slot : compiled->one_sample->evidence_slots) {
    names.push_back(ProcessSchema().at(slot).name);
  }
  EXPECT_THAT(names, ElementsAre("process.sockets", "process.still_sending", "process.listener"));
}

TEST(CompileSignature, OneSampleCannotAskForATrend) {
  v1::Signature signature = ProcessSignature();
  signature.mutable_one_sample()->set_when("process.rises >= 5");
  EXPECT_THAT(MistakesOf(signature), ElementsAre("one_sample.when: process.rises is taken over a "
                                                 "window, and there is none"));
  signature = ShippedSignature("pinned-cwnd");
  signature.mutable_one_sample()->set_when("group.count > 1");
  EXPECT_THAT(MistakesOf(signature), ElementsAre("one_sample.when: is for subject process"));
}

v1::Signature ConnectionSignature() {
  v1::Signature signature;
  signature.set_name("handshake-refused");
  signature.set_subject(v1::SUBJECT_CONNECTION);
  signature.set_when("connection.outcome == \"refused\"");
  signature.add_group_by("connection.server");
  signature.set_verdict("{{ connection.server }} refused {{ group.count }}");
  return signature;
}

TEST(CompileSignature, OfAConnectionHasOneConditionAndGroupsByItsAttributes) {
  const auto compiled = MustCompile(ConnectionSignature());
  EXPECT_THAT(compiled->conjuncts, SizeIs(1));
  EXPECT_EQ(compiled->states, 0u);
  v1::Signature signature = ConnectionSignature();
  signature.set_sockets("true");
  signature.clear_when();
  signature.set_group_by(0, "connection.serve");
  EXPECT_THAT(MistakesOf(signature),
              ElementsAre("sockets: is not for subject connection", "when: is missing",
                          "group_by: unknown name 'connection.serve'"));
}

TEST(CompileSignature, OfAProcessGroupsByProcessAndListenerAndNothingElse) {
  v1::Signature signature = ProcessSignature();
  signature.set_group_by(1, "socket.remote_ip");
  EXPECT_THAT(MistakesOf(signature),
              ElementsAre("group_by: of subject process can only be the process and the listener"));
}

TEST(CompileSignature, OfAProcessNeedsSocketsWhenAndAWindow) {
  v1::Signature signature = ProcessSignature();
  signature.clear_sockets();
  signature.clear_when();
  signature.clear_window();
  EXPECT_THAT(MistakesOf(signature), ElementsAre("sockets: is missing", "when: is missing"));
  signature = ProcessSignature();
  signature.clear_window();
  EXPECT_THAT(MistakesOf(signature),
              ElementsAre("window: is not set, and sockets are counted five times in it"));
  signature = ProcessSignature();
  signature.set_sockets("socket.goodput_bps == 0.0");
  EXPECT_THAT(MistakesOf(signature), ElementsAre("sockets: socket.goodput_bps needs a window, and "
                                                 "one sample has to decide here"));
  signature = ProcessSignature();
  signature.set_when("socket.cwnd > 1");
  EXPECT_THAT(MistakesOf(signature), ElementsAre(HasSubstr("when: ")));
}

TEST(CompileSignature, NoSubjectIsAMistake) {
  v1::Signature signature = ProcessSignature();
  signature.clear_subject();
  EXPECT_THAT(MistakesOf(signature), ElementsAre("subject: is not set"));
}

v1::Signature NetnsSignature() {
  v1::Signature signature;
  signature.set_name("syn-queue-full");
  signature.set_subject(v1::SUBJECT_NETNS);
  signature.set_when(
      "netns.tcp_syncookies == 0 && netns.syn_drops > 0 && "
      "double(listener.syn_recv_sockets) >= 0.7 * double(listener.syn_queue_limit)");
  v1::NamedExpression* const look_alike = signature.add_unless();
  look_alike->set_name("accept-queue-overflow");
  look_alike->set_expression("netns.listen_overflows > 0");
  signature.add_group_by("netns");
  signature.mutable_window()->set_seconds(5);
  signature.set_verdict("{{ listener.address }} drops {{ netns.syn_drops_per_s }} SYNs a second");
  return signature;
}

TEST(CompileSignature, OfANamespaceKnowsWhatCountersAloneDecide) {
  const auto compiled = MustCompile(NetnsSignature());
  std::vector<std::string> parts;
  for (const Conjunct& conjunct : compiled->conjuncts) {
    parts.push_back((conjunct.needs_dump ? "dump: " : "counters: ") + conjunct.expression.text());
  }
  EXPECT_THAT(parts,
              ElementsAre("counters: netns.tcp_syncookies == 0", "counters: netns.syn_drops > 0",
                          "dump: double(listener.syn_recv_sockets) >= "
                          "0.7 * double(listener.syn_queue_limit)"));
  EXPECT_EQ(compiled->conjuncts[0].basis, Basis::kNow);
  EXPECT_EQ(compiled->conjuncts[1].basis, Basis::kWindow);
  std::vector<std::string> names;
  for (const int slot : compiled->evidence_slots) names.push_back(NetnsSchema().at(slot).name);
  EXPECT_THAT(names,
              ElementsAre("netns.tcp_syncookies", "netns.syn_drops", "listener.syn_recv_sockets",
                          "listener.syn_queue_limit", "netns.listen_overflows", "listener.address",
                          "netns.syn_drops_per_s"));
  EXPECT_EQ(compiled->states, 0u);
}

TEST(CompileSignature, OfANamespaceReportsEveryMistakeUnderItsField) {
  v1::Signature signature = NetnsSignature();
  signature.set_sockets("socket.state == \"established\"");
  signature.set_when("netns.syncookies_send > 1");
  signature.mutable_unless(0)->set_expression("socket.cwnd > 1");
  signature.add_group_by("listener.local_port");
  signature.set_verdict("{{ group.count }}");
  EXPECT_THAT(
      MistakesOf(signature),
      ElementsAre("sockets: is not for subject netns", HasSubstr("when: "),
                  HasSubstr("unless.accept-queue-overflow: "),
                  "group_by: of subject netns can only be the namespace", HasSubstr("verdict: ")));
  signature = NetnsSignature();
  signature.clear_when();
  signature.clear_group_by();
  EXPECT_THAT(
      MistakesOf(signature),
      ElementsAre("when: is missing", "group_by: of subject netns can only be the namespace"));
  signature = NetnsSignature();
  signature.clear_window();
  EXPECT_THAT(MistakesOf(signature),
              ElementsAre("window: is not set, and netns.syn_drops is taken over it"));
}

}  // namespace
}  // namespace tcpmedic
