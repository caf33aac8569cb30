#include "controller/fleet.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "controller/wire_time.h"

namespace tcpmedic {
namespace {

constexpr size_t kMaxHostNameBytes = 253;  // of a DNS name
constexpr int kSilentIntervals = 5;
// A signature holds after its window and its `for`; two scans more, so that the agent has certainly
// looked.
constexpr int kScansOfGrace = 2;

bool IsHostName(absl::string_view name) {
  return !name.empty() && name.size() <= kMaxHostNameBytes &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '.' || c == '-' || c == '_';
         });
}

}  // namespace

Fleet::Fleet(std::map<std::string, Labels> labels_by_host, const Moment& now)
    : labels_by_host_(std::move(labels_by_host)) {
  for (const auto& [host, labels] : labels_by_host_) Named(host, now);
}

Fleet::Host& Fleet::Named(const std::string& name, const Moment& now) {
  const auto [entry, is_new] = hosts_.try_emplace(name);
  Host& host = entry->second;
  if (is_new) {
    host.facts.name = name;
    const auto labels = labels_by_host_.find(name);
    if (labels != labels_by_host_.end()) host.facts.labels = labels->second;
    host.heard_at = now.uptime;
  }
  return host;
}

const HostFacts& Fleet::Know(const std::string& host, const Moment& now) {
  return Named(host, now).facts;
}

absl::StatusOr<Fleet::Connection> Fleet::Connect(const v1::Hello& hello, const Moment& now) {
  if (!IsHostName(hello.host())) {
    return absl::InvalidArgumentError(
        "Hello.host must be a host's name: letters, digits, '.', '-' and '_'");
  }
  if (hosts_.count(hello.host()) == 0 && hosts_.size() >= kMaxHosts) {
    return absl::ResourceExhaustedError(absl::StrCat("more than ", kMaxHosts, " hosts"));
  }
  Host& host = Named(hello.host(), now);
  const Connection connection = {++last_session_, host.session};
  sessions_.erase(host.session);
  sessions_[connection.session] = hello.host();
  // Another process has to look anew. The same one, after a lost link, has not stopped looking.
  if (host.hello.session_nonce() != hello.session_nonce()) {
    host.looking_since = absl::InfiniteFuture();
  }
  host.session = connection.session;
  host.hello = hello;
  host.connected_at = now.wall;
  host.heard_at = now.uptime;
  return connection;
}

void Fleet::Disconnect(uint64_t session) {
  const auto named = sessions_.find(session);
  if (named == sessions_.end()) return;
  hosts_.at(named->second).session = 0;
  sessions_.erase(named);
}

std::optional<Fleet::Agent> Fleet::AgentOf(const std::string& host) const {
  const auto known = hosts_.find(host);
  if (known == hosts_.end() || known->second.session == 0) return std::nullopt;
  return Agent{known->second.session, known->second.hello.session_nonce()};
}

std::string Fleet::HostOf(uint64_t session) const {
  const auto named = sessions_.find(session);
  return named == sessions_.end() ? "" : named->second;
}

absl::StatusOr<Fleet::Hearing> Fleet::Hear(uint64_t session, const v1::Report& report,
                                           const std::string& signatures_digest) const {
  const auto named = sessions_.find(session);
  if (named == sessions_.end()) {
    return absl::AbortedError("another stream of this host has taken over");
  }
  const Host& host = hosts_.at(named->second);
  Hearing hearing;
  hearing.host = host.facts.name;
  hearing.was_lost = host.lost;
  hearing.looking_since = host.looking_since;
  if (report.signatures_digest() != signatures_digest) {
    hearing.looking_since = absl::InfiniteFuture();
  } else if (hearing.looking_since == absl::InfiniteFuture()) {
    hearing.looking_since = FromWire(report.at());
  }
  const absl::Time since = std::max(hearing.looking_since, FromWire(host.hello.started_at()));
  hearing.looked =
      report.findings_omitted() > 0
          ? -absl::InfiniteDuration()
          : FromWire(report.at()) - since - kScansOfGrace * FromWire(report.stats().interval());
  return hearing;
}

void Fleet::Take(const Hearing& hearing, const v1::Report& report, const Moment& now) {
  Host& host = hosts_.at(hearing.host);
  host.looking_since = hearing.looking_since;
  host.lost = false;
  host.last_report_at = now.wall;
  host.heard_at = now.uptime;
  host.signatures_digest = report.signatures_digest();
  host.stats = report.stats();
  host.activity.assign(report.activity().begin(), report.activity().end());
}

void Fleet::NoteDegraded(const std::string& host, std::string sentence) {
  hosts_.at(host).stats.add_degraded(std::move(sentence));
}

std::vector<Fleet::Silent> Fleet::NewlySilent(const Moment& now) const {
  std::vector<Silent> silent;
  for (const auto& [name, host] : hosts_) {
    const absl::Duration patience =
        std::max(kSilence, kSilentIntervals * FromWire(host.stats.interval()));
    if (!host.lost && now.uptime - host.heard_at >= patience) {
      silent.push_back({name, host.last_report_at});
    }
  }
  return silent;
}

void Fleet::MarkLost(const std::string& host) { hosts_.at(host).lost = true; }

v1::ListHostsResponse Fleet::List() const {
  v1::ListHostsResponse response;
  for (const auto& [name, known] : hosts_) {
    v1::Host* host = response.add_hosts();
    host->set_name(name);
    host->set_connected(known.session != 0);
    if (known.connected_at != absl::InfinitePast()) {
      *host->mutable_connected_at() = ToWire(known.connected_at);
    }
    if (known.last_report_at != absl::InfinitePast()) {
      *host->mutable_last_report_at() = ToWire(known.last_report_at);
    }
    host->set_agent_version(known.hello.agent_version());
    host->set_kernel(known.hello.kernel());
    host->mutable_labels()->insert(known.facts.labels.begin(), known.facts.labels.end());
    host->set_signatures_digest(known.signatures_digest);
    *host->mutable_stats() = known.stats;
    host->mutable_activity()->Assign(known.activity.begin(), known.activity.end());
  }
  return response;
}

}  // namespace tcpmedic
