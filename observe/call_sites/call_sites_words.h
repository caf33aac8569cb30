// Call sites in words, for whoever has to mend the program: in a timeline, an alert, on a screen.
// Pure; what comes from the program's files is not yet escaped for a terminal.
#ifndef TCPMEDIC_OBSERVE_CALL_SITES_CALL_SITES_WORDS_H_
#define TCPMEDIC_OBSERVE_CALL_SITES_CALL_SITES_WORDS_H_

#include <string>
#include <vector>

#include "observe/call_sites/call_sites.h"

namespace tcpmedic {

// "read returned 0 in Handle (leak.cc:42)"; of the frame outside libc, else of the innermost.
std::string SiteInWords(const CallSite& site);

// One line: "412 of 500 leaked descriptors: read returned 0 in Handle (leak.cc:42); and 2 other
// places". Without a site it says that, and why as far as it is known.
std::string HeadlineOf(const CallSiteReport& report);

// A line for each site with its callers, at most `max_sites`; then how much was seen of what was
// looked for, and what kept it from knowing more.
std::vector<std::string> LinesOf(const CallSiteReport& report, int max_sites);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_CALL_SITES_CALL_SITES_WORDS_H_
