// What ss(8) prints behind a socket's addresses: its holders, timer, identity (-p -o -e), memory
// (-m) and struct tcp_info (-i), of iproute2 5.x and 6.x. misc/ss.c is the reference: it leaves out
// what is 0, so a missing word may be a fact. The rule here:
//
// A socket's words are as ss printed them ("whole") where rto, mss and cwnd are among them and no
// number but a rate was shortened: ss prints these three of every connected socket and shortens
// only rates. Then a missing
//   retrans, unacked, lost, sacked, backoff, lastsnd, lastrcv, lastack means 0, reordering 3;
//   app_limited means false, where delivery_rate or delivered stands there (both are from
//     iproute2 and Linux 4.9 to 4.18, as is app_limited);
//   rwnd_limited or sndbuf_limited means 0, where busy stands there;
//   bytes_sent, bytes_retrans, bytes_acked, bytes_received, segs_out, segs_in, data_segs_out,
//     data_segs_in, notsent, delivered, dsack_dups, reord_seen, busy and its two parts means 0,
//     where one of bytes_sent, bytes_retrans, dsack_dups, reord_seen, rcv_ooopack, snd_wnd, rcv_wnd
//     or rehash stands there: they came with Linux 4.19 or later, the others before or with it.
// Of all other words, and of a line that somebody has shortened, what is missing is not known.
// ssthresh is missing where it is 65535 or more: not known.
#ifndef TCPMEDIC_OBSERVE_RECORDED_SS_INFO_H_
#define TCPMEDIC_OBSERVE_RECORDED_SS_INFO_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "observe/recorded/recording.h"

namespace tcpmedic {

// The words of one socket, which may stand on several lines: Read each, then Finish. Not
// thread-safe.
class SsInfo {
 public:
  explicit SsInfo(RecordedSocket* socket) : socket_(socket) {}

  // The words that mean nothing here, at most 8: "foo:1".
  std::vector<std::string> Read(absl::string_view words);
  // Adds what is missing because it is 0.
  void Finish();

  // Whether `line` may go on with a socket's words: it begins with one that is known.
  static bool LooksLikeWords(absl::string_view line);

 private:
  enum class Taken { kNo, kOne, kTwo };  // how many words
  Taken Take(absl::string_view word, absl::string_view next);
  bool TakeKey(absl::string_view key, absl::string_view value);
  bool TakeRate(absl::string_view name, absl::string_view value);
  void TakeUsers(absl::string_view users);
  bool TakeTimer(absl::string_view timer);
  bool Saw(absl::string_view key) const { return seen_.contains(key); }

  RecordedSocket* const socket_;
  absl::flat_hash_set<std::string> seen_;  // keys that are known
  bool shortened_by_hand_ = false;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_RECORDED_SS_INFO_H_
