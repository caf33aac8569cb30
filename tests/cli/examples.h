// The incidents that the tests of the command line tell about, at one moment: 2026-11-22 03:12:05
// UTC.
#ifndef TCPMEDIC_TESTS_CLI_EXAMPLES_H_
#define TCPMEDIC_TESTS_CLI_EXAMPLES_H_

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/time/time.h"
#include "tcpmedic/v1/operator.pb.h"

namespace tcpmedic::cli {

inline const absl::Time kNow = absl::FromUnixSeconds(1'795'317'125);

template <typename Message>
Message FromText(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

// Open since 03:09:41, certain, with a pending proposal.
v1::IncidentView PinnedCwndProposed();
// As above, but what would tell reordering and a slow application apart was not reported; no policy
// matched.
v1::IncidentView PinnedCwndLikely();
// As the first, rejected by alice and closed; the symptom is still there.
v1::IncidentView PinnedCwndRejected();

// web-1 is connected and may not see everything; db-1 has gone.
v1::ListHostsResponse TwoHosts();

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_TESTS_CLI_EXAMPLES_H_
