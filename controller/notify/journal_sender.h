// The systemd journal of the controller's host. An alert is one entry when it fires and one when it
// is resolved: `journalctl TCPMEDIC_INCIDENT=i-…`. The journal gives no answer: an entry counts as
// acknowledged when its socket has taken it.
#ifndef TCPMEDIC_CONTROLLER_NOTIFY_JOURNAL_SENDER_H_
#define TCPMEDIC_CONTROLLER_NOTIFY_JOURNAL_SENDER_H_

#include <memory>

#include "controller/notify/sender.h"

namespace tcpmedic {

std::unique_ptr<Sender> MakeJournalSender();

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_NOTIFY_JOURNAL_SENDER_H_
