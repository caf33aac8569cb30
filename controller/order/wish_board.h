// What each agent has been told to do, so that it is told again exactly when that changes. Wishes
// are level-triggered: all that is wished of a host goes out at once, and what has gone out may be
// lost with its stream.
//
// An order that is over is wished nothing of. But an agent repeats what has been decided of an
// order, or what it has done since, until it is told that this has been stored: what the newest
// report mentions is therefore always answered, also where that has been said before, and where the
// order is not known here any more. Not thread-safe: the coordinator's lock guards it.
#ifndef TCPMEDIC_CONTROLLER_ORDER_WISH_BOARD_H_
#define TCPMEDIC_CONTROLLER_ORDER_WISH_BOARD_H_

#include <map>
#include <string>
#include <vector>

#include "tcpmedic/v1/agent_gateway.pb.h"
#include "tcpmedic/v1/order.pb.h"

namespace tcpmedic {

class WishBoard {
 public:
  // A stream of the host begins: it has been told nothing.
  void Begin(const std::string& host);
  // The newest report has been stored.
  void Hear(const std::string& host, const v1::Report& report);

  // All wishes for the host, by id; `orders` are those at hand, of any host.
  v1::OrderSet WishesFor(const std::string& host,
                         const std::vector<const v1::Order*>& orders) const;
  // Whether these differ from what the host was told last, or answer it; from now on they are what
  // it was told.
  bool TellAnew(const std::string& host, const v1::OrderSet& wishes);

 private:
  struct Host {
    std::map<std::string, v1::Order::State> mentioned;  // by order, in the newest report
    std::string told;                                   // serialized
  };
  std::map<std::string, Host> hosts_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_ORDER_WISH_BOARD_H_
