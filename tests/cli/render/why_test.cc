#include "cli/render/why.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/examples.h"
#include "tests/cli/golden.h"

namespace tcpmedic::cli {
namespace {

TEST(Why, SaysHowFarTheSocketsCame) { ExpectGolden("why.txt", RenderWhy(TwoHosts(), kNow, {})); }

TEST(Why, ASignatureOfNamespacesCountsNamespaces) {
  EXPECT_EQ(RenderActivity(FromText<v1::SignatureActivity>(R"pb(
                             signature: "syn-flood-unprotected"
                             subject: SUBJECT_NETNS
                             sockets_seen: 3
                             suspects: 1
                             stops {
                               at: "netns.syn_drops > 0"
                               sockets: 2
                               example: "netns of pid 812 (nginx): netns.syn_drops = 0"
                             })pb"),
                           "web-1", {}),
            "syn-flood-unprotected on web-1\n"
            "  The last scan saw 3 network namespaces; 1 is suspect, and followed over time.\n"
            "        2  not true: netns.syn_drops > 0\n"
            "           such as netns of pid 812 (nginx): netns.syn_drops = 0\n");
}

TEST(Why, ASignatureOfProcessesCountsSocketsAndThePrograms) {
  v1::SignatureActivity activity = FromText<v1::SignatureActivity>(R"pb(
    signature: "close-wait-leak"
    subject: SUBJECT_PROCESS
    sockets_seen: 1
    suspects: 312
    stops {
      at: "process.closed == 0"
      sockets: 1
      example: "nginx (pid 812), 0.0.0.0:8080: process.closed = 4"
    })pb");
  EXPECT_EQ(
      RenderActivity(activity, "web-1", {}),
      "close-wait-leak on web-1\n"
      "  The last scan saw 312 sockets of its kind, and asked whose they are: 1 program at its "
      "listener.\n"
      "        1  not true: process.closed == 0\n"
      "           such as nginx (pid 812), 0.0.0.0:8080: process.closed = 4\n");
  activity.set_sockets_seen(0);
  activity.clear_stops();
  EXPECT_EQ(RenderActivity(activity, "web-1", {}),
            "close-wait-leak on web-1\n"
            "  The last scan saw 312 sockets of its kind, and no program that holds ever more of "
            "them.\n");
}

TEST(Why, NobodyLooks) { ExpectGolden("why_no_hosts.txt", RenderWhy({}, kNow, {})); }

TEST(Why, AQuestionNarrowsToItsHostAndSignature) {
  const auto narrowed = Narrow(TwoHosts(), {.host = "web-1", .signature = "pinned-cwnd"});
  ASSERT_TRUE(narrowed.ok()) << narrowed.status();
  ASSERT_EQ(narrowed->hosts_size(), 1);
  EXPECT_EQ(narrowed->hosts(0).name(), "web-1");
  ASSERT_EQ(narrowed->hosts(0).activity_size(), 1);
  EXPECT_EQ(narrowed->hosts(0).activity(0).signature(), "pinned-cwnd");
}

TEST(Why, AnUnknownHostIsAnErrorThatNamesTheOthers) {
  EXPECT_EQ(Narrow(TwoHosts(), {.host = "web-2"}).status(),
            absl::NotFoundError("no host 'web-2'; there is db-1, web-1"));
}

TEST(Why, AnUnknownSignatureIsAnErrorThatNamesTheOthers) {
  EXPECT_EQ(
      Narrow(TwoHosts(), {.signature = "pinned"}).status(),
      absl::NotFoundError("no signature 'pinned' is in force; there is pinned-cwnd, syn-flood"));
}

}  // namespace
}  // namespace tcpmedic::cli
