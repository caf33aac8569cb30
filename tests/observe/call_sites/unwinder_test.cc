#include "observe/call_sites/unwinder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ExecutableMappings, AreFilesMappedToBeExecuted) {
  EXPECT_THAT(
      ParseExecutableMappings(
          "55d0c0a00000-55d0c0a02000 r--p 00000000 fe:00 1234                       /usr/bin/a\n"
          "55d0c0a02000-55d0c0a05000 r-xp 00002000 fe:00 1234                       /usr/bin/a\n"
          "7f0000000000-7f0000001000 r-xs 00000000 fe:00 99                         "
          "/opt/a b (1)/lib.so (deleted)\n"
          "7f1000000000-7f1000001000 r-xp 00000000 00:00 0 \n"
          "7ffc00000000-7ffc00002000 r-xp 00000000 00:00 0                          [vdso]\n"),
      ElementsAre(ExecutableMapping{0x55d0c0a02000, 0x55d0c0a05000, 0x2000, "/usr/bin/a"},
                  ExecutableMapping{0x7f0000000000, 0x7f0000001000, 0, "/opt/a b (1)/lib.so"}));
}

TEST(ExecutableMappings, LinesThatMakeNoSenseAreSkipped) {
  EXPECT_THAT(ParseExecutableMappings(""), IsEmpty());
  EXPECT_THAT(ParseExecutableMappings("r-xp\n- r-xp 0 0 0 /a\n"
                                      "2000-1000 r-xp 00000000 fe:00 1 /backwards\n"
                                      "1000-zzzz r-xp 00000000 fe:00 1 /a\n"
                                      "1000-2000 rx 00000000 fe:00 1 /a\n"
                                      "1000-2000 r-xp 00000000 fe:00 1 relative\n"),
              IsEmpty());
}

}  // namespace
}  // namespace tcpmedic
