// Quantities as people write them on a command line or in a file: "1%", "100mbit", "64KiB", "50/s".
// Durations are absl::ParseDuration's. Pure. InvalidArgument: not such a quantity, negative, or too
// large; the message names the text and shows a good example.
#ifndef TCPMEDIC_CORE_UNITS_H_
#define TCPMEDIC_CORE_UNITS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tcpmedic {

// "1%" or "0.01" → 0.01. From 0 to 1.
absl::StatusOr<double> ParseRatio(absl::string_view text);

// "100mbit", "100 Mbit/s", "1.5gbit", "780kbit/s", "64000" → bits per second. Units are decimal,
// case is ignored.
absl::StatusOr<int64_t> ParseBitRate(absl::string_view text);

// "1500", "1500B", "3.7MB" (decimal), "64KiB" (binary) → bytes. Case is ignored; "64k" is 64,000.
absl::StatusOr<int64_t> ParseBytes(absl::string_view text);

// "50/s", "20000pps", "20kpps", "50" → events per second.
absl::StatusOr<double> ParsePerSecond(absl::string_view text);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CORE_UNITS_H_
