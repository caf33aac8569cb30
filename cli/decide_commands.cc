// The commands that decide: reject and propose.
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/operator_client.h"
#include "cli/render/incident_screen.h"

namespace tcpmedic::cli {
namespace {

int ShowDecided(const Invocation& invocation, const absl::StatusOr<v1::IncidentView>& view) {
  if (!view.ok()) return Fail(invocation, view.status());
  Print(invocation.json ? PrintJson(ToJson(*view))
                        : RenderIncident(*view, absl::Now(), StyleOf(invocation)));
  return kDone;
}

}  // namespace

void AddDecideCommands(CLI::App& app, Invocation& invocation) {
  const auto rejection = std::make_shared<v1::RejectRequest>();
  CLI::App* const reject =
      app.add_subcommand("reject", "Turn an incident's proposal down, and record why");
  reject
      ->add_option_function<std::string>(
          "id", [rejection](const std::string& id) { rejection->set_id(id); }, "The incident")
      ->required();
  reject
      ->add_option_function<std::string>(
          "--reason", [rejection](const std::string& text) { rejection->set_reason(text); },
          "Why, for the next person who looks")
      ->required();
  reject->callback([&invocation, rejection] {
    rejection->set_actor(Actor());
    invocation.exit_code =
        ShowDecided(invocation, OperatorClient(invocation.controller).Reject(*rejection));
  });

  const auto request = std::make_shared<v1::ProposeRequest>();
  CLI::App* const propose =
      app.add_subcommand("propose", "Ask for a new proposal, after one was rejected or expired");
  propose
      ->add_option_function<std::string>(
          "id", [request](const std::string& id) { request->set_id(id); }, "The incident")
      ->required();
  propose->callback([&invocation, request] {
    request->set_actor(Actor());
    invocation.exit_code =
        ShowDecided(invocation, OperatorClient(invocation.controller).Propose(*request));
  });
}

}  // namespace tcpmedic::cli
