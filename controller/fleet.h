// What is known of the hosts: which stream speaks for each, when it was last heard, what it last
// said of itself, and whether it has looked long enough that what it does not see is gone. A host
// is never forgotten while the controller runs.
//
// Does no I/O and asks no clock. Not thread-safe: the coordinator's lock guards it.
#ifndef TCPMEDIC_CONTROLLER_FLEET_H_
#define TCPMEDIC_CONTROLLER_FLEET_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/policy/decide.h"
#include "core/clock.h"
#include "tcpmedic/v1/agent_gateway.pb.h"
#include "tcpmedic/v1/operator.pb.h"

namespace tcpmedic {

// A host that has said nothing for this long, or for five of its own intervals, is lost.
inline constexpr absl::Duration kSilence = absl::Seconds(30);
inline constexpr int kMaxHosts = 10'000;

class Fleet {
 public:
  using Labels = std::map<std::string, std::string>;

  // Hosts that are labelled are known from `now` on, connected or not.
  Fleet(std::map<std::string, Labels> labels_by_host, const Moment& now);

  // Known from `now` on, if it was not. The reference lives as long as the fleet.
  const HostFacts& Know(const std::string& host, const Moment& now);

  // A session is one stream; a new one of the same host ends the one before.
  struct Connection {
    uint64_t session = 0;
    uint64_t superseded = 0;  // 0: none
  };
  // InvalidArgument: not a host's name. ResourceExhausted: over kMaxHosts.
  absl::StatusOr<Connection> Connect(const v1::Hello& hello, const Moment& now);
  void Disconnect(uint64_t session);

  // The agent process at the other end of the host's stream; nullopt: not connected.
  struct Agent {
    uint64_t session = 0;
    uint64_t nonce = 0;
  };
  std::optional<Agent> AgentOf(const std::string& host) const;
  // Empty: no stream of that session.
  std::string HostOf(uint64_t session) const;
  int size() const { return static_cast<int>(hosts_.size()); }

  // What a report means, before anything is changed by it.
  struct Hearing {
    std::string host;
    bool was_lost = false;
    // By the agent's clock: from when on it has looked with our signatures. InfiniteFuture: it does
    // not.
    absl::Time looking_since;
    // How long it has done so, less the scans of grace. Negative: absence means nothing, also
    // because the report leaves findings out.
    absl::Duration looked;

    // Whether a finding that takes `needed` to hold would be in the report if it were there.
    bool AbsenceCounts(absl::Duration needed) const { return looked >= needed; }
  };
  // `signatures_digest` names ours. Aborted: the session was superseded.
  absl::StatusOr<Hearing> Hear(uint64_t session, const v1::Report& report,
                               const std::string& signatures_digest) const;
  // The report has been stored: the host is heard, and what it says of itself replaces what it said
  // before.
  void Take(const Hearing& hearing, const v1::Report& report, const Moment& now);
  // Something of the last report is not done for the host; shown until its next one.
  void NoteDegraded(const std::string& host, std::string sentence);

  // Hosts that have been silent too long and are not yet lost.
  struct Silent {
    std::string host;
    absl::Time last_report_at;  // InfinitePast: none since the controller started
  };
  std::vector<Silent> NewlySilent(const Moment& now) const;
  // Until its next report.
  void MarkLost(const std::string& host);

  // By name; without the number of open incidents, which is not known here.
  v1::ListHostsResponse List() const;

 private:
  struct Host {
    HostFacts facts;
    v1::Hello hello;
    uint64_t session = 0;  // 0: not connected
    absl::Time connected_at = absl::InfinitePast();
    absl::Time last_report_at = absl::InfinitePast();
    absl::Duration heard_at;  // uptime of the last sign of life
    bool lost = false;
    absl::Time looking_since = absl::InfiniteFuture();  // as in Hearing
    std::string signatures_digest;
    v1::ScanStats stats;
    std::vector<v1::SignatureActivity> activity;
  };

  Host& Named(const std::string& name, const Moment& now);

  const std::map<std::string, Labels> labels_by_host_;
  std::map<std::string, Host> hosts_;         // by name
  std::map<uint64_t, std::string> sessions_;  // the current one of each host
  uint64_t last_session_ = 0;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_FLEET_H_
