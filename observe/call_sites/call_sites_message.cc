#include "observe/call_sites/call_sites_message.h"

#include <iterator>
#include <optional>
#include <utility>

#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

constexpr std::pair<CallKind, v1::CallSite::Kind> kKinds[] = {
    {CallKind::kReadEof, v1::CallSite::KIND_READ_EOF},
    {CallKind::kRead, v1::CallSite::KIND_READ},
    {CallKind::kAccept, v1::CallSite::KIND_ACCEPT},
    {CallKind::kClose, v1::CallSite::KIND_CLOSE},
};

v1::CallSite::Kind MessageKind(CallKind kind) {
  for (const auto& [here, there] : kKinds) {
    if (here == kind) return there;
  }
  return v1::CallSite::KIND_UNSPECIFIED;
}

std::optional<CallKind> KindOf(v1::CallSite::Kind kind) {
  for (const auto& [here, there] : kKinds) {
    if (there == kind) return here;
  }
  return std::nullopt;
}

}  // namespace

v1::CallSites ToProto(const CallSiteReport& report) {
  v1::CallSites message;
  for (const CallSite& site : report.sites) {
    v1::CallSite* const to = message.add_sites();
    to->set_kind(MessageKind(site.kind));
    to->set_fds(site.fds);
    for (const CallFrame& frame : site.frames) {
      v1::CallFrame* const into = to->add_frames();
      into->set_function(frame.function);
      into->set_source(frame.source);
      into->set_module(frame.module);
      into->set_offset(frame.offset);
      into->set_build_id(frame.build_id);
    }
  }
  message.set_samples(report.samples);
  message.set_lost(report.lost);
  *message.mutable_sampled() = ToProto(report.sampled);
  message.set_leaked_fds(report.leaked_fds);
  message.set_seen_fds(report.seen_fds);
  for (const std::string& sentence : report.degraded) message.add_degraded(sentence);
  return message;
}

CallSiteReport FromProto(const v1::CallSites& message) {
  CallSiteReport report;
  for (const v1::CallSite& site : message.sites()) {
    const std::optional<CallKind> kind = KindOf(site.kind());
    if (!kind.has_value()) continue;
    CallSite& into = report.sites.emplace_back();
    into.kind = *kind;
    into.fds = site.fds();
    for (const v1::CallFrame& frame : site.frames()) {
      into.frames.push_back(
          {frame.function(), frame.source(), frame.module(), frame.offset(), frame.build_id()});
    }
  }
  report.samples = message.samples();
  report.lost = message.lost();
  report.sampled = FromProto(message.sampled());
  report.leaked_fds = message.leaked_fds();
  report.seen_fds = message.seen_fds();
  report.degraded.assign(message.degraded().begin(), message.degraded().end());
  return report;
}

}  // namespace tcpmedic
