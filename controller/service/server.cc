#include "controller/service/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "controller/service/agent_gateway.h"
#include "controller/service/operator_service.h"
#include "core/errno_status.h"

namespace tcpmedic {
namespace {

absl::StatusOr<std::unique_ptr<grpc::Server>> Listen(const std::string& socket,
                                                     grpc::Service* service,
                                                     int max_message_bytes) {
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(max_message_bytes);
  builder.AddListeningPort(absl::StrCat("unix:", socket), grpc::InsecureServerCredentials());
  builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return absl::UnavailableError(absl::StrCat("cannot listen on ", socket));
  return server;
}

}  // namespace

class Server::Impl {
 public:
  explicit Impl(Coordinator* coordinator) : gateway(coordinator), operators(coordinator) {}

  // The services outlive the servers: members are destroyed from the last to the first.
  AgentGateway gateway;
  OperatorService operators;
  std::unique_ptr<grpc::Server> agent_server;
  std::unique_ptr<grpc::Server> operator_server;
};

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const RuntimeDirectory& directory,
                                                      Coordinator* coordinator) {
  // For every server built from here on.
  static const bool plugins = [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    return true;
  }();
  static_cast<void>(plugins);
  auto impl = std::make_unique<Impl>(coordinator);
  auto agents = Listen(directory.agents_socket(), impl->gateway.service(), kMaxAgentMessageBytes);
  if (!agents.ok()) return agents.status();
  impl->agent_server = *std::move(agents);
  // Who gets as far as the socket is decided by its directory. An agent need not be of the
  // controller's user, nor have CAP_DAC_OVERRIDE: CAP_DAC_READ_SEARCH brings it here.
  if (chmod(directory.agents_socket().c_str(), 0666) != 0) {
    return ErrnoStatus(absl::StrCat("chmod ", directory.agents_socket()), errno,
                       absl::StatusCode::kUnavailable);
  }
  auto operators =
      Listen(directory.operators_socket(), impl->operators.service(), kMaxOperatorMessageBytes);
  if (!operators.ok()) return operators.status();
  impl->operator_server = *std::move(operators);
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

void Server::SendSignatures() { impl_->gateway.SendSignatures(); }

void Server::Stop(absl::Duration grace) {
  const absl::Status stopping = absl::UnavailableError("the controller is stopping");
  impl_->gateway.EndAll(stopping);
  impl_->operators.EndAll(stopping);
  const auto deadline = absl::ToChronoTime(absl::Now() + grace);
  impl_->agent_server->Shutdown(deadline);
  impl_->operator_server->Shutdown(deadline);
}

}  // namespace tcpmedic
