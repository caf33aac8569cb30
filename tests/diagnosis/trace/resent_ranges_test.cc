#include "diagnosis/trace/resent_ranges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Resent Range(uint32_t begin, uint32_t end, int64_t ordinal) {
  Resent range;
  range.begin = begin;
  range.end = end;
  range.ordinal = ordinal;
  return range;
}

CapturedSegment WithSack(uint32_t ack, std::vector<SackBlock> blocks) {
  CapturedSegment segment;
  segment.ack = ack;
  for (const SackBlock& block : blocks) segment.sack[segment.sack_blocks++] = block;
  return segment;
}

bool IsDuplicate(uint32_t ack, const std::vector<SackBlock>& blocks) {
  return DuplicateSack(WithSack(ack, blocks)).has_value();
}

// RFC 2883 §4: the first block is a D-SACK if it lies below the ACK or within the second.
TEST(DuplicateSack, LiesBelowTheAckOrWithinTheSecondBlock) {
  EXPECT_FALSE(IsDuplicate(4000, {{5000, 6000}}));
  EXPECT_FALSE(IsDuplicate(4000, {{5000, 6000}, {7000, 8000}}));
  EXPECT_TRUE(IsDuplicate(4000, {{3000, 3500}}));
  EXPECT_TRUE(IsDuplicate(4000, {{3000, 4000}, {5000, 6000}}));
  EXPECT_TRUE(IsDuplicate(4000, {{5000, 5500}, {5000, 6000}}));
  EXPECT_TRUE(IsDuplicate(10, {{4294967000, 5}}));  // across 2^32
}

TEST(DuplicateSack, OfBlocksThatAreNoneIsUnset) {
  EXPECT_FALSE(IsDuplicate(4000, {}));
  EXPECT_FALSE(IsDuplicate(4000, {{3000, 3000}}));
  EXPECT_FALSE(IsDuplicate(4000, {{3500, 3000}}));
}

TEST(ResentRanges, OfSeveralSendingsTheLatestIsNamedFirst) {
  ResentRanges ranges;
  ranges.Add(Range(100, 200, 5));
  ranges.Add(Range(100, 200, 7));
  std::vector<int64_t> spurious;
  EXPECT_TRUE(ranges.Name({100, 200}, &spurious));
  EXPECT_THAT(spurious, ElementsAre(7));
  EXPECT_TRUE(ranges.Name({100, 200}, &spurious));
  EXPECT_THAT(spurious, ElementsAre(7, 5));
  EXPECT_FALSE(ranges.Name({100, 200}, &spurious)) << "the network has doubled it";
}

TEST(ResentRanges, OneBlockMayNameSeveral) {
  ResentRanges ranges;
  ranges.Add(Range(100, 200, 5));
  ranges.Add(Range(200, 300, 6));
  std::vector<int64_t> spurious;
  EXPECT_TRUE(ranges.Name({100, 300}, &spurious));
  EXPECT_THAT(spurious, ElementsAre(6, 5));
}

// A capture on the sender shows segments of 64 kB, which are cut into many behind it.
TEST(ResentRanges, NamedInPartsIsInVainOnceAllOfItIsNamed) {
  ResentRanges ranges;
  ranges.Add(Range(100, 300, 5));
  std::vector<int64_t> spurious;
  EXPECT_TRUE(ranges.Name({100, 200}, &spurious));
  EXPECT_THAT(spurious, IsEmpty());
  EXPECT_TRUE(ranges.Name({200, 300}, &spurious));
  EXPECT_THAT(spurious, ElementsAre(5));
}

TEST(ResentRanges, WhatWasNotSentAgainIsNotNamed) {
  ResentRanges ranges;
  ranges.Add(Range(100, 200, 5));
  std::vector<int64_t> spurious;
  EXPECT_FALSE(ranges.Name({200, 300}, &spurious));
  EXPECT_THAT(spurious, IsEmpty());
}

TEST(ResentRanges, KeepsTheLastSixteen) {
  ResentRanges ranges;
  for (uint32_t i = 0; i < 17; ++i) ranges.Add(Range(100 * i, 100 * i + 100, i));
  std::vector<int64_t> spurious;
  EXPECT_FALSE(ranges.Name({0, 100}, &spurious));
  EXPECT_TRUE(ranges.Name({100, 200}, &spurious));
}

}  // namespace
}  // namespace tcpmedic
