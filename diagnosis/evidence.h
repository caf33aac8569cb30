// How a value is written down as evidence, whatever it was read from. Pure.
#ifndef TCPMEDIC_DIAGNOSIS_EVIDENCE_H_
#define TCPMEDIC_DIAGNOSIS_EVIDENCE_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/expr/value.h"
#include "tcpmedic/v1/evidence.pb.h"

namespace tcpmedic {

// What a value is taken over. A derived attribute has the basis of what it is derived from.
enum class Basis : uint8_t {
  kNow,       // one sample decides it
  kLifetime,  // one sample, but it only grows: what is false now may become true
  kWindow,    // two samples, the signature's window apart
};

// Over what an increase was counted.
enum class CountedOver : uint8_t {
  kWindow,    // two samples, a known span apart
  kLifetime,  // one sample: since the connection, or the namespace, began. Its span is not known
  kLastRead,  // one sample of nstat(8) without -a: since its run before. Its span is not known
};
// "window 5s", "lifetime", "since nstat's last run".
std::string CountedOverText(CountedOver over, absl::Duration span);

// Leaves the value absent where it is unknown or an error.
void SetValue(const expr::Value& value, v1::Evidence* evidence);

// Adds one named value, still absent, to a measurement.
v1::Evidence* AddValue(absl::string_view name, absl::string_view unit, std::string basis,
                       absl::string_view source, v1::Measurement* measurement);

// "5s", "5.2s", "1m": to a tenth of a second.
std::string SpanText(absl::Duration span);

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_EVIDENCE_H_
