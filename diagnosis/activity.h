// Where sockets stopped on their way to one signature's finding, in one scan: the answer to "why is
// nothing found?". Counting does not allocate; texts are made once, at the end of the scan. Not
// thread-safe.
#ifndef TCPMEDIC_DIAGNOSIS_ACTIVITY_H_
#define TCPMEDIC_DIAGNOSIS_ACTIVITY_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "diagnosis/compiled_signature.h"
#include "diagnosis/socket_schema.h"
#include "tcpmedic/v1/finding.pb.h"

namespace tcpmedic {

// Why a socket is no match, or that it is one.
struct Outcome {
  enum class Kind : uint8_t {
    kMatch,
    kNotTrue,    // a conjunct of `sockets` is false, or unknown for good
    kWaiting,    // a conjunct is unknown because the window is not full
    kLookAlike,  // a look-alike is known true
  };
  Kind kind = Kind::kMatch;
  size_t index = 0;                  // of the conjunct or look-alike where it stopped
  uint64_t unknown_look_alikes = 0;  // of a match: one bit each
};

class Activity {
 public:
  // `signature` outlives this.
  explicit Activity(const CompiledSignature& signature);

  void BeginScan();
  void CountSuspect() { ++suspects_; }
  // Every socket once. `reading` is what the outcome was decided on.
  void Count(const Outcome& outcome, const SocketReading& reading);

  v1::SignatureActivity Report() const;

 private:
  struct Stop {
    int64_t sockets = 0;
    // The busiest of them, by bytes acknowledged: a copy, since samples live only while they are
    // observed.
    SocketSample busiest;
    std::optional<SocketDelta> window;
    uint64_t bytes_acked = 0;
  };
  static v1::SignatureActivity::Stop Describe(const Stop& stop, const expr::Expression& expression);

  const CompiledSignature* signature_;
  int64_t sockets_ = 0;
  int64_t suspects_ = 0;
  std::vector<Stop> not_true_;  // by conjunct
  std::vector<Stop> waiting_;   // by conjunct
  std::vector<Stop> look_alikes_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_ACTIVITY_H_
