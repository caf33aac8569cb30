#include "agent/host_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string kProc = absl::StrCat(TCPMEDIC_SOURCE_DIR, "/tests/data/agent/proc");

TEST(HostFactsTest, HelloNamesKernelBootAndRun) {
  EXPECT_EQ(MakeHello("web-1", absl::FromUnixMillis(1500), 42, kProc).DebugString(),
            "host: \"web-1\"\nagent_version: \"" TCPMEDIC_VERSION
            "\"\nkernel: \"6.1.0-18-amd64\"\nboot_id: \"2f4c7a06-77b0-4b43-a2a4-3d1f9e6f0c11\"\n"
            "session_nonce: 42\nstarted_at {\n  seconds: 1\n  nanos: 500000000\n}\n");
}

TEST(HostFactsTest, CapabilitiesComeFromCapEff) {
  EXPECT_EQ(EffectiveCapabilities(kProc), 0x1000u);
}

TEST(HostFactsTest, UnreadableProcGivesNoCapabilities) {
  EXPECT_EQ(EffectiveCapabilities("/nonexistent"), std::nullopt);
}

TEST(HostFactsTest, BlindSpotsNameTheMissingCapability) {
  EXPECT_THAT(BlindSpots(0),
              ElementsAre("other users' processes are not attributed: needs CAP_SYS_PTRACE",
                          "sockets of other network namespaces are not seen: needs CAP_SYS_ADMIN"));
  EXPECT_THAT(BlindSpots(~0ull), IsEmpty());
}

}  // namespace
}  // namespace tcpmedic
