// Numbers as tools print them: whole, or shortened ("9M", "780Kbps", "1.2Gbps"). Pure.
#ifndef TCPMEDIC_OBSERVE_RECORDED_QUANTITY_H_
#define TCPMEDIC_OBSERVE_RECORDED_QUANTITY_H_

#include <optional>

#include "absl/strings/string_view.h"

namespace tcpmedic {

struct Quantity {
  double value = 0;  // not negative, finite
  bool shortened = false;
};

// "5", "0.25", "9M", "1.5k", "9MB": K, M, G and T are decimal, of either case. nullopt: not so.
std::optional<Quantity> ParseQuantity(absl::string_view text);

// "780Kbps", "780000bps", "1.2Gbps", "780Kbit/s" → bits per second; a number without "bps" is not.
std::optional<Quantity> ParseBitsPerSecond(absl::string_view text);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_RECORDED_QUANTITY_H_
