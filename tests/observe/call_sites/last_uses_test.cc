#include "observe/call_sites/last_uses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>

namespace tcpmedic {
namespace {

using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();

TracedCall Call(int64_t time_ns, CallKind kind, int fd) {
  TracedCall call;
  call.time_ns = time_ns;
  call.kind = kind;
  call.fd = fd;
  if (kind != CallKind::kClose) call.stack = std::make_shared<const UserStack>();
  return call;
}

TEST(LastUses, TheNewestUseByTimeIsKeptWhateverTheOrderItArrivesIn) {
  LastUses uses(10);
  uses.BeginWindow();
  uses.Add(Call(30, CallKind::kReadEof, 7));
  uses.Add(Call(10, CallKind::kAccept, 7));
  uses.Add(Call(20, CallKind::kRead, 7));
  uses.Advance(kEnd);
  uses.Identify(7, 4711);
  uses.EndWindow();
  ASSERT_NE(uses.Find(7, 4711), nullptr);
  EXPECT_EQ(uses.Find(7, 4711)->kind, CallKind::kReadEof);
}

TEST(LastUses, WhatIsTooNewWaitsForWhatOtherCpusStillHold) {
  LastUses uses(10);
  uses.BeginWindow();
  uses.Add(Call(20, CallKind::kRead, 7));
  uses.Advance(20);
  EXPECT_THAT(uses.Unidentified(), IsEmpty());
  uses.Add(Call(15, CallKind::kAccept, 7));
  uses.Advance(21);
  EXPECT_THAT(uses.Unidentified(), UnorderedElementsAre(7));
  uses.Identify(7, 4711);
  EXPECT_EQ(uses.Find(7, 4711)->kind, CallKind::kRead);
}

TEST(LastUses, AClosedDescriptorIsForgotten) {
  LastUses uses(10);
  uses.BeginWindow();
  uses.Add(Call(10, CallKind::kReadEof, 7));
  uses.Add(Call(20, CallKind::kClose, 7));
  uses.Add(Call(30, CallKind::kClose, 8));
  uses.Advance(kEnd);
  EXPECT_EQ(uses.size(), 0u);
}

TEST(LastUses, AnotherSocketUnderTheSameNumberIsNotFound) {
  LastUses uses(10);
  uses.BeginWindow();
  uses.Add(Call(10, CallKind::kReadEof, 7));
  uses.Advance(kEnd);
  uses.Identify(7, 4711);
  uses.EndWindow();
  EXPECT_EQ(uses.Find(7, 4712), nullptr);
  EXPECT_EQ(uses.Find(8, 4711), nullptr);
  EXPECT_EQ(uses.Find(7, 0), nullptr);
}

TEST(LastUses, AUseKeepsItsSocketsIdentityOnlyWithinAWindowAndUntilTheNumberIsAcceptedAgain) {
  LastUses uses(10);
  uses.BeginWindow();
  uses.Add(Call(10, CallKind::kRead, 7));
  uses.Add(Call(10, CallKind::kRead, 8));
  uses.Add(Call(10, CallKind::kRead, 9));
  uses.Advance(11);
  for (const int fd : {7, 8, 9}) uses.Identify(fd, 4700 + fd);
  uses.Add(Call(20, CallKind::kReadEof, 7));  // the same socket: no close between
  uses.Add(Call(20, CallKind::kAccept, 8));   // a new one
  uses.Advance(21);
  EXPECT_THAT(uses.Unidentified(), UnorderedElementsAre(8));
  uses.EndWindow();
  EXPECT_EQ(uses.Find(7, 4707)->kind, CallKind::kReadEof);
  EXPECT_EQ(uses.Find(8, 4708), nullptr);

  uses.BeginWindow();
  uses.Add(Call(90, CallKind::kRead, 7));  // who closed what meanwhile is not known
  uses.Advance(kEnd);
  EXPECT_THAT(uses.Unidentified(), UnorderedElementsAre(7));
  uses.EndWindow();
  EXPECT_EQ(uses.Find(7, 4707), nullptr);
  EXPECT_NE(uses.Find(9, 4709), nullptr);  // unused since: what was seen of it stands
}

TEST(LastUses, ACloseAfterTheIdentificationStillForgets) {
  LastUses uses(10);
  uses.BeginWindow();
  uses.Add(Call(10, CallKind::kRead, 7));
  uses.Advance(11);
  uses.Add(Call(20, CallKind::kClose, 7));
  uses.Identify(7, 4711);
  uses.EndWindow();
  EXPECT_EQ(uses.Find(7, 4711), nullptr);
}

TEST(LastUses, WithoutRoomAReadThatReturnedZeroReplacesAnotherUse) {
  LastUses uses(2);
  uses.BeginWindow();
  uses.Add(Call(1, CallKind::kAccept, 1));
  uses.Add(Call(2, CallKind::kReadEof, 2));
  uses.Add(Call(3, CallKind::kReadEof, 3));  // takes the place of 1
  uses.Add(Call(4, CallKind::kReadEof, 4));  // finds none
  uses.Add(Call(5, CallKind::kRead, 5));     // neither
  uses.Advance(kEnd);
  EXPECT_THAT(uses.Unidentified(), UnorderedElementsAre(2, 3));
  EXPECT_EQ(uses.dropped(), 3);
}

TEST(LastUses, ClearingForgetsAll) {
  LastUses uses(10);
  uses.BeginWindow();
  uses.Add(Call(10, CallKind::kRead, 7));
  uses.Advance(11);
  uses.Add(Call(12, CallKind::kRead, 8));
  uses.Clear();
  uses.Advance(kEnd);
  EXPECT_EQ(uses.size(), 0u);
}

}  // namespace
}  // namespace tcpmedic
