// What `netstat -s` says in words, as nstat(8) names it. Pure.
#ifndef TCPMEDIC_OBSERVE_RECORDED_NETSTAT_SENTENCES_H_
#define TCPMEDIC_OBSERVE_RECORDED_NETSTAT_SENTENCES_H_

#include "absl/strings/string_view.h"

namespace tcpmedic {

// "TcpExt", "# SYN cookies sent" → "TcpExtSyncookiesSent"; '#' stands where the number was. Empty:
// not such a sentence. Empty section: not known; then of a sentence of several sections none.
// ICMP's histograms have sections of their own: "IcmpIn", "Icmp6Out". What netstat has no words for
// ("TCPTimeouts: 5") is not in it.
absl::string_view CounterOfSentence(absl::string_view section, absl::string_view words);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_RECORDED_NETSTAT_SENTENCES_H_
