"""The same few segments, captured in every way that people capture."""

import socket
import struct
import time

import capture_file
from capture import At, run_wireshark
from case import case
from network import receive

REQUEST, RESPONSE = b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\nok\n"
SO_IPV6_DSTOPTS, SO_IPV6_HOPOPTS = 59, 54


def _talk(run, size=0, **how):
    """Connect, request, response, close: client first. The request is `size` bytes longer than it need be."""
    client, server = run.network.pair(80, **how)
    request = REQUEST + b"x" * size
    client.sendall(request)
    receive(server, len(request))
    server.sendall(RESPONSE)
    receive(client, len(RESPONSE))
    client.close()
    assert server.recv(1) == b""
    server.close()
    time.sleep(0.1)


@case([At("client"), At("server")], more_texts=True)
def ipv6(run):
    """A whole connection over IPv6."""
    _talk(run, size=2000, family=socket.AF_INET6)


@case([At("client", filter="ip6")])
def ipv6_extension_headers(run):
    """IPv6 with a hop-by-hop and a destination options header before TCP, in both directions (setsockopt of the
    programs)."""
    # RFC 8200 §4.2: next header and length are the kernel's; PadN of 4 bytes fills the eight.
    padding = bytes([0, 0, 1, 4, 0, 0, 0, 0])
    extended = [(socket.IPPROTO_IPV6, SO_IPV6_HOPOPTS, padding), (socket.IPPROTO_IPV6, SO_IPV6_DSTOPTS, padding)]
    _talk(run, family=socket.AF_INET6, client_options=extended, server_options=extended)


@case([At("client")])
def ipv4_options(run):
    """IPv4 headers with options (a router alert, RFC 2113)."""
    _talk(run, client_options=[(socket.IPPROTO_IP, socket.IP_OPTIONS, bytes([148, 4, 0, 0]))])


@case([At("server", filter="ip", arguments=("-s", "100"))])
def ipv4_fragments(run):
    """The client's data comes in IPv4 fragments (by the wire, as a router before a narrow link cuts packets without DF):
    only the first of a packet has a TCP header."""
    run.wire.rule = lambda packet: list(packet.fragments(552)) if packet.from_client and packet.is_data else None
    _talk(run, size=3000, client_options=[(socket.IPPROTO_IP, 10, 0)])  # IP_MTU_DISCOVER, IP_PMTUDISC_DONT


def _mirror(run, frames):
    """A third device on the server, the mirror port of a switch between both hosts: it gets `frames`(packet)."""
    with run.server:
        run.wire.mirror_to = run.server.device("mirror", "tap")
        run.server.ip("link set mirror up")
    run.wire.mirror = frames
    run.capture(At("mirror", host="server", device="mirror", filter=""))


@case(more_texts=True)
def vlan(run):
    """Captured on a trunk between two switches: 802.1Q, VLAN 10. The wire tags the frames; a mirror port shows them."""
    _mirror(run, lambda packet: [packet.frame([(0x8100, 10)])])
    _talk(run)


@case()
def vlan_in_vlan(run):
    """As vlan, tagged twice (802.1ad): 100 outside, 10 inside."""
    _mirror(run, lambda packet: [packet.frame([(0x88A8, 100), (0x8100, 10)])])
    _talk(run)


@case()
def capture_dropped_packets(run):
    """A mirror port that is too slow: two data segments of the client are missing in it, and are acknowledged all the
    same. Nothing was lost on the way."""
    seen = []

    def frames(packet):
        if packet.from_client and packet.is_data:
            seen.append(packet)
            if len(seen) in (3, 4):
                return []
        return [packet.frame()]

    _mirror(run, frames)
    _talk(run, size=9000)


@case()
def mirrored_twice(run):
    """A mirror port that shows every packet twice, as one that mirrors both the ingress and the egress port. Nothing was
    sent again."""
    _mirror(run, lambda packet: [packet.frame(), packet.frame()])
    _talk(run)


@case([At("client", filter="tcp and src host 192.0.2.5"), At("client-in", host="client",
                                                             filter="tcp and dst host 192.0.2.5")])
def one_direction(run):
    """Only one direction captured: client.pcap what the client sent, client-in.pcap what it got."""
    _talk(run, size=3000)


@case()
def mid_stream(run):
    """The capture starts when the connection is long established, and ends before it closes."""
    client, server = run.network.pair(6379)
    client.sendall(REQUEST)
    receive(server, len(REQUEST))
    time.sleep(0.1)
    run.capture(At("client"))
    for _ in range(3):
        client.sendall(REQUEST)
        receive(server, len(REQUEST))
        server.sendall(RESPONSE)
        receive(client, len(RESPONSE))
    time.sleep(0.1)


@case()
def mid_stream_close(run):
    """The capture starts when the connection is long established, and shows its end."""
    client, server = run.network.pair(6379)
    client.sendall(REQUEST)
    receive(server, len(REQUEST))
    time.sleep(0.1)
    run.capture(At("client"))
    server.sendall(RESPONSE)
    receive(client, len(RESPONSE))
    server.close()
    assert client.recv(1) == b""
    client.close()
    time.sleep(0.1)


@case([At("client", device="any", arguments=("-y", "LINUX_SLL")),
       At("client-sll2", host="client", device="any", arguments=("-y", "LINUX_SLL2"))], more_texts=True)
def cooked(run):
    """tcpdump -i any: Linux cooked, version 1 (client.pcap) and 2 (client-sll2.pcap)."""
    _talk(run)


@case([At("client", device="any", arguments=("-y", "LINUX_SLL2"))], link="tun")
def cooked_without_ethernet(run):
    """tcpdump -i any on a host with a tunnel: cooked, version 2, and no hardware address."""
    _talk(run)


@case([At("client"), At("server")], link="tun", more_texts=True)
def raw_ip(run):
    """A tunnel device (TUN): raw IP, IPv4 and IPv6 in one capture."""
    _talk(run)
    _talk(run, family=socket.AF_INET6)


@case([At("client", device="lo", arguments=("-s", "96"))])
def loopback(run):
    """On loopback: Ethernet headers of zeros, and segments of up to 64 kB, which were never cut for a wire."""
    with run.client:
        listener = socket.create_server(("127.0.0.1", 5432))
        client = socket.create_connection(("127.0.0.1", 5432))
    server, _ = listener.accept()
    client.sendall(b"q" * 200_000)
    receive(server, 200_000)
    server.sendall(RESPONSE)
    receive(client, len(RESPONSE))
    for each in (client, server, listener):
        each.close()
    time.sleep(0.1)


@case([At("client", arguments=("-s", "60")), At("client-s40", host="client", arguments=("-s", "40")),
       At("client-s96", host="client", arguments=("-s", "96"))])
def truncated(run):
    """Snaplen 60 cuts the TCP options (client.pcap), 40 the TCP header (client-s40.pcap), 96 only payload
    (client-s96.pcap)."""
    _talk(run, size=2000)


@case([At("client", filter="")])
def mixed_traffic(run):
    """No capture filter: UDP, ICMP and ARP beside TCP."""
    with run.client:
        run.client.ip(f"neigh del {run.server.address} dev wire")
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.sendto(b"\x12\x34\x01\0\0\1\0\0\0\0\0\0\7example\3com\0\0\1\0\1", (run.server.address, 53))
    time.sleep(0.1)  # ICMP port unreachable comes back
    udp.close()
    _talk(run)


@case([At("client", arguments=("-s", "100"))])
def many_connections(run):
    """Twenty connections at once, their segments mixed."""
    listener = run.network.listen(80, backlog=64)
    clients = [run.network.connect(80) for _ in range(20)]
    servers = [run.network.accept(listener) for _ in clients]
    for client in clients:
        client.sendall(REQUEST)
    for server in servers:
        receive(server, len(REQUEST))
        server.sendall(RESPONSE)
    for client in clients:
        receive(client, len(RESPONSE))
        client.close()
    for server in servers[:15]:
        assert server.recv(1) == b""
        server.close()
    time.sleep(0.1)


@case([At("client"), At("client-nano", host="client", arguments=("--time-stamp-precision=nano",))])
def formats(run):
    """One connection in every file format: pcap in microseconds and nanoseconds (client-nano), pcapng by editcap
    (client-ng), and written by the script from client.pcap: big-endian (written-big-endian), BSD loopback in both byte
    orders (written-null, written-null-big-endian), OpenBSD loopback (written-loop), cut in the middle of a packet
    (written-cut), without any packet (written-empty), pcapng with two link types (written-two-links, which libpcap
    refuses)."""
    _talk(run)
    run.stop_captures()
    original = run.directory / "client.pcap"
    packets = capture_file.read(original)

    def path(name):
        return run.directory / name

    run_wireshark("editcap", "-F", "pcapng", str(original), str(path("client-ng.pcapng")))
    capture_file.write(path("written-big-endian.pcap"), packets, capture_file.ETHERNET, ">")
    # A BSD's AF_INET is 2, in its own byte order; of LOOP always in network order.
    capture_file.write(path("written-null.pcap"),
                       capture_file.with_header(packets, struct.pack("<I", 2)), capture_file.NULL)
    capture_file.write(path("written-null-big-endian.pcap"),
                       capture_file.with_header(packets, struct.pack(">I", 2)), capture_file.NULL, ">")
    capture_file.write(path("written-loop.pcap"),
                       capture_file.with_header(packets, struct.pack(">I", 2)), capture_file.LOOP)
    run.pcaps += [path(name) for name in ("client-ng.pcapng", "written-big-endian.pcap", "written-null.pcap",
                                          "written-null-big-endian.pcap", "written-loop.pcap")]
    path("written-cut.pcap").write_bytes(original.read_bytes()[:-30])
    capture_file.write(path("written-empty.pcap"), [], capture_file.ETHERNET)
    raw = path("raw.pcap")
    capture_file.write(raw, capture_file.with_header(packets, b""), capture_file.RAW)
    run_wireshark("mergecap", "-a", "-F", "pcapng", "-w", str(path("written-two-links.pcapng")), str(original), str(raw))
    raw.unlink()
