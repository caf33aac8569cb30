// What is still to be told to whom: one delivery for each receiver and alert, which a newer version
// of the alert replaces. What happens to one is decided by two pure functions, which every Store
// applies in its transactions.
//
//     a newer version                    → pending, unless nobody would miss it
//     a try begins                       → the alert may reach its receiver from now on
//     it certainly did not arrive        → as before the try
//     the receiver has acknowledged it   → no longer pending, if it was the newest version
//
// A resolved alert whose firing cannot have reached the receiver is not sent: it would be noise
// about something that nobody there has heard of. Where a try ended without an answer it is sent.
#ifndef TCPMEDIC_CONTROLLER_STORE_DELIVERIES_H_
#define TCPMEDIC_CONTROLLER_STORE_DELIVERIES_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tcpmedic/v1/alert.pb.h"

namespace tcpmedic {

struct AddressedAlert {
  std::string receiver;
  v1::Alert alert;
  // Only newer annotations of an alert that stands: kept for its next repetition, not worth a
  // message. It adds nothing where there is no such alert.
  bool refresh = false;
};

// Whether a firing version has reached the receiver. Numbers are stored: never change one.
enum class Reached { kNo = 0, kMaybe = 1, kYes = 2 };

struct Delivery {
  std::string receiver;
  v1::Alert alert;      // the newest
  int64_t version = 0;  // of the store: greater than that of every earlier change; 0: to be given
  bool pending = false;
  Reached reached = Reached::kNo;
};

// It fires, and its receiver has acknowledged that.
inline bool IsStanding(const Delivery& delivery) {
  return delivery.alert.state() == v1::Alert::STATE_FIRING && !delivery.pending;
}

struct DeliveryRecord {
  // kNotArrived only for what had not been tried before, or else it takes that back as well.
  enum class What { kTrying, kNotArrived, kAcknowledged };
  std::string receiver;
  std::string key;
  int64_t version = 0;                                    // that was sent
  v1::Alert::State state = v1::Alert::STATE_UNSPECIFIED;  // of what was sent
  What what = What::kTrying;
};
DeliveryRecord RecordOf(const Delivery& sent, DeliveryRecord::What what);

// The delivery after `next`; version 0 where the store is to give a new one. nullopt: nothing is to
// be stored.
std::optional<Delivery> WithAlert(std::optional<Delivery> known, const AddressedAlert& next);
Delivery WithRecord(Delivery delivery, const DeliveryRecord& record);

// The side of a Store that receivers are served from; its errors are the Store's. Thread-safe.
class Deliveries {
 public:
  virtual ~Deliveries() = default;

  // Pending, those first that changed longest ago.
  virtual absl::StatusOr<std::vector<Delivery>> Undelivered(const std::string& receiver,
                                                            int limit) const = 0;
  // That stand, by version, beginning after version `after`.
  virtual absl::StatusOr<std::vector<Delivery>> Standing(const std::string& receiver, int64_t after,
                                                         int limit) const = 0;
  // One transaction. What is no longer there is passed over.
  virtual absl::Status RecordDeliveries(const std::vector<DeliveryRecord>& records) = 0;
  // How many are pending, by receiver; receivers with none are left out.
  virtual absl::StatusOr<std::map<std::string, int>> Waiting() const = 0;
  // Gives up pending events from before `before`, and all but the newest `keep` of each receiver.
  // Alerts are never given up: they are as many as there are incidents. Returns how many.
  virtual absl::StatusOr<int> DropEvents(absl::Time before, int keep) = 0;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_STORE_DELIVERIES_H_
