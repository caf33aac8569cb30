#include "diagnosis/activity.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "core/expr/template.h"
#include "diagnosis/tcp_info_reading.h"

namespace tcpmedic {
namespace {

std::string EndpointText(const IpAddress& ip, uint16_t port) {
  return ip.v6 ? absl::StrCat("[", ip.ToString(), "]:", port)
               : absl::StrCat(ip.ToString(), ":", port);
}

}  // namespace

Activity::Activity(const CompiledSignature& signature)
    : signature_(&signature),
      not_true_(signature.conjuncts.size()),
      waiting_(signature.conjuncts.size()),
      look_alikes_(signature.look_alikes.size()) {}

void Activity::BeginScan() {
  sockets_ = 0;
  suspects_ = 0;
  for (auto* const stops : {&not_true_, &waiting_, &look_alikes_}) {
    for (Stop& stop : *stops) stop.sockets = 0;
  }
}

void Activity::Count(const Outcome& outcome, const SocketReading& reading) {
  ++sockets_;
  Stop* stop = nullptr;
  switch (outcome.kind) {
    case Outcome::Kind::kMatch:
      return;
    case Outcome::Kind::kNotTrue:
      stop = &not_true_[outcome.index];
      break;
    case Outcome::Kind::kWaiting:
      stop = &waiting_[outcome.index];
      break;
    case Outcome::Kind::kLookAlike:
      stop = &look_alikes_[outcome.index];
      break;
  }
  const uint64_t bytes_acked = Info(*reading.sample, &tcp_info::tcpi_bytes_acked).value_or(0);
  if (stop->sockets++ > 0 && bytes_acked <= stop->bytes_acked) return;
  stop->bytes_acked = bytes_acked;
  stop->busiest = *reading.sample;
  stop->window.reset();
  if (reading.window != nullptr) stop->window = *reading.window;
}

v1::SignatureActivity Activity::Report() const {
  v1::SignatureActivity activity;
  activity.set_signature(signature_->definition.name());
  activity.set_sockets_seen(sockets_);
  activity.set_suspects(suspects_);
  for (size_t i = 0; i < signature_->conjuncts.size(); ++i) {
    const expr::Expression& expression = signature_->conjuncts[i].expression;
    for (const bool waiting : {false, true}) {
      const Stop& stop = waiting ? waiting_[i] : not_true_[i];
      if (stop.sockets == 0) continue;
      v1::SignatureActivity::Stop* const added = activity.add_stops();
      *added = Describe(stop, expression);
      added->set_at(expression.text());
      added->set_waiting(waiting);
    }
  }
  for (size_t i = 0; i < signature_->look_alikes.size(); ++i) {
    if (look_alikes_[i].sockets == 0) continue;
    v1::SignatureActivity::Stop* const added = activity.add_stops();
    *added = Describe(look_alikes_[i], signature_->look_alikes[i].expression);
    added->set_at(signature_->look_alikes[i].name);
    added->set_look_alike(true);
  }
  return activity;
}

v1::SignatureActivity::Stop Activity::Describe(const Stop& stop,
                                               const expr::Expression& expression) {
  const SocketSample& sample = stop.busiest;
  std::string example = absl::StrCat(EndpointText(sample.local_ip, sample.local_port), " → ",
                                     EndpointText(sample.remote_ip, sample.remote_port));
  const SocketReading reading{&sample, stop.window.has_value() ? &*stop.window : nullptr};
  const SocketActivation activation(reading);
  const char* separator = ": ";
  for (const int slot : expression.slots()) {
    absl::StrAppend(&example, separator, SocketAttributes()[slot].name, " = ",
                    expr::ToText(activation.Get(slot)));
    separator = ", ";
  }
  v1::SignatureActivity::Stop described;
  described.set_sockets(stop.sockets);
  described.set_example(std::move(example));
  return described;
}

}  // namespace tcpmedic
