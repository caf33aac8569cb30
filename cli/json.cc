#include "cli/json.h"

#include <google/protobuf/descriptor.h>

#include <map>
#include <nlohmann/json.hpp>

#include "absl/time/time.h"
#include "proto/proto_time.h"
#include "proto/words.h"
#include "tcpmedic/v1/evidence.pb.h"
#include "tcpmedic/v1/operator.pb.h"

namespace tcpmedic::cli {
namespace {

using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using nlohmann::ordered_json;

ordered_json EnumWord(const EnumValueDescriptor& value) {
  std::string name = Name(value);
  if (name.empty()) return nullptr;
  return name;
}

ordered_json TimestampText(const google::protobuf::Timestamp& timestamp) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", FromProto(timestamp), absl::UTCTimeZone());
}

double Seconds(const google::protobuf::Duration& duration) {
  return absl::ToDoubleSeconds(FromProto(duration));
}

ordered_json PlainValue(const v1::Value& value) {
  switch (value.kind_case()) {
    case v1::Value::kBoolValue:
      return value.bool_value();
    case v1::Value::kIntValue:
      return value.int_value();
    case v1::Value::kDoubleValue:
      return value.double_value();
    case v1::Value::kStringValue:
      return value.string_value();
    case v1::Value::kDurationValue:
      return Seconds(value.duration_value());
    case v1::Value::kTimestampValue:
      return TimestampText(value.timestamp_value());
    case v1::Value::KIND_NOT_SET:
      return nullptr;
  }
  return nullptr;
}

// One field that is not repeated, or (index >= 0) one element of a repeated field.
ordered_json Scalar(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& reflection = *message.GetReflection();
  const bool element = index >= 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return element ? reflection.GetRepeatedBool(message, &field, index)
                     : reflection.GetBool(message, &field);
    case FieldDescriptor::CPPTYPE_INT32:
      return element ? reflection.GetRepeatedInt32(message, &field, index)
                     : reflection.GetInt32(message, &field);
    case FieldDescriptor::CPPTYPE_INT64:
      return element ? reflection.GetRepeatedInt64(message, &field, index)
                     : reflection.GetInt64(message, &field);
    case FieldDescriptor::CPPTYPE_UINT32:
      return element ? reflection.GetRepeatedUInt32(message, &field, index)
                     : reflection.GetUInt32(message, &field);
    case FieldDescriptor::CPPTYPE_UINT64:
      return element ? reflection.GetRepeatedUInt64(message, &field, index)
                     : reflection.GetUInt64(message, &field);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return element ? reflection.GetRepeatedFloat(message, &field, index)
                     : reflection.GetFloat(message, &field);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return element ? reflection.GetRepeatedDouble(message, &field, index)
                     : reflection.GetDouble(message, &field);
    case FieldDescriptor::CPPTYPE_STRING:
      return element ? reflection.GetRepeatedString(message, &field, index)
                     : reflection.GetString(message, &field);
    case FieldDescriptor::CPPTYPE_ENUM:
      return EnumWord(*(element ? reflection.GetRepeatedEnum(message, &field, index)
                                : reflection.GetEnum(message, &field)));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return ToJson(element ? reflection.GetRepeatedMessage(message, &field, index)
                            : reflection.GetMessage(message, &field));
  }
  return nullptr;
}

// Keys sorted, so that the same map always prints the same way.
ordered_json MapObject(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  std::map<std::string, ordered_json> sorted;
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    const Message& entry = reflection.GetRepeatedMessage(message, &field, i);
    const ordered_json key = Scalar(entry, *entry.GetDescriptor()->map_key(), -1);
    sorted[key.is_string() ? key.get<std::string>() : key.dump()] =
        Scalar(entry, *entry.GetDescriptor()->map_value(), -1);
  }
  ordered_json object = ordered_json::object();
  for (auto& [key, value] : sorted) object[key] = std::move(value);
  return object;
}

ordered_json FieldJson(const Message& message, const FieldDescriptor& field) {
  if (field.is_map()) return MapObject(message, field);
  const Reflection& reflection = *message.GetReflection();
  if (field.is_repeated()) {
    ordered_json array = ordered_json::array();
    for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
      array.push_back(Scalar(message, field, i));
    }
    return array;
  }
  if (field.has_presence() && !reflection.HasField(message, &field)) return nullptr;
  return Scalar(message, field, -1);
}

}  // namespace

ordered_json ToJson(const Message& message) {
  if (const auto* value = dynamic_cast<const v1::Value*>(&message)) return PlainValue(*value);
  if (const auto* time = dynamic_cast<const google::protobuf::Timestamp*>(&message)) {
    return TimestampText(*time);
  }
  if (const auto* duration = dynamic_cast<const google::protobuf::Duration*>(&message)) {
    return Seconds(*duration);
  }
  if (const auto* view = dynamic_cast<const v1::IncidentView*>(&message)) {
    ordered_json object = ToJson(view->incident());
    for (const char* name : {"proposals", "orders"}) {
      object[name] = FieldJson(*view, *view->GetDescriptor()->FindFieldByName(name));
    }
    return object;
  }
  ordered_json object = ordered_json::object();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message.GetDescriptor()->field(i);
    const bool unset_member = field.real_containing_oneof() != nullptr &&
                              !message.GetReflection()->HasField(message, &field);
    if (!unset_member) object[field.name()] = FieldJson(message, field);
  }
  return object;
}

std::string PrintJson(const ordered_json& json) {
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

std::string PrintJsonLine(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace tcpmedic::cli
