// Our errors as gRPC's: the codes are the same numbers. Pure.
#ifndef TCPMEDIC_CONTROLLER_SERVICE_GRPC_STATUS_H_
#define TCPMEDIC_CONTROLLER_SERVICE_GRPC_STATUS_H_

#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"

namespace tcpmedic {

inline grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return {static_cast<grpc::StatusCode>(status.code()), std::string(status.message())};
}

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_SERVICE_GRPC_STATUS_H_
