#include "cli/render/repair.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/cli/order_examples.h"

namespace tcpmedic::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::vector<std::string> Lines(const v1::IncidentView& view, const Style& style = {}) {
  return RepairLines(view, view.orders(0), kNow, style);
}
v1::Measurement Measured(const std::string& text) { return FromText<v1::Measurement>(text); }

constexpr char kSlow[] = R"pb(
  values {
    name: "goodput_bps"
    value { double_value: 10e6 }
  }
  values {
    name: "retrans_ratio"
    value { double_value: 0.02 }
  }
  values {
    name: "cwnd_segments"
    value { int_value: 10 }
  }
  values {
    name: "rtt_us"
    value { int_value: 100000 }
  })pb";
constexpr char kFast[] = R"pb(
  values {
    name: "goodput_bps"
    value { double_value: 80e6 }
  }
  values {
    name: "retrans_ratio"
    value { double_value: 0.01 }
  }
  values {
    name: "cwnd_segments"
    value { int_value: 40 }
  }
  values { name: "rtt_us" })pb";

TEST(BeforeAndAfter, EachQuantityHasAScaleOfItsOwn) {
  EXPECT_THAT(
      BeforeAndAfterLines(Measured(kSlow), Measured(kFast), {.width = 75}),
      ElementsAre("goodput     before █▏        10 Mbit/s   cwnd before ██▎       10 segments",
                  "            after  █████████ 80 Mbit/s        after  █████████ 40 segments",
                  "retransmits before █████████ 2 %         rtt  before █████████ 100 ms",
                  "            after  ████▌     1 %              after            not reported"));
}

TEST(BeforeAndAfter, ANarrowScreenHasTheTwoThatDecide) {
  EXPECT_THAT(BeforeAndAfterLines(Measured(kSlow), Measured(kFast), {.width = 50}),
              ElementsAre("goodput     before ██               10 Mbit/s",
                          "            after  ████████████████ 80 Mbit/s",
                          "retransmits before ████████████████ 2 %",
                          "            after  ████████         1 %"));
}

TEST(Repair, WithoutAMeasurementAfterThereIsNothingToCompareByEye) {
  const std::vector<std::string> lines = Lines(PinnedCwndSilent(), {.width = 200});
  ASSERT_GE(lines.size(), 3u);
  EXPECT_EQ(
      lines[2],
      "          before: goodput 780 kbit/s, retransmits 1.02 %, cwnd 11 segments, rtt 148 ms; "
      "after: not measured yet");
}

TEST(Repair, StaysWithinItsLinesAndTheWidth) {
  v1::IncidentView view = PinnedCwndVerified();
  v1::Order& order = *view.mutable_orders(0);
  std::string long_text;
  for (int i = 0; i < 300; ++i) absl::StrAppend(&long_text, "word", i, " ");
  order.set_state(v1::Order::STATE_ROLLED_BACK);
  order.set_reason(long_text);
  order.mutable_targets(7)->set_reason(long_text);
  order.mutable_verification()->set_expect(long_text);
  for (int i = 0; i < 1000; ++i) {
    *order.mutable_verification()->add_course() = order.verification().course(i % 20);
  }
  for (const int width : {60, 72, 80, 100}) {
    const std::vector<std::string> lines = Lines(view, {.width = width});
    EXPECT_THAT(lines, SizeIs(kRepairLines));
    for (const std::string& line : lines) {
      EXPECT_LE(Columns(line), width) << line;
      EXPECT_NE(line.back(), ' ') << line;
    }
  }
}

TEST(Repair, BeforeAnythingIsMeasuredThereIsNoChart) {
  EXPECT_THAT(Lines(PinnedCwndSent()),
              ElementsAre("Repair    sent; the agent applies it by 03:12:33 UTC or not at all",
                          "          o-2b7e11",
                          "Check     20 s after: after.goodput_bps >= 3.0 * before.goodput_bps && "
                          "after.retrans_ratio < 0.15"));
}

TEST(Repair, AnAgentsWordsCannotReachTheTerminal) {
  v1::IncidentView view = PinnedCwndRefused();
  v1::Order& order = *view.mutable_orders(0);
  order.set_reason("\x1b[2J\r\n");
  order.mutable_targets(0)->set_reason("\x1b[2J");
  order.mutable_targets(0)->set_state(v1::Target::STATE_GONE);
  order.mutable_verification()->set_expect("\x07");
  const std::string text = Joined(Lines(view));
  for (const char c : text) EXPECT_TRUE(c == '\n' || static_cast<uint8_t>(c) >= 0x20) << int{c};
  EXPECT_THAT(text, HasSubstr("\\x1b[2J"));
}

}  // namespace
}  // namespace tcpmedic::cli
