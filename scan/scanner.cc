#include "scan/scanner.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

constexpr size_t kMaxDegraded = 32;
constexpr size_t kMaxDegradedBytes = 2048;
constexpr size_t kNamespacesNamed = 3;

v1::NetworkNamespace Describe(const ObservedNamespace& netns) {
  v1::NetworkNamespace described;
  described.set_cookie(netns.cookie);
  described.set_inode(netns.inode);
  described.set_name(netns.name);
  return described;
}

// Namespaces that fail in the same way, as one sentence: an agent without privileges fails in each.
class UnwatchedNamespaces {
 public:
  void Add(const ObservedNamespace& netns, absl::string_view why) {
    by_reason_[std::string(why)].push_back(netns.name);
  }

  std::vector<std::string> Sentences() const {
    std::vector<std::string> sentences;
    for (const auto& [why, names] : by_reason_) {
      const size_t named = std::min(names.size(), kNamespacesNamed);
      sentences.push_back(absl::StrCat(
          "sockets are not seen in ", absl::StrJoin(names.begin(), names.begin() + named, ", "),
          names.size() > named ? absl::StrCat(" and ", names.size() - named, " more") : "", ": ",
          why));
    }
    return sentences;
  }

 private:
  std::map<std::string, std::vector<std::string>> by_reason_;
};

// Cut where a character begins: a protobuf string must be UTF-8.
absl::string_view Shortened(absl::string_view text) {
  size_t size = std::min(text.size(), kMaxDegradedBytes);
  while (size < text.size() && size > 0 && (text[size] & 0xc0) == 0x80) --size;
  return text.substr(0, size);
}

void LeaveOutFindingsOver(size_t max_bytes, v1::Report* report) {
  size_t bytes = report->ByteSizeLong();
  while (bytes > max_bytes && report->findings_size() > 0) {
    bytes -= report->findings(report->findings_size() - 1).ByteSizeLong();
    report->mutable_findings()->RemoveLast();
    report->set_findings_omitted(report->findings_omitted() + 1);
  }
}

}  // namespace

bool MayHoldSockets(const CounterSample& counters, TcpStateMask states) {
  if (states == 0) return false;
  if (states == MaskOf(TcpState::kEstablished)) {
    // Of this state the kernel keeps count. (Before Linux 6.10 CLOSE-WAIT is not in it.)
    const std::optional<int64_t> established = counters.Get("TcpCurrEstab");
    if (established == 0) return false;
  }
  // sock_prot_inuse_add(): all but TIME-WAIT (which also stands for FIN-WAIT-2) and half-open
  // connections, and of those there are none without a listener.
  const std::optional<int64_t> in_use = counters.Get("SockstatTcpInuse");
  const std::optional<int64_t> in_use_6 = counters.Get("SockstatTcp6Inuse");
  const std::optional<int64_t> time_wait = counters.Get("SockstatTcpTw");
  if (!in_use || !in_use_6 || !time_wait) return true;
  return *in_use + *in_use_6 + *time_wait > 0;
}

Scanner::Scanner(Options options)
    : options_(options), engine_(options.engine), attribution_(options.attribution) {}

void Scanner::SetSignatures(CompiledSet set) {
  signatures_digest_ = std::move(set.digest);
  engine_.SetSignatures(std::move(set.signatures), std::move(set.revision));
}

v1::Report Scanner::Scan(absl::Span<const ObservedNamespace> namespaces, Moment now,
                         std::vector<std::string> degraded) {
  UnwatchedNamespaces unwatched;
  engine_.BeginScan(now);
  // Counters first, of all of them: they are cheap, and tell which dumps are worth while.
  std::vector<TcpStateMask> states(namespaces.size(), 0);
  for (size_t i = 0; i < namespaces.size(); ++i) {
    const ObservedNamespace& netns = namespaces[i];
    // What cannot be told apart from other namespaces cannot be a finding's place.
    if (netns.cookie == 0) continue;
    const bool counted = netns.counters != nullptr && netns.counters->Read(&counters_).ok();
    if (!counted) counters_.Clear();
    engine_.ObserveNamespace(Describe(netns), counted ? &counters_ : nullptr);
    const TcpStateMask wanted = engine_.StatesWanted(netns.cookie);
    if (MayHoldSockets(counters_, wanted)) states[i] = wanted;
  }
  for (size_t i = 0; i < namespaces.size(); ++i) {
    const ObservedNamespace& netns = namespaces[i];
    if (netns.sockets == nullptr) unwatched.Add(netns, netns.problem);
    if (netns.cookie == 0) continue;
    engine_.BeginNamespace(netns.cookie);
    absl::Status observed;
    if (netns.sockets == nullptr) {
      observed = absl::UnavailableError(netns.problem);
    } else if (states[i] != 0) {
      observed = Observe(netns, states[i]);
      if (!observed.ok()) {
        unwatched.Add(netns, absl::string_view(observed.message()));
      }
    }
    engine_.EndNamespace(/*complete=*/observed.ok());
  }
  attribution_.BeginScan(now.uptime);
  Engine::Result result = engine_.EndScan(&attribution_);
  attribution_.Attribute(engine_.finding_sockets(), now.uptime, &result.findings);

  v1::Report report;
  report.set_sequence(NextSequence());
  *report.mutable_at() = ToProto(now.wall);
  report.set_signatures_digest(signatures_digest_);
  report.mutable_findings()->Assign(std::make_move_iterator(result.findings.begin()),
                                    std::make_move_iterator(result.findings.end()));
  report.set_findings_omitted(result.findings_omitted);
  report.mutable_activity()->Assign(std::make_move_iterator(result.activity.begin()),
                                    std::make_move_iterator(result.activity.end()));
  v1::ScanStats* stats = report.mutable_stats();
  stats->set_namespaces(static_cast<int32_t>(namespaces.size()));
  stats->set_sockets(result.sockets);
  stats->set_suspects(result.suspects);
  stats->set_suspects_not_kept(result.suspects_not_kept);
  stats->set_interrupted_dumps(interrupted_dumps_);
  stats->set_malformed_messages(malformed_messages_);

  for (std::string& sentence : unwatched.Sentences()) degraded.push_back(std::move(sentence));
  if (std::string blind_spot = attribution_.blind_spot(); !blind_spot.empty()) {
    degraded.push_back(std::move(blind_spot));
  }
  degraded.resize(std::min(degraded.size(), kMaxDegraded));
  for (const std::string& sentence : degraded) {
    stats->add_degraded(std::string(Shortened(sentence)));
  }
  LeaveOutFindingsOver(options_.max_report_bytes, &report);
  return report;
}

std::vector<Candidate> Scanner::FindCandidates(const v1::Selector& selector) const {
  std::vector<Candidate> candidates;
  absl::flat_hash_set<uint32_t> inodes;
  for (SocketSample& sample : engine_.Members(selector)) {
    if (sample.inode != 0) inodes.insert(sample.inode);
    candidates.push_back({std::move(sample), {}});
  }
  const auto pids = attribution_.PidsHolding(inodes);
  for (Candidate& candidate : candidates) {
    const auto held_by = pids.find(candidate.sample.inode);
    if (held_by != pids.end()) candidate.pids = held_by->second;
  }
  return candidates;
}

absl::Status Scanner::Observe(const ObservedNamespace& netns, TcpStateMask states) {
  const absl::StatusOr<DumpStats> stats = netns.sockets->Dump(
      {.states = states}, [this](const SocketSample& sample) { engine_.Observe(sample); });
  if (!stats.ok()) return stats.status();
  interrupted_dumps_ += stats->interruptions;
  malformed_messages_ += stats->malformed_messages;
  return absl::OkStatus();
}

}  // namespace tcpmedic
