// How a process of the lab ended. Plain value.
#ifndef TCPMEDIC_LAB_EXIT_STATUS_H_
#define TCPMEDIC_LAB_EXIT_STATUS_H_

namespace tcpmedic::lab {

struct ExitStatus {
  int code = 0;    // where signal is 0
  int signal = 0;  // that ended it
  bool ok() const { return code == 0 && signal == 0; }
  bool operator==(const ExitStatus&) const = default;
};

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_EXIT_STATUS_H_
