// Diagnoses as the renderers get them, written by hand.
#ifndef TCPMEDIC_TESTS_CLI_DIAGNOSE_DIAGNOSIS_EXAMPLES_H_
#define TCPMEDIC_TESTS_CLI_DIAGNOSE_DIAGNOSIS_EXAMPLES_H_

#include "cli/diagnose/diagnosis_view.h"

namespace tcpmedic::cli {

// A handshake and fourteen bytes of data, as tcpdump prints them.
TrackedConnection Handshake();
// A SYN sent three times to a port where nobody answers.
TrackedConnection NoReply();
// A RST answers the SYN; over IPv6.
TrackedConnection Refused();
// A transfer of `segments` segments of data and as many acknowledgements; one was lost, and sent
// again at the end of its first half.
TrackedConnection LongTransfer(int segments);

// A trace of these, all of them listed.
TraceResult TraceOf(std::vector<TrackedConnection> connections);

DiagnosisView NothingWrong();    // in a trace with one handshake
DiagnosisView PinnedWindow();    // one socket of ss, with a remedy
DiagnosisView FloodAndLeak();    // two findings, without a remedy, with remarks and lines not read
DiagnosisView HealthyHost();     // live, as root
DiagnosisView HostOfOneOwner();  // live, not root

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_TESTS_CLI_DIAGNOSE_DIAGNOSIS_EXAMPLES_H_
