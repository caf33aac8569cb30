#include "diagnosis/finding_life.h"

#include <gtest/gtest.h>

#include "tests/diagnosis/synthetic.h"

namespace tcpmedic {
namespace {

// Steps through one scan a second: T true, u unbroken, B broken. Returns the stage after each as -
// none, p pending, F firing, l lingering.
std::string Stages(absl::string_view scans, absl::Duration hold_for, absl::Duration keep_firing_for,
                   FindingLife* life) {
  std::string stages;
  for (size_t i = 0; i < scans.size(); ++i) {
    const auto condition = scans[i] == 'T'   ? FindingLife::Condition::kTrue
                           : scans[i] == 'u' ? FindingLife::Condition::kUnbroken
                                             : FindingLife::Condition::kBroken;
    life->Step(condition, At(static_cast<double>(i)), hold_for, keep_firing_for);
    stages += "-pFl"[static_cast<int>(life->stage())];
  }
  return stages;
}

std::string Stages(absl::string_view scans, int hold_for, int keep_firing_for) {
  FindingLife life;
  return Stages(scans, absl::Seconds(hold_for), absl::Seconds(keep_firing_for), &life);
}

TEST(FindingLife, HoldsForAsLongAsAsked) { EXPECT_EQ(Stages("TTTTTTT", 5, 0), "pppppFF"); }

TEST(FindingLife, WithoutForItIsAFindingAtOnce) { EXPECT_EQ(Stages("T", 0, 0), "F"); }

TEST(FindingLife, BreakBeginsAnew) { EXPECT_EQ(Stages("TTTBTTTTTT", 5, 0), "ppp-pppppF"); }

TEST(FindingLife, UnbrokenScanNeitherBreaksNorMakesAFinding) {
  EXPECT_EQ(Stages("TTuuuuuT", 5, 0), "pppppppF");
}

TEST(FindingLife, SingleTrueScanIsNoFinding) { EXPECT_EQ(Stages("TuuuuB", 3, 30), "ppppp-"); }

TEST(FindingLife, EndsAtOnceWithoutKeepFiringFor) { EXPECT_EQ(Stages("TTBB", 1, 0), "pF--"); }

TEST(FindingLife, LingersFromTheLastTrueScan) { EXPECT_EQ(Stages("TTuuBBB", 1, 4), "pFFFl--"); }

TEST(FindingLife, ReturnsFromLingeringWithItsAge) {
  FindingLife life;
  EXPECT_EQ(Stages("TTBBT", absl::Seconds(1), absl::Seconds(30), &life), "pFllF");
  EXPECT_EQ(life.since().wall, At(0).wall);
  EXPECT_EQ(life.found_at().wall, At(1).wall);
  EXPECT_EQ(life.last_true().wall, At(4).wall);
}

}  // namespace
}  // namespace tcpmedic
