// Builds inet_diag messages as the kernel would send them, for tests of what reads them.
#ifndef TCPMEDIC_TESTS_OBSERVE_INET_DIAG_MESSAGE_H_
#define TCPMEDIC_TESTS_OBSERVE_INET_DIAG_MESSAGE_H_

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "absl/strings/string_view.h"

namespace tcpmedic {

class InetDiagMessage {
 public:
  explicit InetDiagMessage(uint8_t family = AF_INET) { body_.idiag_family = family; }

  inet_diag_msg& body() { return body_; }

  InetDiagMessage& From(const char* ip, uint16_t port) {
    inet_pton(body_.idiag_family, ip, body_.id.idiag_src);
    body_.id.idiag_sport = htons(port);
    return *this;
  }
  InetDiagMessage& To(const char* ip, uint16_t port) {
    inet_pton(body_.idiag_family, ip, body_.id.idiag_dst);
    body_.id.idiag_dport = htons(port);
    return *this;
  }
  InetDiagMessage& Cookie(uint64_t cookie) {
    body_.id.idiag_cookie[0] = static_cast<uint32_t>(cookie);
    body_.id.idiag_cookie[1] = static_cast<uint32_t>(cookie >> 32);
    return *this;
  }
  InetDiagMessage& Attribute(uint16_t type, absl::string_view data) {
    const nlattr header = {.nla_len = static_cast<uint16_t>(NLA_HDRLEN + data.size()),
                           .nla_type = type};
    attributes_.append(reinterpret_cast<const char*>(&header), sizeof(header));
    attributes_.append(data.data(), data.size());
    attributes_.resize(NLA_ALIGN(attributes_.size()));
    return *this;
  }
  template <typename T>
  InetDiagMessage& AttributeOf(uint16_t type, const T& value) {
    return Attribute(type, absl::string_view(reinterpret_cast<const char*>(&value), sizeof(value)));
  }

  // The netlink message's payload.
  std::string Bytes() const {
    return std::string(reinterpret_cast<const char*>(&body_), sizeof(body_)) + attributes_;
  }

 private:
  inet_diag_msg body_{};
  std::string attributes_;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_OBSERVE_INET_DIAG_MESSAGE_H_
