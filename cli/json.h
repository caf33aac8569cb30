// Stable JSON of the vocabulary, by reflection. Unlike protobuf's own printer: snake_case names,
// 64-bit integers as numbers, enums as lower-case words without their prefix ("open"; unspecified
// is null), timestamps as RFC 3339 UTC, durations as seconds, a Value as the plain value, and every
// field always there: what is absent is null. Of a oneof, only the member that is set appears. An
// IncidentView is the incident itself with its "proposals" and "orders". Pure.
#ifndef TCPMEDIC_CLI_JSON_H_
#define TCPMEDIC_CLI_JSON_H_

#include <google/protobuf/message.h>

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace tcpmedic::cli {

nlohmann::ordered_json ToJson(const google::protobuf::Message& message);

// With a newline at its end. Bytes that are not UTF-8 become U+FFFD.
std::string PrintJson(const nlohmann::ordered_json& json);      // indented by two
std::string PrintJsonLine(const nlohmann::ordered_json& json);  // on one line

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_JSON_H_
