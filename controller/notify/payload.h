// An alert as each kind of receiver takes it. Pure; thread-safe. Bytes that are not UTF-8 are
// replaced.
#ifndef TCPMEDIC_CONTROLLER_NOTIFY_PAYLOAD_H_
#define TCPMEDIC_CONTROLLER_NOTIFY_PAYLOAD_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "controller/store/deliveries.h"

namespace tcpmedic {

// How long an event is shown as an alert where there is nothing else.
inline constexpr absl::Duration kEventShown = absl::Minutes(5);

// The body of POST /api/v2/alerts: an array of postableAlert (Alertmanager's api/v2/openapi.yaml).
// A firing one has no endsAt: Alertmanager then resolves it by itself resolve_timeout after it was
// last sent (5 min by default), and takes an earlier endsAt at any time. One that is given an end
// in the future keeps it, in some versions, against a later word that it is resolved
// (types.Alert.Merge). generatorURL must be a URL, and there is none: the command that shows the
// incident is the annotation `show`. `now` is when it is sent.
std::string AlertmanagerBody(absl::Span<const Delivery> deliveries, absl::Time now);

// One alert as a JSON object. Stable: fields may be added, and none changes its meaning.
//
//     {
//       "version": 1,
//       "key": "i-7k2m/3f9c1a…",          same alert, same key, for its whole life
//       "state": "firing",                firing, resolved or event
//       "event": null,                    of an event: "proposed", "rolled_back", "unknown"
//       "incident": "i-7k2m",
//       "starts_at": "2024-01-02T03:04:05.678Z",
//       "ends_at": null,                  of a resolved one
//       "labels": {"alertname": "close-wait-leak", "host": "db1", "severity": "critical", …},
//       "annotations": {"summary": "…", "description": "…", "verdict": "…", "advice": "…",
//                       "show": "tcpmedic show i-7k2m", …}
//     }
//
// Firing and resolved are each sent once, with any other 2xx-answered repetition under the same
// Idempotency-Key. A resolved one may come without a firing one before it, where that was sent and
// the answer to it was lost.
std::string WebhookBody(const Delivery& delivery);

// Of the header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a quoted string, the
// same whenever this state of this alert is sent again.
std::string IdempotencyKey(const Delivery& delivery);

// The fields of a journal entry, in order. Names are as systemd.journal-fields(7) has them.
std::vector<std::pair<std::string, std::string>> JournalFields(const Delivery& delivery);

// For `journalctl MESSAGE_ID=…`; never changed.
inline constexpr char kJournalFiring[] = "88f463dffd9741498e63791d835db070";
inline constexpr char kJournalResolved[] = "df5e4541b66841d39bc013e6bbc50f65";
inline constexpr char kJournalEvent[] = "fee7efd2662240408375269a5c13e219";

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_NOTIFY_PAYLOAD_H_
