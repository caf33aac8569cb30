"""Two hosts in network namespaces of their own, and a wire between them that loses, holds and changes packets
exactly where a case says so. The hosts' TCP is the kernel's; only the wire is ours: a thread between two TUN or TAP
devices.

The namespaces have no name and end with this process. Nothing outside of them is touched.
"""

import ctypes
import fcntl
import heapq
import itertools
import os
import pathlib
import select
import socket
import struct
import subprocess
import threading
import time

from packet import Packet

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_TAP, IFF_NO_PI = 0x400454CA, 1, 2, 0x1000
libc = ctypes.CDLL(None, use_errno=True)


def _check(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


class Host:
    """A network namespace with the device "wire". `with host:` puts the calling thread, and what it starts, into it."""

    def __init__(self, name, link):
        self.name, self.link = name, link
        number = {"client": 5, "server": 9}[name]
        self.address, self.address6 = f"192.0.2.{number}", f"2001:db8::{number}"
        self._home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        _check(libc.unshare(CLONE_NEWNET), "unshare")
        try:
            self._namespace = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            self.ip("link set lo up")
            self.wire = self.device("wire")
            if link == "tap":
                self.ip(f"link set wire address 02:00:00:00:00:{number:02x}")
            # Its link-local address is of use at once.
            pathlib.Path("/proc/sys/net/ipv6/conf/wire/accept_dad").write_text("0\n")
            self.ip("link set wire up")
            self.ip(f"addr add {self.address}/24 dev wire")
            self.ip(f"addr add {self.address6}/64 dev wire nodad")
        finally:
            self._leave()

    def know(self, other):
        """Spares the trace ARP and neighbour solicitations."""
        if self.link != "tap":
            return
        number = {"client": 5, "server": 9}[other.name]
        with self:
            for address in (other.address, other.address6):
                self.ip(f"neigh add {address} lladdr 02:00:00:00:00:{number:02x} dev wire")

    def device(self, name, link=None):
        """Makes a TUN or TAP device in the namespace that the thread is in; the descriptor of its far end."""
        far_end = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        kind = IFF_TAP if (link or self.link) == "tap" else IFF_TUN
        fcntl.ioctl(far_end, TUNSETIFF, struct.pack("16sH22x", name.encode(), kind | IFF_NO_PI))
        return far_end

    def ip(self, words):
        """ip(8), in the namespace that the thread is in."""
        subprocess.run(["ip", *words.split()], check=True)

    def sysctl(self, name, value):
        with self, open("/proc/sys/" + name.replace(".", "/"), "w") as setting:
            setting.write(f"{value}\n")

    def __enter__(self):
        _check(libc.setns(self._namespace, CLONE_NEWNET), f"setns {self.name}")

    def __exit__(self, *_):
        self._leave()

    def _leave(self):
        _check(libc.setns(self._home, CLONE_NEWNET), "setns")

    def close(self):
        for descriptor in (self.wire, self._namespace, self._home):
            os.close(descriptor)


DROP = object()


class Hold(float):
    """A rule's answer: deliver it this many seconds later."""


class Wire:
    """Carries packets between the hosts, each `delay` seconds each way.

    `rule` sees every packet with TCP and answers None (deliver it), DROP, Hold(seconds), or a list of packets to
    deliver in its place. `mirror` sees every packet that is delivered, and its frames go to the descriptor
    `mirror_to`: the mirror port of a switch in the middle.
    """

    def __init__(self, client, server, delay):
        self.delay, self.rule, self.mirror, self.mirror_to = delay, lambda packet: None, None, None
        self.delivered = {True: 0, False: 0}  # by from_client
        self._ends = {client.wire: server.wire, server.wire: client.wire}
        self._client = client.wire
        self._ethernet_length = 14 if client.link == "tap" else 0
        self._due, self._order = [], itertools.count()
        self._stop = threading.Event()
        self._error = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            poll = select.poll()
            for end in self._ends:
                poll.register(end, select.POLLIN)
            while not self._stop.is_set():
                now = time.monotonic()
                while self._due and self._due[0][0] <= now:
                    _, _, end, packet = heapq.heappop(self._due)
                    self._deliver(end, packet)
                wait = min(self._due[0][0] - now, 0.05) if self._due else 0.05
                for end, _ in poll.poll(max(0, wait) * 1000):
                    self._take(end)
        except Exception as error:  # shown by close()
            self._error = error

    def _take(self, end):
        while True:
            try:
                frame = os.read(end, 65536)
            except BlockingIOError:
                return
            at = self._ethernet_length
            packet = Packet(frame[at:], frame[:at], end == self._client)
            answer = self.rule(packet) if packet.tcp_at is not None else None
            if answer is DROP:
                continue
            due = time.monotonic() + self.delay + (answer if isinstance(answer, Hold) else 0)
            for out in answer if isinstance(answer, list) else [packet]:
                far_end = self._ends[self._client] if out.from_client else self._client
                heapq.heappush(self._due, (due, next(self._order), far_end, out))

    def _deliver(self, end, packet):
        self.delivered[packet.from_client] += 1
        os.write(end, packet.frame())
        if self.mirror:
            for frame in self.mirror(packet):
                os.write(self.mirror_to, frame)

    def inject(self, packet):
        """Puts a packet of nobody's kernel onto the server's device, now."""
        os.write(self._ends[self._client], packet.frame())

    def close(self):
        self._stop.set()
        self._thread.join()
        if self._error:
            raise self._error


class Network:
    """Both hosts, the wire, and every socket that a case opens: they stay open until the captures have ended, so that
    no trace shows a close that its case did not mean."""

    def __init__(self, link="tap", rtt=0.010, sysctls=None):
        self.client, self.server = Host("client", link), Host("server", link)
        self.client.know(self.server)
        self.server.know(self.client)
        for name, value in (sysctls or {}).items():
            host, _, setting = name.rpartition(":")
            for each in (self.client, self.server):
                if host in ("", each.name):
                    each.sysctl(setting, value)
        self.wire = Wire(self.client, self.server, rtt / 2)
        self.sockets, self.processes = [], []

    def open(self, host, port=None, family=socket.AF_INET, options=()):
        with host:
            made = socket.socket(family, socket.SOCK_STREAM)
        made.settimeout(10)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Not by sysctl: a namespace may only name an algorithm there that is open to everybody.
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")
        for level, name, value in options:
            made.setsockopt(level, name, value)
        if port is not None:
            made.bind((self._address(host, family), port))
        self.sockets.append(made)
        return made

    def _address(self, host, family):
        return host.address if family == socket.AF_INET else host.address6

    def listen(self, port, backlog=16, **how):
        listener = self.open(self.server, port, **how)
        listener.listen(backlog)
        return listener

    def connect(self, port, source_port=None, **how):
        """A connection of the client to the server's `port`, complete."""
        made = self.open(self.client, source_port, **how)
        made.connect((self._address(self.server, how.get("family", socket.AF_INET)), port))
        return made

    def begin_connect(self, host, port, source_port=None, **how):
        """Sends the SYN to the other host, and does not wait for what becomes of it."""
        made = self.open(host, source_port, **how)
        made.setblocking(False)
        other = self.server if host is self.client else self.client
        made.connect_ex((self._address(other, how.get("family", socket.AF_INET)), port))
        return made

    def accept(self, listener):
        made, _ = listener.accept()
        made.settimeout(10)
        self.sockets.append(made)
        return made

    def pair(self, port, source_port=None, client_options=(), server_options=(), family=socket.AF_INET):
        """A connection: the client's socket and the server's."""
        listener = self.listen(port, options=server_options, family=family)
        client = self.connect(port, source_port, options=client_options, family=family)
        return client, self.accept(listener)

    def start(self, host, command, **how):
        """A program on `host`, until the case ends."""
        with host:
            process = subprocess.Popen(command, **how)
        self.processes.append(process)
        return process

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait()
        for each in self.sockets:
            each.close()
        self.wire.close()
        self.client.close()
        self.server.close()


def receive(sock, count):
    """Exactly `count` bytes."""
    data = b""
    while len(data) < count:
        part = sock.recv(count - len(data))
        if not part:
            raise EOFError(f"end of file after {len(data)} of {count} bytes")
        data += part
    return data


def until(what, condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.005)
