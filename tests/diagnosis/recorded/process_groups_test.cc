// A number of sockets, and the few of them that are shown.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/diagnosis/recorded/recorded.h"

namespace tcpmedic {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

RecordedSocket InCloseWait(int line, int pid, uint32_t rqueue = 0) {
  RecordedSocket socket =
      Socket(TcpState::kCloseWait, 8080, static_cast<uint16_t>(1024 + line), line);
  socket.sample.rqueue = rqueue;
  socket.only_some = true;
  if (pid != 0) {
    socket.processes.resize(1);
    socket.processes[0].set_pid(pid);
    socket.processes[0].set_comm("app-server");
    socket.processes[0].add_fds(line);
  }
  return socket;
}

RecordedSocket Listener(int line) {
  RecordedSocket listener = Socket(TcpState::kListen, 8080, 0, line);
  listener.sample.local_ip = IpAddress();
  listener.sample.remote_ip = IpAddress();
  return listener;
}

// `ss -Htan state close-wait | wc -l` says 1200, and then these are shown.
RecordedFinding Found(const std::vector<RecordedSocket>& sockets) {
  RecordedEvidence evidence;
  evidence.OnCount({At(2), "close-wait", 1200});
  for (const RecordedSocket& socket : sockets) evidence.OnSocket(socket);
  RecordedDiagnosis diagnosis = evidence.Diagnose(AllShipped());
  if (diagnosis.findings.size() != 1) return {};
  return diagnosis.findings[0];
}

TEST(ProcessGroups, ANumberIsTheirsWhoHoldAllThatAreShown) {
  std::vector<RecordedSocket> sockets = {Listener(9)};
  for (int line = 3; line < 8; ++line) sockets.push_back(InCloseWait(line, 2274));
  const RecordedFinding found = Found(sockets);
  EXPECT_EQ(found.finding.confidence(), v1::CONFIDENCE_LIKELY);
  EXPECT_EQ(found.finding.group(), "process=2274 listener=0.0.0.0:8080");
  EXPECT_THAT(found.finding.verdict(), HasSubstr("1200 connections are in CLOSE-WAIT at "
                                                 "0.0.0.0:8080, held by app-server (pid 2274)"));
  // Five say nothing certain of 1200.
  EXPECT_THAT(found.finding.verdict(), Not(HasSubstr("Recv-Q")));
  EXPECT_EQ(EvidenceOf(found.finding, "process.read_eof"), nullptr);
  EXPECT_EQ(EvidenceOf(found.finding, "process.sockets")->source(),
            "a count of sockets in close-wait, incident.txt:2");
  EXPECT_EQ(EvidenceOf(found.finding, "process.pid")->source(), "ss users:(…), incident.txt:3");
  EXPECT_THAT(found.remarks,
              ElementsAre(HasSubstr("one sample shows no trend"),
                          "5 of 1200 are shown, and all are app-server's (pid 2274), Recv-Q 0: "
                          "the program has read the end of file and not called close(). Most "
                          "likely the rest is like them; it is not shown"));
}

TEST(ProcessGroups, LinesThatWereNotAskedWhoseTheyAreDoNotDisagree) {
  const RecordedFinding found =
      Found({InCloseWait(3, 2274, 1), InCloseWait(4, 2274, 1), InCloseWait(5, 0, 1)});
  EXPECT_EQ(found.finding.group(), "process=2274 listener=*:8080");
  EXPECT_THAT(found.remarks,
              Contains(HasSubstr("3 of 1200 are shown, and the 2 whose holder is named are all "
                                 "app-server's (pid 2274), Recv-Q 1 or more: the program has not "
                                 "read the end of file")));
}

TEST(ProcessGroups, ANumberIsNobodysWhereThoseThatAreShownDisagree) {
  RecordedSocket of_another_user = InCloseWait(4, 0);
  of_another_user.holders_asked = true;
  for (const RecordedSocket& other : {InCloseWait(4, 2275, 7), of_another_user}) {
    const RecordedFinding found = Found({InCloseWait(3, 2274), other});
    EXPECT_EQ(found.finding.group(), "process=not known listener=*:8080");
    EXPECT_THAT(found.finding.processes(), IsEmpty());
    EXPECT_THAT(found.finding.verdict(), Not(HasSubstr("held by")));
    EXPECT_THAT(found.remarks, Contains(HasSubstr("they are not all of one process")));
    EXPECT_THAT(found.remarks, Contains(HasSubstr("as root, tells whose they all are")));
  }
}

TEST(ProcessGroups, WhereAllWereListedAFewThatCameMeanwhileForgetNothing) {
  std::vector<RecordedSocket> sockets = {Listener(1)};
  for (int line = 3; line < 3 + 1190; ++line) {
    sockets.push_back(InCloseWait(line, 2274));
    sockets.back().only_some = false;
  }
  const RecordedFinding found = Found(sockets);
  EXPECT_THAT(found.finding.verdict(),
              AllOf(HasSubstr("1190 connections are"), HasSubstr("Recv-Q is 0 on 1190")));
  EXPECT_THAT(found.remarks, Each(Not(HasSubstr("are shown"))));
}

TEST(ProcessGroups, WhatHeadHasCutIsALowerBound) {
  RecordedEvidence evidence;
  for (int line = 3; line < 3 + 1000; ++line) evidence.OnSocket(InCloseWait(line, 2274));
  const RecordedDiagnosis diagnosis = evidence.Diagnose(AllShipped());
  ASSERT_EQ(diagnosis.findings.size(), 1u);
  EXPECT_THAT(diagnosis.findings[0].remarks,
              Contains(HasSubstr("only a part of the sockets, those that its filter or the pipe "
                                 "lets through: there are at least 1000 (incident.txt:3)")));
}

TEST(ProcessGroups, AListenerThatAGrepHasLeftOutIsNotClosed) {
  RecordedSocket other = Socket(TcpState::kListen, 22, 0, 1);
  std::vector<RecordedSocket> sockets = {other, InCloseWait(3, 2274), InCloseWait(4, 2274)};
  sockets[0].only_some = true;
  EXPECT_EQ(Found(sockets).finding.signature(), "close-wait-leak");
  // All were listed, and that of this port was not among them: the program is exiting.
  sockets[0].only_some = false;
  EXPECT_EQ(Found(sockets).finding.signature(), "");
}

}  // namespace
}  // namespace tcpmedic
