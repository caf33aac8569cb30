#include "cli/render/chart.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace tcpmedic::cli {
namespace {

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinite = std::numeric_limits<double>::infinity();

absl::Time At(double seconds) { return absl::UnixEpoch() + absl::Seconds(seconds); }

// One point a second, from second 1 on.
std::vector<CoursePoint> Course(const std::vector<std::optional<double>>& values) {
  std::vector<CoursePoint> points;
  for (const std::optional<double>& value : values) {
    points.push_back({At(static_cast<double>(points.size()) + 1), value});
  }
  return points;
}

std::string Drawn(const std::vector<std::optional<double>>& values, int columns = 80) {
  return DrawCourse(Course(values), std::nullopt, columns).course;
}

TEST(Bar, IsAsLongAsItsShareOfTheWhole) {
  EXPECT_EQ(Bar(100, 100, 4), "████");
  EXPECT_EQ(Bar(50, 100, 4), "██");
  EXPECT_EQ(Bar(62.5, 100, 4), "██▌");
  EXPECT_EQ(Bar(25 + 25.0 / 8, 100, 4), "█▏");
  EXPECT_EQ(Bar(96.9, 100, 4), "███▉");
}

TEST(Bar, IsRoundedToTheNearestEighthOfAColumn) {
  EXPECT_EQ(Bar(1.4 / 8, 1, 1), "▏");
  EXPECT_EQ(Bar(1.6 / 8, 1, 1), "▎");
}

TEST(Bar, OfVeryLittleIsStillSeen) { EXPECT_EQ(Bar(0.0001, 100, 20), "▏"); }

TEST(Bar, OfMoreThanTheWholeEndsAtTheWhole) { EXPECT_EQ(Bar(300, 100, 3), "███"); }

TEST(Bar, OfNothingIsEmpty) {
  EXPECT_EQ(Bar(0, 100, 10), "");
  EXPECT_EQ(Bar(0, 0, 10), "");
  EXPECT_EQ(Bar(-5, 100, 10), "");
  EXPECT_EQ(Bar(std::nullopt, 100, 10), "");
  EXPECT_EQ(Bar(kNotANumber, 100, 10), "");
  EXPECT_EQ(Bar(kInfinite, 100, 10), "");
}

TEST(Bar, WithoutRoomIsEmpty) {
  EXPECT_EQ(Bar(1, 1, 0), "");
  EXPECT_EQ(Bar(1, 1, -3), "");
}

TEST(Course, RisesFromZeroToItsGreatest) {
  EXPECT_EQ(Drawn({0, 1, 2, 3, 4, 5, 6, 7, 8}), "▁▁▂▃▄▅▆▇█");
  EXPECT_EQ(Drawn({0.8, 0.8, 0.8, 30, 61, 61}), "▁▁▁▄██");
}

TEST(Course, IsDrawnFromZeroNotFromItsLeast) { EXPECT_EQ(Drawn({60, 61, 60}), "███"); }

TEST(Course, OfNothingButZeroesIsFlat) { EXPECT_EQ(Drawn({0, 0, 0}), "▁▁▁"); }

TEST(Course, OfOnePointIsOneColumn) {
  EXPECT_EQ(Drawn({5}), "█");
  EXPECT_EQ(Drawn({0}), "▁");
}

TEST(Course, WhatIsNotKnownIsADot) {
  EXPECT_EQ(Drawn({8, std::nullopt, kNotANumber, -1, kInfinite, 4}), "█····▄");
  EXPECT_EQ(Drawn({std::nullopt}), "·");
}

TEST(Course, OfNoPointsOrNoRoomIsNothing) {
  EXPECT_EQ(Drawn({}), "");
  EXPECT_EQ(Drawn({1, 2}, 0), "");
  EXPECT_EQ(Drawn({1, 2}, -1), "");
  EXPECT_EQ(DrawCourse({}, At(1), 10).mark, std::nullopt);
}

TEST(Course, ThatIsTooWideIsTheMeanOfNeighbours) {
  EXPECT_EQ(Drawn({0, 2, 3, 5, 8, 8}, 3), "▁▄█");
  EXPECT_EQ(Drawn({8, 4, 4, 0, 8}, 2), "█▅");  // 2 points, then 3: means 6 and 4
}

TEST(Course, AMeanLeavesOutWhatIsNotKnown) { EXPECT_EQ(Drawn({8, std::nullopt, 4, 4}, 2), "█▄"); }

TEST(Course, NeverTakesMoreThanItsColumns) {
  for (int points = 1; points < 50; ++points) {
    const Sparkline drawn =
        DrawCourse(Course(std::vector<std::optional<double>>(points, 1)), std::nullopt, 7);
    EXPECT_EQ(drawn.columns, std::min(points, 7));
    EXPECT_EQ(drawn.course.size(), static_cast<size_t>(drawn.columns) * 3);  // UTF-8 of a block
  }
}

TEST(Course, TheMarkIsAtTheFirstPointThatHasSomethingOfAfter) {
  const std::vector<CoursePoint> points = Course({1, 1, 1, 8, 8, 8});
  EXPECT_EQ(DrawCourse(points, At(2.5), 80).mark, 2);  // second 2 to 3 is column 2
  EXPECT_EQ(DrawCourse(points, At(3), 80).mark, 3);
  EXPECT_EQ(DrawCourse(points, At(1), 80).mark, 1);
  EXPECT_EQ(DrawCourse(points, At(3.5), 3).mark, 1);  // two points a column
}

TEST(Course, WithoutAMomentInItThereIsNoMark) {
  const std::vector<CoursePoint> points = Course({1, 1, 1});
  EXPECT_EQ(DrawCourse(points, std::nullopt, 80).mark, std::nullopt);
  EXPECT_EQ(DrawCourse(points, At(0.5), 80).mark, std::nullopt);
  EXPECT_EQ(DrawCourse(points, At(3), 80).mark, std::nullopt);
  EXPECT_EQ(DrawCourse(points, At(9), 80).mark, std::nullopt);
}

}  // namespace
}  // namespace tcpmedic::cli
