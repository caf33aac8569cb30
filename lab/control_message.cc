#include "lab/control_message.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace tcpmedic::lab {

// NOLINTBEGIN: the names that nlohmann's conversions look for.
static void to_json(nlohmann::json& out, const HostRole& role) { out = std::string(Name(role)); }
static void from_json(const nlohmann::json& in, HostRole& role) {
  role = in.get<std::string>() == Name(HostRole::kServer) ? HostRole::kServer : HostRole::kClient;
}
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ExitStatus, code, signal)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(RunRequest, id, host, argv, environment)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SignalRequest, id, signal)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Started, id)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Exited, id, status)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Ready::Namespace, inode, cookie)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Ready, pid_namespace_inode, client, server)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Failed, code, message)
// NOLINTEND

namespace {

// By the alternative's place in ControlMessage.
constexpr const char* kKinds[] = {"run", "signal", "started", "exited", "ready", "failed"};
static_assert(std::size(kKinds) == std::variant_size_v<ControlMessage>);

template <size_t kind = 0>
ControlMessage FromJson(const nlohmann::json& object) {
  if constexpr (kind < std::variant_size_v<ControlMessage>) {
    if (object.contains(kKinds[kind])) {
      return object[kKinds[kind]].get<std::variant_alternative_t<kind, ControlMessage>>();
    }
    return FromJson<kind + 1>(object);
  } else {
    throw std::invalid_argument("unknown kind");
  }
}

}  // namespace

std::string Encode(const ControlMessage& message) {
  nlohmann::json object;
  std::visit([&](const auto& body) { object[kKinds[message.index()]] = body; }, message);
  // Command lines may hold any bytes; what is not UTF-8 must not end the lab.
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

absl::StatusOr<ControlMessage> Decode(absl::string_view text) {
  try {
    return FromJson(nlohmann::json::parse(text.begin(), text.end()));
  } catch (
      const std::exception& error) {  // nlohmann's own, or FromJson's: none leaves this function
    return absl::DataLossError(absl::StrCat("not a control message: ", error.what()));
  }
}

}  // namespace tcpmedic::lab
