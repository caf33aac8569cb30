#include "observe/namespaces.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "observe/in_namespace.h"
#include "observe/inet_diag_socket.h"
#include "observe/printable.h"
#include "observe/proc_counters.h"
#include "observe/proc_directory.h"
#include "observe/proc_settings.h"

namespace tcpmedic {
namespace {

// How many processes of a namespace are tried before it is taken for one that is ending.
constexpr size_t kMaxCandidates = 8;

// A file of every namespace whose inode number no two of them share (fs/proc/generic.c,
// proc_register), and that may be asked for where the link ns/net may not be read.
constexpr char kMark[] = "net/netstat";

// The processes found in one namespace, lowest pids first, no more than kMaxCandidates.
struct Population {
  std::vector<int> pids;
  bool still_has_known_pid = false;
};

void AddCandidate(int pid, std::vector<int>* pids) {
  pids->insert(std::lower_bound(pids->begin(), pids->end(), pid), pid);
  if (pids->size() > kMaxCandidates) pids->pop_back();
}

std::string NameOf(const ProcDirectory& process, int pid) {
  const absl::StatusOr<std::string> comm = process.ReadFile("comm", 64);
  const std::string text =
      comm.ok() ? Printable(absl::StripTrailingAsciiWhitespace(*comm)) : std::string();
  return absl::StrCat("netns of pid ", pid, text.empty() ? "" : absl::StrCat(" (", text, ")"));
}

void AddProblem(const absl::Status& status, std::string* problem) {
  absl::StrAppend(problem, problem->empty() ? "" : "; ", std::string(status.message()));
}

}  // namespace

struct Namespaces::Open {
  ObservedNamespace shown;
  std::unique_ptr<SocketSource> sockets;
  std::unique_ptr<CounterSource> counters;
  uint64_t mark = 0;     // kMark's inode number; 0: not known
  bool refused = false;  // for want of a privilege: asking again would not help

  // Opens what can be opened through one of the processes that were seen in the namespace. Null:
  // none is in it any more.
  static std::unique_ptr<Open> Through(const ProcDirectory& root, uint64_t inode,
                                       const std::vector<int>& pids, bool own);
};

std::unique_ptr<Namespaces::Open> Namespaces::Open::Through(const ProcDirectory& root,
                                                            uint64_t inode,
                                                            const std::vector<int>& pids,
                                                            bool own) {
  for (const int pid : pids) {
    const absl::StatusOr<ProcDirectory> process = root.OpenDirectory(absl::StrCat(pid));
    if (!process.ok()) continue;
    auto opened = std::make_unique<Open>();
    opened->shown.inode = inode;
    opened->shown.pid = pid;
    opened->shown.name = NameOf(*process, pid);

    const absl::StatusOr<UniqueFd> netns = process->OpenFile("ns/net");
    if (absl::IsNotFound(netns.status())) continue;
    if (!netns.ok()) {
      AddProblem(netns.status(), &opened->shown.problem);
      opened->refused = absl::IsPermissionDenied(netns.status());
      return opened;
    }
    // Since the link was read the pid may have gone to another process, or the process to another
    // namespace. From here on `netns` holds the namespace, so its inode number is not given to
    // another.
    struct stat identity;
    if (fstat(netns->get(), &identity) != 0 || identity.st_ino != inode) continue;

    absl::StatusOr<std::unique_ptr<ProcCounters>> counters = ProcCounters::Open(*process);
    process->ReadInodeOf(kMark, &opened->mark);
    uint64_t inode_after = 0;
    if (process->ReadInodeLink("ns/net", "net", &inode_after) != 0 || inode_after != inode) {
      continue;
    }
    absl::StatusOr<std::unique_ptr<InetDiagSocket>> sockets;
    ProcSettings settings;
    const auto open_inside = [&] {
      sockets = InetDiagSocket::Open();
      settings = ProcSettings::Open(root);
    };
    if (own) {
      open_inside();
    } else {
      const absl::Status entered = InNamespace(netns->get(), open_inside);
      if (!entered.ok()) sockets = entered;
    }
    if (counters.ok()) {
      (*counters)->Add(std::move(settings));
      opened->counters = *std::move(counters);
      opened->shown.counters = opened->counters.get();
    } else {
      AddProblem(counters.status(), &opened->shown.problem);
    }
    if (sockets.ok()) {
      opened->shown.cookie = (*sockets)->netns_cookie();
      opened->sockets = *std::move(sockets);
      opened->shown.sockets = opened->sockets.get();
    } else {
      AddProblem(sockets.status(), &opened->shown.problem);
      opened->refused = absl::IsPermissionDenied(sockets.status());
    }
    return opened;
  }
  return nullptr;
}

Namespaces::Namespaces(Options options) : options_(std::move(options)) {}
Namespaces::~Namespaces() = default;

absl::Status Namespaces::Refresh() {
  const absl::StatusOr<ProcDirectory> root = ProcDirectory::Open(options_.proc_root);
  if (absl::IsPermissionDenied(root.status())) return root.status();
  if (!root.ok()) return absl::UnavailableError(root.status().message());

  absl::flat_hash_map<uint64_t, const Open*> known;
  for (const auto& open : open_) known[open->shown.inode] = open.get();

  absl::flat_hash_map<uint64_t, Population> populations;
  absl::flat_hash_map<uint64_t, int> denied;  // processes, by their namespace's mark
  const absl::Status scanned = root->ForEachNumber([&](int pid, const char* name) {
    uint64_t inode = 0;
    const int error = root->ReadInodeLink(absl::StrCat(name, "/ns/net").c_str(), "net", &inode);
    if (error == EACCES || error == EPERM) {
      uint64_t mark = 0;
      root->ReadInodeOf(absl::StrCat(name, "/", kMark).c_str(), &mark);
      ++denied[mark];
    }
    if (error != 0) return true;
    if (!options_.only_inodes.empty() && !options_.only_inodes.contains(inode)) return true;
    Population& population = populations[inode];
    AddCandidate(pid, &population.pids);
    const auto open = known.find(inode);
    if (open != known.end() && open->second->shown.pid == pid)
      population.still_has_known_pid = true;
    return true;
  });
  if (!scanned.ok()) return absl::UnavailableError(scanned.message());

  uint64_t own = 0, init = 0;
  root->ReadInodeLink("thread-self/ns/net", "net", &own);
  // Without the right to look at init, our own namespace is the best guess.
  if (root->ReadInodeLink("1/ns/net", "net", &init) != 0) init = own;

  // What has no process any more is closed before anything else, and with it what could not be
  // opened and may be now.
  open_.erase(std::remove_if(open_.begin(), open_.end(),
                             [&](const std::unique_ptr<Open>& open) {
                               const bool retry = !open->shown.problem.empty() && !open->refused;
                               return retry || !populations.contains(open->shown.inode);
                             }),
              open_.end());
  std::vector<uint64_t> unopened;
  for (const auto& [inode, population] : populations) unopened.push_back(inode);
  for (const auto& open : open_) {
    const Population& population = populations[open->shown.inode];
    if (!population.still_has_known_pid) {
      open->shown.pid = population.pids.front();
      const auto process = root->OpenDirectory(absl::StrCat(open->shown.pid));
      if (process.ok()) open->shown.name = NameOf(*process, open->shown.pid);
    }
    unopened.erase(std::find(unopened.begin(), unopened.end(), open->shown.inode));
  }
  // Our own first, so that it is never the one for which there is no room.
  std::sort(unopened.begin(), unopened.end(), [own](uint64_t a, uint64_t b) {
    return std::pair(a != own, a) < std::pair(b != own, b);
  });
  omitted_ = 0;
  for (const uint64_t inode : unopened) {
    if (open_.size() >= static_cast<size_t>(options_.max_namespaces)) {
      ++omitted_;
      continue;
    }
    std::unique_ptr<Open> open = Open::Through(*root, inode, populations[inode].pids, inode == own);
    if (open != nullptr) open_.push_back(std::move(open));
  }

  for (const auto& open : open_) {
    if (open->mark != 0) denied.erase(open->mark);
  }
  processes_denied_ = 0;
  const bool all_asked_for =
      !options_.only_inodes.empty() && open_.size() == options_.only_inodes.size();
  for (const auto& [mark, processes] : denied) {
    if (!all_asked_for) processes_denied_ += processes;
  }

  std::sort(open_.begin(), open_.end(),
            [](const auto& a, const auto& b) { return a->shown.inode < b->shown.inode; });
  current_.clear();
  for (const auto& open : open_) {
    current_.push_back(open->shown);
    if (open->shown.inode == init) current_.back().name = "host";
  }
  return absl::OkStatus();
}

}  // namespace tcpmedic
