// That evaluation allocates nothing.
#include <gtest/gtest.h>

#include "core/expr/expression.h"
#include "tests/core/expr/fake_activation.h"
#include "tests/support/allocation_count.h"

namespace tcpmedic::expr {
namespace {

Expression CompileBool(absl::string_view text) {
  std::vector<Issue> issues;
  const auto expression = Compile(text, TestSchema(), Type::Bool(), &issues);
  EXPECT_TRUE(expression.has_value()) << Format(issues);
  return expression.value();
}

int64_t AllocationsOfEvaluating(const Expression& expression, const Activation& activation) {
  const int64_t before = AllocationCount();
  for (int i = 0; i < 1000; ++i) expression.Evaluate(activation);
  return AllocationCount() - before;
}

FakeActivation Socket() {
  FakeActivation activation;
  activation.Set("socket.state", Value::String("established"));
  activation.Set("socket.cc", Value::String("cubic"));
  activation.Set("socket.path_rtt", Value::Duration(absl::Milliseconds(148)));
  activation.Set("socket.data_segments", Value::Int(4711));
  activation.Set("socket.retrans_ratio", Value::Double(0.01));
  activation.Set("socket.cwnd", Value::Int(11));
  activation.Set("socket.loss_predicted_cwnd", Value::Double(12.2));
  activation.Set("socket.remote_ip", Value::Ip(*IpAddress::Parse("192.0.2.7")));
  return activation;
}

constexpr char kPinnedCwnd[] =
    "socket.state == 'established' && socket.cc == 'cubic' && "
    "socket.path_rtt >= duration('40ms') && socket.data_segments >= 200 && "
    "socket.retrans_ratio >= 0.001 && socket.retrans_ratio <= 0.15 && "
    "socket.cwnd <= 3.0 * socket.loss_predicted_cwnd";

TEST(Evaluation, OfPinnedCwndAllocatesNothing) {
  const Expression expression = CompileBool(kPinnedCwnd);
  const FakeActivation activation = Socket();
  ASSERT_TRUE(expression.Evaluate(activation).is_true());
  EXPECT_EQ(AllocationsOfEvaluating(expression, activation), 0);
}

TEST(Evaluation, ToUnknownAllocatesNothing) {
  const Expression expression = CompileBool(kPinnedCwnd);
  const FakeActivation nothing_reported;
  ASSERT_TRUE(expression.Evaluate(nothing_reported).is_unknown());
  EXPECT_EQ(AllocationsOfEvaluating(expression, nothing_reported), 0);
}

TEST(Evaluation, WithListsPrefixesLoopsAndArithmeticAllocatesNothing) {
  const Expression expression = CompileBool(
      "socket.cc in ['cubic', 'reno'] && cidr('192.0.2.0/24').containsIP(socket.remote_ip) && "
      "['bbr', 'cubic'].exists(name, name == socket.cc) && "
      "(socket.cwnd > 10 ? sqrt(socket.cwnd) : 0.0) > 1.22 / sqrt(1.0)");
  const FakeActivation activation = Socket();
  ASSERT_TRUE(expression.Evaluate(activation).is_true());
  EXPECT_EQ(AllocationsOfEvaluating(expression, activation), 0);
}

TEST(Evaluation, ThatBuildsTextIsCounted) {
  const Expression expression = CompileBool("socket.cc + '!' == 'cubic!'");
  EXPECT_GT(AllocationsOfEvaluating(expression, Socket()), 0);
}

}  // namespace
}  // namespace tcpmedic::expr
