#include "daemon/service_notifier.h"

#include <systemd/sd-daemon.h>

#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

absl::Duration AskedTurn() {
  uint64_t watchdog_us = 0;
  // Not a positive number: no watchdog, or one for another process.
  if (sd_watchdog_enabled(/*unset_environment=*/0, &watchdog_us) <= 0) {
    return absl::InfiniteDuration();
  }
  return absl::Microseconds(watchdog_us) / 4;
}

// Each line of a message is an assignment of its own, and a status may quote what is not ours.
std::string OneLine(absl::string_view text) {
  std::string line(text);
  for (char& c : line) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) c = ' ';
  }
  return line;
}

}  // namespace

ServiceNotifier::ServiceNotifier(const Clock* clock) : clock_(clock), turn_within_(AskedTurn()) {}

void ServiceNotifier::Working(absl::string_view status) {
  absl::MutexLock lock(&mutex_);
  if (stopping_) return;
  std::string message;
  if (!ready_) absl::StrAppend(&message, "READY=1\n");
  const absl::Duration now = clock_->Now().uptime;
  if (turn_within_ < absl::InfiniteDuration() && now - fed_at_ >= turn_within_) {
    absl::StrAppend(&message, "WATCHDOG=1\n");
    fed_at_ = now;
  }
  if (!ready_ || status != status_) {
    absl::StrAppend(&message, "STATUS=", OneLine(status), "\n");
    status_ = std::string(status);
  }
  ready_ = true;
  // A manager that cannot be reached is no reason to stop; it will see a missing ping for itself.
  if (!message.empty()) sd_notify(/*unset_environment=*/0, message.c_str());
}

void ServiceNotifier::Stopping(absl::string_view status) {
  absl::MutexLock lock(&mutex_);
  stopping_ = true;
  sd_notify(/*unset_environment=*/0,
            absl::StrCat("STOPPING=1\nSTATUS=", OneLine(status), "\n").c_str());
}

}  // namespace tcpmedic
