#include "tests/integration/sysctl_watch.h"

#include <fcntl.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "core/unique_fd.h"
#include "tests/integration/programs.h"

namespace tcpmedic::test {
namespace {

namespace fs = std::filesystem;

constexpr absl::Duration kInterval = absl::Milliseconds(300);
constexpr const char* kOwn = "/proc/self/ns/net";

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path);
  return std::string((std::istreambuf_iterator<char>(in)), {});
}

// The settings of the calling thread's namespace. /proc/sys/net shows the reader's.
std::map<std::string, std::string> Settings() {
  std::map<std::string, std::string> settings;
  for (const char* const directory : {"net/ipv4", "net/core"}) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(fs::path("/proc/sys") / directory, error)) {
      if (entry.is_directory(error)) continue;
      settings[absl::StrCat(absl::StrReplaceAll(directory, {{"/", "."}}), ".",
                            entry.path().filename().string())] = ReadFile(entry.path());
    }
  }
  return settings;
}

// Moves the calling thread. False: the namespace has gone.
bool Enter(const std::string& path) {
  const UniqueFd netns(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return netns.valid() && setns(netns.get(), CLONE_NEWNET) == 0;
}

}  // namespace

std::string SysctlOf(pid_t pid, const std::string& name) {
  std::string value;
  std::thread([&] {
    if (pid != 0 && !Enter(absl::StrCat("/proc/", pid, "/ns/net"))) {
      value = absl::StrCat("setns: ", strerror(errno));
      return;
    }
    const std::string path = absl::StrCat("/proc/sys/", absl::StrReplaceAll(name, {{".", "/"}}));
    value = std::string(absl::StripAsciiWhitespace(ReadFile(path)));
  }).join();
  return value;
}

SysctlWatch::SysctlWatch() : own_(fs::read_symlink(kOwn).string()) {
  thread_ = std::thread([this] { Run(); });
}

SysctlWatch::~SysctlWatch() { Stop(); }

void SysctlWatch::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void SysctlWatch::Run() {
  for (;;) {
    // Of this thread alone, which ends in whatever namespace it has visited last.
    std::thread([this] { Look(); }).join();
    absl::MutexLock lock(&mutex_);
    if (mutex_.AwaitWithTimeout(absl::Condition(&stop_), kInterval)) return;
  }
}

void SysctlWatch::Look() {
  const auto note = [this](const std::string& netns) {
    const std::map<std::string, std::string> settings = Settings();
    absl::MutexLock lock(&mutex_);
    for (const auto& [name, value] : settings) {
      seen_[netns][name].insert(std::string(absl::StripAsciiWhitespace(value)));
    }
  };
  note(own_);
  std::set<std::string> done = {own_};
  for (const std::string& program : LookAtMachine().programs) {
    const std::string path =
        absl::StrCat("/proc/", program.substr(0, program.find(' ')), "/ns/net");
    std::error_code gone;
    const std::string netns = fs::read_symlink(path, gone).string();
    if (gone || !done.insert(netns).second || !Enter(path)) continue;
    note(netns);
  }
}

std::map<std::string, std::set<std::string>> SysctlWatch::Elsewhere(const std::string& name) const {
  std::map<std::string, std::set<std::string>> values;
  absl::MutexLock lock(&mutex_);
  for (const auto& [netns, settings] : seen_) {
    const auto found = settings.find(name);
    if (netns != own_ && found != settings.end()) values[netns] = found->second;
  }
  return values;
}

std::set<std::string> SysctlWatch::OwnChanges() const {
  std::set<std::string> changes;
  absl::MutexLock lock(&mutex_);
  for (const auto& [name, values] : seen_.at(own_)) {
    if (values.size() > 1) changes.insert(absl::StrCat(name, ": ", absl::StrJoin(values, ", ")));
  }
  return changes;
}

}  // namespace tcpmedic::test
