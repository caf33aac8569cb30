// The scan thread: scans again and again, as often as the CPU budget allows, and hands each
// finished report on. It owns the namespaces, the engine and the attribution; nothing else touches
// them.
#ifndef TCPMEDIC_AGENT_SCAN_LOOP_H_
#define TCPMEDIC_AGENT_SCAN_LOOP_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "agent/budget.h"
#include "agent/scanner.h"
#include "agent/signatures.h"
#include "agent/status_board.h"
#include "core/clock.h"
#include "observe/namespaces.h"
#include "tcpmedic/v1/agent_gateway.pb.h"

namespace tcpmedic {

class ScanLoop {
 public:
  struct Options {
    Namespaces::Options namespaces;
    Scanner::Options scanner;
    CpuBudget::Options budget;
  };
  // Called on the scan thread with each report.
  using Publish = std::function<void(std::shared_ptr<const v1::Report>)>;

  // Everything pointed to outlives the loop.
  ScanLoop(Options options, const Clock* clock, SignatureInbox* signatures, StatusBoard* board,
           Publish publish);
  ~ScanLoop();  // stops, and waits for the scan under way

  void Start();
  // Asks the loop to stop. False: a scan is still under way after `patience`.
  bool Stop(absl::Duration patience);

 private:
  void Run();
  absl::Duration ScanOnce();  // gives the interval to the next one

  Scanner scanner_;
  Namespaces namespaces_;
  CpuBudget budget_;
  const Clock* const clock_;
  SignatureInbox* const signatures_;
  StatusBoard* const board_;
  const Publish publish_;
  std::thread thread_;
  absl::Notification stop_;
  absl::Notification stopped_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_SCAN_LOOP_H_
