// What readers of recorded evidence hand on: one call per thing that was read, with the place that
// it came from. Readers stream; nothing is held but what a line or a packet needs. Plain values;
// pure.
//
// What a text does not say stays unset: a pasted line knows no cookie, no inode, often no time.
#ifndef TCPMEDIC_OBSERVE_RECORDED_RECORDING_H_
#define TCPMEDIC_OBSERVE_RECORDED_RECORDING_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "observe/capture/related_packet.h"
#include "observe/capture/segment.h"
#include "observe/socket_sample.h"
#include "tcpmedic/v1/evidence.pb.h"

namespace tcpmedic {

// Where something stands: a line of a text (from 1), or a packet of a capture (from 1, as Wireshark
// numbers frames). 0: the input as a whole.
struct Place {
  std::string input;  // as the user named it: "incident.txt", "the standard input"
  int64_t line = 0;
};
std::string PlaceText(const Place& place);  // "incident.txt:12", "incident.txt"

// A command of a pasted terminal session, or empty where the text stands alone.
struct RecordedCommand {
  Place place;
  std::string text;  // without prompt and sudo: "ss -tan state close-wait | wc -l"
};

// One socket of ss(8). `sample.key` is zero but where -e gave a cookie ("sk:"); its `info` reports
// exactly what the line had.
struct RecordedSocket {
  Place place;
  SocketSample sample;
  std::vector<v1::Process> processes;  // of users:((…)): comm, pid and fds only
  // The names of tcp_info members whose value ss had shortened ("9M"): good to two digits.
  std::vector<std::string> shortened;
  // A rate in bit/s that the text states beside ss's own ("rate:780Kbps"). ss's "send" is none: it
  // is reckoned from cwnd, and says nothing of what was delivered.
  std::optional<double> stated_bps;
  // The command shows only some of the sockets in this state: head, tail, a filter by address.
  bool only_some = false;
  // -p: who holds a socket without processes was asked, and could not be told.
  bool holders_asked = false;
};

// One counter as nstat(8) names it, or a sysctl setting under its dotted name.
struct RecordedCounter {
  Place place;
  std::string name;
  int64_t value = 0;
  // nstat without -a: an increase since its last run, not a lifetime total.
  bool is_increase = false;
};

// How many sockets there were in a state: `ss -s`, or `ss … state X | wc -l`.
struct RecordedCount {
  Place place;
  std::string state;  // as Name(TcpState); "closed", "orphaned", "total" as ss -s has them
  int64_t count = 0;
  bool counts_header = false;  // `wc -l` after an ss with its header line: the header is in it
  bool only_some = false;  // head, or a filter by address or text, lets only some of them through
};

struct RecordedProcess {
  Place place;
  v1::Process process;  // as far as ps(1) shows it
  std::string remark;   // what somebody wrote behind it: "# RSS climbing every minute"
};

// What could not be read. Nothing is skipped in silence.
struct Unread {
  Place place;
  std::string reason;    // a sentence: "not a line of ss"
  std::string excerpt;   // at most 80 printable bytes of it; empty for binary
  int64_t lines = 1;     // for the same reason: lines in a row, or packets anywhere in a capture
  bool packets = false;  // `lines` counts those
};

class RecordingSink {
 public:
  virtual ~RecordingSink() = default;
  // Precedes what the command printed.
  virtual void OnCommand(const RecordedCommand& command) = 0;
  virtual void OnSocket(const RecordedSocket& socket) = 0;
  virtual void OnCounter(const RecordedCounter& counter) = 0;
  virtual void OnCount(const RecordedCount& count) = 0;
  virtual void OnProcess(const RecordedProcess& process) = 0;
  // In the order of the capture. `place` is only valid during the call.
  virtual void OnSegment(const Place& place, const CapturedSegment& segment) = 0;
  // In its place among them. A later fragment is told as unread, too.
  virtual void OnRelated(const Place& place, const RelatedPacket& related) = 0;
  virtual void OnUnread(const Unread& unread) = 0;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_RECORDED_RECORDING_H_
