// The orders of one host: from a wish of the controller's to a change that is recorded before it is
// made, checked after, and undone by the host itself if nobody confirms it (a router's "commit
// confirmed").
//
//   wish apply → guard and preconditions → journal all inverses, fsync → apply → read back →
//   journal "applied", fsync → report → wish commit → journal "committed"          (held-back
//   sockets follow)
//            → wish roll back, or the deadline → undo what is still ours → journal → report
//   one that only reads → sampling.h → ended with what was found
//   committed with a lease → renewed while the host sees its condition → run out: undo, ended
//
// Every step may be repeated: orders are idempotent by id, and Open replays the journal. Not
// thread-safe: it belongs to the scan thread, which calls Step after each scan, on each new wish
// and at NextDeadline.
#ifndef TCPMEDIC_AGENT_ACT_ORDER_BOOK_H_
#define TCPMEDIC_AGENT_ACT_ORDER_BOOK_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/act/host_view.h"
#include "core/clock.h"
#include "observe/socket_sample.h"
#include "tcpmedic/v1/agent_gateway.pb.h"

namespace tcpmedic {

class CallSiteSource;  // agent/act/call_site_source.h: campaigns; the seam
class HostControl;     // agent/act/host_control.h: sockets and settings, changed; the seam
class JournalStorage;  // agent/act/journal_storage.h: the journal's file; the seam

class OrderBook {
 public:
  struct Options {
    std::string state_dir;   // holds the journal; made 0700 if absent
    std::string guard_path;  // read again at each apply; absent or unsafe means observe only
    std::string boot_id;
    uint64_t session_nonce = 0;
    CallSiteSource* call_sites = nullptr;  // outlives the book; null: sampling is refused
  };
  // Replays the journal: what was applied and not committed is rolled back at once where its
  // deadline has passed or the boot is another, or waits it out; leases go on from what is
  // journalled. DataLoss: the journal is damaged before its last record. FailedPrecondition:
  // another process has the journal open. `host` outlives the order book.
  static absl::StatusOr<std::unique_ptr<OrderBook>> Open(Options options, HostControl* host,
                                                         Moment now);
  // The same over a given storage; `options.state_dir` is not used.
  static absl::StatusOr<std::unique_ptr<OrderBook>> Open(Options options,
                                                         std::unique_ptr<JournalStorage> storage,
                                                         HostControl* host, Moment now);
  ~OrderBook();

  // Replaces all wishes. What is to be done is done by the next Step.
  void SetWishes(const v1::OrderSet& wishes);

  // Does what is due. True if any order's state changed: report at once. `view` is not kept.
  bool Step(Moment now, HostView* view);
  // When Step must be called at the latest, as uptime; InfiniteDuration: no order waits.
  absl::Duration NextDeadline() const;

  // What a campaign has seen can be told only after another scan: make one before the next Step.
  bool wants_fresh_samples() const;
  // Ends the campaign under way, of which nothing will be told: the agent stops. True: there was
  // one.
  bool AbandonSampling(const std::string& reason);

  // What to follow whatever the signatures say, to measure before and after.
  struct Followed {
    std::string order_id;
    std::vector<SocketKey> targets;        // changed
    std::vector<SocketKey> held_back;      // kept for comparison
    std::optional<uint64_t> netns_cookie;  // of an order that changes a namespace's settings
    Moment applied;
  };
  std::vector<Followed> followed() const;

  // All that must be reported now; `measured` is left to the caller.
  std::vector<v1::OrderReport> Reports() const;

  // Undoes everything that is still ours, committed or not; needs no controller.
  struct Undone {
    std::vector<std::string> lines;  // what was done, a line each; with what Open has rolled back
    bool complete = true;            // false: something is still ours and could not be undone now
  };
  Undone UndoAll(Moment now);

 private:
  class Impl;
  explicit OrderBook(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_ACT_ORDER_BOOK_H_
