#include "cli/drill/drill_ground.h"

#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/drill/interruption.h"
#include "cli/drill/left_behind.h"

namespace tcpmedic::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kHost[] = "lab";
constexpr absl::Duration kStartTimeout = absl::Seconds(15);
constexpr absl::Duration kServerTimeout = absl::Seconds(10);

absl::Status PrepareStateDir(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) {
    return absl::UnavailableError(absl::StrCat("--state-dir ", path, ": ", error.message()));
  }
  if (!fs::is_empty(path, error) || error) {
    return absl::FailedPreconditionError(absl::StrCat(
        "--state-dir ", path, " is not empty: a drill keeps its own state; give a new directory"));
  }
  fs::permissions(path, fs::perms::owner_all, error);
  return absl::OkStatus();
}

}  // namespace

std::string TailOf(const std::string& path) {
  std::ifstream in(path);
  std::string all((std::istreambuf_iterator<char>(in)), {});
  constexpr size_t kTailBytes = 600;
  return all.size() <= kTailBytes ? all : all.substr(all.size() - kTailBytes);
}

DrillGround::DrillGround() : links_before_(LinksHere()) {}

absl::Status DrillGround::MakeDirectory(const std::string& state_dir) {
  if (state_dir.empty()) {
    absl::StatusOr<ScratchDirectory> scratch = ScratchDirectory::Create();
    if (!scratch.ok()) return scratch.status();
    scratch_.emplace(*std::move(scratch));
    directory_ = scratch_->path();
    return absl::OkStatus();
  }
  if (absl::Status status = PrepareStateDir(state_dir); !status.ok()) return status;
  directory_ = fs::absolute(state_dir);
  return absl::OkStatus();
}

absl::Status DrillGround::StartLab(const lab::LabOptions& options) {
  absl::StatusOr<std::unique_ptr<lab::Lab>> lab = lab::Lab::Start(options);
  if (!lab.ok()) return lab.status();
  lab_ = *std::move(lab);
  return absl::OkStatus();
}

absl::StatusOr<std::string> DrillGround::StartFleet(
    const std::string& policies_dir, const std::optional<DrillGuard>& guard,
    const std::map<std::string, std::string>& host_labels) {
  PrivateFleetOptions options;
  options.directory = directory_;
  options.host = kHost;
  options.netns_inodes = {lab_->client().netns_inode, lab_->server().netns_inode};
  options.policies_dir = policies_dir;
  options.host_labels = host_labels;
  if (guard) {
    options.guard_path = absl::StrCat(directory_, "/guard.yaml");
    if (absl::Status status = WriteGuardFile(*guard, options.guard_path); !status.ok()) {
      return status;
    }
  }
  absl::StatusOr<std::unique_ptr<PrivateFleet>> fleet = PrivateFleet::Start(options);
  if (!fleet.ok()) return fleet.status();
  fleet_ = *std::move(fleet);
  if (absl::Status status = fleet_->WaitUntilWatching(kStartTimeout); !status.ok()) return status;
  absl::StatusOr<v1::PolicyStatus> policies = fleet_->controller().GetPolicyStatus();
  if (!policies.ok()) return policies.status();
  return policies->digest();
}

absl::StatusOr<pid_t> DrillGround::StartServer(const std::string& command, uint16_t port) {
  const std::string log = absl::StrCat(directory_, "/server.log");
  absl::StatusOr<pid_t> server = lab_->RunCommand(lab::HostRole::kServer, command, port, log);
  if (!server.ok()) return server.status();
  const absl::Status status =
      lab_->WaitUntilListening(lab::HostRole::kServer, port, kServerTimeout, *server);
  if (status.ok()) return *server;
  return absl::Status(status.code(),
                      absl::StrCat("--server: ", status.message(), "; it must listen on $PORT (",
                                   port, "). What it wrote:\n", TailOf(log)));
}

absl::Status DrillGround::Alive() {
  if (Interrupted()) return absl::CancelledError("interrupted; everything was taken down");
  if (absl::Status status = fleet_->Health(); !status.ok()) return status;
  return lab_->Health();
}

absl::StatusOr<std::optional<v1::IncidentView>> DrillGround::FindIncident(
    absl::FunctionRef<bool(const v1::IncidentView&)> is_it) {
  v1::ListIncidentsRequest request;
  request.set_include_closed(true);
  absl::StatusOr<v1::ListIncidentsResponse> incidents = controller().ListIncidents(request);
  if (!incidents.ok()) return incidents.status();
  for (v1::IncidentView& view : *incidents->mutable_incidents()) {
    if (is_it(view)) return std::move(view);
  }
  return std::nullopt;
}

absl::Status DrillGround::AddActivity(Silence& silence) {
  absl::StatusOr<v1::ListHostsResponse> hosts = controller().ListHosts();
  if (!hosts.ok()) return hosts.status();
  if (!hosts->hosts().empty()) silence.Add(hosts->hosts(0));
  return absl::OkStatus();
}

void DrillGround::TakeDown(DrillReport& report) {
  std::vector<uint64_t> inodes;
  if (fleet_) report.left_behind = fleet_->Stop();
  if (lab_) {
    inodes = {lab_->client().netns_inode, lab_->server().netns_inode};
    for (std::string& line : lab_->Stop()) report.left_behind.push_back(std::move(line));
    report.path = lab_->Stats();
    if (!report.path.clean()) {
      report.problems.push_back(
          "the lab itself dropped packets that the path did not ask for: this machine was too "
          "busy");
    }
  }
  for (std::string& line : LeftBehind(inodes, links_before_)) {
    report.left_behind.push_back(std::move(line));
  }
  if (scratch_ && !scratch_->Remove()) report.left_behind.push_back(scratch_->path());
}

}  // namespace tcpmedic::cli
