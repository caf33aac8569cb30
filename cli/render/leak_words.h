// A finding about a process in words: what piles up, which of the two bugs it is, and when the
// program runs out. Pure; the words are not yet escaped for a terminal.
#ifndef TCPMEDIC_CLI_RENDER_LEAK_WORDS_H_
#define TCPMEDIC_CLI_RENDER_LEAK_WORDS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tcpmedic/v1/finding.pb.h"
#include "tcpmedic/v1/policy.pb.h"

namespace tcpmedic::cli {

// A finding's evidence by its name, such as "process.pid". Null, nullopt: not known.
const v1::Evidence* FactIn(const v1::Finding& finding, absl::string_view name);
std::optional<int64_t> IntIn(const v1::Finding& finding, absl::string_view name);

// "listener 0.0.0.0:8080", "upstream 10.0.0.7:5432". Empty: not known.
std::string ListenerText(const v1::Finding& finding);

// "9,821 sockets in CLOSE-WAIT, the oldest for 3 min; 3,000 more a minute, and none was closed".
std::string PileText(const v1::Finding& finding);
// Which bug it is, by whether the program has read the end of file: "the program has read the end
// of file on all 9,821 and did not call close()".
std::string EndOfFileText(const v1::Finding& finding);
// "reaches its limit of 20,000 descriptors in about 6 min (9,850 now; …)"; what is not known is
// said to be so.
std::string ForecastText(const v1::Finding& finding);
// "186 MiB, 46.9 MiB more a minute". Empty: not known.
std::string MemoryText(const v1::Finding& finding);

// Who is alerted by this decision; empty: nobody.
std::vector<std::string> ReceiversOf(const v1::Decision& decision);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_RENDER_LEAK_WORDS_H_
