// tcpmedic: the operator's command line. Parses the flags that all subcommands share; each
// subcommand is in a file of its own, which registers it here.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/command.h"
#include "cli/diagnose/diagnose_command.h"
#include "cli/drill/drill_command.h"
#include "core/default_paths.h"
#include "core/issue.h"

namespace {

using tcpmedic::cli::Invocation;

constexpr char kFooter[] = R"(
Try:
  tcpmedic diagnose    say what is wrong with this host; or with a FILE, what it shows
  tcpmedic up          watch this host
  tcpmedic watch       follow incidents, from another terminal
  tcpmedic show ID     one of them, on one screen
  tcpmedic approve ID  apply what is proposed, and see whether it helps
  tcpmedic drill lossy-path --observe   cause one on a throwaway network, and see it found

Exit codes: 0 done, 1 the thing asked for failed, 2 usage.)";

std::string DefaultController() {
  const char* const configured = std::getenv("TCPMEDIC_CONTROLLER");
  if (configured != nullptr && *configured != '\0') return configured;
  const auto paths = tcpmedic::DefaultPathsOfThisProcess();
  return absl::StrCat("unix:", tcpmedic::OperatorsSocket(paths.runtime_dir));
}

// Takes a bare path too, as people paste it.
std::string NormalizeController(std::string& target) {
  if (absl::StartsWith(target, "/")) target = absl::StrCat("unix:", target);
  if (absl::StartsWith(target, "unix:") && target.size() > 5) return "";
  return absl::StrCat("'", target, "' is not unix:PATH; TCP is refused until there is mutual TLS");
}

// What the first word was probably meant to be.
std::string Hint(const CLI::App& app, int argc, char** argv) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (absl::StartsWith(word, "-")) continue;
    if (std::find(names.begin(), names.end(), word) != names.end()) return "";
    const std::string nearest = tcpmedic::NearestName(word, names);
    return nearest.empty() ? "" : absl::StrCat("Did you mean `tcpmedic ", nearest, "`?\n");
  }
  return "";
}

}  // namespace

int main(int argc, char** argv) {
  Invocation invocation;
  const std::string default_controller = DefaultController();
  invocation.controller = default_controller;
  // As the reader called it, so that what is suggested can be copied.
  const bool by_path = absl::StrContains(argv[0], '/');
  if (by_path) invocation.command = argv[0];
  invocation.no_color = std::getenv("NO_COLOR") != nullptr && *std::getenv("NO_COLOR") != '\0';

  CLI::App app("Finds TCP incidents, says what is wrong, and proposes the change that helps.",
               "tcpmedic");
  app.set_version_flag("--version", "tcpmedic " TCPMEDIC_VERSION);
  app.footer(kFooter);
  app.require_subcommand(1);
  app.fallthrough();  // inherited: the flags below may stand after the subcommand
  app.add_option("--controller", invocation.controller,
                 "The operators' socket (or set TCPMEDIC_CONTROLLER)")
      ->transform(CLI::Validator(NormalizeController, ""))
      ->type_name("unix:PATH")
      ->capture_default_str();
  app.add_option_function<std::string>(
         "-o,--output", [&](const std::string& format) { invocation.json = format == "json"; },
         "How to write the answer")
      ->check(CLI::IsMember({"text", "json"}));
  app.add_flag("--no-color", invocation.no_color, "No colour, as NO_COLOR does");
  app.parse_complete_callback([&] {
    if (invocation.controller == default_controller) return;
    invocation.command =
        absl::StrCat(by_path ? argv[0] : "tcpmedic", " --controller ", invocation.controller);
  });

  tcpmedic::cli::AddDiagnoseCommand(app, invocation);
  tcpmedic::cli::AddUpCommand(app, invocation);
  tcpmedic::cli::AddQueryCommands(app, invocation);
  tcpmedic::cli::AddWatchCommand(app, invocation);
  tcpmedic::cli::AddChangeCommands(app, invocation);
  tcpmedic::cli::AddDecideCommands(app, invocation);
  tcpmedic::cli::AddPolicyCommands(app, invocation);
  tcpmedic::cli::AddDrillCommand(app, invocation);

  if (argc == 1) {
    std::cerr << app.help();
    return tcpmedic::cli::kUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    if (code == 0) return tcpmedic::cli::kDone;
    std::cerr << Hint(app, argc, argv);
    return tcpmedic::cli::kUsage;
  }
  return invocation.exit_code;
}
