// The commands that only ask: hosts, incidents, show, why, audit.
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "absl/time/clock.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/operator_client.h"
#include "cli/render/incident_screen.h"
#include "cli/render/lists.h"
#include "cli/render/why.h"

namespace tcpmedic::cli {
namespace {

using nlohmann::ordered_json;

// Prints the answer as JSON or as `render` words it, or the error.
template <typename Answer, typename Render>
int Show(const Invocation& invocation, const absl::StatusOr<Answer>& answer, Render render) {
  if (!answer.ok()) return Fail(invocation, answer.status());
  Print(invocation.json ? PrintJson(ToJson(*answer))
                        : render(*answer, absl::Now(), StyleOf(invocation)));
  return kDone;
}

int Why(const Invocation& invocation, const WhyQuestion& question) {
  const absl::StatusOr<v1::ListHostsResponse> hosts =
      OperatorClient(invocation.controller).ListHosts();
  if (!hosts.ok()) return Fail(invocation, hosts.status());
  return Show(invocation, Narrow(*hosts, question), RenderWhy);
}

void AddIncidents(CLI::App& app, Invocation& invocation) {
  const auto request = std::make_shared<v1::ListIncidentsRequest>();
  CLI::App* const command = app.add_subcommand("incidents", "What is wrong now");
  command->add_flag_callback(
      "--all", [request] { request->set_include_closed(true); }, "Closed incidents too");
  command->add_option_function<std::string>(
      "--host", [request](const std::string& host) { request->set_host(host); }, "Of this host");
  command->add_option_function<std::string>(
      "--signature", [request](const std::string& name) { request->set_signature(name); },
      "Of this signature");
  command
      ->add_option_function<int>(
          "--limit", [request](int limit) { request->set_limit(limit); },
          "At most so many (default: 100)")
      ->check(CLI::Range(1, 10'000));
  command->callback([&invocation, request] {
    invocation.exit_code =
        Show(invocation, OperatorClient(invocation.controller).ListIncidents(*request),
             [&](const v1::ListIncidentsResponse& incidents, absl::Time now, const Style& style) {
               return RenderIncidents(incidents, *request, now, style);
             });
  });
}

void AddAudit(CLI::App& app, Invocation& invocation) {
  const auto request = std::make_shared<v1::ListAuditRequest>();
  CLI::App* const command = app.add_subcommand("audit", "Who decided what, and when");
  command->add_option_function<std::string>(
      "id", [request](const std::string& id) { request->set_id(id); }, "About this incident");
  command
      ->add_option_function<int>(
          "--limit", [request](int limit) { request->set_limit(limit); },
          "At most so many (default: 100)")
      ->check(CLI::Range(1, 10'000));
  command->callback([&invocation, request] {
    invocation.exit_code =
        Show(invocation, OperatorClient(invocation.controller).ListAudit(*request), RenderAudit);
  });
}

}  // namespace

void AddQueryCommands(CLI::App& app, Invocation& invocation) {
  app.add_subcommand("hosts", "The hosts and what their agents can see")->callback([&invocation] {
    invocation.exit_code =
        Show(invocation, OperatorClient(invocation.controller).ListHosts(), RenderHosts);
  });

  AddIncidents(app, invocation);

  const auto id = std::make_shared<std::string>();
  CLI::App* const show = app.add_subcommand("show", "One incident on one screen");
  show->add_option("id", *id, "The incident; any unambiguous beginning will do")->required();
  show->callback([&invocation, id] {
    invocation.exit_code =
        Show(invocation, OperatorClient(invocation.controller).GetIncident(*id), RenderIncident);
  });

  const auto question = std::make_shared<WhyQuestion>();
  CLI::App* const why = app.add_subcommand("why", "Why a signature found nothing, or nothing more");
  why->add_option("signature", question->signature, "This signature (default: all)");
  why->add_option("--host", question->host, "On this host (default: all)");
  why->callback([&invocation, question] { invocation.exit_code = Why(invocation, *question); });

  AddAudit(app, invocation);
}

}  // namespace tcpmedic::cli
