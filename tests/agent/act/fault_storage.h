// A journal's disk in memory that fails, or ends the agent, at a call of the test's choice, and
// then holds as much of the write as the test says. Outlives the agent that wrote to it.
#ifndef TCPMEDIC_TESTS_AGENT_ACT_FAULT_STORAGE_H_
#define TCPMEDIC_TESTS_AGENT_ACT_FAULT_STORAGE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "agent/act/journal_storage.h"

namespace tcpmedic {

struct FaultDisk {
  std::string file;
  int writes = 0;
  bool full = false;  // every write fails, and leaves half of itself
  double keeps = 0;   // of an append that is cut short: the share that is on disk
  std::function<void()> before_write = [] {};  // may throw: the agent is killed there
};

class FaultStorage : public JournalStorage {
 public:
  explicit FaultStorage(FaultDisk* disk) : disk_(disk) {}

  absl::StatusOr<std::string> Read() override { return disk_->file; }

  absl::Status Append(absl::string_view bytes) override {
    return Write([&](double share) {
      const auto kept = static_cast<size_t>(share * static_cast<double>(bytes.size()));
      disk_->file.append(bytes.data(), kept);
    });
  }

  absl::Status Replace(absl::string_view contents) override {
    return Write([&](double share) {
      if (share == 1) disk_->file = std::string(contents);
    });
  }

 private:
  absl::Status Write(const std::function<void(double share)>& write) {
    ++disk_->writes;
    try {
      disk_->before_write();
    } catch (...) {
      write(disk_->keeps);
      throw;
    }
    if (disk_->full) {
      write(0.5);
      return absl::UnavailableError("write journal: ENOSPC");
    }
    write(1);
    return absl::OkStatus();
  }

  FaultDisk* disk_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_AGENT_ACT_FAULT_STORAGE_H_
