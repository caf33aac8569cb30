// Which columns ps(1) prints, as its command says: for output whose header a grep has dropped.
// Pure.
#ifndef TCPMEDIC_OBSERVE_RECORDED_PS_COLUMNS_H_
#define TCPMEDIC_OBSERVE_RECORDED_PS_COLUMNS_H_

#include <string>
#include <vector>

#include "observe/recorded/shell_command.h"

namespace tcpmedic {

// Under the names of their headers, as procps-ng has them: "USER PID %CPU …" of `ps aux`, "PID RSS
// CMD" of `ps -o pid=,rss=,args=`. Empty: no ps, one whose format is not known here or has no PID
// (whose line that is, it would not say), or lines that another command has changed.
std::vector<std::string> PsColumns(const ShellCommand& command);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_RECORDED_PS_COLUMNS_H_
