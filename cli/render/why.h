// "Why is nothing found?" in words: for each host and signature, how far the sockets came and what
// stopped them. Pure.
#ifndef TCPMEDIC_CLI_RENDER_WHY_H_
#define TCPMEDIC_CLI_RENDER_WHY_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/render/text.h"
#include "tcpmedic/v1/operator.pb.h"

namespace tcpmedic::cli {

struct WhyQuestion {
  std::string host{};       // empty: every host
  std::string signature{};  // empty: every signature
};

// The hosts that the question is about, with only the activity that it is about. NotFound: no such
// host, or no such signature in force on any of them; names those there are.
absl::StatusOr<v1::ListHostsResponse> Narrow(const v1::ListHostsResponse& hosts,
                                             const WhyQuestion& question);

std::string RenderWhy(const v1::ListHostsResponse& hosts, absl::Time now, const Style& style);

// One signature on one host, as RenderWhy words it; also for a drill that detected nothing.
std::string RenderActivity(const v1::SignatureActivity& activity, absl::string_view host,
                           const Style& style);

// Where its subjects stopped, and how many; each line with its margin.
std::vector<std::string> StopLines(const v1::SignatureActivity& activity, const Style& style);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_RENDER_WHY_H_
