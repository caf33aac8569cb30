// Where subjects (sockets, or namespaces) stopped on their way to one signature's finding, in one
// scan: the answer to "why is nothing found?". Not thread-safe.
#ifndef TCPMEDIC_DIAGNOSIS_ACTIVITY_H_
#define TCPMEDIC_DIAGNOSIS_ACTIVITY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "diagnosis/compiled_signature.h"
#include "tcpmedic/v1/finding.pb.h"

namespace tcpmedic {

// Why a subject is no match, or that it is one.
struct Judgement {
  enum class Kind : uint8_t {
    kMatch,
    kNotTrue,    // a conjunct of the condition is false, or unknown for good
    kWaiting,    // a conjunct is unknown because the window is not full
    kLookAlike,  // a look-alike is known true
  };
  Kind kind = Kind::kMatch;
  size_t index = 0;                  // of the conjunct or look-alike where it stopped
  uint64_t unknown_look_alikes = 0;  // of a match: one bit each
};

// Of a subject for which all conjuncts hold: a match, unless a look-alike is known true.
Judgement JudgeLookAlikes(const CompiledSignature& signature, const expr::Activation& activation);

// How many stopped at each conjunct and look-alike, and one example of them. Counting does not
// allocate.
template <typename Example>
class Stops {
 public:
  struct Stop {
    int64_t subjects = 0;
    Example example;  // of this scan, where subjects > 0
  };

  // `signature` outlives this.
  explicit Stops(const CompiledSignature& signature)
      : signature_(&signature),
        not_true_(signature.conjuncts.size()),
        waiting_(signature.conjuncts.size()),
        look_alikes_(signature.look_alikes.size()) {}

  void BeginScan() {
    for (auto* const stops : {&not_true_, &waiting_, &look_alikes_}) {
      for (Stop& stop : *stops) stop.subjects = 0;
    }
  }

  // Where the outcome counts; null for a match.
  Stop* At(const Judgement& outcome) {
    switch (outcome.kind) {
      case Judgement::Kind::kMatch:
        return nullptr;
      case Judgement::Kind::kNotTrue:
        return &not_true_[outcome.index];
      case Judgement::Kind::kWaiting:
        return &waiting_[outcome.index];
      case Judgement::Kind::kLookAlike:
        return &look_alikes_[outcome.index];
    }
    return nullptr;
  }
  const expr::Expression& ExpressionOf(const Judgement& outcome) const {
    return outcome.kind == Judgement::Kind::kLookAlike
               ? signature_->look_alikes[outcome.index].expression
               : signature_->conjuncts[outcome.index].expression;
  }

  // `describe(example, expression)` gives the text.
  template <typename Describe>
  void AddTo(v1::SignatureActivity* activity, Describe describe) const {
    const auto add = [&](const Stop& stop, const std::string& at,
                         const expr::Expression& expression) -> v1::SignatureActivity::Stop* {
      v1::SignatureActivity::Stop* const added = activity->add_stops();
      added->set_at(at);
      added->set_sockets(stop.subjects);
      added->set_example(describe(stop.example, expression));
      return added;
    };
    for (size_t i = 0; i < signature_->conjuncts.size(); ++i) {
      const expr::Expression& expression = signature_->conjuncts[i].expression;
      for (const bool waiting : {false, true}) {
        const Stop& stop = waiting ? waiting_[i] : not_true_[i];
        if (stop.subjects > 0) add(stop, expression.text(), expression)->set_waiting(waiting);
      }
    }
    for (size_t i = 0; i < signature_->look_alikes.size(); ++i) {
      const LookAlike& look_alike = signature_->look_alikes[i];
      if (look_alikes_[i].subjects == 0) continue;
      add(look_alikes_[i], look_alike.name, look_alike.expression)->set_look_alike(true);
    }
  }

 private:
  const CompiledSignature* signature_;
  std::vector<Stop> not_true_;  // by conjunct
  std::vector<Stop> waiting_;   // by conjunct
  std::vector<Stop> look_alikes_;
};

// ": NAME = VALUE, NAME = VALUE" of what the expression reads.
std::string ValuesText(const expr::Expression& expression, const expr::Schema& schema,
                       const expr::Activation& activation);

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_ACTIVITY_H_
