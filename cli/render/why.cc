#include "cli/render/why.h"

#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/render/quantity.h"
#include "proto/proto_time.h"

namespace tcpmedic::cli {
namespace {

// "3 sockets", "1 network namespace".
std::string Counted(int64_t count, absl::string_view one) {
  return absl::StrCat(CountText(count), " ", one, count == 1 ? "" : "s");
}

// What the last scan saw of the signature's subject, and how much of it is followed.
std::string SeenText(const v1::SignatureActivity& activity) {
  const int64_t seen = activity.sockets_seen();
  if (activity.subject() == v1::SUBJECT_PROCESS) {
    const std::string sockets =
        absl::StrCat("The last scan saw ", Counted(activity.suspects(), "socket"), " of its kind");
    return seen == 0 ? absl::StrCat(sockets, ", and no program that holds ever more of them.")
                     : absl::StrCat(sockets, ", and asked whose they are: ", CountText(seen),
                                    seen == 1 ? " program at its listener."
                                              : " programs, each at its listener.");
  }
  if (seen == 0) {
    return activity.subject() == v1::SUBJECT_NETNS
               ? "The last scan could read no network namespace's counters."
               : "The last scan saw no TCP socket at all.";
  }
  return absl::StrCat(
      "The last scan saw ",
      Counted(seen, activity.subject() == v1::SUBJECT_NETNS ? "network namespace" : "socket"), "; ",
      CountText(activity.suspects()), activity.suspects() == 1 ? " is" : " are",
      " suspect, and followed over time.");
}

std::string StopText(const v1::SignatureActivity::Stop& stop) {
  if (stop.waiting()) return absl::StrCat("not known yet: ", stop.at());
  if (stop.look_alike()) return absl::StrCat("look-alike: ", stop.at());
  return absl::StrCat("not true: ", stop.at());
}

}  // namespace

absl::StatusOr<v1::ListHostsResponse> Narrow(const v1::ListHostsResponse& hosts,
                                             const WhyQuestion& question) {
  v1::ListHostsResponse narrowed;
  std::set<std::string> host_names;
  std::set<std::string> signatures;
  bool signature_found = question.signature.empty();
  for (const v1::Host& host : hosts.hosts()) {
    host_names.insert(host.name());
    if (!question.host.empty() && host.name() != question.host) continue;
    v1::Host* kept = narrowed.add_hosts();
    *kept = host;
    kept->clear_activity();
    for (const v1::SignatureActivity& activity : host.activity()) {
      signatures.insert(activity.signature());
      if (!question.signature.empty() && activity.signature() != question.signature) continue;
      signature_found = true;
      *kept->add_activity() = activity;
    }
  }
  if (!question.host.empty() && narrowed.hosts().empty()) {
    return absl::NotFoundError(
        host_names.empty()
            ? absl::StrCat("no host '", question.host, "': no agent has reported yet")
            : absl::StrCat("no host '", question.host, "'; there is ",
                           absl::StrJoin(host_names, ", ")));
  }
  if (!signature_found && !narrowed.hosts().empty()) {
    return absl::NotFoundError(
        signatures.empty()
            ? absl::StrCat("no signature '", question.signature,
                           "' has been evaluated: `tcpmedic policy status` lists those in force")
            : absl::StrCat("no signature '", question.signature, "' is in force; there is ",
                           absl::StrJoin(signatures, ", ")));
  }
  return narrowed;
}

std::vector<std::string> StopLines(const v1::SignatureActivity& activity, const Style& style) {
  std::vector<std::string> lines;
  for (const v1::SignatureActivity::Stop& stop : activity.stops()) {
    const std::string count = CountText(stop.sockets());
    constexpr int kCountColumns = 9;
    const std::string padding(std::max(kCountColumns - Columns(count), 0), ' ');
    const int room = style.width - kCountColumns - 2;
    bool first = true;
    for (const std::string& line : Wrap(StopText(stop), room, 3)) {
      lines.push_back(
          absl::StrCat(first ? padding + count : std::string(kCountColumns, ' '), "  ", line));
      first = false;
    }
    if (stop.example().empty()) continue;
    for (const std::string& line : Wrap(absl::StrCat("such as ", stop.example()), room, 2)) {
      lines.push_back(
          absl::StrCat(std::string(kCountColumns + 2, ' '), Painted(style, Paint::kDim, line)));
    }
  }
  return lines;
}

std::string RenderActivity(const v1::SignatureActivity& activity, absl::string_view host,
                           const Style& style) {
  std::vector<std::string> lines = {absl::StrCat(
      Painted(style, Paint::kBold, Escaped(activity.signature())), " on ", Escaped(host))};
  lines.push_back(absl::StrCat("  ", SeenText(activity)));
  if (activity.sockets_seen() == 0) return Joined(lines);
  if (activity.stops().empty()) {
    lines.push_back(activity.suspects() == 0 ? "  None of them is of a kind that it looks at."
                                             : "  Nothing stopped the suspects.");
  }
  for (std::string& line : StopLines(activity, style)) lines.push_back(std::move(line));
  return Joined(lines);
}

std::string RenderWhy(const v1::ListHostsResponse& hosts, absl::Time now, const Style& style) {
  if (hosts.hosts().empty()) {
    return absl::StrCat("Nothing is found because nobody looks: no agent has reported yet.\n  ",
                        Painted(style, Paint::kCyan, style.command + " up"),
                        "  starts a controller and an agent for this host\n");
  }
  std::vector<std::string> blocks;
  for (const v1::Host& host : hosts.hosts()) {
    std::string block;
    if (!host.connected()) {
      const std::string last = host.has_last_report_at()
                                   ? AgeText(FromProto(host.last_report_at()), now)
                                   : std::string("never");
      absl::StrAppend(&block, Escaped(host.name()), ": its agent is not connected; last report ",
                      last, ".\n");
    }
    for (const std::string& degraded : host.stats().degraded()) {
      const std::string sentence = absl::StrCat(host.name(), " cannot see everything: ", degraded);
      for (const std::string& line : Wrap(sentence, style.width, 3)) {
        absl::StrAppend(&block, Painted(style, Paint::kYellow, line), "\n");
      }
    }
    if (host.activity().empty() && host.connected()) {
      absl::StrAppend(&block, Escaped(host.name()),
                      ": no signature has been evaluated there yet; ask again in a few seconds.\n");
    }
    for (const v1::SignatureActivity& activity : host.activity()) {
      absl::StrAppend(&block, RenderActivity(activity, host.name(), style));
    }
    blocks.push_back(std::move(block));
  }
  return absl::StrJoin(blocks, "\n");
}

}  // namespace tcpmedic::cli
