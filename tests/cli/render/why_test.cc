#include "cli/render/why.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/examples.h"
#include "tests/cli/golden.h"

namespace tcpmedic::cli {
namespace {

TEST(Why, SaysHowFarTheSocketsCame) { ExpectGolden("why.txt", RenderWhy(TwoHosts(), kNow, {})); }

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
