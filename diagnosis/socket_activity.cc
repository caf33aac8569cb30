#include "diagnosis/socket_activity.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "diagnosis/tcp_info_reading.h"

namespace tcpmedic {

void SocketActivity::BeginScan() {
  sockets_ = 0;
  suspects_ = 0;
  stops_.BeginScan();
}

void SocketActivity::Count(const Judgement& outcome, const SocketReading& reading) {
  ++sockets_;
  auto* const stop = stops_.At(outcome);
  if (stop == nullptr) return;
  const uint64_t bytes_acked = Info(*reading.sample, &tcp_info::tcpi_bytes_acked).value_or(0);
  Busiest& busiest = stop->example;
  if (stop->subjects++ > 0 && bytes_acked <= busiest.bytes_acked) return;
  busiest.bytes_acked = bytes_acked;
  busiest.sample = *reading.sample;
  busiest.window.reset();
  if (reading.window != nullptr) busiest.window = *reading.window;
}

v1::SignatureActivity SocketActivity::Report() const {
  v1::SignatureActivity activity;
  activity.set_signature(signature_->definition.name());
  activity.set_subject(v1::SUBJECT_SOCKET);
  activity.set_sockets_seen(sockets_);
  activity.set_suspects(suspects_);
  stops_.AddTo(&activity, [](const Busiest& busiest, const expr::Expression& expression) {
    const SocketSample& sample = busiest.sample;
    const SocketReading reading{&sample, busiest.window.has_value() ? &*busiest.window : nullptr};
    return absl::StrCat(EndpointText(sample.local_ip, sample.local_port), " → ",
                        EndpointText(sample.remote_ip, sample.remote_port),
                        ValuesText(expression, SocketSchema(), SocketActivation(reading)));
  });
  return activity;
}

}  // namespace tcpmedic
