// An order in words: how it stands, what became of its targets, how it did. The same on every
// screen. Pure; the words are not yet escaped for a terminal.
#ifndef TCPMEDIC_CLI_RENDER_ORDER_WORDS_H_
#define TCPMEDIC_CLI_RENDER_ORDER_WORDS_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cli/render/text.h"
#include "tcpmedic/v1/order.pb.h"

namespace tcpmedic::cli {

// In a table's cell: "sent", "verifying", "verified", "rolled back".
std::string OrderWord(const v1::Order& order);
// "applied and being verified, 12 of 20 s; rolls back by itself at 03:12:35 UTC unless confirmed".
std::string OrderWords(const v1::Order& order, absl::Time now);
Paint OrderPaint(const v1::Order& order);

// It helped, and the agent has confirmed that it stays.
bool IsVerified(const v1::Order& order);
// Somebody wants it undone, and the agent has not said that it is.
bool IsBeingTakenBack(const v1::Order& order);
// Nothing more happens to it unless a person asks for it.
bool IsSettled(const v1::Order& order);
// It has, or may have, changed something that `rollback` would take back.
bool CanBeTakenBack(const v1::Order& order);

// "7 sockets moved from cubic to bbr, 1 held back, 1 gone (closed before it was changed)",
// "net.ipv4.tcp_syncookies 0 → 1", "pid 812" where it only reads. Empty where the agent has not
// named any.
std::string TargetsText(const v1::Order& order);

// "12 of 20 s": how much of the time until the measurement has passed. Empty before apply, and
// where the order does not say how long it is.
std::string VerifiedSoFar(const v1::Order& order, absl::Time now);

// "stays while X, checked by the host; taken back 2 h after that ends".
std::string LeaseText(const v1::Lease& lease);
// Of a committed order: "until 05:12:05 UTC, and longer while X". Empty where it has none, or where
// it is over.
std::string LeaseText(const v1::Order& order, absl::Time now);

// A number of a measurement by its name, such as "goodput_bps"; absent: not reported.
std::optional<double> NumberIn(const v1::Measurement& measurement, absl::string_view name);

// "goodput 780 kbit/s → 61.2 Mbit/s, 78 times as much", "SYN drops 1,980/s → 0/s, cookies 0/s →
// 1,974/s". Empty where either side is not known.
std::string ChangeText(const v1::Verification& verification);
// "1 socket on cubic stayed at 0.8 Mbit/s". Empty where nothing was held back, or not measured.
std::string HeldBackText(const v1::Verification& verification);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_RENDER_ORDER_WORDS_H_
