// The link to the controller: one bidirectional stream, opened again whenever it ends.
// Level-triggered: it keeps only the newest report, so a partition needs no queue and a reconnect
// repairs everything. gRPC stays inside the .cc. Thread-safe.
#ifndef TCPMEDIC_AGENT_LINK_LINK_H_
#define TCPMEDIC_AGENT_LINK_LINK_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/link/backoff.h"
#include "agent/status_board.h"
#include "core/clock.h"
#include "tcpmedic/v1/agent_gateway.pb.h"
#include "tcpmedic/v1/signature.pb.h"

namespace tcpmedic {

class Link {
 public:
  struct Options {
    std::string controller;  // a gRPC target: "unix:/run/tcpmedic/agents.sock"
    v1::Hello hello;
    absl::Duration report_every = absl::Seconds(2);  // changed findings and orders go at once
    absl::Duration welcome_within = absl::Seconds(10);
    Backoff::Options backoff = {};
  };
  // Called on a thread of the link's, one call at a time, with what came in Welcome or later. A
  // refusal is logged.
  using OnSignatures = std::function<absl::Status(const v1::SignatureSet&)>;
  // Called like OnSignatures, with all wishes.
  using OnOrders = std::function<void(const v1::OrderSet&)>;

  // Begins to connect at once, and goes on until destroyed, which takes well under a second. The
  // board and the clock outlive the link.
  static std::unique_ptr<Link> Start(Options options, OnSignatures on_signatures,
                                     OnOrders on_orders, StatusBoard* board, const Clock* clock);
  virtual ~Link() = default;

  // Replaces the report that is to be sent next.
  virtual void Publish(std::shared_ptr<const v1::Report> report) = 0;

  // Waits until the controller has stored the newest report. False: it is not connected, or has not
  // said so within `patience`.
  virtual bool Flush(absl::Duration patience) = 0;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_LINK_LINK_H_
