#include "controller/notify/payload.h"

#include <syslog.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "proto/proto_time.h"
#include "proto/words.h"
#include "tcpmedic/v1/finding.pb.h"

namespace tcpmedic {
namespace {

using Json = nlohmann::ordered_json;

std::string Rfc3339(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// By name: a protobuf map has no order.
std::map<std::string, std::string> Sorted(
    const google::protobuf::Map<std::string, std::string>& map) {
  return {map.begin(), map.end()};
}

Json AnnotationsOf(const v1::Alert& alert) {
  std::map<std::string, std::string> annotations = Sorted(alert.annotations());
  annotations["incident"] = alert.incident_id();
  annotations["show"] = alert.generator();
  return annotations;
}

std::string Label(const v1::Alert& alert, const char* name) {
  const auto found = alert.labels().find(name);
  return found == alert.labels().end() ? "" : found->second;
}

std::string Annotation(const v1::Alert& alert, const char* name) {
  const auto found = alert.annotations().find(name);
  return found == alert.annotations().end() ? "" : found->second;
}

int PriorityOf(const v1::Alert& alert) {
  if (alert.state() != v1::Alert::STATE_FIRING) return LOG_NOTICE;
  const std::string severity = Label(alert, "severity");
  if (severity == Name(v1::SEVERITY_CRITICAL)) return LOG_CRIT;
  return severity == Name(v1::SEVERITY_WARNING) ? LOG_WARNING : LOG_INFO;
}

}  // namespace

std::string AlertmanagerBody(absl::Span<const Delivery> deliveries, absl::Time now) {
  Json alerts = Json::array();
  for (const Delivery& delivery : deliveries) {
    const v1::Alert& alert = delivery.alert;
    Json json;
    json["labels"] = Sorted(alert.labels());
    json["annotations"] = AnnotationsOf(alert);
    json["startsAt"] = Rfc3339(FromProto(alert.starts_at()));
    if (alert.state() == v1::Alert::STATE_RESOLVED) {
      json["endsAt"] = Rfc3339(FromProto(alert.ends_at()));
    } else if (alert.state() == v1::Alert::STATE_EVENT) {
      json["endsAt"] = Rfc3339(now + kEventShown);
    }
    alerts.push_back(std::move(json));
  }
  return Dump(alerts);
}

std::string WebhookBody(const Delivery& delivery) {
  const v1::Alert& alert = delivery.alert;
  Json json;
  json["version"] = 1;
  json["key"] = alert.key();
  json["state"] = Name(alert.state());
  json["event"] = alert.event().empty() ? Json(nullptr) : Json(alert.event());
  json["incident"] = alert.incident_id();
  json["starts_at"] = Rfc3339(FromProto(alert.starts_at()));
  json["ends_at"] = alert.has_ends_at() ? Json(Rfc3339(FromProto(alert.ends_at()))) : Json(nullptr);
  json["labels"] = Sorted(alert.labels());
  json["annotations"] = AnnotationsOf(alert);
  return Dump(json);
}

std::string IdempotencyKey(const Delivery& delivery) {
  return absl::StrCat("\"", delivery.alert.key(), "/", Name(delivery.alert.state()), "/",
                      delivery.version, "\"");
}

std::vector<std::pair<std::string, std::string>> JournalFields(const Delivery& delivery) {
  const v1::Alert& alert = delivery.alert;
  std::vector<std::pair<std::string, std::string>> fields;
  const auto add = [&](std::string name, std::string value) {
    if (!value.empty()) fields.emplace_back(std::move(name), std::move(value));
  };
  const char* id = kJournalFiring;
  std::string message = Annotation(alert, "summary");
  const std::string description = Annotation(alert, "description");
  if (alert.state() == v1::Alert::STATE_RESOLVED) {
    id = kJournalResolved;
    absl::StrAppend(&message, ": resolved");
  } else {
    if (alert.state() == v1::Alert::STATE_EVENT) id = kJournalEvent;
    if (!description.empty()) absl::StrAppend(&message, "\n", description);
  }
  add("MESSAGE", message);
  add("MESSAGE_ID", id);
  add("PRIORITY", absl::StrCat(PriorityOf(alert)));
  add("SYSLOG_IDENTIFIER", "tcpmedic-controller");
  add("TCPMEDIC_KEY", alert.key());
  add("TCPMEDIC_STATE", Name(alert.state()));
  add("TCPMEDIC_EVENT", alert.event());
  add("TCPMEDIC_INCIDENT", alert.incident_id());
  add("TCPMEDIC_STARTS_AT", Rfc3339(FromProto(alert.starts_at())));
  if (alert.has_ends_at()) add("TCPMEDIC_ENDS_AT", Rfc3339(FromProto(alert.ends_at())));
  add("TCPMEDIC_SHOW", alert.generator());
  // systemd.journal-fields(7): upper-case letters, digits and underscores, at most 64 characters.
  constexpr size_t kMaxName = 64;
  for (const auto& [name, value] : Sorted(alert.labels())) {
    add(absl::StrCat("TCPMEDIC_LABEL_", absl::AsciiStrToUpper(name)).substr(0, kMaxName), value);
  }
  for (const auto& [name, value] : Sorted(alert.annotations())) {
    add(absl::StrCat("TCPMEDIC_", absl::AsciiStrToUpper(name)).substr(0, kMaxName), value);
  }
  return fields;
}

}  // namespace tcpmedic
