"""An IP packet with TCP in it, as it passes on the wire: read, changed, made. Checksums are kept right."""

import dataclasses
import ipaddress
import struct

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << bit for bit in range(8))
IPPROTO_FRAGMENT, IPPROTO_TCP = 44, 6
IPV6_EXTENSIONS = (0, 43, 60)  # hop-by-hop, routing, destination options


def ones_complement(data):
    """The Internet checksum of RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Packet:
    """One packet. `ip` is all from the IP header on; `ethernet` what stands before it, empty on a TUN device.
    Without TCP (or in a later fragment), `tcp_at` is None and nothing about TCP may be asked."""

    def __init__(self, ip, ethernet=b"", from_client=True):
        self.ip, self.ethernet, self.from_client = bytearray(ip), ethernet, from_client
        self.version = ip[0] >> 4 if ip else 0
        self.tcp_at = None
        if self.version == 4 and len(ip) >= 40 and ip[9] == IPPROTO_TCP and not struct.unpack("!H", ip[6:8])[0] & 0x1FFF:
            self.tcp_at = 4 * (ip[0] & 0xF)
        elif self.version == 6 and len(ip) >= 60:
            next_header, at = ip[6], 40
            while next_header in IPV6_EXTENSIONS:
                next_header, at = ip[at], at + 8 * (ip[at + 1] + 1)
            if next_header == IPPROTO_TCP:
                self.tcp_at = at

    def _word(self, at, form):
        return struct.unpack_from(form, self.ip, self.tcp_at + at)[0]

    source_port = property(lambda self: self._word(0, "!H"))
    destination_port = property(lambda self: self._word(2, "!H"))
    seq = property(lambda self: self._word(4, "!I"))
    ack = property(lambda self: self._word(8, "!I"))
    flags = property(lambda self: self._word(13, "!B"))
    header_length = property(lambda self: 4 * (self._word(12, "!B") >> 4))

    @property
    def payload(self):
        return bytes(self.ip[self.tcp_at + self.header_length :])

    def has(self, flags):
        """It is TCP, and all of `flags` are set."""
        return self.tcp_at is not None and self.flags & flags == flags

    @property
    def is_data(self):
        return self.tcp_at is not None and len(self.payload) > 0

    @property
    def is_pure_ack(self):
        return self.has(ACK) and not self.flags & (SYN | FIN | RST) and not self.payload

    def shifted(self, seq_by=0, ack_by=0):
        """A copy with other sequence numbers, modulo 2^32. SACK blocks are left alone: switch SACK off."""
        other = Packet(bytes(self.ip), self.ethernet, self.from_client)
        struct.pack_into("!I", other.ip, self.tcp_at + 4, (self.seq + seq_by) % 2**32)
        if self.has(ACK):
            struct.pack_into("!I", other.ip, self.tcp_at + 8, (self.ack + ack_by) % 2**32)
        other.sum_up()
        return other

    def marked_congested(self):
        """A copy that a congested router has marked (ECN CE, RFC 3168)."""
        other = Packet(bytes(self.ip), self.ethernet, self.from_client)
        other.ip[1] |= 3
        other.sum_up()
        return other

    def fragments(self, size):
        """This IPv4 packet in fragments of at most `size` bytes of IP payload each, a multiple of 8."""
        header_length = 4 * (self.ip[0] & 0xF)
        header, body = self.ip[:header_length], self.ip[header_length:]
        for at in range(0, len(body), size):
            part = bytearray(header + body[at : at + size])
            struct.pack_into("!H", part, 2, len(part))
            struct.pack_into("!H", part, 6, at // 8 | (0x2000 if at + size < len(body) else 0))
            struct.pack_into("!H", part, 10, 0)
            struct.pack_into("!H", part, 10, ones_complement(bytes(part[:header_length])))
            yield Packet(bytes(part), self.ethernet, self.from_client)

    def sum_up(self):
        """Puts both checksums right."""
        segment = self.ip[self.tcp_at :]
        segment[16:18] = b"\0\0"
        if self.version == 4:
            self.ip[10:12] = b"\0\0"
            struct.pack_into("!H", self.ip, 10, ones_complement(bytes(self.ip[: 4 * (self.ip[0] & 0xF)])))
            pseudo = bytes(self.ip[12:20]) + struct.pack("!BBH", 0, IPPROTO_TCP, len(segment))
        else:
            pseudo = bytes(self.ip[8:40]) + struct.pack("!II", len(segment), IPPROTO_TCP)
        struct.pack_into("!H", self.ip, self.tcp_at + 16, ones_complement(pseudo + bytes(segment)))

    def frame(self, tags=()):
        """The bytes for the device, with a VLAN tag for each (EtherType, identifier) of `tags`, the outer first."""
        if not tags:
            return self.ethernet + bytes(self.ip)
        middle = b"".join(struct.pack("!HH", ether_type, identifier) for ether_type, identifier in tags)
        return self.ethernet[:12] + middle + self.ethernet[12:] + bytes(self.ip)


@dataclasses.dataclass
class Syn:
    """A SYN of nobody's kernel: of a flood, or of a port scan."""

    source: str
    source_port: int
    destination: str
    destination_port: int
    seq: int
    window: int = 29200

    def packet(self):
        options = struct.pack("!BBH", 2, 4, 1460)
        segment = struct.pack(
            "!HHIIBBHHH", self.source_port, self.destination_port, self.seq, 0,
            (20 + len(options)) // 4 << 4, SYN, self.window, 0, 0,
        ) + options
        header = struct.pack(
            "!BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), self.seq & 0xFFFF, 0, 64, IPPROTO_TCP, 0,
            ipaddress.ip_address(self.source).packed, ipaddress.ip_address(self.destination).packed,
        )
        packet = Packet(header + segment)
        packet.sum_up()
        return packet
