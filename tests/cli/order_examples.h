// The incident of examples.h after alice approved its proposal: how the order may stand at kNow.
#ifndef TCPMEDIC_TESTS_CLI_ORDER_EXAMPLES_H_
#define TCPMEDIC_TESTS_CLI_ORDER_EXAMPLES_H_

#include "tests/cli/examples.h"

namespace tcpmedic::cli {

// Approved a moment ago; the agent has not answered.
v1::IncidentView PinnedCwndSent();
// Applied to all three sockets 12 s ago; 61.2 Mbit/s so far.
v1::IncidentView PinnedCwndVerifying();
// Of eight sockets one was held back and one closed at once; verified, and it followed.
v1::IncidentView PinnedCwndVerified();
// BBR got no more than CUBIC.
v1::IncidentView PinnedCwndRolledBack();
// The guard file forbids it.
v1::IncidentView PinnedCwndRefused();
// Someone set another algorithm meanwhile; two of three are back on the old one.
v1::IncidentView PinnedCwndDrifted();
// Every target closed before there was enough to measure.
v1::IncidentView PinnedCwndInconclusive();
// Applied, and nothing has been heard of the agent since.
v1::IncidentView PinnedCwndSilent();

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_TESTS_CLI_ORDER_EXAMPLES_H_
