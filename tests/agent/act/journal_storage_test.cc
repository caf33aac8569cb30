#include "agent/act/journal_storage.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

namespace tcpmedic {
namespace {

class JournalStorageTest : public ::testing::Test {
 protected:
  JournalStorageTest() {
    std::string name = "/tmp/journal-storage-XXXXXX";
    base_ = mkdtemp(name.data());
  }
  ~JournalStorageTest() override { std::filesystem::remove_all(base_); }

  std::string base_;
};

TEST_F(JournalStorageTest, MakesItsDirectoryForItselfAloneAndReadsBackWhatWasWritten) {
  const std::string dir = base_ + "/state";
  {
    auto storage = OpenJournalStorage(dir);
    ASSERT_TRUE(storage.ok()) << storage.status();
    EXPECT_EQ(*(*storage)->Read(), "");
    ASSERT_TRUE((*storage)->Replace("one ").ok());
    ASSERT_TRUE((*storage)->Append("two").ok());
    EXPECT_EQ(*(*storage)->Read(), "one two");
    ASSERT_TRUE((*storage)->Replace("three").ok());
    ASSERT_TRUE((*storage)->Append(" four").ok());
  }
  auto again = OpenJournalStorage(dir);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(*(*again)->Read(), "three four");
  struct stat identity;
  ASSERT_EQ(stat(dir.c_str(), &identity), 0);
  EXPECT_EQ(identity.st_mode & 0777, 0700u);
  ASSERT_EQ(stat((dir + "/journal").c_str(), &identity), 0);
  EXPECT_EQ(identity.st_mode & 0777, 0600u);
}

TEST_F(JournalStorageTest, OneProcessAtATime) {
  const auto first = OpenJournalStorage(base_);
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = OpenJournalStorage(base_);
  EXPECT_EQ(second.status().ToString(),
            "FAILED_PRECONDITION: " + base_ + "/journal is in use by another tcpmedic-agent");
}

TEST_F(JournalStorageTest, ADirectoryThatOthersMayWriteToIsRefused) {
  ASSERT_EQ(chmod(base_.c_str(), 0770), 0);
  EXPECT_TRUE(absl::IsPermissionDenied(OpenJournalStorage(base_).status()));
}

}  // namespace
}  // namespace tcpmedic
