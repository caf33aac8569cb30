#include "observe/inet_diag_socket.h"

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/errno_status.h"
#include "observe/in_namespace.h"
#include "observe/inet_diag_parser.h"

namespace tcpmedic {
namespace {

constexpr int kMaxAttempts = 3;
// A walk of the kernel's hash table ends by itself; this ends one that does not. Some ten million
// sockets.
constexpr int kMaxDatagrams = 1 << 17;

constexpr uint8_t ExtensionBit(int extension) { return 1u << (extension - 1); }
constexpr uint8_t kExtensions = ExtensionBit(INET_DIAG_INFO) | ExtensionBit(INET_DIAG_CONG);

// Which answers mean that this kernel does not know the request.
bool IsRefusal(int error) {
  return error == EINVAL || error == EOPNOTSUPP || error == ENOENT || error == ENOSYS ||
         error == EPROTONOSUPPORT || error == EAFNOSUPPORT;
}

// The errno in the message that ends a dump, 0 for success. Both kinds begin with it, negated; DONE
// may lack it.
int EndOfDump(uint16_t type, absl::Span<const char> payload) {
  int32_t negated = 0;
  if (payload.size() < sizeof(negated)) return type == NLMSG_DONE ? 0 : EBADMSG;
  std::memcpy(&negated, payload.data(), sizeof(negated));
  return -negated;
}

}  // namespace

absl::StatusOr<std::unique_ptr<InetDiagSocket>> InetDiagSocket::Open() {
  absl::StatusOr<std::unique_ptr<NetlinkChannel>> channel = ConnectSockDiag();
  if (!channel.ok()) return channel.status();
  return std::make_unique<InetDiagSocket>(*std::move(channel));
}

absl::StatusOr<std::unique_ptr<InetDiagSocket>> InetDiagSocket::OpenInNamespace(int netns_fd) {
  absl::StatusOr<std::unique_ptr<InetDiagSocket>> opened;
  const absl::Status entered = InNamespace(netns_fd, [&] { opened = Open(); });
  if (!entered.ok()) return entered;
  return opened;
}

InetDiagSocket::InetDiagSocket(std::unique_ptr<NetlinkChannel> channel)
    : channel_(std::move(channel)) {}

absl::StatusOr<DumpStats> InetDiagSocket::Dump(const DumpRequest& request,
                                               absl::FunctionRef<void(const SocketSample&)> visit) {
  DumpStats stats;
  if (request.states == 0) return stats;
  // Half-open connections are kept as NEW_SYN_RECV and reported as SYN_RECV: ask for both.
  TcpStateMask states = request.states;
  if (states & MaskOf(TcpState::kSynRecv)) states |= MaskOf(TcpState::kNewSynRecv);

  SocketSample sample;
  sample.key.netns_cookie = netns_cookie();
  const auto on_socket = [&](absl::Span<const char> payload) {
    const absl::StatusOr<int64_t> unknown_bytes = ParseInetDiagMessage(payload, &sample);
    if (!unknown_bytes.ok()) {
      ++stats.malformed_messages;
      return;
    }
    stats.unknown_bytes += *unknown_bytes;
    ++stats.sockets;
    visit(sample);
  };
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    const absl::StatusOr<Answer> answer = DumpBothFamilies(states, on_socket);
    if (!answer.ok()) return answer.status();
    stats.malformed_messages += answer->malformed_messages;
    if (answer->error != 0) {
      const absl::Status status =
          ErrnoStatus("inet_diag dump", answer->error, absl::StatusCode::kUnavailable);
      if (absl::IsPermissionDenied(status)) return status;
      return absl::UnavailableError(status.message());
    }
    if (!answer->interrupted) break;
    ++stats.interruptions;
  }
  return stats;
}

absl::StatusOr<InetDiagSocket::Answer> InetDiagSocket::DumpBothFamilies(TcpStateMask states,
                                                                        OnSocket on_socket) {
  if (!legacy_refused_) {
    const absl::StatusOr<Answer> both = DumpLegacy(states, on_socket);
    if (!both.ok() || !IsRefusal(both->error)) return both;
    legacy_refused_ = true;
  }
  absl::StatusOr<Answer> v4 = DumpFamily(AF_INET, states, on_socket);
  if (!v4.ok() || v4->error != 0) return v4;
  const absl::StatusOr<Answer> v6 = DumpFamily(AF_INET6, states, on_socket);
  if (!v6.ok()) return v6;
  v4->interrupted |= v6->interrupted;
  v4->malformed_messages += v6->malformed_messages;
  // A kernel built without IPv6 has no sockets of it to show.
  v4->error = IsRefusal(v6->error) ? 0 : v6->error;
  return v4;
}

// TCPDIAG_GETSOCK, older than SOCK_DIAG_BY_FAMILY, ignores the family: one walk of the hash table
// shows AF_INET, AF_INET6 and v4-mapped sockets (inet_diag_dump_compat in net/ipv4/inet_diag.c).
absl::StatusOr<InetDiagSocket::Answer> InetDiagSocket::DumpLegacy(TcpStateMask states,
                                                                  OnSocket on_socket) {
  struct {
    nlmsghdr header;
    inet_diag_req body;
  } request{};
  request.header.nlmsg_len = sizeof(request);
  request.header.nlmsg_type = TCPDIAG_GETSOCK;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.idiag_family = AF_INET;
  request.body.idiag_ext = kExtensions;
  request.body.idiag_states = states;
  return Ask(&request.header, on_socket);
}

absl::StatusOr<InetDiagSocket::Answer> InetDiagSocket::DumpFamily(uint8_t family,
                                                                  TcpStateMask states,
                                                                  OnSocket on_socket) {
  struct {
    nlmsghdr header;
    inet_diag_req_v2 body;
  } request{};
  request.header.nlmsg_len = sizeof(request);
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.sdiag_family = family;
  request.body.sdiag_protocol = IPPROTO_TCP;
  request.body.idiag_ext = kExtensions;
  request.body.idiag_states = states;
  return Ask(&request.header, on_socket);
}

absl::StatusOr<InetDiagSocket::Answer> InetDiagSocket::Ask(nlmsghdr* request, OnSocket on_socket) {
  if (unfinished_sequence_ != 0) {
    // The kernel refuses a second dump (EBUSY) until the first one has been read to its end.
    const absl::StatusOr<Answer> rest =
        ReadAnswer(unfinished_sequence_, [](absl::Span<const char>) {});
    // Its end may be what was lost, so the wait for it must not be repeated.
    unfinished_sequence_ = 0;
    if (!rest.ok()) return rest.status();
  }
  const absl::StatusOr<uint32_t> sequence = channel_->Send(request);
  if (!sequence.ok()) return sequence.status();
  unfinished_sequence_ = *sequence;
  return ReadAnswer(*sequence, on_socket);
}

absl::StatusOr<InetDiagSocket::Answer> InetDiagSocket::ReadAnswer(uint32_t sequence,
                                                                  OnSocket on_socket) {
  Answer answer;
  for (int datagrams = 0; datagrams < kMaxDatagrams; ++datagrams) {
    const absl::StatusOr<absl::Span<char>> datagram = channel_->Receive();
    if (!datagram.ok()) return datagram.status();
    bool done = false;
    const bool whole =
        ForEachMessage(*datagram, [&](const nlmsghdr& header, absl::Span<const char> payload) {
          if (header.nlmsg_seq != sequence) return true;  // of a dump that was given up
          if (header.nlmsg_flags & NLM_F_DUMP_INTR) answer.interrupted = true;
          if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR) {
            answer.error = EndOfDump(header.nlmsg_type, payload);
            done = true;
          } else if (header.nlmsg_type >= NLMSG_MIN_TYPE) {
            on_socket(payload);
          }
          return !done;
        });
    if (!whole) ++answer.malformed_messages;
    if (done) {
      unfinished_sequence_ = 0;
      return answer;
    }
  }
  return absl::UnavailableError(
      absl::StrCat("inet_diag: a dump without end after ", kMaxDatagrams, " datagrams"));
}

}  // namespace tcpmedic
