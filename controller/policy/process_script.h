// A process as a case describes it: how many sockets in CLOSE-WAIT it has come to hold and how many
// of these it has closed, which of them are unread or still sent on, its descriptors and memory.
// Plain value; pure.
#ifndef TCPMEDIC_CONTROLLER_POLICY_PROCESS_SCRIPT_H_
#define TCPMEDIC_CONTROLLER_POLICY_PROCESS_SCRIPT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "controller/policy/series.h"
#include "controller/policy/yaml_file.h"
#include "core/issue.h"
#include "diagnosis/holder_source.h"
#include "observe/socket_sample.h"
#include "tcpmedic/v1/evidence.pb.h"

namespace tcpmedic {

struct ProcessScript {
  std::string comm = "server";
  int32_t pid = 812;
  int64_t holders = 1;  // processes that hold every one of the sockets: it and its forks, whose
                        // pids follow
  // Of a server, its listener; of a client, whom it has connected to.
  IpAddress ip;
  uint16_t port = 8080;
  bool upstream = false;
  absl::Duration listens_until = absl::InfiniteDuration();

  Series opened;  // sockets in CLOSE-WAIT that it has come to hold, those from before the start
                  // with them
  Series closed;  // of these, closed since: the oldest first
  double unread_ratio = 0;   // of its sockets, those with an unread end of file
  double sending_ratio = 0;  // those on which it still sends
  int64_t peers = 1;         // addresses that they come from

  std::optional<Series> fds, rss_bytes;  // unset: cannot be read
  std::optional<int64_t> fd_limit, memory_limit_bytes;

  // What a dump shows: the sockets, and the listener while there is one.
  std::vector<SocketSample> SocketsAt(absl::Duration since_start, uint64_t netns_cookie) const;
  v1::Process At(absl::Duration since_start) const;
};

// Reads a map of fields over `*script`, which may already hold what is common to several cases.
void ReadProcessScript(const YamlFile& file, const YamlNode& node, ProcessScript* script,
                       std::vector<Issue>* issues);

// Whom an engine asks about the script's sockets. `script` outlives it. Not thread-safe.
class ScriptedHolders : public HolderSource {
 public:
  explicit ScriptedHolders(const ProcessScript* script) : script_(script) {}
  void SetTime(absl::Duration since_start) { process_ = script_->At(since_start); }

  HoldersByInode HoldersOf(const std::vector<uint32_t>& inodes) override;
  const v1::Process* Describe(const ProcessKey& process) override;

 private:
  const ProcessScript* const script_;
  v1::Process process_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_POLICY_PROCESS_SCRIPT_H_
