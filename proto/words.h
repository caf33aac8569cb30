// The vocabulary in words, the same in policy files, JSON, timelines and on screens. Pure; text
// that came from elsewhere is not yet escaped for a terminal.
#ifndef TCPMEDIC_PROTO_WORDS_H_
#define TCPMEDIC_PROTO_WORDS_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/generated_enum_reflection.h>
#include <google/protobuf/generated_enum_util.h>

#include <string>

#include "absl/strings/string_view.h"
#include "tcpmedic/v1/action.pb.h"

namespace tcpmedic {

template <typename T>
concept VocabularyEnum = google::protobuf::is_proto_enum<T>::value;

// The value's own name in lower case: SEVERITY_WARNING is "warning", STATE_ROLLED_BACK
// "rolled_back". Empty: …_UNSPECIFIED.
std::string Name(const google::protobuf::EnumValueDescriptor& value);

// As above; `otherwise` where the value is unspecified, or newer than this program.
template <VocabularyEnum Enum>
std::string Name(Enum value, absl::string_view otherwise = "") {
  const auto* known = google::protobuf::GetEnumDescriptor<Enum>()->FindValueByNumber(value);
  std::string name = known == nullptr ? "" : Name(*known);
  return name.empty() ? std::string(otherwise) : name;
}

// "set congestion control bbr", "set net.ipv4.tcp_syncookies = 1", "alert oncall", "note: …";
// "nothing" where it has no kind.
std::string Words(const v1::Action& action);
// "net.ipv4.tcp_syncookies = 1, net.core.somaxconn = 4096".
std::string Words(const v1::SetSysctl& action);

}  // namespace tcpmedic

#endif  // TCPMEDIC_PROTO_WORDS_H_
