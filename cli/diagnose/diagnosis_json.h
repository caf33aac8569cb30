// A diagnosis for programs. Pure.
//
//   findings     signature, subject ("socket"), severity, confidence, verdict, advice, disproof,
//                remedy ({"action": "set_congestion_control", "algorithm": "bbr", …}; null: nothing
//                on the host mends it), not_shown, evidence; and title, group, remarks, policy,
//                note, netns, sockets (how many it is about, or connections of a trace), processes
//   connections  client, server, outcome, client_isn, server_isn, first_data_seq, handshake_rtt_us,
//                segments; and summary, source
//   unread       source, reason; and lines, excerpt
//   remarks, read, trace, live (watched_s, sockets, namespaces, not_seen): what belongs to no
//   finding
//   why          only where asked for: what kept each signature from a finding, as
//                SignatureActivity of the vocabulary
//
// Times of segments are RFC 3339 UTC where the capture says which day it was, else seconds since
// its midnight or its first packet; null where it has none.
#ifndef TCPMEDIC_CLI_DIAGNOSE_DIAGNOSIS_JSON_H_
#define TCPMEDIC_CLI_DIAGNOSE_DIAGNOSIS_JSON_H_

#include <vector>

#include "absl/status/status.h"
#include "cli/diagnose/diagnosis_view.h"
#include "cli/json_object_writer.h"

namespace tcpmedic::cli {

// All connections that the trace lists, or only those of `only` where it is not empty. One finding
// or connection at a time: never is the text held whole, which of a long capture is 100 MB. Errors:
// those of `write`.
absl::Status WriteDiagnosisJson(const DiagnosisView& view,
                                const std::vector<const TrackedConnection*>& only,
                                const JsonObjectWriter::Write& write, bool why = false);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DIAGNOSE_DIAGNOSIS_JSON_H_
