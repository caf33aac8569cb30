#include "diagnosis/pushdown.h"

#include "diagnosis/socket_schema.h"

namespace tcpmedic {
namespace {

class OnlyStateKnown : public expr::Activation {
 public:
  explicit OnlyStateKnown(TcpState state) : state_(state) {}

  expr::Value Get(int slot) const override {
    static const int state_slot = SocketSchema().Find("socket.state").value();
    return slot == state_slot ? expr::Value::String(Name(state_)) : expr::Value::Unknown(slot);
  }

 private:
  TcpState state_;
};

}  // namespace

TcpStateMask StatesThatCanMatch(const expr::Expression& condition) {
  TcpStateMask states = 0;
  for (auto number = static_cast<int>(TcpState::kEstablished);
       number <= static_cast<int>(TcpState::kNewSynRecv); ++number) {
    const auto state = static_cast<TcpState>(number);
    if (!condition.Evaluate(OnlyStateKnown(state)).is_false()) states |= MaskOf(state);
  }
  return states;
}

}  // namespace tcpmedic
