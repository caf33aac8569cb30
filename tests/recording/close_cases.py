"""How connections end, or do not."""

import socket
import struct
import time

from capture import At
from case import case
from network import DROP, receive
from packet import FIN

TCP_REPAIR = 19
REQUEST, RESPONSE = b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\nok\n"


def _exchange(run, port=80, **how):
    """A connection with one request and its response."""
    client, server = run.network.pair(port, **how)
    client.sendall(REQUEST)
    receive(server, len(REQUEST))
    server.sendall(RESPONSE)
    receive(client, len(RESPONSE))
    return client, server


@case([At("client")], more_texts=True)
def close(run):
    """Request and response, then the client closes, and the server after it: four segments, the client in TIME-WAIT."""
    client, server = _exchange(run)
    time.sleep(0.05)
    client.close()
    assert server.recv(1) == b""
    time.sleep(0.05)
    server.close()
    time.sleep(0.1)
    run.session(run.client, ["ss -tan", "ss -tano"], prompt="$ ")


@case([At("client")])
def close_by_server(run):
    """Request and response, then the server closes first, and the client at once: its FIN acknowledges the server's, three
    segments."""
    client, server = _exchange(run)
    server.close()
    assert client.recv(1) == b""
    client.close()
    time.sleep(0.1)


@case([At("client"), At("server")], rtt=0.100)
def close_simultaneous(run):
    """Both sides close while the other's FIN is on its way: CLOSING on both."""
    client, server = _exchange(run)
    time.sleep(0.2)
    client.close()
    server.close()
    time.sleep(0.3)


@case([At("client"), At("server")])
def close_wait(run):
    """The client closes, the server never does: it is left in CLOSE-WAIT, the client in FIN-WAIT-2."""
    client, server = _exchange(run)
    client.close()
    assert server.recv(1) == b""
    time.sleep(0.2)
    run.session(run.server, ["ss -tan", "ss -tanp state close-wait", "ss -tine"])
    run.session(run.client, ["ss -tan", "ss -tano state fin-wait-2"], prompt="$ ")


@case([At("client")])
def half_close(run):
    """The client ends its direction (shutdown) and goes on reading: the server sends for as long as it likes. Open at the
    end: no leak."""
    client, server = _exchange(run)
    client.shutdown(socket.SHUT_WR)
    assert server.recv(1) == b""
    for _ in range(3):
        server.sendall(RESPONSE)
        receive(client, len(RESPONSE))
        time.sleep(0.1)


@case([At("client")])
def fin_with_data(run):
    """The last data and the FIN in one segment, from both sides."""
    client, server = run.network.pair(80)
    for sender, receiver, data in ((client, server, REQUEST), (server, client, RESPONSE)):
        sender.send(data, socket.MSG_MORE)
        sender.shutdown(socket.SHUT_WR)
        receive(receiver, len(data))
        assert receiver.recv(1) == b""
    time.sleep(0.1)


@case([At("client", shows={"retransmission": 1}), At("server")], sysctls={"net.ipv4.tcp_early_retrans": 0})
def fin_retransmitted(run):
    """The client's FIN is lost and sent again; then the server's last ACK is lost too, and it is sent a third time."""
    lost = []

    def rule(packet):
        if packet.has(FIN) and packet.from_client and not lost:
            lost.append("FIN")
            return DROP
        if packet.is_pure_ack and not packet.from_client and lost == ["FIN"]:
            lost.append("ACK")
            return DROP
        return None

    client, server = _exchange(run)
    time.sleep(0.1)
    run.wire.rule = rule
    client.close()
    assert server.recv(1) == b""
    time.sleep(1.5)
    server.close()
    time.sleep(0.2)


@case([At("server"), At("client")], sysctls={"net.ipv4.tcp_early_retrans": 0})
def last_ack_lost(run):
    """The ACK of the second FIN is lost: the server, in LAST-ACK, sends its FIN again, and the client answers from
    TIME-WAIT."""
    fins = []

    def rule(packet):
        if packet.has(FIN) and not packet.from_client:
            fins.append(packet)
        return DROP if packet.is_pure_ack and packet.from_client and len(fins) == 1 else None

    client, server = _exchange(run)
    time.sleep(0.1)
    client.close()
    assert server.recv(1) == b""
    run.wire.rule = rule
    server.close()
    time.sleep(0.8)


@case([At("client")])
def reset_by_server(run):
    """The server aborts (SO_LINGER 0): a RST, no FIN."""
    _, server = _exchange(run)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("=ii", 1, 0))
    server.close()
    time.sleep(0.1)


@case([At("client")])
def reset_by_client_with_unread_data(run):
    """The client closes with data that it has not read: its kernel sends a RST, not a FIN (RFC 2525 §2.17)."""
    client, server = _exchange(run)
    server.sendall(RESPONSE)
    time.sleep(0.05)
    client.close()
    time.sleep(0.1)


@case([At("server")])
def reset_after_close(run):
    """The client closes; the server goes on sending, and nobody is there to read: RST."""
    client, server = _exchange(run)
    client.close()
    assert server.recv(1) == b""
    time.sleep(0.05)
    server.sendall(RESPONSE)
    time.sleep(0.1)


@case([At("client")])
def reset_by_a_server_that_forgot(run):
    """The server's socket is gone without a FIN, as after a crash of the host (TCP_REPAIR). The client's next request is
    answered by a RST."""
    client, server = _exchange(run)
    time.sleep(0.1)  # for the ACK of the response
    server.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    server.close()
    time.sleep(0.2)
    client.sendall(REQUEST)
    time.sleep(0.1)


@case([At("client")], sysctls={"client:net.ipv4.tcp_fin_timeout": 1})
def fin_wait_2_timed_out(run):
    """The client has closed, its FIN-WAIT-2 ends after a second (net.ipv4.tcp_fin_timeout=1); when the server closes later,
    its FIN is answered by a RST."""
    client, server = _exchange(run)
    client.close()
    assert server.recv(1) == b""
    time.sleep(3)
    server.close()
    time.sleep(0.2)
