// Where a drill takes place: a directory, a throwaway network, and a controller and an agent that
// watch it as they would a host. Made in that order, taken down in the reverse order. Not
// thread-safe.
#ifndef TCPMEDIC_CLI_DRILL_DRILL_GROUND_H_
#define TCPMEDIC_CLI_DRILL_DRILL_GROUND_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/drill/drill_report.h"
#include "cli/drill/guard_file.h"
#include "cli/drill/private_fleet.h"
#include "cli/drill/scratch_directory.h"
#include "cli/drill/silence.h"
#include "lab/lab.h"

namespace tcpmedic::cli {

// How often a drill asks its controller how things stand.
constexpr absl::Duration kDrillPoll = absl::Milliseconds(200);

class DrillGround {
 public:
  // Remembers what is on the machine before the drill.
  DrillGround();
  DrillGround(const DrillGround&) = delete;
  DrillGround& operator=(const DrillGround&) = delete;

  // `state_dir` as in DrillOptions. FailedPrecondition: something is in it.
  absl::Status MakeDirectory(const std::string& state_dir);
  absl::Status StartLab(const lab::LabOptions& options);
  // With `guard`, the agent may do what it allows; else it only observes. Returns the digest of the
  // policy files in force, once the agent has reported.
  // `host_labels` are what the policies may ask about the lab's host.
  absl::StatusOr<std::string> StartFleet(
      const std::string& policies_dir, const std::optional<DrillGuard>& guard,
      const std::map<std::string, std::string>& host_labels = {});

  // Only after the part itself was made.
  const std::string& directory() const { return directory_; }
  lab::Lab& lab() { return *lab_; }
  OperatorClient& controller() { return fleet_->controller(); }

  // Starts the user's own server on `port` of the lab's, and waits until it listens. Aborted: it
  // ended first; the message has what it wrote.
  absl::StatusOr<pid_t> StartServer(const std::string& command, uint16_t port);

  // Cancelled: the user wants to stop. Aborted: one of the programs ended; the message says which.
  absl::Status Alive();
  // The newest incident for which `is_it` holds, as an operator would see it.
  absl::StatusOr<std::optional<v1::IncidentView>> FindIncident(
      absl::FunctionRef<bool(const v1::IncidentView&)> is_it);
  // Adds the agent's newest account, of a scan in which the signature had time to fire.
  absl::Status AddActivity(Silence& silence);

  // Whatever was made, however far it came; fills the report's path, left_behind and problems.
  void TakeDown(DrillReport& report);

 private:
  const std::set<std::string> links_before_;
  std::optional<ScratchDirectory> scratch_;
  std::string directory_;
  std::unique_ptr<lab::Lab> lab_;
  std::unique_ptr<PrivateFleet> fleet_;
};

// The end of a program's output, for a message.
std::string TailOf(const std::string& path);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_DRILL_DRILL_GROUND_H_
