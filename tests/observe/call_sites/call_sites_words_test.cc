#include "observe/call_sites/call_sites_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "observe/call_sites/call_sites_message.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;

CallFrame Frame(const std::string& function, const std::string& source,
                const std::string& module = "/usr/bin/server", uint64_t offset = 0x1234) {
  return {function, source, module, offset, "abcd"};
}

CallSiteReport Report() {
  CallSiteReport report;
  report.sites = {
      {CallKind::kReadEof,
       412,
       {Frame("read", "", "/usr/lib/libc.so.6"), Frame("Handle(int)", "leak.cc:42"),
        Frame("Serve()", "leak.cc:60"), Frame("main", "leak.cc:80")}},
      {CallKind::kAccept, 3, {Frame("", "")}},
  };
  report.leaked_fds = 500;
  report.seen_fds = 415;
  report.samples = 12'034;
  report.lost = 2;
  report.sampled = absl::Milliseconds(6'050);
  report.degraded = {"No symbols in /usr/bin/server."};
  return report;
}

TEST(CallSitesWords, NameTheFirstFrameOutsideLibc) {
  EXPECT_EQ(SiteInWords(Report().sites[0]), "read returned 0 in Handle(int) (leak.cc:42)");
  EXPECT_EQ(SiteInWords(Report().sites[1]), "accept in /usr/bin/server+0x1234");
  EXPECT_EQ(SiteInWords({CallKind::kRead, 1, {Frame("read", "", "/lib/libc.so.6")}}),
            "read in read (/lib/libc.so.6+0x1234)");
  EXPECT_EQ(SiteInWords({CallKind::kRead, 1, {}}), "read in code that could not be told");
}

TEST(CallSitesWords, TheHeadlineHasTheFirstSiteAndHowManyThereAre) {
  EXPECT_EQ(HeadlineOf(Report()),
            "412 of 500 leaked descriptors: read returned 0 in Handle(int) (leak.cc:42); and 1 "
            "other place");
}

TEST(CallSitesWords, TheLinesHaveCallersThenWhatWasSeenThenWhatKeptItFromMore) {
  EXPECT_THAT(LinesOf(Report(), 8),
              ElementsAre("412 of 500: read returned 0 in Handle(int) (leak.cc:42), called by "
                          "Serve() (leak.cc:60), by main (leak.cc:80)",
                          "3 of 500: accept in /usr/bin/server+0x1234",
                          "last used while calls were recorded: 415 of 500 leaked descriptors "
                          "(12034 calls in 6s, 2 lost)",
                          "No symbols in /usr/bin/server."));
  EXPECT_THAT(LinesOf(Report(), 1)[1], "1 more place");
}

TEST(CallSitesWords, NothingSeenSaysSo) {
  CallSiteReport nothing;
  EXPECT_EQ(HeadlineOf(nothing), "no call site was seen");
  EXPECT_THAT(LinesOf(nothing, 8), ElementsAre("no call site was seen"));
  nothing.degraded = {"The process has ended."};
  EXPECT_EQ(HeadlineOf(nothing), "no call site was seen: The process has ended.");
}

TEST(CallSitesMessage, CarriesEverything) {
  const CallSiteReport report = Report();
  const CallSiteReport back = FromProto(ToProto(report));
  EXPECT_EQ(back.sites, report.sites);
  EXPECT_EQ(back.leaked_fds, 500);
  EXPECT_EQ(back.seen_fds, 415);
  EXPECT_EQ(back.samples, 12'034);
  EXPECT_EQ(back.lost, 2);
  EXPECT_EQ(back.sampled, absl::Milliseconds(6'050));
  EXPECT_EQ(back.degraded, report.degraded);
}

TEST(CallSitesMessage, AKindThatIsNewerThanThisProgramIsLeftOut) {
  v1::CallSites message = ToProto(Report());
  message.mutable_sites(0)->set_kind(static_cast<v1::CallSite::Kind>(99));
  EXPECT_EQ(FromProto(message).sites.size(), 1u);
}

}  // namespace
}  // namespace tcpmedic
