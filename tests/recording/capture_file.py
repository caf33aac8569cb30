"""Capture files that tcpdump on Linux does not write: other byte orders, other link types. From packets that it wrote."""

import struct

ETHERNET, NULL, RAW, LOOP = 1, 0, 101, 108


def read(path):
    """The packets of a little-endian pcap in microseconds: (seconds, microseconds, original length, bytes)."""
    data = path.read_bytes()
    assert struct.unpack_from("<I", data)[0] == 0xA1B2C3D4, path
    at, packets = 24, []
    while at < len(data):
        seconds, fraction, captured, length = struct.unpack_from("<IIII", data, at)
        packets.append((seconds, fraction, length, data[at + 16 : at + 16 + captured]))
        at += 16 + captured
    return packets


def write(path, packets, link_type, order="<"):
    """A pcap in byte order `order`, as struct names it."""
    out = struct.pack(order + "IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link_type)
    for seconds, fraction, length, data in packets:
        out += struct.pack(order + "IIII", seconds, fraction, len(data), length) + data
    path.write_bytes(out)


def with_header(packets, header):
    """Ethernet packets with `header` in place of the Ethernet header."""
    return [(seconds, fraction, length - 14 + len(header), header + data[14:])
            for seconds, fraction, length, data in packets]
