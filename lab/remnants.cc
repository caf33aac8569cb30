#include "lab/remnants.h"

#include <filesystem>
#include <fstream>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace tcpmedic::lab {
namespace {

namespace fs = std::filesystem;

// "net:[4026531840]" → 4026531840.
std::optional<uint64_t> InodeOf(const fs::path& link) {
  std::error_code error;
  const std::string target = fs::read_symlink(link, error).string();
  absl::string_view text = target;
  uint64_t inode = 0;
  if (error || !(absl::ConsumePrefix(&text, "net:[") || absl::ConsumePrefix(&text, "pid:[")) ||
      !absl::ConsumeSuffix(&text, "]") || !absl::SimpleAtoi(text, &inode)) {
    return std::nullopt;
  }
  return inode;
}

std::string CommandOf(const fs::path& process) {
  std::ifstream file(process / "comm");
  std::string name;
  std::getline(file, name);
  return name;
}

}  // namespace

std::vector<std::string> FindRemnants(const absl::flat_hash_set<uint64_t>& namespace_inodes,
                                      const std::string& proc_root) {
  std::vector<std::string> remnants;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(proc_root, error)) {
    const fs::path& process = entry.path();
    int pid = 0;
    if (!absl::SimpleAtoi(process.filename().string(), &pid)) continue;
    const auto report = [&](absl::string_view how, uint64_t inode) {
      remnants.push_back(
          absl::StrCat("pid ", pid, " (", CommandOf(process), ") ", how, " namespace ", inode));
    };
    bool inside = false;
    for (const char* kind : {"net", "pid"}) {
      const std::optional<uint64_t> inode = InodeOf(process / "ns" / kind);
      if (inside || !inode.has_value() || !namespace_inodes.contains(*inode)) continue;
      inside = true;
      report(absl::StrCat("is in the lab's ", kind == std::string("net") ? "network" : "PID"),
             *inode);
    }
    if (inside) continue;
    std::error_code gone;
    for (const fs::directory_entry& fd : fs::directory_iterator(process / "fd", gone)) {
      const std::optional<uint64_t> inode = InodeOf(fd.path());
      if (!inode.has_value() || !namespace_inodes.contains(*inode)) continue;
      report("holds a descriptor of the lab's", *inode);
      break;
    }
  }
  return remnants;
}

}  // namespace tcpmedic::lab
