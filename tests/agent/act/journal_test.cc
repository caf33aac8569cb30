#include "agent/act/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/agent/act/fault_storage.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

v1::JournalledOrder Order(const std::string& id, v1::Order::State state) {
  v1::JournalledOrder order;
  order.set_id(id);
  order.set_state(state);
  return order;
}

std::unique_ptr<Journal> OpenOn(FaultDisk* disk) {
  auto journal = Journal::Open(std::make_unique<FaultStorage>(disk));
  EXPECT_TRUE(journal.ok()) << journal.status();
  return *std::move(journal);
}

std::map<std::string, v1::Order::State> States(const Journal& journal) {
  std::map<std::string, v1::Order::State> states;
  for (const auto& [id, order] : journal.orders()) states[id] = order.state();
  return states;
}

TEST(Journal, TheNewestRecordOfAnOrderHolds) {
  FaultDisk disk;
  {
    const auto journal = OpenOn(&disk);
    ASSERT_TRUE(journal->Put(Order("a", v1::Order::STATE_DISPATCHED)).ok());
    ASSERT_TRUE(journal->Put(Order("b", v1::Order::STATE_APPLIED)).ok());
    ASSERT_TRUE(journal->Put(Order("a", v1::Order::STATE_APPLIED)).ok());
  }
  EXPECT_THAT(States(*OpenOn(&disk)), ElementsAre(Pair("a", v1::Order::STATE_APPLIED),
                                                  Pair("b", v1::Order::STATE_APPLIED)));
}

TEST(Journal, WhatWasForgottenIsGoneAndItsBytesToo) {
  FaultDisk disk;
  const auto journal = OpenOn(&disk);
  ASSERT_TRUE(journal->Put(Order("a", v1::Order::STATE_ENDED)).ok());
  const std::string id = "a";
  ASSERT_TRUE(journal->Forget({&id, 1}).ok());
  EXPECT_THAT(States(*OpenOn(&disk)), IsEmpty());
  EXPECT_EQ(disk.file, "");
}

TEST(Journal, AFailedPutLeavesTheRecordBeforeAndTheNextPutRepairsTheFile) {
  FaultDisk disk;
  const auto journal = OpenOn(&disk);
  ASSERT_TRUE(journal->Put(Order("a", v1::Order::STATE_DISPATCHED)).ok());
  disk.full = true;
  EXPECT_FALSE(journal->Put(Order("a", v1::Order::STATE_APPLIED)).ok());
  EXPECT_FALSE(journal->Put(Order("b", v1::Order::STATE_APPLIED)).ok());
  EXPECT_THAT(States(*journal), ElementsAre(Pair("a", v1::Order::STATE_DISPATCHED)));
  EXPECT_THAT(States(*OpenOn(&disk)), ElementsAre(Pair("a", v1::Order::STATE_DISPATCHED)));

  disk.full = false;
  ASSERT_TRUE(journal->Put(Order("c", v1::Order::STATE_APPLIED)).ok());
  EXPECT_THAT(States(*OpenOn(&disk)), ElementsAre(Pair("a", v1::Order::STATE_DISPATCHED),
                                                  Pair("c", v1::Order::STATE_APPLIED)));
}

TEST(Journal, ManyRecordsOfFewOrdersStaySmall) {
  FaultDisk disk;
  const auto journal = OpenOn(&disk);
  v1::JournalledOrder order = Order("a", v1::Order::STATE_APPLIED);
  order.set_reason(std::string(1000, 'x'));
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(journal->Put(order).ok());
  EXPECT_LT(disk.file.size(), 300'000u);
  EXPECT_THAT(States(*OpenOn(&disk)), ElementsAre(Pair("a", v1::Order::STATE_APPLIED)));
}

TEST(Journal, DamageBeforeTheLastRecordIsDataLossAndNothingIsWritten) {
  FaultDisk disk;
  {
    const auto journal = OpenOn(&disk);
    ASSERT_TRUE(journal->Put(Order("a", v1::Order::STATE_APPLIED)).ok());
    ASSERT_TRUE(journal->Put(Order("b", v1::Order::STATE_APPLIED)).ok());
  }
  disk.file[10] ^= 1;
  const FaultDisk damaged = disk;
  const auto journal = Journal::Open(std::make_unique<FaultStorage>(&disk));
  EXPECT_EQ(journal.status().ToString(), "DATA_LOSS: journal: the record at byte 0 is damaged");
  EXPECT_EQ(disk.file, damaged.file);
  EXPECT_EQ(disk.writes, damaged.writes);
}

TEST(Journal, AFullDiskDoesNotHinderReading) {
  FaultDisk disk;
  ASSERT_TRUE(OpenOn(&disk)->Put(Order("a", v1::Order::STATE_APPLIED)).ok());
  disk.full = true;
  EXPECT_THAT(States(*OpenOn(&disk)), ElementsAre(Pair("a", v1::Order::STATE_APPLIED)));
}

}  // namespace
}  // namespace tcpmedic
