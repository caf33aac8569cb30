// A schema like the real ones, and an activation that reports what a test sets and nothing else.
#ifndef TCPMEDIC_TESTS_CORE_EXPR_FAKE_ACTIVATION_H_
#define TCPMEDIC_TESTS_CORE_EXPR_FAKE_ACTIVATION_H_

#include <map>
#include <string>

#include "core/expr/expression.h"
#include "core/expr/schema.h"
#include "core/expr/value.h"

namespace tcpmedic::expr {

inline const Schema& TestSchema() {
  static const Schema* const schema = [] {
    auto* s = new Schema;
    s->Add({"socket.state", Type::String(), ""});
    s->Add({"socket.cc", Type::String(), ""});
    s->Add({"socket.remote_ip", Type::Ip(), ""});
    s->Add({"socket.remote_port", Type::Uint(), ""});
    s->Add({"socket.cwnd", Type::Int(), "segments"});
    s->Add({"socket.mss", Type::Int(), "bytes"});
    s->Add({"socket.data_segments", Type::Int(), "segments"});
    s->Add({"socket.path_rtt", Type::Duration(), ""});
    s->Add({"socket.app_limited", Type::Bool(), ""});
    for (const char* name :
         {"retrans_ratio", "loss_predicted_cwnd", "rwnd_limited_ratio", "sndbuf_limited_ratio",
          "busy_ratio", "dsack_ratio", "rtt_inflation", "window_bps", "goodput_bps"}) {
      s->Add({std::string("socket.") + name, Type::Double(), ""});
    }
    s->Add({"group.count", Type::Int(), ""});
    s->Add({"host.labels", Type::Map(Type::String()), ""});
    s->Add({"process.args", Type::List(Type::String()), ""});
    s->Add({"process.fds", Type::List(Type::Int()), ""});
    s->Add({"process.started", Type::Timestamp(), ""});
    s->Add({"after.goodput_bps", Type::Double(), ""});
    s->Add({"after.retrans_ratio", Type::Double(), ""});
    s->Add({"before.goodput_bps", Type::Double(), ""});
    return s;
  }();
  return *schema;
}

class FakeActivation : public Activation {
 public:
  Value Get(int slot) const override {
    const auto found = values_.find(slot);
    return found == values_.end() ? Value::Unknown(slot) : found->second;
  }
  void Set(const std::string& name, Value value) {
    values_.insert_or_assign(TestSchema().Find(name).value(), value);
  }

 private:
  std::map<int, Value> values_;
};

}  // namespace tcpmedic::expr

#endif  // TCPMEDIC_TESTS_CORE_EXPR_FAKE_ACTIVATION_H_
