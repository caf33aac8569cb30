"""What happens to data on the way: loss, reordering, windows, keep-alives."""

import random
import socket
import struct
import time

from capture import At
from case import case
from network import DROP, Hold, receive
from packet import SYN

MSS = 1448  # with timestamps, on Ethernet
TCP_MD5SIG, TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ, TCP_REPAIR_OPTIONS, TCP_REPAIR_WINDOW = 14, 19, 20, 21, 22, 29
TCPOPT_WINDOW = 3
TCP_RECV_QUEUE, TCP_SEND_QUEUE = 1, 2
HEADERS_ONLY = ("-s", "100")


class DataFrom:
    """A wire rule about the client's data segments: `answer` for those whose index (from 0, as first seen) is in `which`."""

    def __init__(self, which, answer=DROP, from_client=True):
        self._which, self._answer, self._from_client, self._seen = set(which), answer, from_client, 0

    def __call__(self, packet):
        if not packet.is_data or packet.from_client != self._from_client:
            return None
        self._seen += 1
        return self._answer if self._seen - 1 in self._which else None


def _letters(count):
    return bytes(ord("a") + index % 26 for index in range(count))


def _small_buffer(size):
    return [(socket.SOL_SOCKET, socket.SO_RCVBUF, size)]


@case([At("client", arguments=HEADERS_ONLY, shows={"zero_window": 1, "keep_alive": 2,
                                                   "window_update": 1}),
       At("server", arguments=HEADERS_ONLY)], more_texts=True)
def zero_window(run):
    """The server does not read: its window closes, the client probes it (Linux probes with no data, one before the next
    byte: tshark calls that a keep-alive). After 2 s the server reads, the window opens and the rest goes through. Both
    close."""
    client, server = run.network.pair(80, server_options=_small_buffer(4096))
    data = _letters(12000)
    client.setblocking(False)
    sent = client.send(data)
    time.sleep(2)
    run.session(run.client, ["ss -tinp", "ss -tano"], prompt="$ ")
    run.session(run.server, ["ss -tinm"])
    server.settimeout(10)
    assert receive(server, sent) == data[:sent]
    client.close()
    assert server.recv(1) == b""
    server.close()
    time.sleep(0.1)


@case([At("client", arguments=HEADERS_ONLY, shows={"zero_window": 3})])
def zero_window_to_the_end(run):
    """As zero-window, but the server never reads: the trace ends while the client probes."""
    client, _ = run.network.pair(80, server_options=_small_buffer(4096))
    client.setblocking(False)
    client.send(_letters(12000))
    time.sleep(4)
    run.session(run.client, ["ss -tinpo"])


@case([At("client", shows={"retransmission": 1}), At("server")], sysctls={"net.ipv4.tcp_early_retrans": 0})
def retransmission_timeout(run):
    """The only data segment is lost, and sent again after the retransmission timeout (no tail loss probe:
    net.ipv4.tcp_early_retrans=0). Twice: the second is lost two times, and its timeout doubles."""
    client, server = run.network.pair(80)
    run.wire.rule = DataFrom([0, 2, 3])
    for _ in range(2):
        client.sendall(_letters(100))
        receive(server, 100)
    time.sleep(0.1)


@case([At("client", shows={"retransmission": 1}), At("server")])
def retransmission_tail_loss_probe(run):
    """The last of five segments is lost: the client's tail loss probe (RFC 8985) sends it again before the timeout."""
    client, server = run.network.pair(80)
    run.wire.rule = DataFrom([4])
    client.sendall(_letters(5 * MSS))
    receive(server, 5 * MSS)
    time.sleep(0.1)


@case([At("client", arguments=HEADERS_ONLY, shows={"retransmission": 1, "duplicate_ack": 3}),
       At("server", arguments=HEADERS_ONLY, shows={"lost_segment": 1})], more_texts=True, rtt=0.040)
def retransmission_fast(run):
    """One of ten segments is lost. The duplicate ACKs (with SACK) name the hole, and it is sent again before any timeout. At
    the server there is first a hole, then the late segment: never twice the same."""
    client, server = run.network.pair(80)
    run.wire.rule = DataFrom([3])
    client.sendall(_letters(10 * MSS))
    receive(server, 10 * MSS)
    time.sleep(0.15)
    run.session(run.client, ["ss -tin", "nstat -az | grep -i retrans"])


@case([At("client", arguments=HEADERS_ONLY, shows={"fast_retransmission": 1, "duplicate_ack": 3})],
      rtt=0.040, sysctls={"net.ipv4.tcp_sack": 0})
def retransmission_without_sack(run):
    """One of ten segments is lost on a connection without SACK: three equal ACKs, then it is sent again."""
    client, server = run.network.pair(80)
    run.wire.rule = DataFrom([3])
    client.sendall(_letters(10 * MSS))
    receive(server, 10 * MSS)
    time.sleep(0.15)


@case([At("client", arguments=HEADERS_ONLY)], rtt=0.040)
def retransmission_of_several(run):
    """Three of ten segments are lost, two of them neighbours."""
    client, server = run.network.pair(80)
    run.wire.rule = DataFrom([2, 3, 6])
    client.sendall(_letters(10 * MSS))
    receive(server, 10 * MSS)
    time.sleep(0.15)


@case([At("client"), At("server", shows={"spurious_retransmission": 1})], sysctls={"net.ipv4.tcp_early_retrans": 0})
def retransmission_spurious(run):
    """Nothing is lost, but the ACK takes 0.6 s: the client's timeout fires and it sends again what had arrived. The server
    answers by a D-SACK (RFC 2883)."""
    client, server = run.network.pair(80)
    time.sleep(0.1)
    first = []

    def rule(packet):
        if packet.is_pure_ack and not packet.from_client and not first:
            first.append(packet)
            return Hold(0.6)
        return None

    run.wire.rule = rule
    client.sendall(_letters(100))
    receive(server, 100)
    time.sleep(1.5)
    run.session(run.client, ["ss -tin"])


class Overtaken:
    """A wire rule: the client's data segment number `which` is delivered after the next `by` of them."""

    def __init__(self, which, by):
        self._which, self._by, self._seen, self._held = which, by, 0, None

    def __call__(self, packet):
        if not packet.is_data or not packet.from_client:
            return None
        self._seen += 1
        if self._seen - 1 == self._which:
            self._held = packet
            return DROP
        if self._held and self._seen - 1 == self._which + self._by:
            held, self._held = self._held, None
            return [packet, held]
        return None


@case([At("client", arguments=HEADERS_ONLY), At("server", arguments=HEADERS_ONLY, shows={"out_of_order": 1})],
      more_texts=True, rtt=0.040)
def reordering(run):
    """One of ten segments is overtaken by the next. Nothing is lost and nothing is sent again."""
    client, server = run.network.pair(80)
    run.wire.rule = Overtaken(3, by=1)
    client.sendall(_letters(10 * MSS))
    receive(server, 10 * MSS)
    time.sleep(0.15)
    run.session(run.client, ["ss -tin", "nstat -az | grep -iE 'retrans|reorder'"])


@case([At("client", arguments=HEADERS_ONLY), At("server", arguments=HEADERS_ONLY)],
      rtt=0.040)
def reordering_taken_for_loss(run):
    """One of ten segments is overtaken by the next five: the client takes it for lost and sends it again, in vain. The
    server's D-SACK says so."""
    client, server = run.network.pair(80)
    run.wire.rule = Overtaken(3, by=5)
    client.sendall(_letters(10 * MSS))
    receive(server, 10 * MSS)
    time.sleep(0.15)
    run.session(run.client, ["ss -tin", "nstat -az | grep -iE 'retrans|reorder|dsack'"])


def _keep_alive():
    return [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1),
            (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1), (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)]


@case([At("client", shows={"keep_alive": 2, "keep_alive_ack": 2})], more_texts=True)
def keep_alive(run):
    """An idle connection with keep-alive probes every second, which are answered."""
    client, server = run.network.pair(80, client_options=_keep_alive())
    client.sendall(b"hello")
    receive(server, 5)
    time.sleep(2.5)
    run.session(run.client, ["ss -tano"])
    time.sleep(1)
    client.close()
    server.recv(1)
    time.sleep(0.1)


@case([At("client", shows={"keep_alive": 3})])
def keep_alive_unanswered(run):
    """The wire is cut while the connection is idle: three keep-alive probes without an answer, then the client gives up
    with a RST."""
    client, server = run.network.pair(80, client_options=_keep_alive())
    client.sendall(b"hello")
    receive(server, 5)
    run.wire.rule = lambda packet: DROP
    time.sleep(5.5)


@case([At("client", arguments=HEADERS_ONLY)], rtt=0.020)
def bulk(run):
    """180 kB without loss: the window scale matters, and the congestion window opens."""
    client, server = run.network.pair(80)
    client.sendall(_letters(180_000))
    receive(server, 180_000)
    client.close()
    server.recv(1)
    server.close()
    time.sleep(0.1)


@case([At("client", arguments=HEADERS_ONLY, shows={"retransmission": 3}), At("server", arguments=HEADERS_ONLY)],
      rtt=0.020)
def bulk_lossy(run):
    """150 kB with 5 % loss at random in both directions."""
    client, server = run.network.pair(80)
    dice = random.Random(6)
    run.wire.rule = lambda packet: DROP if dice.random() < 0.05 else None
    client.sendall(_letters(150_000))
    receive(server, 150_000)
    time.sleep(0.2)
    run.session(run.client, ["ss -tin", "nstat -az | grep -iE 'retrans|loss'"])


@case([At("client")], sysctls={"client:net.ipv4.tcp_timestamps": 0, "client:net.ipv4.tcp_sack": 0,
                               "client:net.ipv4.tcp_window_scaling": 0})
def no_options(run):
    """A client without window scaling, SACK and timestamps: windows are as in the header."""
    client, server = run.network.pair(80)
    client.sendall(_letters(3000))
    receive(server, 3000)
    server.sendall(b"ok\r\n")
    receive(client, 4)
    client.close()
    server.recv(1)
    server.close()
    time.sleep(0.1)


@case([At("client")])
def urgent_data(run):
    """One byte of urgent data between ordinary data."""
    client, server = run.network.pair(23)
    client.sendall(b"before")
    client.send(b"!", socket.MSG_OOB)
    client.sendall(b"after")
    receive(server, 11)
    time.sleep(0.1)


@case([At("server", arguments=HEADERS_ONLY)], sysctls={"net.ipv4.tcp_ecn": 1}, rtt=0.040)
def congestion_marked(run):
    """ECN (RFC 3168): a router marks one data segment, the server echoes it (ECE), the client reduces its window (CWR)."""
    client, server = run.network.pair(80)
    seen = []

    def rule(packet):
        if packet.is_data and packet.from_client:
            seen.append(packet)
            if len(seen) == 3:
                return [packet.marked_congested()]
        return None

    run.wire.rule = rule
    for _ in range(2):
        client.sendall(_letters(8 * MSS))
        receive(server, 8 * MSS)
    time.sleep(0.1)


@case([At("client"), At("server")])
def md5_signed(run):
    """Segments signed with an MD5 key (RFC 2385), as routers do for BGP."""
    listener = run.network.listen(179)
    client = run.network.open(run.client)
    for sock, peer in ((listener, run.client), (client, run.server)):
        address = struct.pack("=HH4s120x", socket.AF_INET, 0, socket.inet_aton(peer.address))
        sock.setsockopt(socket.IPPROTO_TCP, TCP_MD5SIG, address + struct.pack("=BBHi80s", 0, 0, 6, 0, b"secret"))
    client.connect((run.server.address, 179))
    server = run.network.accept(listener)
    client.sendall(b"open")
    receive(server, 4)
    time.sleep(0.1)


def _shift_sequence(run, first_data_seq):
    """A middlebox that gives the client another ISN, as firewalls do: its first data byte gets `first_data_seq`."""
    shift = []

    def rule(packet):
        if packet.has(SYN) and packet.from_client and not shift:
            shift.append(first_data_seq - 1 - packet.seq)
        if not shift:
            return None
        return [packet.shifted(seq_by=shift[0]) if packet.from_client else packet.shifted(ack_by=-shift[0])]

    run.wire.rule = rule
    return rule


@case([At("server", arguments=HEADERS_ONLY)], more_texts=True, sysctls={"net.ipv4.tcp_sack": 0})
def sequence_wrap(run):
    """The client's sequence numbers pass 2^32 within its data: a middlebox gives it the ISN 4294964295, as firewalls that
    randomize ISNs do. Captured behind it."""
    _shift_sequence(run, 2**32 - 3000)
    client, server = run.network.pair(80)
    client.sendall(_letters(6 * MSS))
    receive(server, 6 * MSS)
    server.sendall(b"ok\r\n")
    receive(client, 4)
    client.close()
    server.recv(1)
    server.close()
    time.sleep(0.1)


@case([At("server", arguments=HEADERS_ONLY, shows={"duplicate_ack": 3})], rtt=0.040, sysctls={"net.ipv4.tcp_sack": 0})
def sequence_wrap_with_loss(run):
    """As sequence-wrap, and the segment that holds the wrap is lost and sent again."""
    shifted = _shift_sequence(run, 2**32 - 3000)
    lose = DataFrom([2])
    run.wire.rule = lambda packet: DROP if lose(packet) is DROP else shifted(packet)
    client, server = run.network.pair(80)
    client.sendall(_letters(10 * MSS))
    receive(server, 10 * MSS)
    time.sleep(0.15)


@case([At("client", arguments=HEADERS_ONLY)])
def sequence_wrap_mid_stream(run):
    """No handshake at all: both sockets are put into ESTABLISHED by TCP_REPAIR, with sequence numbers just before 2^32, as
    a container that was moved with its connections (CRIU)."""
    ends = []
    for host, port in ((run.client, 40000), (run.server, 80)):
        end = run.network.open(host)
        end.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        end.bind((host.address, port))
        ends.append(end)
    client_seq, server_seq = 2**32 - 2000, 2**32 - 2
    for end, out, into, peer in ((ends[0], client_seq, server_seq, (run.server.address, 80)),
                                 (ends[1], server_seq, client_seq, (run.client.address, 40000))):
        for queue, seq in ((TCP_SEND_QUEUE, out), (TCP_RECV_QUEUE, into)):
            end.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_QUEUE, queue)
            end.setsockopt(socket.IPPROTO_TCP, TCP_QUEUE_SEQ, struct.pack("=I", seq))
        end.connect(peer)
        end.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_OPTIONS, struct.pack("=II", TCPOPT_WINDOW, 7 | 7 << 16))
        # snd_wl1, snd_wnd, max_window, rcv_wnd, rcv_wup
        end.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_WINDOW, struct.pack("=IIIII", into, 65536, 65536, 65536, into))
    for end in ends:
        end.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 0)
    client, server = ends
    client.sendall(_letters(3000))
    receive(server, 3000)
    server.sendall(b"ok\r\n")
    receive(client, 4)
    time.sleep(0.1)
