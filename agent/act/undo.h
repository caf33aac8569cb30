// `tcpmedic-agent --undo`: takes back, without a controller, every change of this host's that is
// still ours.
#ifndef TCPMEDIC_AGENT_ACT_UNDO_H_
#define TCPMEDIC_AGENT_ACT_UNDO_H_

#include <string>

#include "agent/act/host_control.h"
#include "core/clock.h"

namespace tcpmedic {

struct UndoResult {
  std::string text;   // a line for each thing done or left, for standard output
  std::string error;  // why not all of it could be done, for standard error; empty: all was
  int exit_code = 0;  // 0: nothing of ours is left; 1: something is, or the journal cannot be read
};

// Works on the journal in `state_dir`, which it does not create. Refuses while an agent has it
// open.
UndoResult RunUndo(const std::string& state_dir, const std::string& boot_id, HostControl* host,
                   Moment now);

}  // namespace tcpmedic

#endif  // TCPMEDIC_AGENT_ACT_UNDO_H_
