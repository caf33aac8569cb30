// What an order must be, and what of it is reported: the rules that need neither host nor disk.
// Pure.
#ifndef TCPMEDIC_AGENT_ACT_ORDER_RULES_H_
#define TCPMEDIC_AGENT_ACT_ORDER_RULES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/clock.h"
#include "observe/socket_sample.h"
#include "tcpmedic/v1/agent_gateway.pb.h"
#include "tcpmedic/v1/journal.pb.h"
#include "tcpmedic/v1/order.pb.h"

namespace tcpmedic {

// Whether this session may apply `order` at `now`. InvalidArgument: no order of ours ever looks
// like this. FailedPrecondition: too late, or meant for another session of the agent.
absl::Status CheckOrder(const v1::Order& order, uint64_t session_nonce, absl::Time now);

// A reason that came over the wire, as much of it as is journalled: at most 512 bytes of whole
// characters.
std::string Bounded(absl::string_view reason);

// Which of `count` sockets (4 or more, else none) keep the old setting for comparison: max(1, ratio
// × count), rounded half up and spread evenly, so that neither old nor young ones are chosen alone.
// A ratio of 0: none.
std::vector<bool> ChooseHeldBack(size_t count, double ratio);
// Marks those as held back, and the others as about to be changed.
void MarkHeldBack(double ratio, const std::vector<v1::JournalledTarget*>& targets);

// What is journalled of an order that is about to be applied, without its targets.
v1::JournalledOrder RecordOf(const v1::Order& order, const std::string& boot_id, Moment now);
// A socket that may become a target: `value_before` is what its sample shows.
v1::JournalledTarget TargetOf(const SocketSample& sample);

// Closes an order of another boot: nothing that it changed exists any more, as settings are back at
// what the boot has set. True: its state changed.
bool CloseAfterReboot(const std::string& boot_id, absl::Duration uptime,
                      v1::JournalledOrder* order);

SocketKey KeyOf(const v1::JournalledTarget& target);

// Not decided for good: it may still have to be undone.
bool IsLive(const v1::JournalledOrder& order);
// Ours to undo: changed by us, or recorded as about to be when we stopped.
bool IsOurs(const v1::JournalledTarget& target);
// Kept on the old setting, and neither changed nor refused since.
bool IsHeldBack(const v1::JournalledTarget& target);

// It changes nothing, so that nothing is to be confirmed or undone: sample_call_sites.
bool OnlyReads(const v1::Action& action);

// As uptime; InfiniteDuration: it needs no commit.
absl::Duration DeadlineOf(const v1::JournalledOrder& order);
// How long it may stay once committed; InfiniteDuration: without a lease.
absl::Duration LeaseOf(const v1::JournalledOrder& order);
// When the lease runs out, as uptime and as journalled; InfiniteDuration: none, or not committed.
absl::Duration LeaseUntil(const v1::JournalledOrder& order);
// "the lease ran out: for 2h it was not seen that netns.syncookies_sent_per_s > 1.0"
std::string LeaseRanOut(const v1::JournalledOrder& order);
// What cannot arrive or be undone any more: refused, ended, rolled back, drifted.
bool IsFinal(v1::Order::State state);

v1::OrderReport ReportOf(const v1::JournalledOrder& order);

// For --undo: "order o-1: 10.0.0.5:44120 → 203.0.113.20:443 (cookie 812): cubic again",
// "order o-1: net.ipv4.tcp_syncookies in netns of pid 812 (nginx): 0 again".
std::string UndoLine(const v1::JournalledOrder& order, const v1::Target& target);

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_ACT_ORDER_RULES_H_
