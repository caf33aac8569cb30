// The CLOSE-WAIT leaks that the tests of the command line tell about, at kNow of examples.h.
#ifndef TCPMEDIC_TESTS_CLI_LEAK_EXAMPLES_H_
#define TCPMEDIC_TESTS_CLI_LEAK_EXAMPLES_H_

#include "tests/cli/examples.h"

namespace tcpmedic::cli {

// nginx drops connections whose end of file it has read; oncall and chat are told.
v1::IncidentView LeakAlerted();
// A policy would have the host sample where in its code, and asks.
v1::IncidentView LeakProposed();
// It does.
v1::IncidentView LeakSampling();
// It has told.
v1::IncidentView LeakSampled();
// The guard file forbids it.
v1::IncidentView LeakNotSampled();
// A client of a database that never polls its pool, shared by three workers; its descriptors could
// not be read.
v1::IncidentView LeakUpstream();
// The program was restarted, and the alert is over.
v1::IncidentView LeakOver();

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_TESTS_CLI_LEAK_EXAMPLES_H_
