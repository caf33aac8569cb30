#include "lab/shared_memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace tcpmedic::lab {
namespace {

struct Two {
  int64_t a, b;
};

TEST(SharedMemoryTest, MemoryBeginsZeroedAndIsSharedByItsMappings) {
  const absl::StatusOr<std::unique_ptr<SharedMemory<Two>>> made =
      SharedMemory<Two>::Create("shared_memory_test");
  ASSERT_TRUE(made.ok()) << made.status();
  const absl::StatusOr<std::unique_ptr<SharedMemory<Two>>> other =
      SharedMemory<Two>::Adopt(dup((*made)->fd()));
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_EQ((**other)->b, 0);
  (**made)->b = 7;
  EXPECT_EQ((**other)->b, 7);
}

TEST(SharedMemoryTest, MemoryOfAnotherSizeIsRefused) {
  const absl::StatusOr<std::unique_ptr<SharedMemory<int>>> small =
      SharedMemory<int>::Create("shared_memory_test");
  ASSERT_TRUE(small.ok()) << small.status();
  EXPECT_EQ(SharedMemory<Two>::Adopt(dup((*small)->fd())).status().message(),
            "shared memory of 4 bytes, not 16: the programs are not of one build");
}

}  // namespace
}  // namespace tcpmedic::lab
