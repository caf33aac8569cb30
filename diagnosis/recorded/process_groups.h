// The sockets of recorded evidence that pass a signature's `sockets`, put together by who holds
// them and where they came in. Pure.
#ifndef TCPMEDIC_DIAGNOSIS_RECORDED_PROCESS_GROUPS_H_
#define TCPMEDIC_DIAGNOSIS_RECORDED_PROCESS_GROUPS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "diagnosis/compiled_signature.h"
#include "diagnosis/recorded/gathered.h"

namespace tcpmedic {

struct ProcessGroup {
  int pid = 0;           // 0: not known
  std::string listener;  // as ProcessReading::listener
  std::optional<bool> listener_closed;
  std::vector<const RecordedSocket*> shown;
  // Says how many there are where that is more than are shown, by `ss … | wc -l`. Null: all are
  // shown, as far as is known.
  const RecordedCount* count = nullptr;

  int64_t sockets() const;
  // There may be more: the command has left some out.
  bool at_least() const;
};

struct ProcessGroups {
  // Where there is a count it is the only one: of the sockets that are not shown nobody knows whose
  // they are. It is named after the process and the listener of those that are shown, if these
  // agree.
  std::vector<ProcessGroup> groups;
  int64_t shown = 0;
};

// Pointers are into `gathered`.
ProcessGroups GroupByProcess(const CompiledSignature& signature, const Gathered& gathered);

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_RECORDED_PROCESS_GROUPS_H_
