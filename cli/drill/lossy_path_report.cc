#include "cli/drill/lossy_path_report.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"

namespace tcpmedic::cli {
namespace {

constexpr absl::string_view kMeasured[] = {
    "congestion_control", "goodput_bps",       "rtt_us",
    "cwnd_segments",      "ssthresh_segments", "retrans_ratio"};

std::string Megabits(double bps) { return absl::StrFormat("%.2f Mbit/s", bps / 1e6); }

// The agent's goodput beside what the receiving program counted in the same windows. The receiver
// counts every flow: also those that were kept back to compare.
std::vector<std::string> HeldAgainstReceiver(const LossyPathReport& report) {
  std::vector<std::string> lines;
  const auto compare = [&](const char* when, const v1::Measurement* measured,
                           const v1::Measurement& held_back,
                           const std::optional<double>& receiver) {
    const v1::Evidence* goodput =
        measured == nullptr ? nullptr : FindMeasured(*measured, "goodput_bps");
    if (goodput == nullptr || !receiver) return;
    double agent = goodput->value().double_value();
    if (const v1::Evidence* rest = FindMeasured(held_back, "goodput_bps"); rest != nullptr) {
      agent += rest->value().double_value();
    }
    lines.push_back(absl::StrFormat(
        "Held against the truth%s: the agent measured %s, the receiving program "
        "counted %s (%.1f %% apart).",
        when, Megabits(agent), Megabits(*receiver), std::abs(agent / *receiver - 1) * 100));
  };
  const v1::Verification verification = report.incident && !report.incident->orders().empty()
                                            ? report.incident->orders(0).verification()
                                            : v1::Verification();
  compare(After(report) == nullptr ? "" : " before", Before(report),
          verification.held_back_before(), report.receiver_before_bps);
  compare(" after", After(report), verification.held_back_after(), report.receiver_after_bps);
  return lines;
}

}  // namespace

nlohmann::ordered_json ToJson(const LossyPathReport& report) {
  nlohmann::ordered_json json = FrameJson(report, kMeasured);
  json["receiver"] = {{"goodput_bps", OrNull(report.receiver_before_bps)},
                      {"after_goodput_bps", OrNull(report.receiver_after_bps)}};
  json["live_sockets"] = nlohmann::ordered_json::array();
  for (const LiveSocket& socket : report.live_sockets) {
    json["live_sockets"].push_back(
        {{"cookie", socket.cookie}, {"congestion_control", socket.congestion_control}});
  }
  return json;
}

std::string RenderDrill(const LossyPathReport& report, const Style& style) {
  return RenderFrame(report, "the transfer began", HeldAgainstReceiver(report), style);
}

}  // namespace tcpmedic::cli
