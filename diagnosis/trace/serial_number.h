// Arithmetic on sequence numbers modulo 2^32 (RFC 1982, RFC 9293 §3.4): which comes first is a
// matter of the shorter way round. Pure.
#ifndef TCPMEDIC_DIAGNOSIS_TRACE_SERIAL_NUMBER_H_
#define TCPMEDIC_DIAGNOSIS_TRACE_SERIAL_NUMBER_H_

#include <cstdint>

namespace tcpmedic {

// How far `to` lies after `from`: negative where it lies before it.
constexpr int32_t SerialDistance(uint32_t from, uint32_t to) {
  return static_cast<int32_t>(to - from);
}
constexpr bool SerialBefore(uint32_t a, uint32_t b) { return SerialDistance(a, b) > 0; }
constexpr bool SerialAtMost(uint32_t a, uint32_t b) { return SerialDistance(a, b) >= 0; }
// From `low` up to, including, `high`.
constexpr bool SerialBetween(uint32_t low, uint32_t number, uint32_t high) {
  return SerialAtMost(low, number) && SerialAtMost(number, high);
}

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_TRACE_SERIAL_NUMBER_H_
