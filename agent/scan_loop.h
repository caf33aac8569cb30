// The scan thread: scans again and again, as often as the CPU budget allows, does what orders ask
// for, and hands each finished report on. It owns the namespaces, the engine, the attribution and
// the order book; nothing else touches them.
//
// Orders come first: a wish wakes it at once, a deadline is kept however far the budget has
// stretched the interval, a change of an order's state is reported without waiting for a scan, and
// while a change is being verified it scans at the base interval, whatever that costs: for no
// longer than the order's `confirm_within`.
#ifndef TCPMEDIC_AGENT_SCAN_LOOP_H_
#define TCPMEDIC_AGENT_SCAN_LOOP_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "agent/act/order_book.h"
#include "agent/budget.h"
#include "agent/order_desk.h"
#include "agent/order_inbox.h"
#include "agent/signatures.h"
#include "agent/status_board.h"
#include "core/clock.h"
#include "observe/namespaces.h"
#include "scan/scanner.h"
#include "tcpmedic/v1/agent_gateway.pb.h"

namespace tcpmedic {

class ScanLoop {
 public:
  struct Options {
    Namespaces::Options namespaces;
    Scanner::Options scanner;
    CpuBudget::Options budget;
    OrderDesk::Options orders;
    // Called on the scan thread after each turn of the loop, at least every `turn_within`: for
    // whoever wants to know whether the loop still turns. The first call follows the first report.
    std::function<void()> on_turn = [] {};
    absl::Duration turn_within = absl::InfiniteDuration();
  };
  // Called on the scan thread with each report.
  using Publish = std::function<void(std::shared_ptr<const v1::Report>)>;

  // `book` null: as OrderDesk says. Everything else that is pointed to outlives the loop.
  ScanLoop(Options options, std::unique_ptr<OrderBook> book, const Clock* clock,
           SignatureInbox* signatures, OrderInbox* wishes, StatusBoard* board, Publish publish);
  ~ScanLoop();  // stops, and waits for the scan under way

  void Start();
  // Asks the loop to stop: it takes back what is applied and not committed, reports that, and ends.
  // False: it is still at work after `patience`.
  bool Stop(absl::Duration patience);
  // Whether anything was taken back on stopping. After Stop has returned true.
  bool took_back() const { return took_back_; }

 private:
  void Run();
  absl::Duration ScanOnce();  // steps the orders too; gives the interval to the next one
  void PublishOrders();       // the newest report again, with the orders as they are now

  Scanner scanner_;
  OrderDesk desk_;
  Namespaces namespaces_;
  CpuBudget budget_;
  const Clock* const clock_;
  const absl::Duration base_interval_;
  const std::function<void()> on_turn_;
  const absl::Duration turn_within_;
  SignatureInbox* const signatures_;
  OrderInbox* const wishes_;
  StatusBoard* const board_;
  const Publish publish_;
  std::shared_ptr<const v1::Report> newest_;
  bool took_back_ = false;
  std::thread thread_;
  absl::Notification stop_;
  absl::Notification stopped_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_SCAN_LOOP_H_
