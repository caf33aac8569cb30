#include "scan/scanner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/scan/fake_sockets.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FakeCounters : public CounterSource {
 public:
  absl::Status Read(CounterSample* sample) override {
    *sample = values;
    return absl::OkStatus();
  }
  CounterSample values;
};

CounterSample Counters(int64_t established, int64_t in_use, int64_t time_wait) {
  CounterSample counters;
  counters.Set("TcpCurrEstab", established);
  counters.Set("SockstatTcpInuse", in_use);
  counters.Set("SockstatTcp6Inuse", 0);
  counters.Set("SockstatTcpTw", time_wait);
  return counters;
}

CompiledSet EstablishedSignature() { return SignatureOf("socket.state == \"established\""); }

class ScannerTest : public ::testing::Test {
 protected:
  ScannerTest() : scanner_({}) {}

  // Long enough for any window; the last report.
  v1::Report ScanFor(absl::Duration time, const std::vector<ObservedNamespace>& namespaces) {
    v1::Report report;
    for (absl::Duration t; t <= time; t += absl::Seconds(1)) {
      report = scanner_.Scan(namespaces, clock_.Now(), {});
      clock_.Advance(absl::Seconds(1));
    }
    return report;
  }

  SimulatedClock clock_{absl::FromUnixSeconds(1'750'000'000)};
  Scanner scanner_;
  FakeSockets sockets_{7};
  FakeCounters counters_;
};

TEST_F(ScannerTest, FindingReachesTheReportWithItsPlace) {
  scanner_.SetSignatures(EstablishedSignature());
  sockets_.AddEstablished(100);
  counters_.values = Counters(1, 1, 0);
  const v1::Report report = ScanFor(absl::Seconds(3), {Netns(7, &sockets_, &counters_)});

  EXPECT_EQ(report.sequence(), 4u);
  EXPECT_EQ(report.at().seconds(), 1'750'000'003);
  EXPECT_EQ(report.signatures_digest(), "d1");
  ASSERT_EQ(report.findings_size(), 1);
  EXPECT_EQ(report.findings(0).signature(), "a-signature");
  EXPECT_EQ(report.findings(0).netns().ShortDebugString(),
            "cookie: 7 inode: 4026531847 name: \"netns 7\"");
  EXPECT_EQ(report.stats().namespaces(), 1);
  EXPECT_EQ(report.stats().sockets(), 1);
  EXPECT_EQ(report.stats().interrupted_dumps(), 8);
  EXPECT_EQ(report.stats().malformed_messages(), 4);
  EXPECT_THAT(report.stats().degraded(), IsEmpty());
}

TEST_F(ScannerTest, NothingIsDumpedWithoutSignatures) {
  sockets_.AddEstablished(100);
  const v1::Report report = ScanFor(absl::Seconds(1), {Netns(7, &sockets_, nullptr)});
  EXPECT_EQ(sockets_.dumps, 0);
  EXPECT_EQ(report.stats().namespaces(), 1);
}

TEST_F(ScannerTest, OnlyTheStatesThatASignatureWantsAreAskedFor) {
  scanner_.SetSignatures(EstablishedSignature());
  ScanFor(absl::ZeroDuration(), {Netns(7, &sockets_, nullptr)});
  EXPECT_EQ(sockets_.states_asked, MaskOf(TcpState::kEstablished));
}

TEST_F(ScannerTest, NamespaceWithoutSuchSocketsIsNotDumped) {
  scanner_.SetSignatures(EstablishedSignature());
  counters_.values = Counters(/*established=*/0, /*in_use=*/3, /*time_wait=*/9);
  ScanFor(absl::ZeroDuration(), {Netns(7, &sockets_, &counters_)});
  EXPECT_EQ(sockets_.dumps, 0);
  counters_.values.Set("TcpCurrEstab", 1);
  ScanFor(absl::ZeroDuration(), {Netns(7, &sockets_, &counters_)});
  EXPECT_EQ(sockets_.dumps, 1);
}

// Of a namespace: SYNs are dropped, and a listener is half full.
CompiledSet SynDropsSignature() {
  return SignatureOf([](v1::Signature* signature) {
    signature->set_subject(v1::SUBJECT_NETNS);
    signature->clear_sockets();
    signature->set_when("netns.syn_drops > 0 && listener.syn_recv_sockets >= 2");
  });
}

TEST_F(ScannerTest, ListenersAreDumpedOnlyWhereTheCountersSaySo) {
  scanner_.SetSignatures(SynDropsSignature());
  sockets_.AddListener(1, 443);
  sockets_.AddHalfOpen(2, 443);
  sockets_.AddHalfOpen(3, 443);
  counters_.values = Counters(0, 1, 0);
  counters_.values.Set("TcpExtListenOverflows", 0);
  counters_.values.Set("TcpExtListenDrops", 0);
  FakeSockets quiet_sockets(8);
  FakeCounters quiet_counters;
  quiet_counters.values = counters_.values;
  const std::vector<ObservedNamespace> namespaces = {Netns(8, &quiet_sockets, &quiet_counters),
                                                     Netns(7, &sockets_, &counters_)};
  ScanFor(absl::Seconds(3), namespaces);
  EXPECT_EQ(sockets_.dumps, 0);

  counters_.values.Set("TcpExtListenDrops", 9);
  const v1::Report report = ScanFor(absl::ZeroDuration(), namespaces);
  EXPECT_EQ(sockets_.dumps, 1);
  EXPECT_EQ(sockets_.states_asked, MaskOf(TcpState::kListen) | MaskOf(TcpState::kSynRecv));
  EXPECT_EQ(quiet_sockets.dumps, 0);
  ASSERT_EQ(report.findings_size(), 1);
  EXPECT_EQ(report.findings(0).netns().cookie(), 7u);
  EXPECT_EQ(report.findings(0).exemplar().local().port(), 443u);
  EXPECT_EQ(report.stats().sockets(), 3);
}

TEST_F(ScannerTest, NamespaceWhoseListenersCannotBeDumpedIsSaid) {
  scanner_.SetSignatures(SynDropsSignature());
  counters_.values = Counters(0, 1, 0);
  counters_.values.Set("TcpExtListenOverflows", 0);
  counters_.values.Set("TcpExtListenDrops", 0);
  sockets_.status = absl::UnavailableError("sock_diag: recvmsg: EAGAIN");
  const std::vector<ObservedNamespace> namespaces = {Netns(7, &sockets_, &counters_)};
  EXPECT_THAT(ScanFor(absl::Seconds(1), namespaces).stats().degraded(), IsEmpty());
  counters_.values.Set("TcpExtListenDrops", 9);
  EXPECT_THAT(ScanFor(absl::ZeroDuration(), namespaces).stats().degraded(),
              ElementsAre("sockets are not seen in netns 7: sock_diag: recvmsg: EAGAIN"));
}

TEST_F(ScannerTest, CountersAreReadWithoutSignaturesForWhatIsAskedOfANamespace) {
  counters_.values = Counters(0, 1, 0);
  counters_.values.Set("net.ipv4.tcp_syncookies", 1);
  ScanFor(absl::ZeroDuration(), {Netns(7, &sockets_, &counters_)});
  EXPECT_EQ(scanner_.engine()->Holds(7, "netns.tcp_syncookies == 1"), true);
  ScanFor(absl::ZeroDuration(), {Netns(7, &sockets_, nullptr)});
  EXPECT_EQ(scanner_.engine()->Holds(7, "netns.tcp_syncookies == 1"), std::nullopt);
}

TEST_F(ScannerTest, FindingSurvivesADumpThatFailedAndItIsSaid) {
  scanner_.SetSignatures(EstablishedSignature());
  sockets_.AddEstablished(100);
  ASSERT_EQ(ScanFor(absl::Seconds(3), {Netns(7, &sockets_, nullptr)}).findings_size(), 1);
  sockets_.status = absl::UnavailableError("sock_diag: recvmsg: EAGAIN");
  const v1::Report report = ScanFor(absl::ZeroDuration(), {Netns(7, &sockets_, nullptr)});
  EXPECT_EQ(report.findings_size(), 1);
  EXPECT_THAT(report.stats().degraded(),
              ElementsAre("sockets are not seen in netns 7: sock_diag: recvmsg: EAGAIN"));
}

TEST_F(ScannerTest, NamespacesThatCannotBeEnteredAreSaidInOneSentence) {
  std::vector<ObservedNamespace> namespaces;
  for (uint64_t cookie = 1; cookie <= 5; ++cookie) {
    namespaces.push_back(Netns(cookie, nullptr, nullptr));
    namespaces.back().problem = "setns: EPERM (needs CAP_SYS_ADMIN)";
  }
  EXPECT_THAT(scanner_.Scan(namespaces, clock_.Now(), {"known before"}).stats().degraded(),
              ElementsAre("known before",
                          "sockets are not seen in netns 1, netns 2, netns 3 and 2 more: setns: "
                          "EPERM (needs CAP_SYS_ADMIN)"));
}

TEST_F(ScannerTest, ReportOverItsBoundSaysHowManyFindingsAreMissing) {
  Scanner small({.max_report_bytes = 1});
  small.SetSignatures(EstablishedSignature());
  sockets_.AddEstablished(100);
  v1::Report report;
  for (int i = 0; i < 4; ++i) {
    const std::vector<ObservedNamespace> namespaces = {Netns(7, &sockets_, nullptr)};
    report = small.Scan(namespaces, clock_.Now(), {});
    clock_.Advance(absl::Seconds(1));
  }
  EXPECT_EQ(report.findings_size(), 0);
  EXPECT_EQ(report.findings_omitted(), 1);
}

TEST(MayHoldSocketsTest, CountersDecideOnlyWhereTheyCan) {
  const TcpStateMask established = MaskOf(TcpState::kEstablished);
  const TcpStateMask close_wait = MaskOf(TcpState::kCloseWait);
  CounterSample no_ipv6 = Counters(0, 0, 0);
  no_ipv6.Clear();
  no_ipv6.Set("SockstatTcpInuse", 0);
  const struct {
    const char* name;
    CounterSample counters;
    TcpStateMask states;
    bool expected;
  } cases[] = {
      {"nothing wanted", Counters(1, 1, 1), 0, false},
      {"no counters", CounterSample(), established, true},
      {"some counters missing", no_ipv6, established, true},
      {"established", Counters(1, 1, 0), established, true},
      {"listeners only", Counters(0, 5, 0), established, false},
      {"listeners, where CLOSE-WAIT is wanted", Counters(0, 5, 0), close_wait, true},
      {"empty namespace", Counters(0, 0, 0), close_wait, false},
      {"TIME-WAIT only", Counters(0, 0, 3), kAllTcpStates, true},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(MayHoldSockets(c.counters, c.states), c.expected) << c.name;
  }
}

}  // namespace
}  // namespace tcpmedic
