// Call sites on the running kernel: servers with known bugs, traced from outside.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "observe/call_sites/call_site_sampler.h"
#include "observe/proc_directory.h"
#include "tests/observe/call_sites/traced_server.h"
#include "tests/observe/throwaway_namespace.h"

namespace tcpmedic {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

std::string Server(const std::string& build) { return absl::StrCat(LEAKING_SERVERS, "/", build); }

// "leaking_server.cc:42" for the line that ends with "// site: NAME".
std::string SourceOfSite(const std::string& name) {
  std::ifstream source(LEAKING_SERVER_SOURCE);
  std::string line;
  for (int number = 1; std::getline(source, line); ++number) {
    if (absl::EndsWith(line, absl::StrCat("// site: ", name))) {
      return absl::StrCat("leaking_server.cc:", number);
    }
  }
  ADD_FAILURE() << "no line is marked " << name;
  return "";
}

std::string OutputOf(const std::string& command) {
  std::FILE* const pipe = popen(command.c_str(), "r");
  std::string output;
  char buffer[512];
  while (std::fgets(buffer, sizeof(buffer), pipe) != nullptr) output += buffer;
  EXPECT_EQ(pclose(pipe), 0) << command;
  return output;
}

std::vector<std::string> Describe(const std::vector<CallFrame>& frames) {
  std::vector<std::string> lines;
  for (const CallFrame& frame : frames) lines.push_back(DescribeFrame(frame));
  return lines;
}

std::vector<std::string> Functions(const CallSite& site) {
  std::vector<std::string> names;
  for (const CallFrame& frame : site.frames) names.push_back(frame.function);
  return names;
}

// A campaign of one window that the caller ends.
std::unique_ptr<CallSiteSampler> StartSampling(int pid, CallSiteOptions options = {}) {
  options.pid = pid;
  if (options.on == absl::Seconds(1)) options.on = absl::Seconds(10);
  auto sampler = CallSiteSampler::Start(options);
  EXPECT_TRUE(sampler.ok()) << sampler.status();
  return sampler.ok() ? *std::move(sampler) : nullptr;
}

// What a campaign says about `visits` connections to a server built and run like this, which reads
// the EOF of `eofs` of them.
CallSiteReport Sample(const std::vector<std::string>& command, int visits, int eofs,
                      bool request = true) {
  CallSiteReport report;
  InThrowawayNamespace([&] {
    const TracedServer server(command);
    const auto sampler = StartSampling(server.pid());
    ASSERT_NE(sampler, nullptr);
    server.Visits(visits, request);
    const std::vector<LeakedFd> leaked = server.WaitForLeaked(visits, eofs);
    EXPECT_THAT(leaked, SizeIs(visits));
    report = sampler->Finish(leaked);
  });
  return report;
}

TEST(CallSites, ThisHostCanSampleThem) {
  EXPECT_TRUE(CanSampleCallSites().ok()) << CanSampleCallSites();
}

TEST(CallSites, WithoutPrivilegesASentenceSaysWhyNot) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    if (setresuid(65534, 65534, 65534) != 0) _exit(1);
    const std::string text = CanSampleCallSites().ToString();
    _exit(write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  char text[1024];
  const ssize_t size = read(ends[0], text, sizeof(text));
  ASSERT_GT(size, 0);
  close(ends[0]);
  close(ends[1]);
  // By tracefs, which is root's, or where that is open to all by perf_event_open.
  EXPECT_THAT(std::string(text, size),
              ::testing::MatchesRegex("PERMISSION_DENIED: .*(tracefs|perf_event_open).*"));
}

TEST(CallSites, TheReadThatReturnedZeroIsNamedWithItsLineWithoutFramePointers) {
  const CallSiteReport report = Sample({Server("lines"), "read-eof"}, 20, 20);
  ASSERT_THAT(report.sites, SizeIs(1));
  const CallSite& site = report.sites[0];
  EXPECT_EQ(site.kind, CallKind::kReadEof);
  EXPECT_EQ(site.fds, 20);
  EXPECT_EQ(report.leaked_fds, 20);
  EXPECT_EQ(report.seen_fds, 20);
  EXPECT_THAT(report.degraded, IsEmpty());
  ASSERT_NE(site.where(), nullptr);
  EXPECT_EQ(site.where()->function, "leaky::DropAfterEof(int)");
  EXPECT_EQ(site.where()->source, SourceOfSite("read-eof"));
  EXPECT_EQ(site.where()->module, Server("lines"));
  // libc's wrapper stays in the list, and the callers are there up to main.
  EXPECT_TRUE(absl::StrContains(site.frames[0].module, "libc")) << DescribeFrame(site.frames[0]);
  EXPECT_THAT(Functions(site), Contains("main"));
  std::printf("%s\n", absl::StrJoin(Describe(site.frames), "\n").c_str());
}

TEST(CallSites, AServerWithSymbolsAloneIsNamedWithoutLines) {
  const CallSiteReport report = Sample({Server("symbols"), "read-eof"}, 20, 20);
  ASSERT_THAT(report.sites, SizeIs(1));
  const CallFrame* const where = report.sites[0].where();
  ASSERT_NE(where, nullptr);
  EXPECT_EQ(where->function, "leaky::DropAfterEof(int)");
  EXPECT_EQ(where->source, "");
  EXPECT_THAT(Functions(report.sites[0]), Contains("main"));
}

TEST(CallSites, AStrippedServersOffsetIsWhatAddr2lineResolvesInItsTwin) {
  const CallSiteReport report = Sample({Server("stripped"), "read-eof"}, 20, 20);
  ASSERT_THAT(report.sites, SizeIs(1));
  const CallFrame* const where = report.sites[0].where();
  ASSERT_NE(where, nullptr);
  EXPECT_EQ(where->function, "");
  EXPECT_EQ(where->source, "");
  EXPECT_EQ(where->module, Server("stripped"));
  EXPECT_THAT(OutputOf(absl::StrCat("addr2line -C -f -e ", Server("symbols"), " 0x",
                                    absl::Hex(where->offset))),
              HasSubstr("leaky::DropAfterEof(int)"));
  EXPECT_THAT(OutputOf(absl::StrCat("readelf -n ", Server("symbols"))),
              HasSubstr(absl::StrCat("Build ID: ", where->build_id, "\n")));
  // Every frame of the program, not only the innermost.
  std::string resolved;
  for (const CallFrame& frame : report.sites[0].frames) {
    if (frame.module != Server("stripped")) continue;
    resolved += OutputOf(
        absl::StrCat("addr2line -C -f -e ", Server("symbols"), " 0x", absl::Hex(frame.offset)));
  }
  EXPECT_THAT(resolved, HasSubstr("main\n"));
}

TEST(CallSites, AStaticallyLinkedServersWrapperIsSkipped) {
  const CallSiteReport report = Sample({Server("static"), "read-eof"}, 5, 5);
  ASSERT_THAT(report.sites, SizeIs(1));
  ASSERT_NE(report.sites[0].where(), nullptr);
  EXPECT_EQ(report.sites[0].where()->source, SourceOfSite("read-eof"));
  EXPECT_GT(report.sites[0].frames.size(), 1u);
  EXPECT_NE(report.sites[0].where(), &report.sites[0].frames[0]);
}

TEST(CallSites, CodeThatIsMappedASecondTimeDoesNotHideTheFirst) {
  const CallSiteReport report = Sample({Server("static"), "mapped-twice"}, 5, 5);
  ASSERT_THAT(report.sites, SizeIs(1));
  ASSERT_NE(report.sites[0].where(), nullptr);
  EXPECT_EQ(report.sites[0].where()->source, SourceOfSite("read-eof"));
}

TEST(CallSites, InlinedCodeHasAFrameOfItsOwn) {
  const CallSiteReport report = Sample({Server("lines"), "inlined"}, 5, 5, false);
  ASSERT_THAT(report.sites, SizeIs(1));
  const CallFrame* const where = report.sites[0].where();
  ASSERT_NE(where, nullptr);
  EXPECT_EQ(where[0].function, "leaky::FillBuffer(int, char*, unsigned long)");
  EXPECT_EQ(where[0].source, SourceOfSite("inlined"));
  EXPECT_EQ(where[1].function, "leaky::DropInInlinedCode(int)");
  EXPECT_EQ(where[1].source, SourceOfSite("inliner"));
}

TEST(CallSites, AStackLargerThanItsCopyStillNamesTheFunction) {
  const CallSiteReport report = Sample({Server("lines"), "large-frame"}, 5, 5, false);
  ASSERT_THAT(report.sites, SizeIs(1));
  const CallFrame* const where = report.sites[0].where();
  ASSERT_NE(where, nullptr);
  EXPECT_EQ(where->function, "leaky::DropWithLargeFrame(int)");
  EXPECT_EQ(where->source, SourceOfSite("large"));
}

TEST(CallSites, AConnectionThatIsNeverReadAgainIsNamedByItsLastRead) {
  const CallSiteReport report = Sample({Server("lines"), "never-read"}, 10, 0);
  ASSERT_THAT(report.sites, SizeIs(1));
  const CallSite& site = report.sites[0];
  EXPECT_EQ(site.kind, CallKind::kRead);
  EXPECT_EQ(site.fds, 10);
  ASSERT_NE(site.where(), nullptr);
  EXPECT_EQ(site.where()[0].source, SourceOfSite("request"));
  EXPECT_EQ(site.where()[1].function, "leaky::ParkConnection(int)");
  EXPECT_EQ(site.where()[1].source, SourceOfSite("parked"));
}

TEST(CallSites, AConnectionThatIsNeverReadIsNamedByItsAccept) {
  const CallSiteReport report = Sample({Server("lines"), "accept"}, 10, 0, false);
  ASSERT_THAT(report.sites, SizeIs(1));
  EXPECT_EQ(report.sites[0].kind, CallKind::kAccept);
  EXPECT_EQ(report.sites[0].fds, 10);
  ASSERT_NE(report.sites[0].where(), nullptr);
  EXPECT_EQ(report.sites[0].where()->function, "leaky::AcceptNext(int)");
  EXPECT_EQ(report.sites[0].where()->source, SourceOfSite("accept"));
}

TEST(CallSites, TwoBugsAreTwoSites) {
  const CallSiteReport report = Sample({Server("lines"), "both"}, 30, 20);
  ASSERT_THAT(report.sites, SizeIs(2));
  EXPECT_EQ(report.sites[0].kind, CallKind::kReadEof);
  EXPECT_EQ(report.sites[0].fds, 20);
  EXPECT_EQ(report.sites[1].kind, CallKind::kRead);
  EXPECT_EQ(report.sites[1].fds, 10);
}

TEST(CallSites, ThreadsOfBeforeAndThreadsStartedMeanwhileAreSampled) {
  for (const std::string mode : {"workers", "thread-each"}) {
    const CallSiteReport report = Sample({Server("lines"), mode}, 40, 40);
    int fds = 0;
    for (const CallSite& site : report.sites) {
      ASSERT_NE(site.where(), nullptr);
      EXPECT_EQ(site.where()->source, SourceOfSite("read-eof"));
      fds += site.fds;
    }
    EXPECT_EQ(fds, 40) << mode;
  }
}

TEST(CallSites, ANumberThatWasClosedAndGivenOutAgainSpeaksForItsNewSocketOnly) {
  InThrowawayNamespace([] {
    const TracedServer server({Server("lines"), "reuse"});
    const auto sampler = StartSampling(server.pid());
    ASSERT_NE(sampler, nullptr);
    for (int i = 0; i < 10; ++i) {
      server.Visit();       // read to its end and closed
      server.Visit(false);  // gets the same number, leaks
      server.WaitForLeaked(i + 1, 0);
    }
    const CallSiteReport report = sampler->Finish(server.Leaked());
    ASSERT_THAT(report.sites, SizeIs(1));
    EXPECT_EQ(report.sites[0].kind, CallKind::kAccept);
    EXPECT_EQ(report.sites[0].fds, 10);
  });
}

TEST(CallSites, ANumberThatChangedHandsWhileNothingWasSampledIsNotBlamed) {
  InThrowawayNamespace([] {
    const TracedServer server({Server("lines"), "reuse"});
    CallSiteOptions options;
    options.on = absl::Milliseconds(300);
    options.period = absl::Seconds(20);
    const auto sampler = StartSampling(server.pid(), options);
    ASSERT_NE(sampler, nullptr);
    std::optional<UniqueFd> first = server.Connect();
    TracedServer::Ask(*first);
    absl::SleepFor(absl::Milliseconds(700));  // the window is over
    // Read to its end and closed, unseen; until the server's FIN it would be taken for the leak.
    ASSERT_EQ(shutdown(first->get(), SHUT_WR), 0);
    char nothing;
    ASSERT_EQ(recv(first->get(), &nothing, 1, 0), 0);
    first.reset();
    server.Visit(false);  // the same number, leaked, unseen
    const std::vector<LeakedFd> leaked = server.WaitForLeaked(1, 0);
    EXPECT_THAT(leaked, SizeIs(1));
    const CallSiteReport report = sampler->Finish(leaked);
    EXPECT_GE(report.samples, 2);
    EXPECT_EQ(report.leaked_fds, 1);
    EXPECT_EQ(report.seen_fds, 0);
    EXPECT_THAT(report.sites, IsEmpty());
  });
}

TEST(CallSites, AnEarlierUseIsNotTakenForTheReadOfTheEofThatWasNotSampled) {
  InThrowawayNamespace([] {
    const TracedServer server({Server("lines"), "read-eof"});
    CallSiteOptions options;
    options.on = absl::Milliseconds(300);
    options.period = absl::Seconds(20);
    const auto sampler = StartSampling(server.pid(), options);
    ASSERT_NE(sampler, nullptr);
    std::optional<UniqueFd> client = server.Connect();
    TracedServer::Ask(*client);
    absl::SleepFor(absl::Milliseconds(700));
    client.reset();  // its EOF is read now, unseen
    const std::vector<LeakedFd> leaked = server.WaitForLeaked(1, 1);
    ASSERT_THAT(leaked, SizeIs(1));
    EXPECT_EQ(leaked[0].eof_read, true);
    EXPECT_THAT(sampler->Finish(leaked).sites, IsEmpty());
  });
}

TEST(CallSites, OnlyTheDescriptorsThatTheCallerNamesAreReported) {
  InThrowawayNamespace([] {
    const TracedServer server({Server("lines"), "read-eof"});
    const auto sampler = StartSampling(server.pid());
    ASSERT_NE(sampler, nullptr);
    server.Visits(10);
    std::vector<LeakedFd> leaked = server.WaitForLeaked(10, 10);
    ASSERT_THAT(leaked, SizeIs(10));
    leaked.resize(3);
    const CallSiteReport report = sampler->Finish(leaked);
    ASSERT_THAT(report.sites, SizeIs(1));
    EXPECT_EQ(report.sites[0].fds, 3);
  });
}

TEST(CallSites, AProgramThatIsInAnotherMountNamespaceAndSinceDeletedIsStillRead) {
  const std::string directory = absl::StrCat(LEAKING_SERVERS, "/hidden");
  std::filesystem::create_directories(directory);
  const std::string script =
      absl::StrCat("mount -t tmpfs none ", directory, " && cp ", Server("lines"), " ", directory,
                   "/server && (sleep 0.3; rm ", directory, "/server) & sleep 0.2; exec ",
                   directory, "/server read-eof");
  InThrowawayNamespace([&] {
    const TracedServer server({"unshare", "--mount", "sh", "-c", script});
    EXPECT_FALSE(std::filesystem::exists(directory + "/server"));
    absl::SleepFor(absl::Milliseconds(300));
    const auto sampler = StartSampling(server.pid());
    ASSERT_NE(sampler, nullptr);
    server.Visits(5);
    const CallSiteReport report = sampler->Finish(server.WaitForLeaked(5, 5));
    ASSERT_THAT(report.sites, SizeIs(1));
    ASSERT_NE(report.sites[0].where(), nullptr);
    EXPECT_EQ(report.sites[0].where()->source, SourceOfSite("read-eof"));
    EXPECT_EQ(report.sites[0].where()->module, directory + "/server");
  });
}

TEST(CallSites, ChildProcessesAreNotTraced) {
  InThrowawayNamespace([] {
    const TracedServer server({Server("lines"), "forks"});
    const auto sampler = StartSampling(server.pid());
    ASSERT_NE(sampler, nullptr);
    absl::SleepFor(absl::Milliseconds(500));  // some hundred children, a hundred reads each
    EXPECT_EQ(sampler->Finish({}).samples, 0);
  });
}

TEST(CallSites, AProcessThatIsNotThereIsNotFound) {
  // Beyond the kernel's PID_MAX_LIMIT of 2^22.
  EXPECT_TRUE(absl::IsNotFound(CallSiteSampler::Start({.pid = 1 << 23}).status()));
}

TEST(CallSites, AProcessThatExitsMeanwhileEndsTheCampaign) {
  InThrowawayNamespace([] {
    TracedServer server({Server("lines"), "read-eof"});
    CallSiteOptions options;
    options.on = absl::Milliseconds(100);
    options.period = absl::Milliseconds(200);
    const auto sampler = StartSampling(server.pid(), options);
    ASSERT_NE(sampler, nullptr);
    server.Visits(3);
    const std::vector<LeakedFd> leaked = server.WaitForLeaked(3, 3);
    server.Kill();
    const absl::Time deadline = absl::Now() + absl::Seconds(5);
    while (sampler->sampling() && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(5));
    EXPECT_FALSE(sampler->sampling());
    const CallSiteReport report = sampler->Finish(leaked);
    EXPECT_THAT(report.sites, IsEmpty());
    EXPECT_THAT(report.degraded, Contains("the process exited during the campaign"));
  });
}

TEST(CallSites, AProcessThatRunsAnotherProgramIsNotUnwoundWithIt) {
  InThrowawayNamespace([] {
    const TracedServer server({Server("lines"), "read-eof"});
    CallSiteOptions options;
    options.on = absl::Milliseconds(200);
    options.period = absl::Seconds(20);
    const auto sampler = StartSampling(server.pid(), options);
    ASSERT_NE(sampler, nullptr);
    server.Visits(3);
    absl::SleepFor(absl::Milliseconds(400));
    server.Signal(SIGUSR1);  // its leaked sockets stay open
    absl::SleepFor(absl::Milliseconds(200));
    std::vector<LeakedFd> leaked = server.Leaked();
    ASSERT_THAT(leaked, SizeIs(3));
    const CallSiteReport report = sampler->Finish(leaked);
    EXPECT_THAT(report.sites, IsEmpty());
    EXPECT_THAT(report.degraded, ElementsAre("the process runs another program now"));
  });
}

TEST(CallSites, ACampaignCutShortReportsWhatItSawAndLeavesNothingAttached) {
  InThrowawayNamespace([] {
    const TracedServer server({Server("lines"), "read-eof"});
    const auto sampler = StartSampling(server.pid());
    ASSERT_NE(sampler, nullptr);
    server.Visits(3);
    const std::vector<LeakedFd> leaked = server.WaitForLeaked(3, 3);
    const absl::Time asked = absl::Now();
    sampler->Resolve(leaked);
    EXPECT_LT(absl::Now() - asked, absl::Milliseconds(50));
    const CallSiteReport report = sampler->Finish(leaked);
    EXPECT_LT(absl::Now() - asked, absl::Seconds(5));
    EXPECT_THAT(report.sites, SizeIs(1));
    EXPECT_LT(report.sampled, absl::Seconds(5));
    const auto fds = ProcDirectory::Open("/proc/self/fd");
    ASSERT_TRUE(fds.ok());
    std::vector<std::string> links;
    EXPECT_TRUE(fds->ForEachNumber([&](int, const char* name) {
                     links.push_back(fds->ReadLink(name).value_or(""));
                     return true;
                   })
                    .ok());
    EXPECT_THAT(links, Not(Contains(HasSubstr("perf_event"))));
  });
}

TEST(CallSites, ACampaignThatNobodyAsksAboutEndsWithItsOwner) {
  InThrowawayNamespace([] {
    const TracedServer server({Server("lines"), "close"});
    auto sampler = StartSampling(server.pid());
    ASSERT_NE(sampler, nullptr);
    const absl::Time asked = absl::Now();
    sampler.reset();
    EXPECT_LT(absl::Now() - asked, absl::Seconds(2));
  });
}

}  // namespace
}  // namespace tcpmedic
