#include "tests/integration/programs.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace tcpmedic::test {
namespace {

namespace fs = std::filesystem;

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path);
  return std::string((std::istreambuf_iterator<char>(in)), {});
}

void AppendAdded(const char* what, const std::set<std::string>& before,
                 const std::set<std::string>& after, std::string& text) {
  for (const std::string& entry : after) {
    if (!before.count(entry)) absl::StrAppend(&text, what, ": ", entry, "\n");
  }
}

}  // namespace

TempDir::TempDir() {
  std::string path = absl::StrCat(fs::temp_directory_path().string(), "/tcpmedic-test-XXXXXX");
  if (mkdtemp(path.data()) == nullptr) abort();
  path_ = path;
}

TempDir::~TempDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string Program(const std::string& name) { return absl::StrCat(TCPMEDIC_BIN_DIR, "/", name); }

nlohmann::json Output::Json() const { return nlohmann::json::parse(out, nullptr, false); }

Output RunShell(const std::string& command, absl::Duration timeout) {
  TempDir dir;
  const std::string out = dir.path() + "/out";
  const std::string err = dir.path() + "/err";
  absl::StatusOr<cli::ChildProcess> child = cli::ChildProcess::Spawn(
      {.command = {"/bin/sh", "-c", absl::StrCat("{ ", command, "\n} >", out, " 2>", err)},
       .environment = {},
       .output_path = ""});
  if (!child.ok()) return {-1, "", std::string(child.status().message())};
  std::optional<cli::ChildExit> exit = child->Wait(timeout);
  if (!exit) exit = child->Terminate(absl::Seconds(5));
  return {exit->signal != 0 ? 128 + exit->signal : exit->code, ReadFile(out), ReadFile(err)};
}

Machine LookAtMachine() {
  // Whatever a program of ours starts inherits these, so that what others run meanwhile is told
  // apart: a mark, and a place of our own for drills' directories.
  static const std::string* const mark = [] {
    static const TempDir scratch;
    setenv("TMPDIR", scratch.path().c_str(), /*overwrite=*/1);
    auto* made = new std::string(absl::StrCat("TCPMEDIC_TEST=", getpid()));
    putenv(made->data());
    return made;
  }();
  Machine machine;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const std::string pid = entry.path().filename();
    if (!absl::ascii_isdigit(pid[0])) continue;
    // A zombie holds nothing, not even an environment; when it goes is up to the machine's init.
    if (!absl::StrContains(ReadFile(entry.path() / "environ"), *mark)) continue;
    std::error_code gone;
    const std::string ns = fs::read_symlink(entry.path() / "ns/net", gone);
    if (!ns.empty()) machine.namespaces.insert(ns);
    const std::string comm(absl::StripAsciiWhitespace(ReadFile(entry.path() / "comm")));
    machine.programs.insert(absl::StrCat(pid, " ", comm));
  }
  for (const auto& entry : fs::directory_iterator("/sys/class/net", error)) {
    machine.links.insert(entry.path().filename());
  }
  for (const auto& entry : fs::directory_iterator(getenv("TMPDIR"), error)) {
    const std::string name = entry.path().filename();
    if (absl::StartsWith(name, "tcpmedic-drill-")) machine.scratch.insert(name);
  }
  return machine;
}

std::string Added(const Machine& before, const Machine& after) {
  std::string text;
  AppendAdded("namespace", before.namespaces, after.namespaces, text);
  AppendAdded("link", before.links, after.links, text);
  AppendAdded("program", before.programs, after.programs, text);
  AppendAdded("directory", before.scratch, after.scratch, text);
  return text;
}

}  // namespace tcpmedic::test
