#include "diagnosis/pushdown.h"

#include <gtest/gtest.h>

#include "diagnosis/socket_schema.h"

namespace tcpmedic {
namespace {

TcpStateMask StatesOf(const std::string& condition) {
  std::vector<Issue> issues;
  const auto expression = expr::Compile(condition, SocketSchema(), expr::Type::Bool(), &issues);
  EXPECT_TRUE(expression.has_value()) << Format(issues);
  return expression.has_value() ? StatesThatCanMatch(*expression) : 0;
}

constexpr TcpStateMask kEstablished = MaskOf(TcpState::kEstablished);
constexpr TcpStateMask kCloseWait = MaskOf(TcpState::kCloseWait);

TEST(StatesThatCanMatch, OneStateOfAConjunction) {
  EXPECT_EQ(StatesOf("socket.state == \"established\" && socket.cwnd < 10"), kEstablished);
}

TEST(StatesThatCanMatch, StatesOfADisjunction) {
  EXPECT_EQ(StatesOf("(socket.state == \"established\" || socket.state == \"close-wait\") && "
                     "socket.retrans_ratio > 0.1"),
            kEstablished | kCloseWait);
  EXPECT_EQ(StatesOf("socket.state in [\"established\", \"close-wait\"]"),
            kEstablished | kCloseWait);
}

TEST(StatesThatCanMatch, AllStatesWhereTheStateDoesNotDecide) {
  EXPECT_EQ(StatesOf("socket.cwnd < 10"), kAllTcpStates);
  EXPECT_EQ(StatesOf("socket.state == \"listening\" || socket.cwnd < 10"), kAllTcpStates);
}

TEST(StatesThatCanMatch, AllButTheStateThatIsRuledOut) {
  EXPECT_EQ(StatesOf("socket.state != \"time-wait\""),
            kAllTcpStates & ~MaskOf(TcpState::kTimeWait));
}

TEST(StatesThatCanMatch, NoneOfAContradiction) {
  EXPECT_EQ(StatesOf("socket.state == \"ESTABLISHED\""), 0u);
}

}  // namespace
}  // namespace tcpmedic
