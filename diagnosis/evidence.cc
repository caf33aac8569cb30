#include "diagnosis/evidence.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/proto_time.h"

namespace tcpmedic {

std::string CountedOverText(CountedOver over, absl::Duration span) {
  switch (over) {
    case CountedOver::kWindow:
      return absl::StrCat("window ", SpanText(span));
    case CountedOver::kLifetime:
      return "lifetime";
    case CountedOver::kLastRead:
      return "since nstat's last run";
  }
  return "";
}

void SetValue(const expr::Value& value, v1::Evidence* evidence) {
  v1::Value* const out = evidence->mutable_value();
  switch (value.kind()) {
    case expr::Kind::kBool:
      out->set_bool_value(value.as_bool());
      break;
    case expr::Kind::kInt:
      out->set_int_value(value.as_int());
      break;
    case expr::Kind::kDouble:
      out->set_double_value(value.as_double());
      break;
    case expr::Kind::kString:
      out->set_string_value(std::string(value.as_string()));
      break;
    case expr::Kind::kIp:
      out->set_string_value(value.as_ip().ToString());
      break;
    case expr::Kind::kDuration:
      *out->mutable_duration_value() = ToProto(value.as_duration());
      break;
    default:
      evidence->clear_value();
  }
}

v1::Evidence* AddValue(absl::string_view name, absl::string_view unit, std::string basis,
                       absl::string_view source, v1::Measurement* measurement) {
  v1::Evidence* const value = measurement->add_values();
  value->set_name(std::string(name));
  value->set_unit(std::string(unit));
  value->set_basis(std::move(basis));
  value->set_source(std::string(source));
  return value;
}

std::string SpanText(absl::Duration span) {
  const absl::Duration tenth = absl::Milliseconds(100);
  return absl::FormatDuration(absl::Trunc(span + tenth / 2, tenth));
}

}  // namespace tcpmedic
