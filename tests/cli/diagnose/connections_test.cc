#include "cli/diagnose/connections.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/diagnose/diagnosis_examples.h"

namespace tcpmedic::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// Ten handshakes, one that failed, ten more.
TraceResult OneFailureAmongMany() {
  std::vector<TrackedConnection> connections;
  for (int i = 0; i < 20; ++i) {
    connections.push_back(Handshake());
    connections.back().client.port = static_cast<uint16_t>(50000 + i);
    if (i == 10) connections.push_back(NoReply());
  }
  return TraceOf(std::move(connections));
}

TEST(Connections, DrawsOneOfEachOutcomeInTheOrderOfTheTrace) {
  const TraceResult trace = OneFailureAmongMany();

  EXPECT_THAT(*ConnectionsToDraw(trace, {}),
              ElementsAre(&trace.connections[0], &trace.connections[11]));
}

TEST(Connections, DrawsAllOfAFew) {
  const TraceResult trace = TraceOf({Handshake(), Handshake(), Refused()});

  EXPECT_THAT(*ConnectionsToDraw(trace, {}), SizeIs(3));
}

TEST(Connections, DrawsEveryOneWhereAsked) {
  EXPECT_THAT(*ConnectionsToDraw(OneFailureAmongMany(), {.all = true}), SizeIs(21));
}

TEST(Connections, FindsAClientByItsAddress) {
  const TraceResult trace = OneFailureAmongMany();

  EXPECT_THAT(*ConnectionsToDraw(trace, {.of = "10.0.0.5:40000"}),
              ElementsAre(&trace.connections[11]));
  EXPECT_THAT(*ConnectionsToDraw(trace, {.of = "10.0.0.5"}), SizeIs(21));
}

TEST(Connections, FindsAServerWhereNoClientHasTheAddress) {
  const TraceResult trace = TraceOf({Handshake(), Refused()});

  EXPECT_THAT(*ConnectionsToDraw(trace, {.of = "10.0.0.9:6379"}),
              ElementsAre(&trace.connections[0]));
  EXPECT_THAT(*ConnectionsToDraw(trace, {.of = "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:443"}),
              ElementsAre(&trace.connections[1]));
}

TEST(Connections, NamesSomeWhereNoneMatches) {
  const absl::Status status =
      ConnectionsToDraw(TraceOf({Handshake()}), {.of = "10.0.0.5:1"}).status();

  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(status.message(), "no connection of 10.0.0.5:1; there is 10.0.0.5:51514");
}

TEST(Connections, RefusesWhatIsNoAddress) {
  for (const std::string text : {"web-1:443", "10.0.0.5:70000", "10.0.0.5:", "[::1:443", ":443"}) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(ConnectionsToDraw(TraceOf({Handshake()}), {.of = text}).status()))
        << text;
  }
}

TEST(Connections, CountsThemByOutcome) {
  EXPECT_EQ(CensusText(TraceOf({})), "");
  EXPECT_EQ(CensusText(TraceOf({Handshake()})), "1 connection, established");
  EXPECT_EQ(CensusText(TraceOf({Handshake(), Handshake()})), "2 connections, all established");
  EXPECT_EQ(CensusText(OneFailureAmongMany()), "21 connections: 20 established, 1 no-reply");
}

TEST(Connections, SaysHowManyAreNeitherDrawnNorListed) {
  const TraceResult trace = OneFailureAmongMany();
  const std::vector<std::string> lines =
      ConnectionLines(trace, *ConnectionsToDraw(trace, {}), {}, Style{});

  // 21 less the two that are drawn and the ten in the table.
  EXPECT_THAT(lines.back(), HasSubstr("… 9 more; --connection CLIENT:PORT draws one"));
}

}  // namespace
}  // namespace tcpmedic::cli
