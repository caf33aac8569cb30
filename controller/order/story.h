// What a step of an order's life means to people: lines for the incident's timeline. Pure;
// thread-safe.
#ifndef TCPMEDIC_CONTROLLER_ORDER_STORY_H_
#define TCPMEDIC_CONTROLLER_ORDER_STORY_H_

#include <string>
#include <vector>

#include "tcpmedic/v1/order.pb.h"

namespace tcpmedic {

struct OrderLine {
  std::string what;     // one word for programs: "dispatched", "applied", "judged", "verified", …
  std::string text;     // one line for people
  std::string actor;    // "agent", "controller" or the operator's name
  bool urgent = false;  // people are told at once

  bool operator==(const OrderLine&) const = default;
};

// In the order in which it happened; empty where nothing worth reading has changed. `was` is the
// default Order where the order is new.
std::vector<OrderLine> Story(const v1::Order& was, const v1::Order& now);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_ORDER_STORY_H_
