#include "controller/store/deliveries.h"

#include <google/protobuf/util/message_differencer.h>

#include <utility>

namespace tcpmedic {

using google::protobuf::util::MessageDifferencer;

DeliveryRecord RecordOf(const Delivery& sent, DeliveryRecord::What what) {
  return {sent.receiver, sent.alert.key(), sent.version, sent.alert.state(), what};
}

std::optional<Delivery> WithAlert(std::optional<Delivery> known, const AddressedAlert& next) {
  const v1::Alert::State state = next.alert.state();
  if (!known.has_value()) {
    if (next.refresh || state == v1::Alert::STATE_RESOLVED) return std::nullopt;
    return Delivery{next.receiver, next.alert, 0, true, Reached::kNo};
  }
  Delivery delivery = *std::move(known);
  const v1::Alert::State before = delivery.alert.state();
  if (MessageDifferencer::Equals(delivery.alert, next.alert)) return std::nullopt;
  if (next.refresh) {
    if (state != v1::Alert::STATE_FIRING || before != state) return std::nullopt;
    delivery.alert = next.alert;
    return delivery;
  }
  // An event is said once, and an end has one time.
  if (state == before && state != v1::Alert::STATE_FIRING) return std::nullopt;
  delivery.alert = next.alert;
  delivery.version = 0;
  delivery.pending = state != v1::Alert::STATE_RESOLVED || delivery.reached != Reached::kNo;
  return delivery;
}

Delivery WithRecord(Delivery delivery, const DeliveryRecord& record) {
  const bool newest = delivery.version == record.version;
  const bool fired = record.state == v1::Alert::STATE_FIRING;
  switch (record.what) {
    case DeliveryRecord::What::kTrying:
      if (fired && delivery.reached == Reached::kNo) delivery.reached = Reached::kMaybe;
      break;
    case DeliveryRecord::What::kNotArrived:
      if (!fired || delivery.reached != Reached::kMaybe) break;
      delivery.reached = Reached::kNo;
      // It was resolved while the try was under way.
      if (delivery.alert.state() == v1::Alert::STATE_RESOLVED) delivery.pending = false;
      break;
    case DeliveryRecord::What::kAcknowledged:
      if (newest) delivery.pending = false;
      if (fired) {
        delivery.reached = Reached::kYes;
      } else if (newest) {
        delivery.reached = Reached::kNo;  // that life is over
      }
      break;
  }
  return delivery;
}

}  // namespace tcpmedic
