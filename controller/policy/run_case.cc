#include "controller/policy/run_case.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "controller/policy/decide.h"
#include "core/clock.h"
#include "core/issue.h"
#include "diagnosis/engine.h"
#include "diagnosis/signature.h"
#include "observe/counters.h"
#include "observe/socket_sample.h"

namespace tcpmedic {
namespace {

// Any will do; a fixed one makes runs repeatable.
constexpr int64_t kStartUnixSeconds = 1'767'225'600;  // 2026-01-01T00:00:00Z
constexpr absl::Duration kStartUptime = absl::Hours(1);

std::string ActionInWords(const v1::Decision& decision) {
  if (decision.actions().empty()) return "none";
  std::vector<std::string> actions;
  for (const v1::Action& action : decision.actions()) {
    switch (action.kind_case()) {
      case v1::Action::kSetCongestionControl:
        actions.push_back(
            absl::StrCat("set_congestion_control ", action.set_congestion_control().algorithm()));
        break;
      case v1::Action::kSetSysctl:
        actions.push_back("set_sysctl");
        for (const v1::SetSysctl::Setting& setting : action.set_sysctl().settings()) {
          absl::StrAppend(&actions.back(), " ", setting.name(), "=", setting.value());
        }
        break;
      case v1::Action::kSampleCallSites:
        actions.push_back("sample_call_sites");
        break;
      case v1::Action::kRaiseAlert:
        actions.push_back("raise_alert");
        break;
      case v1::Action::kNote:
        actions.push_back("note");
        break;
      case v1::Action::KIND_NOT_SET:
        break;
    }
  }
  return absl::StrJoin(actions, ", ");
}

// What a dump would show of the case at that moment.
std::vector<SocketSample> SocketsOf(const Case& test, absl::Duration at, uint64_t netns_cookie) {
  if (test.netns.has_value()) return test.netns->SocketsAt(at, netns_cookie);
  if (test.process.has_value()) return test.process->SocketsAt(at, netns_cookie);
  SocketSample socket = test.socket.At(at);
  socket.key.netns_cookie = netns_cookie;
  return {socket};
}

// Where the case's only socket, its namespace or its process stopped.
std::string StoppedBy(const Engine::Result& result, absl::string_view signature) {
  for (const v1::SignatureActivity& activity : result.activity) {
    if (activity.signature() != signature) continue;
    for (const v1::SignatureActivity::Stop& stop : activity.stops()) {
      if (stop.sockets() > 0) return stop.at();
    }
  }
  return "nothing";
}

CaseResult Describe(const PolicySet& policies, const Case& test, const Engine::Result& result,
                    const v1::Finding* finding) {
  CaseResult found;
  if (finding == nullptr) {
    found.finding = "none";
    found.stopped_by = StoppedBy(result, test.signature);
    return found;
  }
  found.finding = finding->confidence() == v1::CONFIDENCE_CERTAIN ? "certain" : "likely";
  found.not_shown.emplace();
  for (const v1::NotShown& not_shown : finding->not_shown()) {
    found.not_shown->push_back(not_shown.look_alike());
  }
  const v1::Decision decision = Decide(policies, *finding, test.host);
  found.policy = decision.policy().empty() ? "none" : decision.policy();
  found.action = ActionInWords(decision);
  return found;
}

const v1::Finding* FindingOf(const Engine::Result& result, absl::string_view signature) {
  for (const v1::Finding& finding : result.findings) {
    if (finding.signature() == signature) return &finding;
  }
  return nullptr;
}

class Comparison {
 public:
  void Compare(absl::string_view what, const std::optional<std::string>& expected,
               const std::optional<std::string>& found) {
    if (!expected.has_value() || expected == found) return;
    absl::StrAppendFormat(&lines_, "    %s\n      expected: %s\n      found:    %s\n", what,
                          *expected, found.value_or("(nothing)"));
  }
  std::string Take() { return std::move(lines_); }

 private:
  std::string lines_;
};

std::optional<std::string> Joined(const std::optional<std::vector<std::string>>& words) {
  if (!words.has_value()) return std::nullopt;
  return absl::StrCat("[", absl::StrJoin(*words, ", "), "]");
}

std::string Difference(const Case& test, const CaseRun& run) {
  Comparison comparison;
  comparison.Compare("finding", test.expect.finding, run.found.finding);
  // The rest describes another outcome, and would only repeat that this one did not come.
  if (test.expect.finding == "none" && run.found.finding == "none" && run.found_after.has_value()) {
    comparison.Compare(
        "finding", "none",
        absl::StrCat("came after ", absl::FormatDuration(*run.found_after), " and went again"));
  } else if (test.expect.finding == run.found.finding) {
    comparison.Compare("stopped_by", test.expect.stopped_by, run.found.stopped_by);
    comparison.Compare("not_shown", Joined(test.expect.not_shown), Joined(run.found.not_shown));
    comparison.Compare("policy", test.expect.policy, run.found.policy);
    comparison.Compare("action", test.expect.action, run.found.action);
    if (test.within.has_value() &&
        run.found_after.value_or(absl::InfiniteDuration()) > *test.within) {
      comparison.Compare("within", absl::FormatDuration(*test.within),
                         absl::FormatDuration(*run.found_after));
    }
  } else if (run.found.stopped_by.has_value()) {
    comparison.Compare("stopped_by", "nothing", run.found.stopped_by);
  }
  const std::string lines = comparison.Take();
  if (lines.empty()) return "";
  return absl::StrCat(test.file, ":", test.line, ": ", test.signature, ": ", test.name, "\n",
                      lines);
}

}  // namespace

absl::StatusOr<CaseRun> RunCase(const PolicySet& policies, const Case& test) {
  const auto& signatures = policies.signatures.signatures();
  const auto signature = std::find_if(signatures.begin(), signatures.end(),
                                      [&](const auto& s) { return s.name() == test.signature; });
  if (signature == signatures.end()) {
    return absl::NotFoundError(
        absl::StrCat(test.file, ":", test.line, ": there is no signature '", test.signature, "'"));
  }
  if (signature->subject() == v1::SUBJECT_CONNECTION) {
    return absl::UnimplementedError(
        absl::StrCat(test.file, ":", test.line, ": '", test.signature,
                     "' is about connections of a trace, and cases describe none"));
  }
  std::vector<Issue> issues;
  std::shared_ptr<const CompiledSignature> compiled = CompileSignature(*signature, &issues);
  if (compiled == nullptr) return absl::InvalidArgumentError(Format(issues));

  Engine engine;
  engine.SetSignatures({std::move(compiled)}, policies.revision);
  v1::NetworkNamespace netns;
  netns.set_cookie(1);
  netns.set_name("case");

  std::optional<ScriptedHolders> holders;
  if (test.process.has_value()) holders.emplace(&*test.process);

  CaseRun run;
  for (absl::Duration at; at <= test.lasts; at += test.interval) {
    engine.BeginScan({absl::FromUnixSeconds(kStartUnixSeconds) + at, kStartUptime + at});
    const CounterSample counters =
        test.netns.has_value() ? test.netns->CountersAt(at) : CounterSample();
    engine.ObserveNamespace(netns, test.netns.has_value() ? &counters : nullptr);
    engine.BeginNamespace(netns.cookie());
    if (engine.StatesWanted(netns.cookie()) != 0) {
      for (const SocketSample& socket : SocketsOf(test, at, netns.cookie())) engine.Observe(socket);
    }
    engine.EndNamespace(/*complete=*/true);
    if (holders.has_value()) holders->SetTime(at);
    const Engine::Result result = engine.EndScan(holders.has_value() ? &*holders : nullptr);
    const v1::Finding* finding = FindingOf(result, test.signature);
    if (finding != nullptr && !run.found_after.has_value()) run.found_after = at;
    run.found = Describe(policies, test, result, finding);
  }
  run.difference = Difference(test, run);
  return run;
}

}  // namespace tcpmedic
