#include "diagnosis/recorded/recorded_evidence.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "diagnosis/compiled_signature.h"
#include "diagnosis/recorded/capture_filter.h"
#include "diagnosis/recorded/findings.h"
#include "diagnosis/recorded/gathered.h"
#include "diagnosis/recorded/remarks.h"

namespace tcpmedic {
namespace {

// Fewer segments with SYN and nothing else are no sign of a filter.
constexpr int64_t kFewestForAFilter = 3;

FoundBySignature Find(const CompiledSignature& signature, const Gathered& gathered,
                      const TraceResult& trace) {
  switch (signature.subject()) {
    case v1::SUBJECT_SOCKET:
      return FindInSockets(signature, gathered);
    case v1::SUBJECT_NETNS:
      return FindInNetns(signature, gathered);
    case v1::SUBJECT_PROCESS:
      return FindInProcesses(signature, gathered);
    case v1::SUBJECT_CONNECTION:
      return FindInConnections(signature, trace);
    default:
      return {};
  }
}

// What another signature's findings account for is said there.
void GiveTo(absl::string_view explaining, const std::vector<RecordedFinding>& explained,
            std::vector<RecordedFinding>* findings) {
  for (const RecordedFinding& one : explained) {
    for (RecordedFinding& finding : *findings) {
      if (finding.finding.signature() != explaining) continue;
      finding.remarks.push_back(absl::StrCat(
          one.finding.title(), ", ", one.finding.group(), " (", one.finding.socket_count(),
          " in the trace): explained by this, and no finding of its own"));
    }
  }
}

}  // namespace

class RecordedEvidence::Impl {
 public:
  void OnCommand(const RecordedCommand& command) {
    gathered.Add(command);
    const std::optional<std::string> filter = FilterForSyns(command.text);
    if (!filter.has_value()) return;
    filters_[command.place.input] = *filter;
    tracker.ShowsOnlySyns(command.place.input);
  }

  void OnSegment(const Place& place, const CapturedSegment& segment) {
    tracker.Observe(place.input, place.line, segment);
    Seen& seen = newest_input_ != seen_.end() && newest_input_->first == place.input
                     ? newest_input_->second
                     : (newest_input_ = seen_.try_emplace(place.input).first)->second;
    ++seen.segments;
    if (segment.Has(kSyn)) ++seen.syns;
  }

  // Of inputs where every segment has SYN although the clients and servers that sent them would
  // have gone on: the ACK after a SYN-ACK must have been left out. Where a SYN or a SYN-ACK was
  // sent again, its sender did wait for an answer, and nothing was left out.
  std::set<std::string> InputsThatSeemFiltered(const TraceResult& trace) const {
    std::set<std::string> inputs;
    for (const auto& [input, seen] : seen_) {
      if (filters_.count(input) != 0) continue;
      if (seen.segments >= kFewestForAFilter && seen.syns == seen.segments) inputs.insert(input);
    }
    for (const TrackedConnection& connection : trace.connections) {
      if (connection.totals.syns > 1 || connection.totals.syn_acks > 1) {
        inputs.erase(connection.input);
      }
    }
    return inputs;
  }

  RecordedDiagnosis Diagnose(
      const std::vector<std::shared_ptr<const CompiledSignature>>& signatures) {
    RecordedDiagnosis diagnosis;
    diagnosis.trace = tracker.Result();
    const std::set<std::string> filtered = InputsThatSeemFiltered(diagnosis.trace);
    for (const std::string& input : filtered) tracker.ShowsOnlySyns(input);
    if (!filtered.empty()) diagnosis.trace = tracker.Result();

    const auto find = [&](const CompiledSignature& signature) {
      FoundBySignature found = Find(signature, gathered, diagnosis.trace);
      diagnosis.activity.push_back(std::move(found.activity));
      return std::move(found.findings);
    };
    for (const auto& signature : signatures) {
      if (!signature->definition.explained_by().empty()) continue;
      std::vector<RecordedFinding> found = find(*signature);
      std::move(found.begin(), found.end(), std::back_inserter(diagnosis.findings));
    }
    for (const auto& signature : signatures) {
      const auto& explained_by = signature->definition.explained_by();
      if (explained_by.empty()) continue;
      std::vector<RecordedFinding> found = find(*signature);
      const auto explaining =
          std::find_if(explained_by.begin(), explained_by.end(), [&](const std::string& name) {
            return std::any_of(
                diagnosis.findings.begin(), diagnosis.findings.end(),
                [&](const RecordedFinding& one) { return one.finding.signature() == name; });
          });
      if (explaining != explained_by.end()) {
        GiveTo(*explaining, found, &diagnosis.findings);
      } else {
        std::move(found.begin(), found.end(), std::back_inserter(diagnosis.findings));
      }
    }
    std::stable_sort(diagnosis.findings.begin(), diagnosis.findings.end(),
                     [](const RecordedFinding& a, const RecordedFinding& b) {
                       return a.finding.severity() > b.finding.severity();
                     });
    Remark(filtered, &diagnosis);
    diagnosis.unread = gathered.unread();
    diagnosis.sockets = static_cast<int64_t>(gathered.sockets().size());
    return diagnosis;
  }

  Gathered gathered;
  Tracker tracker;

 private:
  struct Seen {
    int64_t segments = 0;
    int64_t syns = 0;
  };

  std::vector<std::string> RemarksOnFilters(const std::set<std::string>& seem_filtered) const {
    constexpr absl::string_view kSoWhat =
        ": the ACK that ends a handshake cannot be seen, so none is called half-open or "
        "unanswered";
    std::vector<std::string> remarks;
    for (const auto& [input, filter] : filters_) {
      if (seen_.count(input) == 0) continue;
      remarks.push_back(
          absl::StrCat("the capture's filter (", filter, ") shows only SYNs", kSoWhat));
    }
    for (const std::string& input : seem_filtered) {
      remarks.push_back(absl::StrCat("every segment in ", input,
                                     " has SYN set, as a capture with such a filter has", kSoWhat));
    }
    return remarks;
  }

  // Of captures that show SYNs and SYN-ACKs and nothing else: how many SYNs have none. One or two
  // are lost, or their SYN-ACK is; most of them are not.
  std::vector<std::string> RemarksOnUnanswered(const std::set<std::string>& seem_filtered,
                                               const TraceResult& trace) const {
    struct Syns {
      int64_t connections = 0, unanswered = 0;
    };
    std::map<std::string, Syns> by_input;
    for (const TrackedConnection& connection : trace.connections) {
      if (connection.totals.syns == 0) continue;
      Syns& syns = by_input[connection.input];
      ++syns.connections;
      if (connection.totals.syn_acks == 0) ++syns.unanswered;
    }
    std::vector<std::string> remarks;
    for (const auto& [input, syns] : by_input) {
      const bool filtered = filters_.count(input) != 0 || seem_filtered.count(input) != 0;
      const bool shows_syn_acks = syns.unanswered < syns.connections;
      if (!filtered || !shows_syn_acks || 2 * syns.unanswered <= syns.connections) continue;
      remarks.push_back(absl::StrCat(
          syns.unanswered, " of ", syns.connections, " SYNs in ", input,
          " have no SYN-ACK, which this capture would show: nothing here answered them, as where "
          "the SYN queue is full and cookies are off"));
    }
    return remarks;
  }

  // Of captures that have packets twice.
  static std::vector<std::string> RemarksOnCopies(const TraceResult& trace) {
    struct Copies {
      int64_t segments = 0, twice = 0;
    };
    std::map<std::string, Copies> by_input;
    for (const TrackedConnection& connection : trace.connections) {
      Copies& copies = by_input[connection.input];
      copies.segments += connection.totals.segments;
      copies.twice += connection.totals.captured_twice;
    }
    std::vector<std::string> remarks;
    for (const auto& [input, copies] : by_input) {
      if (copies.twice == 0) continue;
      remarks.push_back(absl::StrCat(
          input, " has ", copies.twice, " of ", copies.segments - copies.twice,
          " TCP segments twice, the second within 0.5 ms of the first: it was captured where each "
          "packet passes two times (tcpdump -i any on a router or a host of containers, a mirror "
          "of both ports). The second copies are not counted as retransmissions"));
    }
    return remarks;
  }

  static std::vector<std::string> RemarksOnIcmp(const TraceResult& trace) {
    if (trace.icmp_elsewhere == 0) return {};
    return {absl::StrCat(trace.icmp_elsewhere,
                         trace.icmp_elsewhere == 1 ? " ICMP error is" : " ICMP errors are",
                         " about connections of which nothing was captured")};
  }

  // Each remark once: with the findings that it bears on, else on its own.
  void Remark(const std::set<std::string>& seem_filtered, RecordedDiagnosis* diagnosis) const {
    std::set<std::string> said;
    const std::vector<std::string> on_filters = RemarksOnFilters(seem_filtered);
    for (RecordedFinding& one : diagnosis->findings) {
      const v1::Subject subject = one.finding.subject();
      if (subject == v1::SUBJECT_NETNS || subject == v1::SUBJECT_CONNECTION) {
        one.remarks.insert(one.remarks.end(), on_filters.begin(), on_filters.end());
      }
      said.insert(one.remarks.begin(), one.remarks.end());
    }
    // Where nothing was found, nobody has said that they matter.
    const std::vector<std::string> on_processes =
        diagnosis->findings.empty() ? std::vector<std::string>{} : RemarksOnProcesses(gathered);
    for (const std::vector<std::string>& remarks :
         {on_filters, RemarksOnUnanswered(seem_filtered, diagnosis->trace),
          RemarksOnCopies(diagnosis->trace), RemarksOnIcmp(diagnosis->trace),
          RemarksOnCounts(gathered), on_processes, gathered.NotKept()}) {
      for (const std::string& remark : remarks) {
        if (said.insert(remark).second) diagnosis->remarks.push_back(remark);
      }
    }
  }

  std::map<std::string, std::string> filters_;  // by input
  std::map<std::string, Seen> seen_;            // by input
  std::map<std::string, Seen>::iterator newest_input_ = seen_.end();
};

RecordedEvidence::RecordedEvidence() : impl_(std::make_unique<Impl>()) {}
RecordedEvidence::~RecordedEvidence() = default;

void RecordedEvidence::OnCommand(const RecordedCommand& command) { impl_->OnCommand(command); }
void RecordedEvidence::OnSocket(const RecordedSocket& socket) { impl_->gathered.Add(socket); }
void RecordedEvidence::OnCounter(const RecordedCounter& counter) { impl_->gathered.Add(counter); }
void RecordedEvidence::OnCount(const RecordedCount& count) { impl_->gathered.Add(count); }
void RecordedEvidence::OnProcess(const RecordedProcess& process) { impl_->gathered.Add(process); }
void RecordedEvidence::OnSegment(const Place& place, const CapturedSegment& segment) {
  impl_->OnSegment(place, segment);
}
void RecordedEvidence::OnRelated(const Place& place, const RelatedPacket& related) {
  impl_->tracker.ObserveRelated(place.input, place.line, related);
}
void RecordedEvidence::OnUnread(const Unread& unread) { impl_->gathered.Add(unread); }

RecordedDiagnosis RecordedEvidence::Diagnose(
    const std::vector<std::shared_ptr<const CompiledSignature>>& signatures) const {
  return impl_->Diagnose(signatures);
}

}  // namespace tcpmedic
