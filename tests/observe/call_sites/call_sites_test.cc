#include "observe/call_sites/call_sites.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

CallFrame Frame(const std::string& function, const std::string& module, uint64_t offset) {
  CallFrame frame;
  frame.function = function;
  frame.module = module;
  frame.offset = offset;
  return frame;
}

const CallFrame kLibc = Frame("read", "/usr/lib/x86_64-linux-gnu/libc.so.6", 0x100);
const CallFrame kHandler = Frame("Handle(int)", "/usr/bin/server", 0x1234);
const CallFrame kOther = Frame("Other(int)", "/usr/bin/server", 0x2345);

TEST(CallSites, OneForEachKindAndStackMostDescriptorsFirst) {
  const auto sites = GroupIntoSites({
      {CallKind::kRead, {kLibc, kOther}},
      {CallKind::kReadEof, {kLibc, kHandler}},
      {CallKind::kRead, {kLibc, kHandler}},
      {CallKind::kReadEof, {kLibc, kHandler}},
  });
  EXPECT_THAT(sites, ElementsAre(CallSite{CallKind::kReadEof, 2, {kLibc, kHandler}},
                                 CallSite{CallKind::kRead, 1, {kLibc, kHandler}},
                                 CallSite{CallKind::kRead, 1, {kLibc, kOther}}));
  EXPECT_THAT(GroupIntoSites({}), IsEmpty());
}

TEST(CallSites, TheSiteIsTheFirstFrameOutsideLibc) {
  const auto where = [](std::vector<CallFrame> frames) -> std::string {
    const CallSite site{CallKind::kRead, 1, std::move(frames)};
    return site.where() == nullptr ? "none" : site.where()->function;
  };
  EXPECT_EQ(where({kLibc, kHandler, kOther}), "Handle(int)");
  EXPECT_EQ(where({Frame("read", "/lib/ld-musl-x86_64.so.1", 1), kHandler}), "Handle(int)");
  EXPECT_EQ(where({Frame("", "/lib64/libpthread-2.28.so", 1), kHandler}), "Handle(int)");
  EXPECT_EQ(where({Frame("__libc_read", "/usr/bin/static", 1), kHandler}), "Handle(int)");
  EXPECT_EQ(where({Frame("libc.so", "/srv/libc.so/server", 1)}), "libc.so");
  EXPECT_EQ(where({kLibc}), "none");
  EXPECT_EQ(where({}), "none");
}

TEST(CallSites, AFrameIsDescribedByTheBestThatIsKnown) {
  CallFrame frame = kHandler;
  EXPECT_EQ(DescribeFrame(frame), "Handle(int) (/usr/bin/server+0x1234)");
  frame.source = "leak.cc:42";
  EXPECT_EQ(DescribeFrame(frame), "Handle(int) (leak.cc:42)");
  EXPECT_EQ(DescribeFrame(Frame("", "/usr/bin/server", 0x1234)), "/usr/bin/server+0x1234");
  EXPECT_EQ(DescribeFrame(Frame("", "", 0x7f00)), "0x7f00");
}

}  // namespace
}  // namespace tcpmedic
