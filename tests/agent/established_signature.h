// A signature that any established socket matches at once.
#ifndef TCPMEDIC_TESTS_AGENT_ESTABLISHED_SIGNATURE_H_
#define TCPMEDIC_TESTS_AGENT_ESTABLISHED_SIGNATURE_H_

#include "tcpmedic/v1/signature.pb.h"

namespace tcpmedic {

inline v1::SignatureSet EstablishedSignature() {
  v1::SignatureSet set;
  set.set_revision("r1");
  set.set_digest("d1");
  v1::Signature* signature = set.add_signatures();
  signature->set_name("any-established");
  signature->set_title("An established socket");
  signature->set_severity(v1::SEVERITY_WARNING);
  signature->set_subject(v1::SUBJECT_SOCKET);
  signature->set_sockets("socket.state == \"established\"");
  signature->add_group_by("netns");
  signature->mutable_window()->set_seconds(1);
  signature->set_verdict("it is established");
  return set;
}

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_AGENT_ESTABLISHED_SIGNATURE_H_
