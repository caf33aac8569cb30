// The direction in which includes may point. Each rule carries its reason, which the failure
// prints: whoever breaks one learns what it protects before deciding to change it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Include {
  std::string file;    // root-relative: "agent/main.cc"
  std::string header;  // as written between quotes or angles
  bool angled;
};

// "tcpmedic" is not among them: it is what is generated from proto/tcpmedic.
const std::vector<std::string> kModules = {"core", "daemon", "proto",      "observe", "diagnosis",
                                           "scan", "agent",  "controller", "lab",     "cli"};

std::vector<Include> ReadIncludes() {
  std::vector<Include> includes;
  const fs::path root = TCPMEDIC_SOURCE_DIR;
  for (const std::string& module : kModules) {
    for (const auto& entry : fs::recursive_directory_iterator(root / module)) {
      const std::string extension = entry.path().extension();
      if (extension != ".h" && extension != ".cc") continue;
      std::ifstream in(entry.path());
      for (std::string line; std::getline(in, line);) {
        if (!absl::StartsWith(line, "#include ")) continue;
        const size_t open = line.find_first_of("\"<");
        const size_t close = line.find_first_of("\">", open + 1);
        if (open == std::string::npos || close == std::string::npos) continue;
        includes.push_back({fs::relative(entry.path(), root).string(),
                            line.substr(open + 1, close - open - 1), line[open] == '<'});
      }
    }
  }
  return includes;
}

const std::vector<Include>& Includes() {
  static const auto* const includes = new std::vector<Include>(ReadIncludes());
  return *includes;
}

std::string ModuleOf(absl::string_view path) { return std::string(path.substr(0, path.find('/'))); }

// Files that include a header for which `matches` holds, each once.
template <typename Predicate>
std::set<std::string> FilesIncluding(Predicate matches) {
  std::set<std::string> files;
  for (const Include& include : Includes()) {
    if (matches(include.header)) files.insert(include.file);
  }
  return files;
}

TEST(IncludeGraph, TheTreeIsRead) { EXPECT_GT(Includes().size(), 100u); }

TEST(IncludeGraph, ModulesPointOneWay) {
  struct Rule {
    std::set<std::string> may_include;
    std::string reason;
  };
  const std::map<std::string, Rule> rules = {
      {"core", {{}, "core is the ground: anything it included would be under everything"}},
      {"daemon",
       {{"core"},
        "what any daemon owes its service manager knows nothing of what this daemon does"}},
      {"proto",
       {{"core", "tcpmedic"},
        "what is written beside the vocabulary only says it in C++: whoever speaks it can use "
        "this"}},
      {"observe",
       {{"core", "proto", "tcpmedic"},
        "samples must not know what is made of them: recorded dumps stay readable"}},
      {"diagnosis",
       {{"core", "proto", "tcpmedic", "observe"},
        "findings follow from samples alone, so a replay equals the live run"}},
      {"scan",
       {{"core", "proto", "tcpmedic", "observe", "diagnosis"},
        "a scan finds and changes nothing: whoever diagnoses a host by hand links no action"}},
      {"agent",
       {{"core", "daemon", "proto", "tcpmedic", "observe", "diagnosis", "scan"},
        "agent and controller share the wire and nothing else: either can be replaced or rolled "
        "back alone"}},
      {"controller",
       {{"core", "daemon", "proto", "tcpmedic", "observe", "diagnosis"},
        "agent and controller share the wire and nothing else: either can be replaced or rolled "
        "back alone"}},
      {"lab",
       {{"core", "proto", "tcpmedic", "observe", "diagnosis"},
        "a fault must not know who looks for it, or a drill would prove nothing"}},
      {"cli",
       {{"core", "proto", "tcpmedic", "observe", "diagnosis", "scan", "lab", "controller"},
        "the CLI starts both daemons as processes; it never links the agent"}},
  };
  const std::set<std::string> ours(kModules.begin(), kModules.end());
  for (const Include& include : Includes()) {
    if (include.angled) continue;
    const std::string from = ModuleOf(include.file);
    const std::string to = ModuleOf(include.header);
    if (to == from || (!ours.count(to) && to != "tcpmedic")) continue;
    const Rule& rule = rules.at(from);
    EXPECT_TRUE(rule.may_include.count(to))
        << include.file << " includes " << include.header << "\n  " << rule.reason;
  }
}

TEST(IncludeGraph, EachForeignInterfaceHasOneDoor) {
  struct Door {
    std::string prefix;
    std::string file;
    std::string reason;
  };
  const std::vector<Door> doors = {
      {"netlink/", "observe/netlink_channel.cc",
       "one place decides how the kernel is asked; all else parses bytes or takes samples"},
      {"sqlite3.h", "controller/store/sqlite_store.cc",
       "everything else must work over any Store that passes the contract"},
      {"pcap", "observe/capture/capture_file.cc",
       "libpcap reads bytes that strangers made; what is in a packet is decoded and tested without "
       "it"},
      {"elfutils/", "observe/call_sites/unwinder.cc",
       "libdw reads other programs' files; nothing else may come to depend on it unseen"},
      {"curl/", "controller/notify/http_client.cc",
       "one place decides what is contacted and trusted: no redirects, no proxies, TLS checked"},
      {"systemd/sd-journal.h", "controller/notify/journal_sender.cc",
       "what a journal entry holds is decided without the journal, and tested so"},
      {"systemd/sd-daemon.h", "daemon/service_notifier.cc",
       "a watchdog that anyone may feed watches nothing: what counts as progress is said in one "
       "place"},
  };
  for (const Door& door : doors) {
    EXPECT_THAT(
        FilesIncluding([&](absl::string_view h) { return absl::StartsWith(h, door.prefix); }),
        ElementsAre(door.file))
        << door.prefix << ": " << door.reason;
  }
}

TEST(IncludeGraph, SlowAndOpinionatedLibrariesStayInTheirRooms) {
  struct Room {
    std::string prefix;
    std::vector<std::string> rooms;  // path prefixes
    std::string reason;
  };
  const std::vector<Room> rules = {
      {"grpc",
       {"agent/link/", "controller/service/", "cli/operator_client.cc"},
       "gRPC's headers take twenty seconds a file, and logic that sees no gRPC is tested without "
       "it"},
      {"prometheus/",
       {"agent/metrics.cc"},
       "metrics are written in one place, so their names stay one list"},
      {"yaml-cpp/",
       {"controller/policy/", "controller/config.cc", "agent/config.cc", "agent/act/guard_file.cc"},
       "YAML throws; only the readers of files catch it and turn it into Issues"},
      {"CLI/", {"cli/", "agent/", "controller/"}, "flags belong to programs, not to modules"},
      {"nlohmann/",
       {"cli/", "lab/", "controller/notify/payload.cc"},
       "the stable JSON of the command line, the lab's control messages, and what receivers of "
       "alerts are sent"},
  };
  for (const Room& rule : rules) {
    for (const std::string& file :
         FilesIncluding([&](absl::string_view h) { return absl::StartsWith(h, rule.prefix); })) {
      EXPECT_TRUE(
          std::any_of(rule.rooms.begin(), rule.rooms.end(),
                      [&](const std::string& room) { return absl::StartsWith(file, room); }))
          << file << " includes " << rule.prefix << "…\n  " << rule.reason;
    }
  }
}

TEST(IncludeGraph, CoreTheVocabularyAndDiagnosisDoNoIo) {
  const std::set<std::string> io = {"fstream",      "filesystem", "thread",       "mutex",
                                    "cstdio",       "stdio.h",    "unistd.h",     "fcntl.h",
                                    "sys/socket.h", "sys/stat.h", "sys/ioctl.h",  "iostream",
                                    "poll.h",       "dirent.h",   "sys/syscall.h"};
  const std::set<std::string> exempt = {
      // The environment that default paths depend on is read once, beside the pure function that is
      // tested.
      "core/default_paths.cc",
      // It closes what others opened, as free() gives memory back; it reads and writes nothing.
      "core/unique_fd.cc",
  };
  std::set<std::string> offenders;
  for (const Include& include : Includes()) {
    const std::string module = ModuleOf(include.file);
    if (module != "core" && module != "proto" && module != "diagnosis") continue;
    if (io.count(include.header) && !exempt.count(include.file)) {
      offenders.insert(absl::StrCat(include.file, " includes ", include.header));
    }
  }
  EXPECT_THAT(offenders, IsEmpty()) << "core, the vocabulary and diagnosis are functions of their "
                                       "arguments: that is what makes replay equal live";
}

}  // namespace
