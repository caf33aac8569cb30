// Sends SYNs that a caller makes from a raw socket, smoothly at a rate: about one batch a
// millisecond. Only out of a lab host's device, and only to a lab's server: the program that floods
// a throwaway network must be of no use against a real one. One thread.
#ifndef TCPMEDIC_LAB_SYN_SENDER_H_
#define TCPMEDIC_LAB_SYN_SENDER_H_

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/ip_address.h"
#include "lab/syn_packet.h"
#include "lab/syn_program.h"

namespace tcpmedic::lab {

inline constexpr double kMaxSynRatePps = 100'000;
inline constexpr absl::Duration kMaxSynDuration = absl::Hours(1);

// InvalidArgument, naming the field.
absl::Status ValidateSynRate(double rate_pps, absl::Duration duration);

// Sends what `next` makes of 0, 1, 2, … until `duration` has passed, never more than rate ×
// duration in all. A sender that was held up does not catch up by more than some milliseconds'
// worth. InvalidArgument: `address` is not that of a lab's server. PermissionDenied: not allowed to
// open a raw socket. NotFound: this is no lab's host.
absl::Status SendSyns(const std::string& address, double rate_pps, absl::Duration duration,
                      absl::FunctionRef<Syn(const IpAddress& server, int64_t number)> next,
                      SynRecord* record);

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_SYN_SENDER_H_
