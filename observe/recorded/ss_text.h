// The output of ss(8), with and without its header, with what -i, -e, -m, -o and -p add, on one
// line or several; of `ss -s`; of netstat(8)'s list of sockets; and of either through `| awk
// '{print $1}' | sort | uniq -c`. Only TCP's sockets are read.
#ifndef TCPMEDIC_OBSERVE_RECORDED_SS_TEXT_H_
#define TCPMEDIC_OBSERVE_RECORDED_SS_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "observe/recorded/recording.h"
#include "observe/recorded/ss_command.h"
#include "observe/recorded/ss_info.h"
#include "observe/recorded/unread_runs.h"

namespace tcpmedic {

// Not thread-safe.
class SsText {
 public:
  // Both must outlive this.
  SsText(absl::string_view input, RecordingSink* sink, UnreadRuns* unread)
      : input_(input), sink_(sink), unread_(unread) {}

  // A new command begins.
  void Begin(const SsOutput& output);
  // False: not a line of ss. True: read, or listed as unread.
  bool Line(int64_t number, absl::string_view line);
  // Hands on the socket whose lines may have gone on.
  void End();

 private:
  // Of each of these: whether the line is such a one.
  bool Header(absl::string_view line);
  bool Summary(int64_t number, absl::string_view line);
  bool StateCount(int64_t number, absl::string_view line);
  bool Socket(int64_t number, absl::string_view line);
  bool NetstatSocket(int64_t number, absl::string_view line);
  bool MoreOfSocket(int64_t number, absl::string_view line);

  void ReadWords(int64_t number, absl::string_view words);
  void Count(int64_t number, absl::string_view state, int64_t count, bool only_some);
  RecordedSocket At(int64_t number, const SocketSample& sample) const;
  // Fills in the addresses, or lists the line as unread.
  bool SetEndpoints(int64_t number, absl::string_view line, absl::string_view local,
                    absl::string_view remote, RecordedSocket* socket);

  const std::string input_;
  RecordingSink* const sink_;
  UnreadRuns* const unread_;
  SsOutput output_;  // that is expected
  bool in_summary_table_ = false;
  std::optional<RecordedSocket> socket_;           // its words may go on
  std::optional<SsInfo> words_;                    // of socket_
  absl::flat_hash_set<std::string> unknown_keys_;  // each is reported once
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_RECORDED_SS_TEXT_H_
