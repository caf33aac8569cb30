#include "cli/drill/left_behind.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace tcpmedic::cli {
namespace {

namespace fs = std::filesystem;

bool IsPid(const std::string& name) {
  return std::all_of(name.begin(), name.end(), [](char c) { return absl::ascii_isdigit(c); });
}

}  // namespace

std::set<std::string> LinksHere() {
  std::set<std::string> links;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/sys/class/net", error)) {
    links.insert(entry.path().filename());
  }
  return links;
}

std::vector<std::string> LeftBehind(absl::Span<const uint64_t> netns_inodes,
                                    const std::set<std::string>& links_before) {
  std::set<std::string> namespaces;
  for (const uint64_t inode : netns_inodes) namespaces.insert(absl::StrCat("net:[", inode, "]"));

  std::vector<std::string> left;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const std::string pid = entry.path().filename();
    if (!IsPid(pid)) continue;
    std::error_code gone;
    const std::string ns = fs::read_symlink(entry.path() / "ns/net", gone);
    if (namespaces.count(ns)) left.push_back(absl::StrCat("process ", pid, " in ", ns));
  }
  for (const std::string& link : LinksHere()) {
    if (!links_before.count(link)) left.push_back(absl::StrCat("link ", link));
  }
  return left;
}

}  // namespace tcpmedic::cli
