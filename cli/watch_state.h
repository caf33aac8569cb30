// What a watcher knows: every incident that was open when the watch began or has changed since,
// across reconnects. Pure; not thread-safe.
#ifndef TCPMEDIC_CLI_WATCH_STATE_H_
#define TCPMEDIC_CLI_WATCH_STATE_H_

#include <map>
#include <string>

#include "tcpmedic/v1/operator.pb.h"

namespace tcpmedic::cli {

class WatchState {
 public:
  // A stream begins: what it does not send before `synced` is no longer open, and is forgotten.
  void BeginStream();

  // Takes one event. True: something has happened to the incident that no earlier event told of, so
  // that a reconnect repeats nothing.
  bool Apply(const v1::WatchEvent& event);

  bool synced() const { return synced_; }
  int open() const;

  // Open first, newest first; then those that closed during the watch, at most `max_closed`.
  v1::ListIncidentsResponse Incidents(int max_closed) const;

 private:
  struct Known {
    v1::IncidentView view;
    std::string newest;  // the newest timeline entry, serialized
    bool in_this_stream = false;
  };
  std::map<std::string, Known> known_;  // by incident id
  bool synced_ = false;
};

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_WATCH_STATE_H_
