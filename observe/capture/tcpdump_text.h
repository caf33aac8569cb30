// What tcpdump(8) printed → the segments, line by line. Pure but for what the sink does; not
// thread-safe; memory is bounded.
//
// Read: -n, -nn and port names that port_names.h knows; -t, -tt, -ttt, -tttt, -ttttt; -S; -v, -vv
// (two lines a packet); -e; -#; IPv4 and IPv6; the prefix of "-i any"; -x (hex dumps are skipped).
// What people do to a line is forgiven: doubled blanks, fewer digits in the time, a seq without its
// end beside a length. -q, and names instead of addresses, leave out what matters: unread.
//
// Numbers: without -S tcpdump shows the first packet of a connection that has ACK set, and each
// SYN-ACK, absolute, and every later number relative to it (print-tcp.c). The bases are kept here
// as tcpdump keeps them, and segments carry absolute numbers. Where a base was never printed (the
// text begins with an ACK without data, whose seq is not shown) the connection's numbers stay as
// they are, and its segments are `relative`. Whether -S was given is seen from the numbers.
//
// Times: -tt and -tttt are since the epoch (-tttt read as UTC: the text names no zone). A time of
// day counts from the first packet's midnight. Those of -ttt and -ttttt look alike: if one of the
// first 64 packets has a smaller time than the one before it, they are differences.
#ifndef TCPMEDIC_OBSERVE_CAPTURE_TCPDUMP_TEXT_H_
#define TCPMEDIC_OBSERVE_CAPTURE_TCPDUMP_TEXT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "observe/recorded/recording.h"

namespace tcpmedic {

class TcpdumpTextReader {
 public:
  enum class Taken {
    kTaken,       // a packet, a part of one, or tcpdump's own words: nothing is left to say
    kNotTcpdump,  // the caller's to judge: nothing was told to the sink
    kUnread,      // tcpdump's, but of no use; the sink hears of it at End, once per reason
  };

  // `input` is the name in places. `sink` must outlive the reader.
  TcpdumpTextReader(std::string input, RecordingSink* sink);
  ~TcpdumpTextReader();

  // The next line, without its line feed. `number` is its place. Segments may reach the sink a few
  // lines later, in order.
  Taken Line(int64_t number, absl::string_view line);

  // The output ends here: whatever was held back goes to the sink. Lines that follow are those of
  // another tcpdump, which knows nothing of this one's connections and times.
  void End();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_CAPTURE_TCPDUMP_TEXT_H_
