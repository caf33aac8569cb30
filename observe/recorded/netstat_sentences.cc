#include "observe/recorded/netstat_sentences.h"

#include <algorithm>
#include <iterator>

namespace tcpmedic {
namespace {

struct Sentence {
  absl::string_view section;
  absl::string_view words;  // '#' stands for the number
  absl::string_view name;
};

// Of net-tools 2.10, found by giving netstat a /proc of counters that were all different; and those
// of net-tools 1.60 that say it otherwise.
constexpr Sentence kSentences[] = {
    {"Ip", "# dropped because of missing route", "IpOutNoRoutes"},
    {"Ip", "# forwarded", "IpForwDatagrams"},
    {"Ip", "# fragments created", "IpFragCreates"},
    {"Ip", "# fragments dropped after timeout", "IpReasmTimeout"},
    {"Ip", "# incoming packets delivered", "IpInDelivers"},
    {"Ip", "# incoming packets discarded", "IpInDiscards"},
    {"Ip", "# outgoing packets dropped", "IpOutDiscards"},
    {"Ip", "# outgoing packets failed fragmentation", "IpFragFails"},
    {"Ip", "# outgoing packets fragmented ok", "IpFragOKs"},
    {"Ip", "# packet reassemblies failed", "IpReasmFails"},
    {"Ip", "# packets reassembled ok", "IpReasmOKs"},
    {"Ip", "# reassemblies required", "IpReasmReqds"},
    {"Ip", "# requests sent out", "IpOutRequests"},
    {"Ip", "# total packets received", "IpInReceives"},
    {"Ip", "# with invalid addresses", "IpInAddrErrors"},
    {"Ip", "# with invalid headers", "IpInHdrErrors"},
    {"Ip", "# with unknown protocol", "IpInUnknownProtos"},
    {"Tcp", "# active connection openings", "TcpActiveOpens"},
    {"Tcp", "# active connections openings", "TcpActiveOpens"},
    {"Tcp", "# bad segments received", "TcpInErrs"},
    {"Tcp", "# bad segments received.", "TcpInErrs"},
    {"Tcp", "# connection resets received", "TcpEstabResets"},
    {"Tcp", "# connections established", "TcpCurrEstab"},
    {"Tcp", "# failed connection attempts", "TcpAttemptFails"},
    {"Tcp", "# passive connection openings", "TcpPassiveOpens"},
    {"Tcp", "# resets sent", "TcpOutRsts"},
    {"Tcp", "# segments received", "TcpInSegs"},
    {"Tcp", "# segments retransmited", "TcpRetransSegs"},
    {"Tcp", "# segments retransmitted", "TcpRetransSegs"},
    {"Tcp", "# segments send out", "TcpOutSegs"},
    {"Tcp", "# segments sent out", "TcpOutSegs"},
    {"TcpExt", "# DSACKs for out of order packets received", "TcpExtTCPDSACKOfoRecv"},
    {"TcpExt", "# DSACKs received", "TcpExtTCPDSACKRecv"},
    {"TcpExt", "# DSACKs sent for old packets", "TcpExtTCPDSACKOldSent"},
    {"TcpExt", "# DSACKs sent for out of order packets", "TcpExtTCPDSACKOfoSent"},
    {"TcpExt", "# ICMP packets dropped because socket was locked", "TcpExtLockDroppedIcmps"},
    {"TcpExt", "# ICMP packets dropped because they were out-of-window", "TcpExtOutOfWindowIcmps"},
    {"TcpExt", "# SACK retransmits failed", "TcpExtTCPSackRecoveryFail"},
    {"TcpExt", "# SYN cookies received", "TcpExtSyncookiesRecv"},
    {"TcpExt", "# SYN cookies sent", "TcpExtSyncookiesSent"},
    {"TcpExt", "# SYNs to LISTEN sockets dropped", "TcpExtListenDrops"},
    {"TcpExt", "# TCP data loss events", "TcpExtTCPLoss"},
    {"TcpExt", "# TCP sockets finished time wait in fast timer", "TcpExtTW"},
    {"TcpExt", "# TCP sockets finished time wait in slow timer", "TcpExtTWKilled"},
    {"TcpExt", "# acknowledgments not containing data payload received", "TcpExtTCPPureAcks"},
    {"TcpExt", "# active connections rejected because of time stamp", "TcpExtPAWSActive"},
    {"TcpExt", "# bad SACK blocks received", "TcpExtTCPSACKReneging"},
    {"TcpExt", "# bytes directly in process context from backlog",
     "TcpExtTCPDirectCopyFromBacklog"},
    {"TcpExt", "# classic Reno fast retransmits failed", "TcpExtTCPRenoRecoveryFail"},
    {"TcpExt", "# congestion windows fully recovered without slow start", "TcpExtTCPFullUndo"},
    {"TcpExt", "# congestion windows partially recovered using Hoe heuristic",
     "TcpExtTCPPartialUndo"},
    {"TcpExt", "# congestion windows recovered without slow start after partial ack",
     "TcpExtTCPLossUndo"},
    {"TcpExt", "# congestion windows recovered without slow start by DSACK", "TcpExtTCPDSACKUndo"},
    {"TcpExt", "# connections aborted after user close in linger timeout",
     "TcpExtTCPAbortOnLinger"},
    {"TcpExt", "# connections aborted due to memory pressure", "TcpExtTCPAbortOnMemory"},
    {"TcpExt", "# connections aborted due to timeout", "TcpExtTCPAbortOnTimeout"},
    {"TcpExt", "# connections reset due to early user close", "TcpExtTCPAbortOnClose"},
    {"TcpExt", "# connections reset due to unexpected SYN", "TcpExtTCPAbortOnSyn"},
    {"TcpExt", "# connections reset due to unexpected data", "TcpExtTCPAbortOnData"},
    {"TcpExt", "# delayed acks further delayed because of locked socket", "TcpExtDelayedACKLocked"},
    {"TcpExt", "# delayed acks sent", "TcpExtDelayedACKs"},
    {"TcpExt", "# fast retransmits", "TcpExtTCPFastRetrans"},
    {"TcpExt", "# forward retransmits", "TcpExtTCPForwardRetrans"},
    {"TcpExt", "# invalid SYN cookies received", "TcpExtSyncookiesFailed"},
    {"TcpExt", "# other TCP timeouts", "TcpExtTCPTimeouts"},
    {"TcpExt", "# packet headers predicted", "TcpExtTCPHPHits"},
    {"TcpExt", "# packet headers predicted and directly queued to user", "TcpExtTCPHPHitsToUser"},
    {"TcpExt", "# packets collapsed in receive queue due to low socket buffer",
     "TcpExtTCPRcvCollapsed"},
    {"TcpExt", "# packets directly queued to recvmsg prequeue", "TcpExtTCPPrequeued"},
    {"TcpExt", "# packets directly received from prequeue", "TcpExtTCPDirectCopyFromPrequeue"},
    {"TcpExt", "# packets dropped from out-of-order queue because of socket buffer overrun",
     "TcpExtOfoPruned"},
    {"TcpExt", "# packets pruned from receive queue", "TcpExtRcvPruned"},
    {"TcpExt", "# packets pruned from receive queue because of socket buffer overrun",
     "TcpExtPruneCalled"},
    {"TcpExt", "# packets rejected in established connections because of timestamp",
     "TcpExtPAWSEstab"},
    {"TcpExt", "# passive connections rejected because of time stamp", "TcpExtPAWSPassive"},
    {"TcpExt", "# predicted acknowledgments", "TcpExtTCPHPAcks"},
    {"TcpExt", "# resets received for embryonic SYN_RECV sockets", "TcpExtEmbryonicRsts"},
    {"TcpExt", "# retransmits in slow start", "TcpExtTCPSlowStartRetrans"},
    {"TcpExt", "# retransmits lost", "TcpExtTCPLostRetransmit"},
    {"TcpExt", "# time wait sockets recycled by time stamp", "TcpExtTWRecycled"},
    {"TcpExt", "# timeouts after SACK recovery", "TcpExtTCPSackFailures"},
    {"TcpExt", "# timeouts after reno fast retransmit", "TcpExtTCPRenoFailures"},
    {"TcpExt", "# timeouts in loss state", "TcpExtTCPLossFailures"},
    {"TcpExt", "# times receiver scheduled too late for direct processing",
     "TcpExtTCPSchedulerFailed"},
    {"TcpExt", "# times recovered from packet loss by selective acknowledgements",
     "TcpExtTCPSackRecovery"},
    {"TcpExt", "# times recovered from packet loss due to SACK data", "TcpExtTCPSackRecovery"},
    {"TcpExt", "# times recovered from packet loss due to fast retransmit",
     "TcpExtTCPRenoRecovery"},
    {"TcpExt", "# times the listen queue of a socket overflowed", "TcpExtListenOverflows"},
    {"TcpExt", "# times unable to send RST due to no memory", "TcpExtTCPAbortFailed"},
    {"TcpExt", "Detected reordering # times using FACK", "TcpExtTCPFACKReorder"},
    {"TcpExt", "Detected reordering # times using SACK", "TcpExtTCPSACKReorder"},
    {"TcpExt", "Detected reordering # times using reno fast retransmit", "TcpExtTCPRenoReorder"},
    {"TcpExt", "Detected reordering # times using time stamp", "TcpExtTCPTSReorder"},
    {"TcpExt", "Quick ack mode was activated # times", "TcpExtDelayedACKLost"},
    {"TcpExt", "TCP ran low on memory # times", "TcpExtTCPMemoryPressures"},
    {"Udp", "# packet receive errors", "UdpInErrors"},
    {"Udp", "# packets received", "UdpInDatagrams"},
    {"Udp", "# packets sent", "UdpOutDatagrams"},
    {"Udp", "# packets to unknown port received", "UdpNoPorts"},
    {"Udp", "# receive buffer errors", "UdpRcvbufErrors"},
    {"Udp", "# send buffer errors", "UdpSndbufErrors"},
};

}  // namespace

absl::string_view CounterOfSentence(absl::string_view section, absl::string_view words) {
  const auto* const found =
      std::find_if(std::begin(kSentences), std::end(kSentences), [&](const Sentence& sentence) {
        return sentence.section == section && sentence.words == words;
      });
  return found == std::end(kSentences) ? absl::string_view() : found->name;
}

}  // namespace tcpmedic
