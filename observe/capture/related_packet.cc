#include "observe/capture/related_packet.h"

namespace tcpmedic {

std::optional<IcmpError> IcmpErrorOf(bool v6, uint8_t type, uint8_t code) {
  if (v6) {  // RFC 4443 §3
    if (type == 2) return IcmpError::kPacketTooBig;
    if (type == 3) return code == 1 ? IcmpError::kReassemblyTimeExceeded : IcmpError::kTimeExceeded;
    if (type != 1) return std::nullopt;
    switch (code) {
      case 0:  // no route
      case 6:  // a route that rejects
        return IcmpError::kNetUnreachable;
      case 1:
      case 5:  // by the source address
        return IcmpError::kProhibited;
      case 3:
        return IcmpError::kHostUnreachable;
      case 4:
        return IcmpError::kPortUnreachable;
      default:
        return IcmpError::kUnreachable;
    }
  }
  if (type == 11) return code == 1 ? IcmpError::kReassemblyTimeExceeded : IcmpError::kTimeExceeded;
  if (type != 3) return std::nullopt;
  switch (code) {  // RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1
    case 0:
    case 6:   // unknown
    case 11:  // for this type of service
      return IcmpError::kNetUnreachable;
    case 1:
    case 7:
    case 12:
      return IcmpError::kHostUnreachable;
    case 2:
      return IcmpError::kProtocolUnreachable;
    case 3:
      return IcmpError::kPortUnreachable;
    case 4:
      return IcmpError::kPacketTooBig;
    case 9:
    case 10:
    case 13:
      return IcmpError::kProhibited;
    default:
      return IcmpError::kUnreachable;
  }
}

}  // namespace tcpmedic
