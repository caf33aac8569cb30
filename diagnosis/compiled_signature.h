// The inside of a compiled signature, for the engine alone; others hold it by pointer
// (diagnosis/signature.h). Immutable.
#ifndef TCPMEDIC_DIAGNOSIS_COMPILED_SIGNATURE_H_
#define TCPMEDIC_DIAGNOSIS_COMPILED_SIGNATURE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/expr/expression.h"
#include "core/expr/template.h"
#include "diagnosis/signature.h"
#include "diagnosis/socket_schema.h"
#include "observe/socket_sample.h"
#include "tcpmedic/v1/signature.pb.h"

namespace tcpmedic {

// One operand of the top-level && of the condition: of `sockets`, or of `when` where the subject is
// netns, process or connection. Its basis is the widest of what it reads.
struct Conjunct {
  expr::Expression expression;
  Basis basis = Basis::kNow;
  bool needs_dump = false;  // subject netns: counters and settings alone do not decide it
};

struct LookAlike {
  std::string name;
  expr::Expression expression;
};

// One component of the group's key.
struct GroupComponent {
  std::string name;
  // Of SocketSchema, or of ConnectionSchema; nullopt: "netns", "process", "listener".
  std::optional<int> slot;
};

class CompiledSignature {
 public:
  // Look-alikes whose outcome is unknown are kept as a set of bits.
  static constexpr size_t kMaxLookAlikes = 64;

  v1::Subject subject() const { return definition.subject(); }

  v1::Signature definition;
  // These are over the schema of the subject: SocketSchema, NetnsSchema, ProcessSchema or
  // ConnectionSchema.
  std::vector<Conjunct> conjuncts;
  std::vector<LookAlike> look_alikes;
  std::vector<GroupComponent> group_by;
  // Over VerdictSchema, NetnsSchema, ProcessSchema or ConnectionVerdictSchema.
  expr::Template verdict;
  // What the condition, `unless` and the verdict read, in the order in which they name it; slots of
  // the verdict's schema.
  std::vector<int> evidence_slots;
  absl::Duration hold_for;
  absl::Duration window;
  absl::Duration keep_firing_for;

  // Subject socket only.
  std::optional<expr::Expression> when;  // over GroupSchema; none: one socket is enough
  // Subject socket or process.
  TcpStateMask states = 0;  // that `sockets` can hold in
  // Subject process only: `sockets`, over SocketSchema; one sample decides it.
  std::vector<Conjunct> of_sockets;

  // How it is told from one sample (v1::OneSample); null: as it is.
  std::shared_ptr<const CompiledSignature> one_sample;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_COMPILED_SIGNATURE_H_
