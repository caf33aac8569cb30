// Values as people read them. Pure.
#ifndef TCPMEDIC_CORE_EXPR_TEXT_H_
#define TCPMEDIC_CORE_EXPR_TEXT_H_

#include <string>

#include "absl/time/time.h"

namespace tcpmedic::expr {

// Three significant digits, but all digits before the point: "12.2", "0.00123", "73200000", "-1.5".
std::string NumberText(double number);
// "148 ms", "1.5 s", "5 s", "1 min 30 s", "2 h 5 min", "3 d 4 h".
std::string DurationText(absl::Duration duration);
// Bits per second: "780 kbit/s", "73.2 Mbit/s".
std::string BitrateText(double bits_per_second);
// A ratio: 0.0123 is "1.23 %".
std::string PercentText(double ratio);
// "512 B", "8.0 GiB", "780 MiB".
std::string BytesText(double bytes);

}  // namespace tcpmedic::expr

#endif  // TCPMEDIC_CORE_EXPR_TEXT_H_
