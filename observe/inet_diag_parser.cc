#include "observe/inet_diag_parser.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

absl::Status Malformed(size_t offset, absl::string_view what) {
  return absl::DataLossError(absl::StrCat("inet_diag message, byte ", offset, ": ", what));
}

// Attributes start on multiples of four bytes.
size_t Aligned(size_t length) { return NLA_ALIGN(length); }

// A dual-stack socket reports both ends as ::ffff:a.b.c.d, and as :: what it is not bound or
// connected to.
void ReadAddresses(const inet_diag_msg& message, SocketSample* sample) {
  if (message.idiag_family == AF_INET) {
    sample->local_ip = IpAddress::FromV4(message.id.idiag_src);
    sample->remote_ip = IpAddress::FromV4(message.id.idiag_dst);
    return;
  }
  const IpAddress local = IpAddress::FromV6(message.id.idiag_src);
  const IpAddress remote = IpAddress::FromV6(message.id.idiag_dst);
  sample->v4_mapped = !local.Unmapped().v6 || !remote.Unmapped().v6;
  const IpAddress any{.v6 = true};
  const auto unmapped = [&](const IpAddress& ip) {
    return ip == any ? IpAddress() : ip.Unmapped();
  };
  sample->local_ip = sample->v4_mapped ? unmapped(local) : local;
  sample->remote_ip = sample->v4_mapped ? unmapped(remote) : remote;
}

}  // namespace

absl::StatusOr<int64_t> ParseInetDiagMessage(absl::Span<const char> payload, SocketSample* sample) {
  const uint64_t netns_cookie = sample->key.netns_cookie;
  *sample = SocketSample();
  sample->key.netns_cookie = netns_cookie;

  inet_diag_msg message;
  if (payload.size() < sizeof(message)) {
    return Malformed(payload.size(), absl::StrCat("ends before the ", sizeof(message),
                                                  " bytes of struct inet_diag_msg"));
  }
  std::memcpy(&message, payload.data(), sizeof(message));
  if (message.idiag_family != AF_INET && message.idiag_family != AF_INET6) {
    return Malformed(0, absl::StrCat("address family ", message.idiag_family));
  }
  sample->key.cookie =
      static_cast<uint64_t>(message.id.idiag_cookie[1]) << 32 | message.id.idiag_cookie[0];
  sample->state = static_cast<TcpState>(message.idiag_state);
  sample->timer = message.idiag_timer;
  sample->retransmits = message.idiag_retrans;
  ReadAddresses(message, sample);
  sample->local_port = ntohs(message.id.idiag_sport);
  sample->remote_port = ntohs(message.id.idiag_dport);
  sample->rqueue = message.idiag_rqueue;
  sample->wqueue = message.idiag_wqueue;
  sample->uid = message.idiag_uid;
  sample->inode = message.idiag_inode;

  int64_t unknown_bytes = 0;
  size_t offset = Aligned(sizeof(message));
  while (offset < payload.size()) {
    const size_t remaining = payload.size() - offset;
    nlattr header;
    if (remaining < sizeof(header)) return Malformed(offset, "ends within an attribute's header");
    std::memcpy(&header, payload.data() + offset, sizeof(header));
    if (header.nla_len < sizeof(header) || header.nla_len > remaining) {
      return Malformed(offset, absl::StrCat("attribute of ", header.nla_len, " bytes where ",
                                            remaining, " remain"));
    }
    const char* data = payload.data() + offset + NLA_HDRLEN;
    const size_t size = header.nla_len - NLA_HDRLEN;
    const int type = header.nla_type & NLA_TYPE_MASK;
    if (type == INET_DIAG_INFO) {
      sample->info.Assign(data, size);
      unknown_bytes += size > sizeof(tcp_info) ? size - sizeof(tcp_info) : 0;
    } else if (type == INET_DIAG_CONG) {
      const size_t kept = std::min(size, sample->congestion_control.size() - 1);
      std::memcpy(sample->congestion_control.data(), data, strnlen(data, kept));
    } else if (type == INET_DIAG_CGROUP_ID) {
      uint64_t id;
      if (size < sizeof(id)) return Malformed(offset, "cgroup id shorter than 8 bytes");
      std::memcpy(&id, data, sizeof(id));
      sample->cgroup_id = id;
    } else if (type > INET_DIAG_MAX) {
      unknown_bytes += header.nla_len;
    }
    offset += std::min(Aligned(header.nla_len), remaining);
  }
  return unknown_bytes;
}

}  // namespace tcpmedic
