// sample_call_sites: one campaign at a time, from the process that an order's finding is about to
// where its code leaks. It only reads: nothing is undone, and nothing waits for a commit. Not
// thread-safe; no call blocks for the campaign's sake.
//
//   Choose → Begin → Poll: began, or refused → … → ended, with what was found
#ifndef TCPMEDIC_AGENT_ACT_SAMPLING_H_
#define TCPMEDIC_AGENT_ACT_SAMPLING_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/act/call_site_source.h"
#include "agent/act/guard.h"
#include "agent/act/host_control.h"
#include "agent/act/host_view.h"
#include "core/clock.h"
#include "tcpmedic/v1/call_sites.pb.h"
#include "tcpmedic/v1/journal.pb.h"
#include "tcpmedic/v1/order.pb.h"

namespace tcpmedic {

class Sampling {
 public:
  // Of one campaign: the newest of the leaked sockets, as only they may have been seen in use.
  static constexpr size_t kMaxLeaked = 2048;
  // How long an end is waited for: of attaching, then of all that comes after the order's duration.
  static constexpr absl::Duration kAttachPatience = absl::Seconds(30);
  static constexpr absl::Duration kEndPatience = absl::Minutes(2);
  // After the last call was sampled, for what leaked then to be counted
  // (diagnosis/process_found.h).
  static constexpr absl::Duration kCountPatience = absl::Seconds(30);

  // `source` null: every order is refused. Both outlive this.
  Sampling(CallSiteSource* source, HostControl* host) : source_(source), host_(host) {}

  // Whether `order` may be begun now; adds to `record` its namespace and its process. Not ok, in
  // words: another is under way, the finding has gone, or the guard does not allow it.
  absl::Status Choose(const v1::Order& order, const Guard& guard, HostView* view,
                      v1::JournalledOrder* record);
  // Begins the order that was chosen last.
  void Begin(const v1::Order& order, Moment now);

  // Whose campaign is under way; empty: nobody's.
  const std::string& order_id() const { return order_id_; }
  // Has it end now, and tell what was seen so far.
  void EndEarly(absl::string_view reason);
  // Ends it, and nothing is told.
  void Abandon();

  struct Began {};
  struct Refused {
    std::string reason;
  };
  struct Ended {
    std::string reason;  // empty: its time was over
    std::optional<v1::CallSites> found;
  };
  using News = std::variant<std::monostate, Began, Refused, Ended>;
  // What has come of it since the last call; after Refused and Ended nothing is under way.
  News Poll(Moment now, HostView* view);
  // When Poll must be called next, as uptime; InfiniteDuration: nothing is under way.
  absl::Duration poll_at() const { return poll_at_; }
  // It waits for a scan of after the last call that was sampled.
  bool wants_fresh_samples() const { return step_ == Step::kCounting; }

 private:
  enum class Step { kIdle, kAttaching, kSampling, kCounting, kUnwinding };

  void LookAtLeaked(HostView* view);
  void Resolve();
  News End(News news);

  CallSiteSource* const source_;
  HostControl* const host_;

  ProcessKey process_;  // chosen
  v1::Selector selector_;
  std::string order_id_;
  std::unique_ptr<CallSiteCampaign> campaign_;
  Step step_ = Step::kIdle;
  absl::Duration poll_at_ = absl::InfiniteDuration();
  absl::Duration patience_until_;  // of the step
  absl::Duration sampled_at_;
  std::optional<std::string> ends_early_;  // the reason
  std::vector<LeakedFd> leaked_;           // as the newest scan that still had the finding saw them
  absl::Duration counted_until_ = -absl::InfiniteDuration();
  bool found_ = false;  // by the newest scan
};

// As much of a report as goes into an order's: the sites with most descriptors, of text that can be
// printed (the files are the program's own). What is left out is said in `degraded`. Pure.
v1::CallSites BoundedCallSites(const CallSiteReport& report, size_t max_bytes = 256 << 10);

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_ACT_SAMPLING_H_
