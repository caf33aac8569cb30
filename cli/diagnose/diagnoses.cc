#include "cli/diagnose/diagnoses.h"

#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/diagnose/diagnosis_screen.h"
#include "cli/diagnose/inputs.h"
#include "cli/diagnose/live.h"
#include "cli/diagnose/reading_progress.h"
#include "cli/progress.h"
#include "cli/render/quantity.h"
#include "controller/policy/decide.h"
#include "diagnosis/recorded/recorded_evidence.h"

namespace tcpmedic::cli {
namespace {

// Of the host itself nothing is known but, live, its name: labels are the controller's.
HostFacts HostFactsOf(bool live) {
  HostFacts host;
  char name[256] = {};
  if (live && gethostname(name, sizeof name - 1) == 0) host.name = name;
  return host;
}

}  // namespace

absl::StatusOr<DiagnosisView> DiagnoseInputs(const Policies& policies,
                                             const std::vector<std::string>& inputs,
                                             const Style& style) {
  RecordedEvidence evidence;
  CountingSink sink(&evidence);
  ReadingProgress progress(style, isatty(STDERR_FILENO) != 0);
  bool any_capture = false;
  const absl::Status read = ReadInputs(inputs, &sink, &progress, &any_capture);
  if (!read.ok()) return read;
  RecordedDiagnosis diagnosis = evidence.Diagnose(policies.compiled.signatures);
  DiagnosisView view;
  view.of = InputsText(inputs);
  view.read = sink.read();
  view.read.lines = !any_capture;
  view.read.sockets = diagnosis.sockets;
  for (RecordedFinding& found : diagnosis.findings) {
    v1::Decision decision = Decide(policies.set, found.finding, HostFactsOf(/*live=*/false));
    view.findings.push_back(
        {std::move(found.finding), std::move(found.remarks), std::move(decision)});
  }
  view.trace = std::move(diagnosis.trace);
  view.remarks = std::move(diagnosis.remarks);
  view.activity = std::move(diagnosis.activity);
  view.unread = std::move(diagnosis.unread);
  return view;
}

absl::StatusOr<DiagnosisView> DiagnoseThisHost(const Policies& policies,
                                               const Namespaces::Options& namespaces,
                                               absl::Duration watch_for, const Style& style) {
  Progress progress(style, isatty(STDERR_FILENO) != 0);
  progress.Step(absl::StrCat("watching this host for ", DurationText(watch_for)));
  absl::Duration lasted;
  absl::StatusOr<Watched> watched = WatchThisHost(
      policies.compiled, namespaces, watch_for, [&](absl::Duration now, const v1::Report& report) {
        lasted = now;
        progress.Detail(
            absl::StrCat(BarText(absl::ToDoubleSeconds(now), absl::ToDoubleSeconds(watch_for)),
                         "  ", DurationText(absl::Trunc(now, absl::Seconds(1))), ", ",
                         CountText(report.stats().sockets()), " sockets"));
      });
  if (!watched.ok()) {
    progress.Failed();
    return watched.status();
  }
  progress.Done();
  v1::Report& report = watched->report;
  DiagnosisView view;
  view.of = "this host";
  view.live = true;
  view.watched = lasted;
  view.sockets_seen = report.stats().sockets();
  view.namespaces_seen = watched->namespaces;
  view.not_seen = std::move(watched->not_seen);
  const HostFacts host = HostFactsOf(/*live=*/true);
  for (WatchedFinding& found : watched->findings) {
    v1::Decision decision = Decide(policies.set, found.finding, host);
    std::vector<std::string> remarks;
    if (found.gone_for > absl::ZeroDuration()) {
      remarks.push_back(absl::StrCat("It had gone by the end: last seen ",
                                     DurationText(found.gone_for), " before."));
    }
    view.findings.push_back({std::move(found.finding), std::move(remarks), std::move(decision)});
  }
  view.activity = {report.activity().begin(), report.activity().end()};
  if (report.findings_omitted() > 0) {
    view.remarks.push_back(absl::StrCat(report.findings_omitted(), " more findings are left out"));
  }
  return view;
}

}  // namespace tcpmedic::cli
