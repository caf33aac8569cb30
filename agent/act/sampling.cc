#include "agent/act/sampling.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "observe/call_sites/call_sites_message.h"
#include "observe/printable.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

// Attaching and unwinding end within moments; sampling takes seconds, and the sockets come with the
// scans.
constexpr absl::Duration kPollSoon = absl::Milliseconds(200);
constexpr absl::Duration kPollSampling = absl::Seconds(1);

constexpr int kMaxSites = 50;
constexpr int kMaxDegraded = 16;
constexpr size_t kMaxTextBytes = 512;  // demangled names of templates have no limit

void Bound(std::string* text) {
  if (text->size() > kMaxTextBytes) {
    size_t size = kMaxTextBytes;
    // Where a character begins.
    while (size > 0 && ((*text)[size] & 0xc0) == 0x80) --size;
    text->resize(size);
    text->append("…");
  }
  *text = Printable(*text);
}

}  // namespace

absl::Status Sampling::Choose(const v1::Order& order, const Guard& guard, HostView* view,
                              v1::JournalledOrder* record) {
  if (source_ == nullptr) return absl::UnimplementedError("this agent does not sample call sites");
  if (step_ != Step::kIdle) {
    return absl::UnavailableError(
        absl::StrCat("busy: order ", order_id_, " is sampling call sites on this host"));
  }
  const std::optional<ProcessFound> found = view->Process(order.selector());
  if (!found.has_value()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the finding has gone: ", order.selector().signature(),
                     " is not seen in namespace cookie:", order.selector().netns_cookie()));
  }
  const int pid = found->process.pid;
  const absl::StatusOr<v1::Process> process = host_->Describe(pid);
  if (absl::IsNotFound(process.status())) {
    return absl::FailedPreconditionError(absl::StrCat("pid ", pid, " has exited"));
  }
  if (!process.ok()) return process.status();
  const absl::StatusOr<NetnsFacts> netns =
      host_->FindNetns({.cookie = found->netns.cookie(), .inode = found->netns.inode()});
  if (!netns.ok()) return netns.status();
  const absl::Status allowed = AllowsSocket(
      guard, {.cookie = netns->cookie, .inode = netns->inode, .is_the_hosts = netns->in_host_netns},
      {*process});
  if (!allowed.ok()) return allowed;

  process_ = found->process;
  *record->mutable_netns() = found->netns;
  v1::Target* const target = record->add_targets()->mutable_target();
  target->set_pid(pid);
  target->set_state(v1::Target::STATE_APPLIED);
  return absl::OkStatus();
}

void Sampling::Begin(const v1::Order& order, Moment now) {
  order_id_ = order.id();
  selector_ = order.selector();
  ends_early_.reset();
  leaked_.clear();
  counted_until_ = -absl::InfiniteDuration();
  const absl::Duration duration = FromProto(order.action().sample_call_sites().duration());
  campaign_ = source_->Start(process_, duration);
  step_ = Step::kAttaching;
  patience_until_ = now.uptime + kAttachPatience;
  sampled_at_ = now.uptime + duration;  // at the latest
  poll_at_ = now.uptime + kPollSoon;
}

void Sampling::EndEarly(absl::string_view reason) {
  if (step_ == Step::kIdle || ends_early_.has_value()) return;
  ends_early_ = std::string(reason);
  poll_at_ = -absl::InfiniteDuration();
}

void Sampling::Abandon() { End({}); }

Sampling::News Sampling::End(News news) {
  campaign_.reset();
  order_id_.clear();
  step_ = Step::kIdle;
  poll_at_ = absl::InfiniteDuration();
  return news;
}

void Sampling::LookAtLeaked(HostView* view) {
  const std::optional<ProcessFound> found = view->Process(selector_);
  found_ = found.has_value() && found->process == process_;
  if (!found_) return;
  counted_until_ = found->counted_until;
  leaked_.clear();
  for (auto socket = found->sockets.rbegin(); socket != found->sockets.rend(); ++socket) {
    if (leaked_.size() == kMaxLeaked) break;
    if (socket->fd < 0) continue;
    leaked_.push_back(
        {.fd = socket->fd, .socket_inode = socket->inode, .eof_read = socket->eof_read});
  }
}

void Sampling::Resolve() {
  campaign_->Resolve(leaked_);
  step_ = Step::kUnwinding;
}

Sampling::News Sampling::Poll(Moment now, HostView* view) {
  if (now.uptime < poll_at_) return {};
  poll_at_ = now.uptime + kPollSoon;
  if (step_ == Step::kAttaching) {
    const absl::StatusOr<CallSiteCampaign::Stage> stage = campaign_->stage();
    if (!stage.ok()) return End(Refused{std::string(stage.status().message())});
    if (*stage == CallSiteCampaign::Stage::kAttaching) {
      if (now.uptime < patience_until_) return {};
      return End(Refused{
          absl::StrCat("sampling has not begun within ", absl::FormatDuration(kAttachPatience))});
    }
    step_ = Step::kSampling;
    patience_until_ = sampled_at_ + kEndPatience;
    return Began{};
  }
  if (now.uptime >= patience_until_) {
    return End(Ended{absl::StrCat("it did not come to an end within ",
                                  absl::FormatDuration(kEndPatience), " of its time"),
                     std::nullopt});
  }
  if (step_ == Step::kSampling) {
    poll_at_ = now.uptime + kPollSampling;
    LookAtLeaked(view);
    const auto stage = campaign_->stage();
    if (stage.ok() && *stage == CallSiteCampaign::Stage::kSampled) {
      step_ = Step::kCounting;
      sampled_at_ = now.uptime;
    }
  }
  if (step_ == Step::kCounting) {
    poll_at_ = now.uptime + kPollSampling;
    LookAtLeaked(view);
    if (!found_ || counted_until_ >= sampled_at_ || now.uptime >= sampled_at_ + kCountPatience) {
      Resolve();
    }
  }
  if (ends_early_.has_value() && step_ != Step::kUnwinding) Resolve();
  if (step_ == Step::kUnwinding) {
    poll_at_ = now.uptime + kPollSoon;
    if (const std::optional<CallSiteReport> report = campaign_->TryReport()) {
      return End(Ended{ends_early_.value_or(""), BoundedCallSites(*report)});
    }
  }
  return {};
}

v1::CallSites BoundedCallSites(const CallSiteReport& report, size_t max_bytes) {
  v1::CallSites found = ToProto(report);
  if (found.degraded_size() > kMaxDegraded) {
    found.mutable_degraded()->DeleteSubrange(kMaxDegraded, found.degraded_size() - kMaxDegraded);
  }
  for (std::string& sentence : *found.mutable_degraded()) Bound(&sentence);
  for (v1::CallSite& site : *found.mutable_sites()) {
    for (v1::CallFrame& frame : *site.mutable_frames()) {
      for (std::string* text : {frame.mutable_function(), frame.mutable_source(),
                                frame.mutable_module(), frame.mutable_build_id()}) {
        Bound(text);
      }
    }
  }
  const int sites = found.sites_size();
  size_t bytes = found.ByteSizeLong();
  while (found.sites_size() > kMaxSites || (bytes > max_bytes && found.sites_size() > 0)) {
    bytes -= found.sites(found.sites_size() - 1).ByteSizeLong();
    found.mutable_sites()->RemoveLast();
  }
  if (found.sites_size() < sites) {
    found.add_degraded(absl::StrCat(sites - found.sites_size(), " of ", sites,
                                    " call sites are not told: those with the fewest descriptors"));
  }
  return found;
}

}  // namespace tcpmedic
