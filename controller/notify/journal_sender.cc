#include "controller/notify/journal_sender.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controller/notify/payload.h"
#include "core/errno_status.h"

namespace tcpmedic {
namespace {

constexpr char kJournalSocket[] = "/run/systemd/journal/socket";

class JournalSender : public Sender {
 public:
  SendResult Send(absl::Span<const Delivery> deliveries, absl::Time) override {
    SendResult result;
    result.arrival = SendResult::Arrival::kNotArrived;
    // Without it sd_journal_sendv does nothing and says that all is well: sd_journal_print(3).
    if (access(kJournalSocket, W_OK) != 0) {
      result.problem = ErrnoText(absl::StrCat("use ", kJournalSocket), errno);
      return result;
    }
    std::vector<std::string> entries;
    for (const auto& [name, value] : JournalFields(deliveries.front())) {
      entries.push_back(absl::StrCat(name, "=", value));
    }
    std::vector<iovec> parts;
    for (std::string& entry : entries) parts.push_back({entry.data(), entry.size()});
    const int sent = sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
    if (sent < 0) {
      result.problem = ErrnoText(absl::StrCat("write to ", kJournalSocket), -sent);
      return result;
    }
    result.arrival = SendResult::Arrival::kAcknowledged;
    return result;
  }
};

}  // namespace

std::unique_ptr<Sender> MakeJournalSender() { return std::make_unique<JournalSender>(); }

}  // namespace tcpmedic
