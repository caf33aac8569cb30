#include "observe/recorded/shell_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_join.h"

namespace tcpmedic {
namespace {

TEST(AfterPrompt, KnowsThePromptsOfShells) {
  EXPECT_EQ(AfterPrompt("$ ss -s"), "ss -s");
  EXPECT_EQ(AfterPrompt("# ss -s"), "ss -s");
  EXPECT_EQ(AfterPrompt("me@host:~$ ss -s"), "ss -s");
  EXPECT_EQ(AfterPrompt("root@host:/var/log# ss -s"), "ss -s");
  EXPECT_EQ(AfterPrompt("[root@host ~]# ss -s"), "ss -s");
  EXPECT_EQ(AfterPrompt("(venv) me@host:~/a$ ss -s"), "ss -s");
  EXPECT_EQ(AfterPrompt("host:~ # ss -s"), "ss -s");
  EXPECT_EQ(AfterPrompt("bash-5.2# ss -s"), "ss -s");
  EXPECT_EQ(AfterPrompt("me@host:~$"), "");
  EXPECT_EQ(AfterPrompt("$"), "");
}

TEST(AfterPrompt, WhatToolsPrintIsNoPrompt) {
  EXPECT_EQ(AfterPrompt("#kernel"), std::nullopt);
  EXPECT_EQ(AfterPrompt("# RSS climbing every minute"), std::nullopt);
  EXPECT_EQ(AfterPrompt(" 1234 Ssl 8392000 /usr/bin/app-server   # ss climbing"), std::nullopt);
  EXPECT_EQ(AfterPrompt("root 1 0 sh -c echo $ ss"), std::nullopt);
  EXPECT_EQ(AfterPrompt("ESTAB 0 0 10.0.0.5:1 10.0.0.6:2"), std::nullopt);
  EXPECT_EQ(AfterPrompt(""), std::nullopt);
}

struct Case {
  const char* typed;
  const char* text;
  const char* stages;  // words joined by ',', stages by '|'
};

std::string StagesText(const ShellCommand& command) {
  return absl::StrJoin(command.stages, "|", [](std::string* out, const auto& words) {
    out->append(absl::StrJoin(words, ","));
  });
}

TEST(ParseShellCommand, GivesToolWordsAndPipe) {
  const Case cases[] = {
      {"ss -tan state close-wait | wc -l", "ss -tan state close-wait | wc -l",
       "ss,-tan,state,close-wait|wc,-l"},
      {"sudo tcpdump -i eth0 'tcp[tcpflags] & tcp-syn != 0' -tnn",
       "tcpdump -i eth0 'tcp[tcpflags] & tcp-syn != 0' -tnn",
       "tcpdump,-i,eth0,tcp[tcpflags] & tcp-syn != 0,-tnn"},
      {"sudo -u root -E ss -s", "ss -s", "ss,-s"},
      {"ip netns exec blue ss -s 2>/dev/null", "ss -s 2>/dev/null", "ss,-s"},
      {"watch -n 1 ss -s", "ss -s", "ss,-s"},
      {"LC_ALL=C timeout -k 1 5 nstat -az", "nstat -az", "nstat,-az"},
      {"date; ss -tan > out 2>&1", "date; ss -tan > out 2>&1", "ss,-tan"},
      {"true && sudo ss -s", "true && sudo ss -s", "ss,-s"},
      {"ss -s   # now", "ss -s   # now", "ss,-s"},
      {"grep 'a|b;c' f", "grep 'a|b;c' f", "grep,a|b;c,f"},
      {"'unclosed", "'unclosed", "unclosed"},
      {"", "", ""},
  };
  for (const Case& c : cases) {
    const ShellCommand command = ParseShellCommand(c.typed);
    EXPECT_EQ(command.text, c.text) << c.typed;
    EXPECT_EQ(StagesText(command), c.stages) << c.typed;
  }
}

TEST(ParseShellCommand, AToolIsNamedWithoutItsDirectory) {
  EXPECT_EQ(ParseShellCommand("sudo /usr/sbin/ss -s | head").tool(), "ss");
  EXPECT_EQ(ParseShellCommand("").tool(), "");
}

}  // namespace
}  // namespace tcpmedic
