#include "core/issue.h"

#include <gtest/gtest.h>

namespace tcpmedic {
namespace {

Issue Misspelling() {
  Issue issue;
  issue.file = "pinned.yaml";
  issue.position = {7, 9};
  issue.length = 11;
  issue.message = "unknown name 'socket.cwmd'";
  issue.hint = "did you mean 'socket.cwnd'?";
  issue.line = "  when: socket.cwmd > 3";
  return issue;
}

TEST(Format, ShowsThePlaceTheLineTheCaretAndTheHint) {
  EXPECT_EQ(Format(Misspelling()),
            "pinned.yaml:7:9: unknown name 'socket.cwmd'\n"
            "    when: socket.cwmd > 3\n"
            "          ^~~~~~~~~~~\n"
            "  did you mean 'socket.cwnd'?\n");
}

TEST(Format, WithoutFileLineOrHintLeavesThemOut) {
  Issue issue = Misspelling();
  issue.file.clear();
  issue.line.clear();
  issue.hint.clear();
  EXPECT_EQ(Format(issue), "7:9: unknown name 'socket.cwmd'\n");
}

TEST(Format, WithoutAPlaceIsTheFileAndTheSentence) {
  Issue issue = Misspelling();
  issue.position = {};
  issue.hint.clear();
  EXPECT_EQ(Format(issue), "pinned.yaml: unknown name 'socket.cwmd'\n");
  issue.file.clear();
  EXPECT_EQ(Format(issue), "unknown name 'socket.cwmd'\n");
}

TEST(Format, KeepsTabsSoThatTheCaretStandsUnderThePlace) {
  Issue issue = Misspelling();
  issue.line = "\ta:\tx";
  issue.position = {1, 5};
  issue.length = 1;
  issue.hint.clear();
  issue.file.clear();
  EXPECT_EQ(Format(issue),
            "1:5: unknown name 'socket.cwmd'\n"
            "  \ta:\tx\n"
            "  \t  \t^\n");
}

TEST(Format, CountsACharacterOfSeveralBytesOnce) {
  Issue issue = Misspelling();
  issue.line = "× × ÷÷";
  issue.position = {1, 7};  // the first ÷, in bytes
  issue.length = 4;
  issue.hint.clear();
  issue.file.clear();
  EXPECT_EQ(Format(issue),
            "1:7: unknown name 'socket.cwmd'\n"
            "  × × ÷÷\n"
            "      ^~\n");
}

TEST(Format, PointsBehindTheLineWhereSomethingIsMissing) {
  Issue issue = Misspelling();
  issue.line = "a &&";
  issue.position = {1, 5};
  issue.length = 1;
  issue.hint.clear();
  issue.file.clear();
  EXPECT_EQ(Format(issue),
            "1:5: unknown name 'socket.cwmd'\n"
            "  a &&\n"
            "      ^\n");
}

TEST(Format, OfAPlaceOutsideOfTheLineDoesNotReadBeyondIt) {
  Issue issue = Misspelling();
  issue.line = "ab";
  issue.position = {1, 500};
  issue.length = 1000;
  issue.hint.clear();
  issue.file.clear();
  EXPECT_EQ(Format(issue),
            "1:500: unknown name 'socket.cwmd'\n"
            "  ab\n"
            "    ^\n");
}

TEST(Format, CutsALongLineAroundThePlace) {
  Issue issue = Misspelling();
  issue.line = std::string(200, 'a') + "HERE" + std::string(200, 'b');
  issue.position = {1, 201};
  issue.length = 4;
  issue.hint.clear();
  issue.file.clear();
  EXPECT_EQ(Format(issue),
            "1:201: unknown name 'socket.cwmd'\n"
            "  …" +
                std::string(50, 'a') + "HERE" + std::string(66, 'b') +
                "…\n"
                "  " +
                std::string(51, ' ') + "^~~~\n");
}

TEST(Format, OfSeveralIssuesIsOneAfterTheOther) {
  Issue first;
  first.message = "one";
  Issue second;
  second.message = "two";
  EXPECT_EQ(Format({first, second}), "one\ntwo\n");
}

TEST(NearestName, FindsMisspellings) {
  const std::string names[] = {"socket.cwnd", "socket.mss", "socket.path_rtt"};
  EXPECT_EQ(NearestName("socket.cwdn", names), "socket.cwnd");   // swapped
  EXPECT_EQ(NearestName("socket.cwn", names), "socket.cwnd");    // missing
  EXPECT_EQ(NearestName("socket.cwnnd", names), "socket.cwnd");  // doubled
  EXPECT_EQ(NearestName("socket.path-rtt", names), "socket.path_rtt");
}

TEST(NearestName, IsEmptyWhereNoneIsNear) {
  const std::string names[] = {"socket.cwnd", "socket.mss"};
  EXPECT_EQ(NearestName("process.name", names), "");
  EXPECT_EQ(NearestName("", names), "");
  EXPECT_EQ(NearestName("x", {}), "");
}

TEST(NearestName, ShortNamesHaveToBeExact) {
  const std::string names[] = {"ab"};
  EXPECT_EQ(NearestName("ac", names), "");
}

TEST(NearestName, TakesTheNearestNotTheFirst) {
  const std::string names[] = {"matched", "matches"};
  EXPECT_EQ(NearestName("matchess", names), "matches");
}

}  // namespace
}  // namespace tcpmedic
