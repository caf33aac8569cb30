// A secret in a file of its own, read each time that it is needed: a new one counts at once, and
// none is kept. Thread-safe.
#ifndef TCPMEDIC_CONTROLLER_NOTIFY_SECRET_FILE_H_
#define TCPMEDIC_CONTROLLER_NOTIFY_SECRET_FILE_H_

#include <string>

#include "absl/status/statusor.h"

namespace tcpmedic {

// The file's one line, without white space around it. PermissionDenied: it is somebody else's than
// root's or ours, others may read or write it, or its group may write it. InvalidArgument: not a
// regular file, empty, longer than 16 KiB, or with anything but printable ASCII: it goes into an
// HTTP header. NotFound; otherwise the error of the file. No message quotes the content.
absl::StatusOr<std::string> ReadSecretFile(const std::string& path);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_NOTIFY_SECRET_FILE_H_
