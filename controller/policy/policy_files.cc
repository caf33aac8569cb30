#include "controller/policy/policy_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

namespace fs = std::filesystem;

absl::Status ReadError(absl::string_view what, const fs::path& path, const std::error_code& error) {
  const std::string message = absl::StrCat(what, " ", path.string(), ": ", error.message());
  if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory) {
    return absl::NotFoundError(message);
  }
  if (error == std::errc::permission_denied) return absl::PermissionDeniedError(message);
  return absl::UnavailableError(message);
}

absl::StatusOr<std::string> ReadBounded(const fs::path& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) return ReadError("open", path, std::error_code(errno, std::generic_category()));
  std::string content(kMaxPolicyFileBytes + 1, '\0');
  in.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (in.bad()) return ReadError("read", path, std::error_code(EIO, std::generic_category()));
  content.resize(static_cast<size_t>(in.gcount()));
  if (content.size() > kMaxPolicyFileBytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("read ", path.string(), ": more than ", kMaxPolicyFileBytes, " bytes"));
  }
  return content;
}

}  // namespace

bool HoldsCases(absl::string_view path) { return absl::StartsWith(path, "cases/"); }

absl::StatusOr<std::vector<PolicyFile>> ReadPolicyFiles(const std::string& directory) {
  std::error_code error;
  fs::recursive_directory_iterator entry(directory, error);
  if (error) return ReadError("open directory", directory, error);

  std::vector<PolicyFile> files;
  for (; entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const fs::path& path = entry->path();
    if (absl::StartsWith(path.filename().string(), ".")) {
      entry.disable_recursion_pending();
    } else if (path.extension() == ".yaml" && entry->is_regular_file(error)) {
      if (files.size() == kMaxPolicyFiles) {
        return absl::ResourceExhaustedError(
            absl::StrCat("read ", directory, ": more than ", kMaxPolicyFiles, " policy files"));
      }
      absl::StatusOr<std::string> content = ReadBounded(path);
      if (!content.ok()) return content.status();
      files.push_back({path.lexically_relative(directory).generic_string(), *std::move(content)});
    }
    if (error) return ReadError("read directory", directory, error);
  }
  if (error) return ReadError("read directory", directory, error);
  std::sort(files.begin(), files.end(),
            [](const PolicyFile& a, const PolicyFile& b) { return a.path < b.path; });
  return files;
}

}  // namespace tcpmedic
