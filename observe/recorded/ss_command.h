// What an ss(8) or netstat(8) command and the pipe behind it say of the sockets that are shown:
// which states they can be in, and whether they are all of them. Pure.
#ifndef TCPMEDIC_OBSERVE_RECORDED_SS_COMMAND_H_
#define TCPMEDIC_OBSERVE_RECORDED_SS_COMMAND_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "observe/recorded/shell_command.h"
#include "observe/socket_sample.h"

namespace tcpmedic {

// What the flags and the filter of one ss(8) say of its output.
struct SsFlags {
  bool header = true;          // not -H
  bool only_tcp = false;       // -t, -A tcp, --inet with -t
  bool several_lines = false;  // -i or -m without -O: more than one line a socket
  bool summary = false;        // -s
  bool holders = false;        // -p
  bool by_address = false;     // the filter chooses by something else than the state
  std::optional<TcpState>
      only_state;  // the filter lets one state through: ss shows no State column
};
// Of the words of a stage whose first is ss.
SsFlags ParseSsFlags(const std::vector<std::string>& words);

bool HasShortFlag(const std::vector<std::string>& words, char flag);
bool HasWord(const std::vector<std::string>& words, absl::string_view wanted);
bool IsGrep(const std::vector<std::string>& words);

// Which lines the stages behind ss or netstat let through, up to one that counts or changes them.
struct PassedOn {
  std::optional<TcpState> only_state;  // `grep CLOSE-WAIT`: all of this state, and no others
  bool without_a_state = false;        // `grep -v LISTEN`
  bool header = true;                  // the header line, if there was one
  bool only_some = false;              // head, tail, a grep for a port: some sockets are missing
  bool changed = false;                // awk, cut, uniq: what comes out are other lines
};
PassedOn ThroughPipe(absl::Span<const std::vector<std::string>> stages);

// What is known of the sockets that a command shows. Without a command nothing is, and its sockets
// are taken for all that there were.
struct SsOutput {
  std::optional<TcpState> only_state;  // ss leaves the State column out
  bool only_some = false;              // of the sockets that it shows some are missing
  bool counts_only_some = false;       // so are some in what a further command counted by state
  bool hides_states = false;           // other states than ss's own filter are kept out
  bool holders = false;                // it was asked who holds them
};
SsOutput ParseSsOutput(const ShellCommand& command);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_RECORDED_SS_COMMAND_H_
