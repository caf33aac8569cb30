// Numbers as people read them: "780 kbit/s", "1.02 %", "41,827", "148 ms", "3 m ago". Three
// significant digits where there is a scale to choose. Pure.
#ifndef TCPMEDIC_CLI_RENDER_QUANTITY_H_
#define TCPMEDIC_CLI_RENDER_QUANTITY_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "tcpmedic/v1/evidence.pb.h"

namespace tcpmedic::cli {

std::string CountText(int64_t count);          // "41,827"
std::string PercentText(double ratio);         // 0.0102 → "1.02 %"
std::string PerSecondText(double per_second);  // "1,980/s"
std::string BitRateText(double bits_per_second);
std::string BytesText(double bytes);  // "1,448 bytes", "8.0 MiB"
std::string DurationText(
    absl::Duration duration);  // the one unit that fits: "148 ms", "57 m", "3 d"
std::string AgeText(absl::Time then, absl::Time now);  // "3 m ago", "now"; a time ahead: "in 57 m"
std::string ClockText(absl::Time time,
                      absl::Time now);  // "03:09:41 UTC", with its date if not today's

// The value with its unit; a ratio (by its name) in percent. Absent: "not reported".
std::string EvidenceText(const v1::Evidence& evidence);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_RENDER_QUANTITY_H_
