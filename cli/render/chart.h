// Numbers drawn with block characters: a bar, and the course of a value over time on one line. Both
// begin at zero, so that twice as long is twice as much. Pure.
#ifndef TCPMEDIC_CLI_RENDER_CHART_H_
#define TCPMEDIC_CLI_RENDER_CHART_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace tcpmedic::cli {

// `value` as a bar, where `full` fills `columns`: rounded to an eighth of a column, at least one
// eighth where there is anything at all. Empty: 0, less, missing, or not a number.
std::string Bar(std::optional<double> value, double full, int columns);

// What happened since the point before, up to `at`.
struct CoursePoint {
  absl::Time at;
  std::optional<double> value;  // negative or not a number counts as missing
};

struct Sparkline {
  std::string course;  // a column per point, or per mean of neighbouring points where that is too
                       // wide: ▁ for nothing to █ for the most; · where nothing is known
  int columns = 0;
  std::optional<int> mark;  // the column of the first point that has something of after the moment
};

// Of `points` in the order of time, in at most `columns`; `moment` is what to mark. A moment that
// is before the first point or after the last has no mark.
Sparkline DrawCourse(const std::vector<CoursePoint>& points, std::optional<absl::Time> moment,
                     int columns);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_RENDER_CHART_H_
