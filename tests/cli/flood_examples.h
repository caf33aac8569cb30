// The SYN floods that the tests of the command line tell about, at kNow of examples.h.
#ifndef TCPMEDIC_TESTS_CLI_FLOOD_EXAMPLES_H_
#define TCPMEDIC_TESTS_CLI_FLOOD_EXAMPLES_H_

#include "tests/cli/examples.h"

namespace tcpmedic::cli {

// Cookies are on and bear it: noted, nothing to change.
v1::IncidentView FloodAbsorbed();
// Cookies are off and nginx's queue is full: a pending proposal with a lease.
v1::IncidentView FloodProposed();
// Applied 12 s ago.
v1::IncidentView FloodVerifying();
// Kept; the flood goes on and renews the lease.
v1::IncidentView FloodVerified();
// The flood has ended, and the lease after it: cookies are off again.
v1::IncidentView FloodLeaseOver();
// Rolled back by alice, but an administrator had set 2 meanwhile.
v1::IncidentView FloodDrifted();
// The guard file forbids it.
v1::IncidentView FloodRefused();

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_TESTS_CLI_FLOOD_EXAMPLES_H_
