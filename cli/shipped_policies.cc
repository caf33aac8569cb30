#include "cli/shipped_policies.h"

#include <filesystem>
#include <system_error>

#include "core/default_paths.h"

namespace tcpmedic::cli {

std::string ShippedPolicies() {
  std::error_code error;
  const PolicyDirCandidates candidates =
      PolicyDirsFor(std::filesystem::read_symlink("/proc/self/exe", error).string());
  const bool installed = std::filesystem::is_directory(candidates.installed, error);
  return installed ? candidates.installed : candidates.source_tree;
}

}  // namespace tcpmedic::cli
