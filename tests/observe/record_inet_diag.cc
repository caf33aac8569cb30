// Records a dump of a small scene as a fixture: `record_inet_diag DIR` writes DIR/scene.bin, the
// netlink messages as the kernel sent them, and DIR/scene.ss.txt, what ss(8) showed a person at the
// same moment. Needs root; the scene is played in a namespace of its own.
#include <linux/inet_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "observe/netlink_channel.h"
#include "tests/observe/throwaway_namespace.h"

namespace tcpmedic {
namespace {

void Record(const std::string& directory) {
  // Established, with data both ways, of each family; one end of the last is v4-mapped.
  const Connection v4 = Connect(AF_INET, AF_INET);
  const Connection v6 = Connect(AF_INET6, AF_INET6);
  const Connection mapped = Connect(AF_INET6, AF_INET);
  for (const Connection* connection : {&v4, &v6, &mapped}) {
    const std::string data(10'000, 'x');
    std::string received(data.size(), '\0');
    for (const auto& [from, to] : {std::pair(connection->client.get(), connection->server.get()),
                                   std::pair(connection->server.get(), connection->client.get())}) {
      if (send(from, data.data(), data.size(), 0) < 0) std::abort();
      if (recv(to, received.data(), received.size(), MSG_WAITALL) < 0) std::abort();
    }
  }
  // CLOSE-WAIT with the EOF and three bytes unread.
  const Connection leaked = Connect(AF_INET, AF_INET);
  if (send(leaked.client.get(), "bye", 3, 0) != 3) std::abort();
  shutdown(leaked.client.get(), SHUT_WR);
  // TIME-WAIT.
  Connection closed = Connect(AF_INET, AF_INET);
  closed.client.reset();
  closed.server.reset();
  absl::SleepFor(absl::Milliseconds(200));  // until what is delayed has been acknowledged

  const auto channel = ConnectSockDiag();
  if (!channel.ok()) std::abort();
  struct {
    nlmsghdr header;
    inet_diag_req body;
  } request{};
  request.header.nlmsg_len = sizeof(request);
  request.header.nlmsg_type = TCPDIAG_GETSOCK;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.idiag_family = AF_INET;
  request.body.idiag_ext = 1 << (INET_DIAG_INFO - 1) | 1 << (INET_DIAG_CONG - 1);
  request.body.idiag_states = 0x1ffe;
  if (!(*channel)->Send(&request.header).ok()) std::abort();
  std::ofstream recording(directory + "/scene.bin", std::ios::binary);
  for (bool done = false; !done;) {
    const auto datagram = (*channel)->Receive();
    if (!datagram.ok()) std::abort();
    recording.write(datagram->data(), datagram->size());
    ForEachMessage(*datagram, [&](const nlmsghdr& header, absl::Span<const char>) {
      done = header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR;
      return !done;
    });
  }
  if (std::system(("ss -tanieO | sed 's/ *$//' > '" + directory + "/scene.ss.txt'").c_str()) != 0)
    std::abort();
}

}  // namespace
}  // namespace tcpmedic

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: record_inet_diag DIR\n");
    return 2;
  }
  tcpmedic::InThrowawayNamespace([&] { tcpmedic::Record(argv[1]); });
  return 0;
}
