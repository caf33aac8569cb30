// Where orders meet scans: shows the order book what the newest scan saw, has the engine follow
// what the book changed, and puts how the orders stand, with what was measured, into each report.
// Not thread-safe: it belongs to the scan thread.
#ifndef TCPMEDIC_AGENT_ORDER_DESK_H_
#define TCPMEDIC_AGENT_ORDER_DESK_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "agent/act/host_view.h"
#include "agent/act/order_book.h"
#include "agent/status_board.h"
#include "core/clock.h"
#include "scan/scanner.h"
#include "tcpmedic/v1/agent_gateway.pb.h"

namespace tcpmedic {

class OrderDesk {
 public:
  struct Options {
    std::string host;  // an order for another host selects nothing
    uint64_t session_nonce = 0;
    // Why there is no book; every order of this session is then refused, with this reason.
    std::string observes_only = {};
    // Of a report's orders. Those over it wait until others are acknowledged: with the findings it
    // must stay under gRPC's 4 MiB for a message.
    size_t max_orders_bytes = 1 << 20;
  };
  // `book` may be null. Scanner and board outlive the desk.
  OrderDesk(Options options, std::unique_ptr<OrderBook> book, Scanner* scanner, StatusBoard* board);

  void TakeWishes(const v1::OrderSet& wishes);
  // A wish waits that picks its sockets now, or a campaign for what it has to explain: scan before
  // the next Step.
  bool wants_fresh_samples() const { return wants_fresh_samples_; }

  // Does what is due, on the newest scan's samples. True: an order's state changed; report at once.
  bool Step(Moment now);
  // When Step must be called at the latest, as uptime.
  absl::Duration NextDeadline() const;
  // A change is being verified: its targets are to be sampled at the shortest interval. Bounded by
  // the orders' `confirm_within`.
  bool measuring() const { return !followed_.empty(); }

  // Sets the report's orders, those under verification first.
  void AddOrdersTo(v1::Report* report) const;

  // Takes back what is applied and not committed, and ends a campaign: who stops the agent leaves
  // nobody to take it back at its deadline. What was committed stays. True: there was any.
  bool RollBackUncommitted(Moment now);

 private:
  class NewestScan;
  std::vector<v1::OrderReport> Reports() const;
  void FollowWhatIsApplied(const std::vector<v1::OrderReport>& reports);
  void CountChanges(const std::vector<v1::OrderReport>& reports, bool count);

  const Options options_;
  const std::unique_ptr<OrderBook> book_;
  Scanner* const scanner_;
  StatusBoard* const board_;

  bool wants_fresh_samples_ = false;
  std::vector<v1::OrderReport> refused_;  // only without a book
  std::set<std::string> followed_;  // orders under verification, whose targets the engine follows
  // What was measured of orders that are decided but still reported.
  std::map<std::string, v1::Verification> final_measurements_;
  std::map<std::string, v1::Order::State> known_states_;  // of the orders in the newest reports
  OrderCounts counts_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_ORDER_DESK_H_
