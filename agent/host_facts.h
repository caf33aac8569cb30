// Who this agent is and what it may see: what it says in Hello, and what it admits in `degraded`.
// Reads /proc only, under an injected root. Thread-compatible.
#ifndef TCPMEDIC_AGENT_HOST_FACTS_H_
#define TCPMEDIC_AGENT_HOST_FACTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tcpmedic/v1/agent_gateway.pb.h"

namespace tcpmedic {

// Names the kernel, the boot and this run of the agent. What cannot be read stays empty.
v1::Hello MakeHello(absl::string_view host, absl::Time started_at, uint64_t session_nonce,
                    absl::string_view proc_root = "/proc");

// CapEff of this process; nullopt where it cannot be read.
std::optional<uint64_t> EffectiveCapabilities(absl::string_view proc_root = "/proc");

// What a process with these capabilities does not get to see, in words, each with the capability
// that it lacks. Pure.
std::vector<std::string> BlindSpots(uint64_t effective_capabilities);

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_HOST_FACTS_H_
