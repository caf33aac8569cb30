#include "proto/words.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"

namespace tcpmedic {
namespace {

// What the names of an enum's values begin with: of SetupState, "SETUP_STATE_".
std::string Prefix(const google::protobuf::EnumDescriptor& type) {
  std::string prefix;
  for (const char c : type.name()) {
    if (absl::ascii_isupper(c) && !prefix.empty()) prefix.push_back('_');
    prefix.push_back(absl::ascii_toupper(c));
  }
  return absl::StrCat(prefix, "_");
}

}  // namespace

std::string Name(const google::protobuf::EnumValueDescriptor& value) {
  if (value.number() == 0) return "";  // …_UNSPECIFIED, by this vocabulary's rule
  return absl::AsciiStrToLower(absl::StripPrefix(value.name(), Prefix(*value.type())));
}

std::string Words(const v1::Action& action) {
  switch (action.kind_case()) {
    case v1::Action::kSetCongestionControl:
      return absl::StrCat("set congestion control ", action.set_congestion_control().algorithm());
    case v1::Action::kSetSysctl:
      return absl::StrCat("set ", Words(action.set_sysctl()));
    case v1::Action::kSampleCallSites:
      return "sample call sites";
    case v1::Action::kRaiseAlert:
      return absl::StrCat("alert ", absl::StrJoin(action.raise_alert().receivers(), ", "));
    case v1::Action::kNote:
      return absl::StrCat("note: ", action.note().text());
    case v1::Action::KIND_NOT_SET:
      break;
  }
  return "nothing";
}

std::string Words(const v1::SetSysctl& action) {
  return absl::StrJoin(action.settings(), ", ",
                       [](std::string* out, const v1::SetSysctl::Setting& setting) {
                         absl::StrAppend(out, setting.name(), " = ", setting.value());
                       });
}

}  // namespace tcpmedic
