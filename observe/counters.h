// The kernel's counters of one network namespace, from
// /proc/PID/net/{netstat,snmp,snmp6,sockstat,sockstat6}, where TcpExt lives (rtnetlink carries link
// and IPv6 statistics only), and the settings that say how they are to be read. The files are kept
// open and read with pread.
#ifndef TCPMEDIC_OBSERVE_COUNTERS_H_
#define TCPMEDIC_OBSERVE_COUNTERS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tcpmedic {

// One reading of all counters, named as nstat(8) does: "TcpExtSyncookiesSent", "TcpRetransSegs".
// Most count up, wrap and reset; a few ("TcpCurrEstab", "SockstatTcpMem") are gauges, and dotted
// names ("net.ipv4.tcp_syncookies") are settings. What is missing is unknown, never 0.
class CounterSample {
 public:
  std::optional<int64_t> Get(absl::string_view name) const;
  size_t size() const { return values_.size(); }
  void Set(absl::string_view name, int64_t value) {
    values_[name] = value;
    ++set_;
  }
  void Clear() {
    values_.clear();
    BeginReplacing();
  }
  // For a source that fills the same sample again and again, and allocates nothing while the names
  // stay the same: begin, Set each, and Clear to start afresh where some were not set.
  void BeginReplacing() {
    set_ = 0;
    malformed_ = 0;
  }
  bool AllReplaced() const { return set_ == values_.size(); }
  // Lines and values that could not be understood, and are therefore missing.
  int malformed() const { return malformed_; }
  void AddMalformed(int count) { malformed_ += count; }
  const absl::flat_hash_map<std::string, int64_t>& values() const { return values_; }

 private:
  absl::flat_hash_map<std::string, int64_t> values_;
  size_t set_ = 0;
  int malformed_ = 0;
};

class CounterSource {
 public:
  virtual ~CounterSource() = default;
  // Replaces `*sample` by the present values. Files that this kernel lacks are left out, and so are
  // settings that cannot be read. Unavailable: no counter could be read.
  virtual absl::Status Read(CounterSample* sample) = 0;
};

// Parsers, pure: header line / value line pairs ("TcpExt: A B\nTcpExt: 1 2"), "Name value" lines
// (snmp6), and "TCP: inuse 5 mem 3" lines (sockstat: "SockstatTcpInuse"). What is malformed is
// skipped and counted in the result.
int ParseNetstat(absl::string_view text, CounterSample* sample);
int ParseSnmp6(absl::string_view text, CounterSample* sample);
int ParseSockstat(absl::string_view text, CounterSample* sample);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_COUNTERS_H_
