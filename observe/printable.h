// Text that any process may choose (its name, arguments, paths), made safe to print and to put into
// a message. Pure.
#ifndef TCPMEDIC_OBSERVE_PRINTABLE_H_
#define TCPMEDIC_OBSERVE_PRINTABLE_H_

#include <string>

#include "absl/strings/string_view.h"

namespace tcpmedic {

// Valid UTF-8 without control characters: each byte that is neither, and each C0 or C1 control,
// becomes '?'. A terminal cannot be driven by it, and protobuf accepts it as a string.
std::string Printable(absl::string_view text);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_PRINTABLE_H_
