#include "observe/recorded/ps_columns.h"

#include <gtest/gtest.h>

#include "absl/strings/str_join.h"

namespace tcpmedic {
namespace {

std::string Columns(absl::string_view typed) {
  return absl::StrJoin(PsColumns(ParseShellCommand(typed)), " ");
}

constexpr char kAux[] = "USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND";

// The headers of procps-ng 4.0.2.
TEST(PsColumns, AreThoseOfTheHeaderThatPsPrints) {
  EXPECT_EQ(Columns("ps aux | grep app-server | grep -v grep"), kAux);
  EXPECT_EQ(Columns("ps auxww"), kAux);
  EXPECT_EQ(Columns("ps -aux"), kAux);
  EXPECT_EQ(Columns("ps u -p 12"), kAux);
  EXPECT_EQ(Columns("ps ax"), "PID TTY STAT TIME COMMAND");
  EXPECT_EQ(Columns("ps -e"), "PID TTY TIME CMD");
  EXPECT_EQ(Columns("ps -p 12"), "PID TTY TIME CMD");
  EXPECT_EQ(Columns("ps -ef | grep app"), "UID PID PPID C STIME TTY TIME CMD");
  EXPECT_EQ(Columns("ps -fC app"), "UID PID PPID C STIME TTY TIME CMD");
  EXPECT_EQ(Columns("ps -eLf"), "UID PID PPID LWP C NLWP STIME TTY TIME CMD");
  EXPECT_EQ(Columns("ps -eF --sort=-rss | head"), "UID PID PPID C SZ RSS PSR STIME TTY TIME CMD");
}

TEST(PsColumns, AreThoseOfTheList) {
  EXPECT_EQ(Columns("ps -eo pid,comm,rss,args | grep app"), "PID COMMAND RSS CMD");
  EXPECT_EQ(Columns("ps -p 12 -o pid= -o rss="), "PID RSS");
  EXPECT_EQ(Columns("ps -opid,stat -p 12 -o args=COMMAND"), "PID STAT CMD");
  EXPECT_EQ(Columns("ps -e --format pid,lstart,cmd --no-headers"), "PID STARTED CMD");
  EXPECT_EQ(Columns("ps axo user,pid,%mem"), "USER PID %MEM");
}

TEST(PsColumns, AreNotGuessed) {
  EXPECT_EQ(Columns("ps -el"), "");
  EXPECT_EQ(Columns("ps auxf"), "");
  EXPECT_EQ(Columns("ps -eo pid,supgrp,rss"), "");
  EXPECT_EQ(Columns("ps -o pid=X,comm=Y"), "");
  EXPECT_EQ(Columns("ps -O rss"), "");
  EXPECT_EQ(Columns("ps -p 12 -o comm"), "");
  EXPECT_EQ(Columns("ps aux | awk '{print $2, $6}'"), "");
  EXPECT_EQ(Columns("cat ps.txt"), "");
  EXPECT_EQ(Columns(""), "");
}

}  // namespace
}  // namespace tcpmedic
