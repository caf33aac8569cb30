#include "agent/act/undo.h"

#include <sys/stat.h>

#include <cerrno>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "agent/act/order_book.h"

namespace tcpmedic {

UndoResult RunUndo(const std::string& state_dir, const std::string& boot_id, HostControl* host,
                   Moment now) {
  struct stat identity;
  if (stat(absl::StrCat(state_dir, "/journal").c_str(), &identity) != 0 && errno == ENOENT) {
    return {.text = absl::StrCat("nothing to undo: there is no journal in ", state_dir, "\n"),
            .error = "",
            .exit_code = 0};
  }
  OrderBook::Options options;
  options.state_dir = state_dir;
  options.boot_id = boot_id;
  const absl::StatusOr<std::unique_ptr<OrderBook>> book =
      OrderBook::Open(std::move(options), host, now);
  if (!book.ok()) {
    const bool agent_runs = absl::IsFailedPrecondition(book.status());
    return {
        .text = "",
        .error = absl::StrCat(book.status().message(), agent_runs ? ": stop it first" : "", "\n"),
        .exit_code = 1};
  }
  const OrderBook::Undone undone = (*book)->UndoAll(now);
  UndoResult result;
  for (const std::string& line : undone.lines) absl::StrAppend(&result.text, line, "\n");
  if (undone.lines.empty()) result.text = "nothing to undo\n";
  if (!undone.complete) {
    result.error = "something of ours is left; run this again, or start the agent, which goes on\n";
    result.exit_code = 1;
  }
  return result;
}

}  // namespace tcpmedic
