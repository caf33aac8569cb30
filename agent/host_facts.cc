#include "agent/host_facts.h"

#include <linux/capability.h>

#include <fstream>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

}  // namespace

v1::Hello MakeHello(absl::string_view host, absl::Time started_at, uint64_t session_nonce,
                    absl::string_view proc_root) {
  v1::Hello hello;
  hello.set_host(std::string(host));
  hello.set_agent_version(TCPMEDIC_VERSION);
  hello.set_kernel(FirstLine(absl::StrCat(proc_root, "/sys/kernel/osrelease")));
  hello.set_boot_id(FirstLine(absl::StrCat(proc_root, "/sys/kernel/random/boot_id")));
  hello.set_session_nonce(session_nonce);
  *hello.mutable_started_at() = ToProto(started_at);
  return hello;
}

std::optional<uint64_t> EffectiveCapabilities(absl::string_view proc_root) {
  std::ifstream status(absl::StrCat(proc_root, "/self/status"));
  for (std::string line; std::getline(status, line);) {
    absl::string_view rest = line;
    uint64_t capabilities = 0;
    if (absl::ConsumePrefix(&rest, "CapEff:") &&
        absl::SimpleHexAtoi(absl::StripAsciiWhitespace(rest), &capabilities)) {
      return capabilities;
    }
  }
  return std::nullopt;
}

std::vector<std::string> BlindSpots(uint64_t effective_capabilities) {
  const auto has = [&](int capability) { return (effective_capabilities >> capability & 1) != 0; };
  std::vector<std::string> spots;
  // proc_fd_permission() and proc_ns_get_link() both ask ptrace_may_access().
  if (!has(CAP_SYS_PTRACE)) {
    spots.push_back("other users' processes are not attributed: needs CAP_SYS_PTRACE");
  }
  // setns(2) into a network namespace.
  if (!has(CAP_SYS_ADMIN)) {
    spots.push_back("sockets of other network namespaces are not seen: needs CAP_SYS_ADMIN");
  }
  return spots;
}

}  // namespace tcpmedic
