#include "cli/render/repair.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "cli/render/chart.h"
#include "cli/render/order_words.h"
#include "cli/render/quantity.h"
#include "cli/render/words.h"
#include "proto/proto_time.h"

namespace tcpmedic::cli {
namespace {

using Lines = std::vector<std::string>;

constexpr int kMaxBar = 16;
constexpr int kMinBar = 6;
constexpr int kGap = 3;           // between two charts side by side
constexpr int kMostColumns = 60;  // of the course: a column per scan, some 30 in all
constexpr absl::string_view kBefore = "before ";
constexpr absl::string_view kAfter = "after  ";

struct Quantity {
  const char* title;
  const char* name;  // in a measurement
  std::string (*text)(double);
};
std::string WholeText(double count) { return CountText(std::llround(count)); }

// The first two decide; they come first where there is room for no more.
constexpr Quantity kOfSockets[] = {
    {"goodput", "goodput_bps", BitRateText},
    {"retransmits", "retrans_ratio", PercentText},
    {"cwnd", "cwnd_segments",
     [](double segments) {
       return absl::StrCat(CountText(static_cast<int64_t>(segments)), " segments");
     }},
    {"rtt", "rtt_us", [](double rtt_us) { return DurationText(absl::Microseconds(rtt_us)); }},
};
constexpr Quantity kOfNamespace[] = {
    {"SYN drops", "syn_drops_per_s", PerSecondText},
    {"cookies", "syncookies_sent_per_s", PerSecondText},
    {"half-open", "syn_recv_sockets", WholeText},
    {"returned", "syncookies_recv_ratio", PercentText},
};

// What `measurement` is about, known or not.
absl::Span<const Quantity> QuantitiesOf(const v1::Measurement& measurement) {
  const bool of_namespace =
      std::any_of(measurement.values().begin(), measurement.values().end(),
                  [](const v1::Evidence& value) { return value.name() == kOfNamespace[0].name; });
  return of_namespace ? absl::MakeConstSpan(kOfNamespace) : absl::MakeConstSpan(kOfSockets);
}

std::string Padded(absl::string_view text, int columns) {
  return absl::StrCat(text, std::string(std::max(columns - Columns(text), 0), ' '));
}

void Append(Lines* lines, Lines more) {
  std::move(more.begin(), more.end(), std::back_inserter(*lines));
}

// One quantity on two lines: before above after, on one scale.
struct Chart {
  absl::string_view title;
  std::optional<double> before, after;
  std::string before_text, after_text;

  int text_columns() const { return std::max(Columns(before_text), Columns(after_text)); }
};

Chart ChartOf(const Quantity& quantity, const v1::Measurement& before,
              const v1::Measurement& after) {
  Chart chart{
      quantity.title, NumberIn(before, quantity.name), NumberIn(after, quantity.name), {}, {}};
  const auto text = [&quantity](std::optional<double> value) {
    if (value.has_value()) return quantity.text(*value);
    return std::string("not reported");
  };
  chart.before_text = text(chart.before);
  chart.after_text = text(chart.after);
  return chart;
}

// One above the other, in columns that all of them share.
struct ChartColumn {
  std::vector<Chart> charts;

  int title_columns() const {
    int columns = 0;
    for (const Chart& chart : charts) columns = std::max(columns, Columns(chart.title) + 1);
    return columns;
  }
  // Of all but the bar.
  int fixed_columns() const {
    int text = 0;
    for (const Chart& chart : charts) text = std::max(text, chart.text_columns());
    return title_columns() + Columns(kBefore) + 1 + text;
  }

  // Painted lines with their width.
  std::vector<std::pair<std::string, int>> Draw(int bar_columns, const Style& style) const {
    std::vector<std::pair<std::string, int>> lines;
    for (const Chart& chart : charts) {
      const double full = std::max(chart.before.value_or(0), chart.after.value_or(0));
      const auto line = [&](absl::string_view title, absl::string_view side, Paint paint,
                            std::optional<double> value, const std::string& text) {
        const std::string bar = Bar(value, full, bar_columns);
        const std::string blanks(bar_columns - Columns(bar) + 1, ' ');
        const std::string head = Padded(title, title_columns());
        lines.emplace_back(absl::StrCat(head, Painted(style, Paint::kDim, side),
                                        Painted(style, paint, bar), blanks, text),
                           Columns(head) + Columns(side) + bar_columns + 1 + Columns(text));
      };
      line(chart.title, kBefore, Paint::kYellow, chart.before, chart.before_text);
      line("", kAfter, Paint::kCyan, chart.after, chart.after_text);
    }
    return lines;
  }
};

// The course and, under it, where the change was.
Lines CourseLines(const v1::Order& order, absl::Time now, const Style& style) {
  std::vector<CoursePoint> points;
  double most = 0;
  for (const v1::GoodputPoint& point : order.verification().course()) {
    points.push_back({FromProto(point.at()), point.goodput_bps()});
    most = std::max(most, point.goodput_bps());
  }
  if (points.empty()) return {};
  const std::optional<absl::Time> applied =
      order.has_applied_at() ? std::optional(FromProto(order.applied_at())) : std::nullopt;
  const std::string highest = absl::StrCat("  up to ", BitRateText(most));
  const int room = std::min(style.width - kLabelColumns - Columns(highest), kMostColumns);
  const Sparkline drawn = DrawCourse(points, applied, room);
  Lines lines = {absl::StrCat(Painted(style, Paint::kCyan, drawn.course), highest)};
  if (drawn.mark.has_value()) {
    lines.push_back(
        absl::StrCat(std::string(*drawn.mark, ' '), "▲ changed at ", ClockText(*applied, now)));
  }
  return Labelled(style, "Goodput", std::move(lines));
}

// What decides: as it was judged, and before that as it was approved.
std::string ExpectOf(const v1::IncidentView& view, const v1::Order& order) {
  if (!order.verification().expect().empty()) return order.verification().expect();
  for (const v1::Proposal& proposal : view.proposals()) {
    if (proposal.id() == order.proposal_id()) return proposal.verify().expect();
  }
  return "";
}

// With one side only there is nothing to compare by eye.
std::string OnlyBeforeText(const v1::Order& order) {
  std::vector<std::string> values;
  for (const Quantity& quantity : QuantitiesOf(order.verification().before())) {
    const std::optional<double> value = NumberIn(order.verification().before(), quantity.name);
    if (value.has_value()) {
      values.push_back(absl::StrCat(quantity.title, " ", quantity.text(*value)));
    }
  }
  if (values.empty()) return "";
  return absl::StrCat("before: ", absl::StrJoin(values, ", "),
                      "; after: ", IsSettled(order) ? "not measured" : "not measured yet");
}

}  // namespace

Lines BeforeAndAfterLines(const v1::Measurement& before, const v1::Measurement& after,
                          const Style& style) {
  ChartColumn left, right;
  for (const Quantity& quantity : QuantitiesOf(before)) {
    ChartColumn& column = left.charts.size() < 2 ? left : right;
    column.charts.push_back(ChartOf(quantity, before, after));
  }
  const int both = left.fixed_columns() + kGap + right.fixed_columns();
  const bool side_by_side = both + 2 * kMinBar <= style.width;
  const int room = side_by_side ? (style.width - both) / 2 : style.width - left.fixed_columns();
  const int bar_columns = std::clamp(room, 1, kMaxBar);
  const auto left_lines = left.Draw(bar_columns, style);
  const auto right_lines = right.Draw(bar_columns, style);
  int left_columns = 0;
  for (const auto& [text, columns] : left_lines) left_columns = std::max(left_columns, columns);
  Lines lines;
  for (size_t i = 0; i < left_lines.size(); ++i) {
    const auto& [text, columns] = left_lines[i];
    lines.push_back(side_by_side
                        ? absl::StrCat(text, std::string(left_columns - columns + kGap, ' '),
                                       right_lines[i].first)
                        : text);
  }
  return lines;
}

Lines RepairLines(const v1::IncidentView& view, const v1::Order& order, absl::Time now,
                  const Style& style) {
  const int columns = std::max(style.width - kLabelColumns, 20);
  const v1::Verification& verification = order.verification();

  Lines state = Wrap(OrderWords(order, now), columns, 2);
  for (std::string& line : state) line = Painted(style, OrderPaint(order), line);
  Lines lines = Labelled(style, "Repair", std::move(state));

  std::string what = order.id();
  if (const std::string targets = TargetsText(order); !targets.empty()) {
    absl::StrAppend(&what, what.empty() ? "" : ": ", targets);
    if (order.action().has_set_sysctl() && CanBeTakenBack(order)) {
      absl::StrAppend(&what, " ",
                      PlaceWords(view.incident().finding().netns(), order.action().set_sysctl()));
    }
  }
  Append(&lines, Labelled(style, "", Wrap(what, columns, 2)));

  if (verification.after().values().empty()) {
    Append(&lines, Labelled(style, "", Wrap(OnlyBeforeText(order), columns, 2)));
  } else {
    Style narrow = style;
    narrow.width = columns;
    Append(&lines,
           Labelled(style, "",
                    BeforeAndAfterLines(verification.before(), verification.after(), narrow)));
  }
  Append(&lines, CourseLines(order, now, style));
  if (const std::string expect = ExpectOf(view, order); !expect.empty()) {
    const std::string when =
        order.has_verify_after()
            ? absl::StrCat(DurationText(FromProto(order.verify_after())), " after: ")
            : "";
    Append(&lines, Labelled(style, "Check", Wrap(absl::StrCat(when, expect), columns, 1)));
  }
  if (const std::string lease = LeaseText(order, now); !lease.empty()) {
    Append(&lines, Labelled(style, "Lease", Wrap(lease, columns, 2)));
  }
  if (const std::string held_back = HeldBackText(verification); !held_back.empty()) {
    Append(&lines, Labelled(style, "Held back", Wrap(held_back, columns, 1)));
  }
  return lines;
}

}  // namespace tcpmedic::cli
