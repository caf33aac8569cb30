"""How connections begin, or do not."""

import socket
import struct
import time

from capture import At
from case import case
from network import DROP, receive, until
from packet import ACK, SYN, Syn

PING, PONG = b"*1\r\n$4\r\nPING\r\n", b"+PONG\r\n"


@case([At("client")], more_texts=True)
def handshake(run):
    """A client connects, asks 14 bytes and is answered 7. Still open at the end."""
    client, server = run.network.pair(6379)
    client.sendall(PING)
    receive(server, len(PING))
    server.sendall(PONG)
    receive(client, len(PONG))
    time.sleep(0.1)
    run.session(run.client, ["ss -tan", "ss -tin"], prompt="$ ")


@case([At("server")])
def handshake_refused(run):
    """Nobody listens on the port: the server's kernel answers the SYN by a RST. Three times, by three attempts."""
    for _ in range(3):
        try:
            run.network.connect(6379)
        except ConnectionRefusedError:
            continue
        raise AssertionError("connected")
    run.session(run.server, ["nstat -az TcpOutRsts TcpAttemptFails", "ss -tlnp"])


@case([At("client")], sysctls={"net.ipv4.tcp_syn_linear_timeouts": 0, "net.ipv4.tcp_syn_retries": 3})
def handshake_no_reply(run):
    """The wire drops all that the client sends: SYNs at 0, 1, 3 and 7 s (net.ipv4.tcp_syn_linear_timeouts=0, as kernels
    before 6.5)."""
    run.wire.rule = lambda packet: DROP if packet.from_client else None
    run.network.begin_connect(run.client, 443)
    time.sleep(2)
    run.session(run.client, ["ss -tan", "ss -tano state syn-sent", "ss -tin state syn-sent"], prompt="$ ")
    time.sleep(6)


@case([At("client")])
def handshake_no_reply_linear(run):
    """As handshake-no-reply, with the timeouts of kernels from 6.5 on (net.ipv4.tcp_syn_linear_timeouts=4): SYNs at 0, 1,
    2, 3, 4, 5 and 7 s."""
    run.wire.rule = lambda packet: DROP if packet.from_client else None
    run.network.begin_connect(run.client, 443)
    time.sleep(8)


@case([At("client", filter="tcp or icmp")], sysctls={"server:net.ipv4.ip_forward": 1})
def syn_answered_by_icmp(run):
    """A SYN to an address behind a router that has no route to it: the answer is ICMP host unreachable, and no TCP."""
    with run.server:
        run.server.ip("route add unreachable 198.51.100.0/24")
    with run.client:
        run.client.ip(f"route add 198.51.100.0/24 via {run.server.address}")
    attempt = run.network.open(run.client)
    try:
        attempt.connect(("198.51.100.7", 443))
    except OSError as error:
        assert error.strerror == "No route to host", error
    else:
        raise AssertionError("connected")


@case([At("server"), At("client")])
def syn_retransmitted(run):
    """The first SYN is lost on the way, the second arrives a second later: the server's capture shows only that one."""
    lost = []

    def rule(packet):
        if packet.has(SYN) and packet.from_client and not lost:
            lost.append(packet)
            return DROP
        return None

    run.wire.rule = rule
    client, server = run.network.pair(443)
    client.sendall(PING)
    receive(server, len(PING))


@case([At("server"), At("client")])
def syn_ack_retransmitted(run):
    """The client's ACK of the SYN-ACK is lost twice: the server sends its SYN-ACK again, after 1 and 3 s. Then the
    handshake is complete."""
    syn_acks = []

    def rule(packet):
        if packet.has(SYN | ACK):
            syn_acks.append(packet)
        return DROP if packet.is_pure_ack and packet.from_client and len(syn_acks) < 3 else None

    run.wire.rule = rule
    client, server = run.network.pair(443)
    client.sendall(PING)
    receive(server, len(PING))
    time.sleep(0.1)


@case([At("server"), At("client")])
def syn_ack_lost(run):
    """The first SYN-ACK is lost: client and server both send again after a second."""
    lost = []

    def rule(packet):
        if packet.has(SYN | ACK) and not lost:
            lost.append(packet)
            return DROP
        return None

    run.wire.rule = rule
    run.network.pair(443)
    time.sleep(0.3)


@case([At("server"), At("client")], sysctls={"server:net.ipv4.tcp_synack_retries": 2})
def handshake_half_open(run):
    """All of the client's ACKs are lost on the way: the server sends its SYN-ACK at 0, 1 and 3 s and gives up. At the
    server the handshake is half-open; the client takes it for complete."""
    run.wire.rule = lambda packet: DROP if packet.from_client and not packet.has(SYN) else None
    listener = run.network.listen(443)
    run.network.connect(443)
    time.sleep(1.5)
    run.session(run.server, ["ss -tan", "ss -tano state syn-recv"])
    time.sleep(6)
    del listener


@case([At("server", filter="tcp[tcpflags] & tcp-syn != 0")])
def handshake_only_syns_captured(run):
    """Three handshakes that are complete, captured by a filter that lets only SYNs through ('tcp[tcpflags] & tcp-syn !=
    0'): their ACKs cannot be seen."""
    listener = run.network.listen(443)
    for _ in range(3):
        run.network.connect(443)
        run.network.accept(listener)


@case([At("server")])
def syn_scan(run):
    """A SYN scan from a raw socket: one open port, one closed. The client's kernel knows nothing of the SYN and answers the
    SYN-ACK by a RST."""
    run.network.listen(443)
    with run.client:
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    for port in (443, 444):
        syn = Syn(run.client.address, 40000 + port, run.server.address, port, seq=1000 * port)
        raw.sendto(bytes(syn.packet().ip), (run.server.address, 0))
        time.sleep(0.1)
    raw.close()


@case([At("client"), At("server")], rtt=0.100)
def simultaneous_open(run):
    """Two sockets connect to each other's port at the same time, and their SYNs cross on the wire: no side listens."""
    # The second sends before the first SYN, 50 ms on the way, is there.
    one = run.network.begin_connect(run.client, 5002, source_port=5001)
    two = run.network.begin_connect(run.server, 5001, source_port=5002)
    until("connected", lambda: all(_established(each) for each in (one, two)))
    one.sendall(b"from the client")
    time.sleep(0.2)
    two.sendall(b"from the server")
    time.sleep(0.2)
    run.session(run.client, ["ss -tan"])


@case([At("client", device="lo")])
def self_connect(run):
    """A socket that connects to its own address and port, on loopback: a simultaneous open with itself."""
    alone = run.network.open(run.client)
    alone.bind(("127.0.0.1", 7777))
    alone.connect(("127.0.0.1", 7777))
    alone.sendall(b"echo")
    receive(alone, 4)
    alone.close()
    time.sleep(0.1)


@case([At("client", shows={"tfo_syn": 1, "tfo_ack": 1})], more_texts=True, sysctls={"net.ipv4.tcp_fastopen": 3})
def fast_open(run):
    """TCP Fast Open: the first connection asks for a cookie, the second carries its request in the SYN."""
    listener = run.network.listen(80, options=[(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)])
    for _ in range(2):
        _fast_open(run, listener)


@case([At("server", shows={"tfo_syn": 1})], sysctls={"net.ipv4.tcp_fastopen": 3})
def fast_open_cookie_rejected(run):
    """TCP Fast Open with a cookie that the server no longer knows (its key was changed): the SYN-ACK acknowledges only the
    SYN, and the data is sent again after the handshake."""
    listener = run.network.listen(80, options=[(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)])
    _fast_open(run, listener)
    run.server.sysctl("net.ipv4.tcp_fastopen_key", "01234567-89abcdef-01234567-89abcdef")
    _fast_open(run, listener)


@case([At("client", shows={"reused_ports": 1})], sysctls={"client:net.ipv4.tcp_tw_reuse": 1})
def port_reused(run):
    """The same addresses and ports twice: closed by the server, and connected again from the same port. Two connections."""
    listener = run.network.listen(80)
    for _ in range(2):
        client = run.network.connect(80, source_port=40000)
        server = run.network.accept(listener)
        client.sendall(b"GET /\r\n")
        receive(server, 7)
        server.close()
        assert client.recv(1) == b""
        client.close()
        time.sleep(1.2)  # so that the TIME-WAIT of the server takes a SYN with a newer timestamp


def _fast_open(run, listener):
    client = run.network.open(run.client)
    client.settimeout(None)  # or it would not wait for the handshake
    client.sendto(b"GET /\r\n", socket.MSG_FASTOPEN, (run.server.address, 80))
    server = run.network.accept(listener)
    receive(server, 7)
    server.sendall(b"ok\r\n")
    receive(client, 4)
    client.close()
    server.recv(1)
    server.close()
    time.sleep(0.1)


def _established(sock):
    return struct.unpack_from("B", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1))[0] == 1
