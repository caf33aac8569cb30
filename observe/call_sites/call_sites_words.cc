#include "observe/call_sites/call_sites_words.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tcpmedic {
namespace {

// More of a stack than this is of the program's frame, not of the leak.
constexpr int kMostCallers = 4;

// "412 of 500".
std::string Share(const CallSite& site, const CallSiteReport& report) {
  return absl::StrCat(site.fds, " of ", report.leaked_fds);
}

// The frames above the one that SiteInWords names.
std::string Callers(const CallSite& site) {
  const CallFrame* const where = site.where();
  if (where == nullptr) return "";
  const auto first = site.frames.begin() + (where - site.frames.data()) + 1;
  const auto last = first + std::min<ptrdiff_t>(site.frames.end() - first, kMostCallers);
  if (first == last) return "";
  return absl::StrCat(", called by ", absl::StrJoin(first, last, ", by ",
                                                    [](std::string* out, const CallFrame& frame) {
                                                      absl::StrAppend(out, DescribeFrame(frame));
                                                    }));
}

std::string SpanWords(absl::Duration span) {
  return absl::FormatDuration(absl::Trunc(span, absl::Milliseconds(100)));
}

}  // namespace

std::string SiteInWords(const CallSite& site) {
  const CallFrame* where = site.where();
  if (where == nullptr && !site.frames.empty()) where = &site.frames[0];
  return absl::StrCat(CallKindName(site.kind), " in ",
                      where == nullptr ? "code that could not be told" : DescribeFrame(*where));
}

std::string HeadlineOf(const CallSiteReport& report) {
  if (report.sites.empty()) {
    return absl::StrCat("no call site was seen",
                        report.degraded.empty() ? "" : absl::StrCat(": ", report.degraded[0]));
  }
  const size_t others = report.sites.size() - 1;
  return absl::StrCat(
      Share(report.sites[0], report), " leaked descriptors: ", SiteInWords(report.sites[0]),
      others == 0 ? ""
                  : absl::StrCat("; and ", others, others == 1 ? " other place" : " other places"));
}

std::vector<std::string> LinesOf(const CallSiteReport& report, int max_sites) {
  std::vector<std::string> lines;
  for (const CallSite& site : report.sites) {
    if (static_cast<int>(lines.size()) == max_sites) {
      const size_t more = report.sites.size() - lines.size();
      lines.push_back(absl::StrCat(more, more == 1 ? " more place" : " more places"));
      break;
    }
    lines.push_back(absl::StrCat(Share(site, report), ": ", SiteInWords(site), Callers(site)));
  }
  if (report.leaked_fds > 0) {
    lines.push_back(absl::StrCat(
        "last used while calls were recorded: ", report.seen_fds, " of ", report.leaked_fds,
        " leaked descriptors (", report.samples, " calls in ", SpanWords(report.sampled),
        report.lost > 0 ? absl::StrCat(", ", report.lost, " lost") : "", ")"));
  }
  lines.insert(lines.end(), report.degraded.begin(), report.degraded.end());
  if (lines.empty()) lines.push_back(HeadlineOf(report));
  return lines;
}

}  // namespace tcpmedic
