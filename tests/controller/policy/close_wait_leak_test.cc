// What people read about a leak: the shipped signature's verdict, which is the product.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "controller/policy/cases.h"
#include "controller/policy/policy_set.h"
#include "controller/policy/process_script.h"
#include "diagnosis/engine.h"
#include "diagnosis/signature.h"

namespace tcpmedic {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

// What one case's `process` reads as, 40 s after its start.
v1::Finding FindingOf(const std::string& process) {
  std::vector<Issue> issues;
  const auto cases = ParseCases({{"cases/c.yaml",
                                  "apiVersion: tcpmedic/v1\nkind: Cases\nmetadata: {name: c}\n"
                                  "spec:\n  signature: close-wait-leak\n  process:\n    " +
                                      process + "\n  cases: [{name: c, expect: {finding: none}}]"}},
                                &issues);
  EXPECT_TRUE(cases.has_value()) << Format(issues);
  const ProcessScript& script = *cases->at(0).process;
  const auto set = LoadPolicyDirectory(TCPMEDIC_SOURCE_DIR "/policies", &issues);
  EXPECT_TRUE(set.ok()) << Format(issues);
  std::vector<std::shared_ptr<const CompiledSignature>> compiled;
  for (const v1::Signature& signature : set->signatures.signatures()) {
    if (signature.name() != "close-wait-leak") continue;
    compiled.push_back(CompileSignature(signature, &issues));
  }
  Engine engine;
  engine.SetSignatures(compiled, "r1");
  ScriptedHolders holders(&script);
  v1::NetworkNamespace netns;
  netns.set_cookie(1);
  Engine::Result result;
  for (absl::Duration at; at <= absl::Seconds(40); at += absl::Seconds(1)) {
    engine.BeginScan({absl::FromUnixSeconds(1'700'000'000) + at, absl::Hours(1) + at});
    engine.ObserveNamespace(netns, nullptr);
    engine.BeginNamespace(1);
    for (const SocketSample& socket : script.SocketsAt(at, 1)) engine.Observe(socket);
    engine.EndNamespace(/*complete=*/true);
    holders.SetTime(at);
    result = engine.EndScan(&holders);
  }
  EXPECT_THAT(result.findings, SizeIs(1));
  return result.findings.empty() ? v1::Finding() : result.findings[0];
}

// 50 a second, and 1 MiB.
std::string Leak(const std::string& more = "") {
  return "{comm: server, listener: '0.0.0.0:8080', opened: 0 +50/s, fds: 20 +50/s, fd_limit: "
         "20000, "
         "rss_bytes: 41943040 +1048576/s, peers: 2" +
         more + "}";
}

TEST(CloseWaitLeak, SaysWhoWhereSinceWhenHowFastWhichBugAndHowLong) {
  const v1::Finding finding = FindingOf(Leak());
  // 50 a second come, and one counts when it has been there for 3 s, a fifth of the window. Of
  // 20000 descriptors 20 + 40 × 50 are open: 17980 ÷ 3000 a minute are 5.99 minutes. 1 MiB a second
  // is 60 a minute, from 40 MiB.
  EXPECT_EQ(finding.verdict(),
            "server (pid 812) does not close what its peers have closed, at 0.0.0.0:8080: 1865 "
            "connections in CLOSE-WAIT, the oldest for 40 s. In the last 39 s they became 1865 "
            "more, 2869 a minute, and none was closed. The program has read the end of file on "
            "them (Recv-Q is 0 on 1865) and dropped them: read() returned 0, and that path does "
            "not reach close(). It has 2020 of 20000 descriptors, and none left in 5 min 59 s; "
            "its memory is 80.0 MiB, 60.0 MiB more a minute. Peers: 203.0.113.21 50 %, "
            "203.0.113.20 50 %.");
  EXPECT_THAT(finding.advice(), HasSubstr("read() == 0 must reach close() on every path"));
  EXPECT_THAT(finding.advice(), HasSubstr("the pool must poll its idle connections"));
}

TEST(CloseWaitLeak, TellsAnEndOfFileThatWasNeverReadFromOneThatWas) {
  EXPECT_THAT(FindingOf(Leak(", unread: 100%")).verdict(),
              AllOf(HasSubstr("The program has not read the end of file on them (Recv-Q is 1 or "
                              "more on 1865): its handler is stuck, or its pool never looks at "
                              "idle connections."),
                    Not(HasSubstr("read() returned 0"))));
}

TEST(CloseWaitLeak, TwoPathsThatLeakAreTwo) {
  EXPECT_THAT(FindingOf(Leak(", unread: 40%")).verdict(),
              HasSubstr("On 1119 the program has read the end of file and does not reach close(); "
                        "on 746 it has not even read it: two paths leak."));
}

TEST(CloseWaitLeak, ForecastsTheMemoryLimitWhereThereIsOne) {
  // 512 MiB less 80, at 60 a minute: 7.2 minutes.
  EXPECT_THAT(FindingOf(Leak(", memory_limit_bytes: 536870912")).verdict(),
              HasSubstr("60.0 MiB more a minute, and its limit of 512 MiB is reached in 432s."));
}

TEST(CloseWaitLeak, IsCompleteWhereTheProcessCannotBeRead) {
  const std::string verdict =
      FindingOf("{listener: '0.0.0.0:8080', opened: 0 +50/s, comm: server}").verdict();
  EXPECT_THAT(verdict, StartsWith("server (pid 812) does not close"));
  EXPECT_THAT(verdict,
              HasSubstr("It has (not known) of (not known) descriptors; its memory is (not "
                        "known). Peers: "));
}

TEST(CloseWaitLeak, OfAClientNamesWhomItForgot) {
  const v1::Finding finding =
      FindingOf("{upstream: '10.0.0.7:5432', opened: 0 +50/s, unread: 100%}");
  EXPECT_THAT(finding.verdict(), HasSubstr("at upstream 10.0.0.7:5432: "));
  EXPECT_THAT(finding.verdict(), HasSubstr("Peers: 10.0.0.7 100 %."));
}

}  // namespace
}  // namespace tcpmedic
