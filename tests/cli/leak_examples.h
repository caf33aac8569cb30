// The leak that the tests of the command line tell about, at kNow of examples.h.
#ifndef TCPMEDIC_TESTS_CLI_LEAK_EXAMPLES_H_
#define TCPMEDIC_TESTS_CLI_LEAK_EXAMPLES_H_

#include "tests/cli/examples.h"

namespace tcpmedic::cli {

// A Python server reads the end of file and does not close: oncall is told.
v1::IncidentView LeakAlerted();
// The policy would have call sites sampled, and asks.
v1::IncidentView LeakProposed();
// Approved; the agent has sampled for 12 s.
v1::IncidentView LeakSampling();
// It has found where.
v1::IncidentView LeakSampled();
// The guard file does not list it.
v1::IncidentView LeakNotSampled();
// The program was restarted: the alert is resolved.
v1::IncidentView LeakOver();

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_TESTS_CLI_LEAK_EXAMPLES_H_
