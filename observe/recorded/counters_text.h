// Counters and settings as tools print them: nstat(8) in columns or as JSON, `netstat -s`, copies
// of /proc/net/{netstat,snmp,snmp6,sockstat,sockstat6}, and sysctl(8).
#ifndef TCPMEDIC_OBSERVE_RECORDED_COUNTERS_TEXT_H_
#define TCPMEDIC_OBSERVE_RECORDED_COUNTERS_TEXT_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "observe/counters.h"
#include "observe/recorded/recording.h"
#include "observe/recorded/shell_command.h"
#include "observe/recorded/unread_runs.h"

namespace tcpmedic {

// Not thread-safe.
class CountersText {
 public:
  // Both must outlive this.
  CountersText(absl::string_view input, RecordingSink* sink, UnreadRuns* unread)
      : input_(input), sink_(sink), unread_(unread) {}

  // A new command begins. nstat without -a prints increases since its last run. Text without a
  // command is taken for totals, as /proc has them.
  void Begin(const ShellCommand& command);
  // False: not a line of these. True: read, or listed as unread.
  bool Line(int64_t number, absl::string_view line);
  // A line without its partner (/proc prints names and values as two) is listed as unread.
  void End();

 private:
  // Of each of these: whether the line is such a one.
  bool Nstat(int64_t number, absl::string_view line);
  bool NstatJson(int64_t number, absl::string_view line);
  bool ProcPair(int64_t number, absl::string_view line);
  bool Sockstat(int64_t number, absl::string_view line);
  bool NetstatSection(absl::string_view line);
  bool NetstatSentence(int64_t number, absl::string_view line);
  bool Setting(int64_t number, absl::string_view line);

  void Counter(int64_t number, absl::string_view name, int64_t value);
  void All(int64_t number, const CounterSample& sample);
  // A number as printed; a line whose number does not fit is listed as unread.
  void CounterOfText(int64_t number, absl::string_view line, absl::string_view name,
                     absl::string_view digits);

  const std::string input_;
  RecordingSink* const sink_;
  UnreadRuns* const unread_;
  bool is_increase_ = false;
  bool in_netstat_s_ = false;  // that is the command, so that a sentence needs no section
  std::string setting_file_;   // "net.ipv4.tcp_syncookies" after `cat /proc/sys/…` or `sysctl -n`
  std::string section_;        // of netstat -s: "TcpExt"; empty outside
  absl::string_view histogram_;  // of ICMP: "In", "Out"; empty outside
  std::string names_line_;       // of /proc: its values come next
  int64_t names_number_ = 0;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_RECORDED_COUNTERS_TEXT_H_
