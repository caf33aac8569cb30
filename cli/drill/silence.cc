#include "cli/drill/silence.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tcpmedic::cli {

void Silence::Add(const v1::Host& host) {
  for (const v1::SignatureActivity& activity : host.activity()) {
    if (activity.signature() != signature_ || activity.stops().empty()) continue;
    auto& [times, newest] = stopped_at_[activity.stops(activity.stops_size() - 1).at()];
    ++times;
    newest = activity;
  }
}

std::optional<v1::SignatureActivity> Silence::MostOften() const {
  const auto most = std::max_element(
      stopped_at_.begin(), stopped_at_.end(),
      [](const auto& a, const auto& b) { return a.second.first < b.second.first; });
  if (most == stopped_at_.end()) return std::nullopt;
  return most->second.second;
}

std::string Silence::Words() const {
  const std::optional<v1::SignatureActivity> activity = MostOften();
  if (!activity) {
    return absl::StrCat(signature_, ": the agent saw nothing of a kind that it looks at");
  }
  std::vector<std::string> reasons;
  for (auto stop = activity->stops().rbegin(); stop != activity->stops().rend(); ++stop) {
    reasons.push_back(absl::StrCat(
        stop->sockets(),
        activity->subject() == v1::SUBJECT_NETNS     ? " namespace"
        : activity->subject() == v1::SUBJECT_PROCESS ? " program"
                                                     : " socket",
        stop->sockets() == 1 ? " " : "s ",
        stop->look_alike() ? absl::StrCat("ruled out as ", stop->at())
        : stop->waiting()  ? absl::StrCat("not watched long enough for `", stop->at(), "`")
                           : absl::StrCat("without `", stop->at(), "`"),
        stop->example().empty() ? "" : absl::StrCat(" (", stop->example(), ")")));
  }
  return absl::StrCat(signature_, ": ", absl::StrJoin(reasons, "; "));
}

}  // namespace tcpmedic::cli
