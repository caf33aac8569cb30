#include "observe/call_sites/call_sites.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

// The system call's wrapper: in libc's own file, or by its name in a program linked statically.
bool IsLibc(const CallFrame& frame) {
  static constexpr std::array<absl::string_view, 5> kFiles = {"libc.so", "libc-2", "libpthread",
                                                              "ld-linux", "ld-musl"};
  static constexpr std::array<absl::string_view, 14> kWrappers = {
      "read",           "__read",      "__libc_read",   "readv",           "__readv",
      "recv",           "__libc_recv", "recvfrom",      "__libc_recvfrom", "recvmsg",
      "__libc_recvmsg", "accept",      "__libc_accept", "accept4"};
  const absl::string_view path = frame.module;
  const absl::string_view file = path.substr(path.rfind('/') + 1);
  return absl::c_any_of(kFiles, [&](auto name) { return absl::StartsWith(file, name); }) ||
         absl::c_linear_search(kWrappers, frame.function);
}

}  // namespace

absl::string_view CallKindName(CallKind kind) {
  switch (kind) {
    case CallKind::kReadEof:
      return "read returned 0";
    case CallKind::kRead:
      return "read";
    case CallKind::kAccept:
      return "accept";
    case CallKind::kClose:
      return "close";
  }
  return "";
}

const CallFrame* CallSite::where() const {
  const auto frame = absl::c_find_if(frames, [](const CallFrame& f) { return !IsLibc(f); });
  return frame == frames.end() ? nullptr : &*frame;
}

std::string DescribeFrame(const CallFrame& frame) {
  const std::string place = frame.module.empty()
                                ? absl::StrCat("0x", absl::Hex(frame.offset))
                                : absl::StrCat(frame.module, "+0x", absl::Hex(frame.offset));
  if (frame.function.empty()) return place;
  return absl::StrCat(frame.function, " (", frame.source.empty() ? place : frame.source, ")");
}

std::vector<CallSite> GroupIntoSites(
    std::vector<std::pair<CallKind, std::vector<CallFrame>>> last_uses) {
  const auto order = [](const CallFrame& a, const CallFrame& b) {
    return std::tie(a.module, a.offset, a.function, a.source, a.build_id) <
           std::tie(b.module, b.offset, b.function, b.source, b.build_id);
  };
  const auto before = [&](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first < b.first;
    return std::lexicographical_compare(a.second.begin(), a.second.end(), b.second.begin(),
                                        b.second.end(), order);
  };
  absl::c_sort(last_uses, before);
  std::vector<CallSite> sites;
  for (auto& [kind, frames] : last_uses) {
    if (sites.empty() || sites.back().kind != kind || sites.back().frames != frames) {
      sites.push_back({kind, 0, std::move(frames)});
    }
    ++sites.back().fds;
  }
  absl::c_stable_sort(sites, [](const CallSite& a, const CallSite& b) { return a.fds > b.fds; });
  return sites;
}

}  // namespace tcpmedic
