"""The incidents, and hosts that have none: a session on the host that has it, and a capture of the same time."""

import pathlib
import random
import resource
import socket
import subprocess
import threading
import time

from capture import At
from case import case
from network import DROP, receive, until
from packet import Syn

PORT = 443
HEADERS = ("-s", "100")


class Flood:
    """SYNs from random addresses of 198.18.0.0/15, at `rate` a second for `seconds`, in a thread."""

    def __init__(self, run, rate, seconds):
        with run.server:
            run.server.ip("route add default dev wire")  # so that the answers leave, to nobody
        self._run, self._rate, self._count = run, rate, int(rate * seconds)
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    def _send(self):
        dice, begin = random.Random(2), time.monotonic()
        for number in range(self._count):
            source = f"198.{dice.randrange(18, 20)}.{dice.randrange(256)}.{dice.randrange(1, 255)}"
            syn = Syn(source, dice.randrange(1024, 65536), self._run.server.address, PORT, dice.randrange(2**32))
            self._run.wire.inject(syn.packet())
            time.sleep(max(0, begin + (number + 1) / self._rate - time.monotonic()))

    def join(self):
        self._thread.join()


def _accept_all(run, listener):
    """Takes every connection of `listener` in a thread, as a healthy program does."""

    def loop():
        try:
            while True:
                run.network.accept(listener)
        except OSError:
            pass  # closed

    threading.Thread(target=loop, daemon=True).start()


def _try_to_connect(run, times, wait):
    """How many of `times` attempts of the client succeed, each within a second."""
    succeeded = 0
    for _ in range(times):
        attempt = run.network.open(run.client)
        attempt.settimeout(1)
        try:
            attempt.connect((run.server.address, PORT))
            succeeded += 1
        except TimeoutError:
            pass
        time.sleep(wait)
    return succeeded


ONLY_SYNS = "tcp[tcpflags] & tcp-syn != 0"


@case([At("server", filter=ONLY_SYNS, arguments=("-c", "120"))], link="tun")
def syn_flood_absorbed(run):
    """4,000 SYNs from forged addresses in 8 s before a backlog of 16, with SYN cookies on, and clients that get in all the
    while. The capture holds the first 120 packets with SYN."""
    listener = run.network.listen(PORT, backlog=16)
    _accept_all(run, listener)
    run.shell(run.server, "nstat")  # its history
    flood = Flood(run, rate=500, seconds=8)
    time.sleep(0.5)
    assert _try_to_connect(run, times=20, wait=0.25) == 20
    run.session(run.server, [
        "nstat -az | grep -i syncookies",
        "ss -s",
        "ss -tan state syn-recv | wc -l",
        "ss -tan state syn-recv | head -5",
        "ss -tln",
        "sysctl net.ipv4.tcp_syncookies net.ipv4.tcp_max_syn_backlog net.core.somaxconn",
        "nstat -az TcpExtListenOverflows TcpExtListenDrops TcpExtTCPReqQFullDoCookies TcpExtTCPReqQFullDrop",
    ])
    run.session(run.server, ["nstat | grep -i -e syncook -e listen -e reqq"], name="server-increase")
    flood.join()


@case([At("server", filter=f"tcp port {PORT}", arguments=("-c", "150"))], link="tun",
      sysctls={"server:net.ipv4.tcp_syncookies": 0})
def syn_flood_unprotected(run):
    """As syn-flood-absorbed with SYN cookies off: the SYN queue is full, and most real clients are turned away."""
    listener = run.network.listen(PORT, backlog=16)
    _accept_all(run, listener)
    flood = Flood(run, rate=500, seconds=8)
    time.sleep(0.5)
    assert _try_to_connect(run, times=5, wait=0) < 5
    run.session(run.server, [
        "nstat -az | grep -e Syncookies -e ReqQFull -e ListenDrops -e ListenOverflows",
        "ss -s",
        "ss -tan state syn-recv | wc -l",
        "ss -Htan state syn-recv",
        "ss -tln",
        "sysctl net.ipv4.tcp_syncookies net.ipv4.tcp_max_syn_backlog",
    ])
    flood.join()


@case([At("server", filter=f"tcp port {PORT}", arguments=("-c", "150", *HEADERS))],
      sysctls={"server:net.ipv4.tcp_syncookies": 1})
def syn_burst_of_real_clients(run):
    """400 real clients at once before a backlog of 32: most get a cookie, and nearly every cookie comes back. No flood. The
    accept queue of 32 overflows too."""
    listener = run.network.listen(PORT, backlog=32)
    _accept_all(run, listener)
    for _ in range(400):
        run.network.begin_connect(run.client, PORT)
    time.sleep(2)
    run.session(run.server, ["nstat -az | grep -e Syncookies -e ReqQFull -e ListenDrops -e ListenOverflows", "ss -s",
                             "ss -tln"])


APP_SERVER = r'''#!/usr/bin/python3
# Accepts, answers one request on each connection, and never closes one. "never-read": it also never comes back to read
# the end of file; "forget": it reads it, and drops the connection from its list of what to poll.
import selectors, socket, sys

never_read = sys.argv[1] == "never-read"
selector = selectors.DefaultSelector()
kept, ballast = [], []
listener = socket.create_server(("", 8080), backlog=2048)
selector.register(listener, selectors.EVENT_READ)
while True:
    for key, _ in selector.select():
        if key.fileobj is listener:
            connection, _ = listener.accept()
            kept.append(connection)
            ballast.append(bytearray(20000))
            selector.register(connection, selectors.EVENT_READ)
            continue
        data = key.fileobj.recv(4096)
        if data:
            key.fileobj.sendall(b"HTTP/1.0 200 OK\r\n\r\nok\n")
        if never_read or not data:
            selector.unregister(key.fileobj)
'''


def _leaky_server(run, mode, connections):
    """app-server on the server, and that many connections that their clients have closed. Its pid."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16384), hard))
    if not pathlib.Path("/srv").is_mount():
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/srv"], check=True)  # in a mount namespace of our own
    program = pathlib.Path("/srv/app-server")
    program.write_text(APP_SERVER)
    program.chmod(0o755)
    server = run.network.start(run.server, [str(program), mode], env={"PATH": "/usr/bin"})
    until("listening", lambda: ":8080" in run.shell(run.server, "ss -Htln"))
    first = run.network.connect(8080, source_port=50001)  # the one that the capture shows
    clients = [first]
    while len(clients) < connections:
        batch = [run.network.begin_connect(run.client, 8080) for _ in range(min(200, connections - len(clients)))]
        time.sleep(0.1)
        clients += batch
    for client in clients:
        client.setblocking(True)
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
    for client in clients:
        receive(client, 22)
        client.close()
    until("closed", lambda: _close_waits(run) == connections)
    return server.pid


def _close_waits(run):
    return len(run.shell(run.server, "ss -Htan state close-wait").splitlines())


@case([At("server", filter="tcp port 50001"), At("client", filter="tcp port 50001")])
def close_wait_never_read(run):
    """1,100 connections in CLOSE-WAIT of a program that never read the end of file (Recv-Q 1), and 3 that are
    established. The capture shows one of them."""
    pid = _leaky_server(run, "never-read", 1100)
    for _ in range(3):
        run.network.connect(8080)
    run.session(run.server, [
        "ss -tan state established | wc -l",
        "ss -tan state close-wait | wc -l",
        "ss -tan state close-wait | head -4",
        "ss -s",
        f"ps -p {pid} -o pid,stat,rss,cmd",
        f"ls /proc/{pid}/fd | wc -l",
        f"grep 'open files' /proc/{pid}/limits",
    ])
    run.text(run.server, "ss-tanp", "ss -tanp")


@case([At("server", filter="tcp port 50001")])
def close_wait_forgotten(run):
    """1,200 connections in CLOSE-WAIT of a program that read the end of file and forgot them (Recv-Q 0), in a session that
    ties them to it (-p) for a few only."""
    pid = _leaky_server(run, "forget", 1200)
    run.session(run.server, [
        "ss -Htan state close-wait | wc -l",
        "ss -tanp state close-wait | head -6",
        "ss -tane state close-wait | tail -2",
        "ss -s",
        "ss -tlnp",
        "ps aux | grep app-server | grep -v grep",
    ])
    run.session(run.server, [
        "ss -tan | awk '{print $1}' | sort | uniq -c",
        f"ps -p {pid} -o pid,stat,rss,cmd",
    ], name="server-counts", prompt="root@app1:~# ")


def _long_transfer(run, congestion_control, loss, seconds):
    """A sender that always has more to send, over a path with that loss. Its socket is ready to be looked at."""
    dice = random.Random(4)
    run.wire.rule = lambda packet: DROP if packet.is_data and packet.from_client and dice.random() < loss else None
    client, server = run.network.pair(443)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, congestion_control)
    stop = threading.Event()

    def send():
        try:
            while not stop.is_set():
                client.sendall(b"x" * 65536)
        except OSError:
            pass

    def read():
        try:
            while server.recv(1 << 20):
                pass
        except OSError:
            pass

    threads = [threading.Thread(target=work, daemon=True) for work in (send, read)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    return stop


TRANSFER_SESSION = [
    "ss -tin state established dst 192.0.2.9",
    "ss -tinp",
    "ss -tinmeoO",
    "nstat -az | grep -e RetransSegs -e OutSegs -e SackRecover -e DSACK -e Reorder",
]


@case([At("client", arguments=("-c", "200", *HEADERS))], rtt=0.148)
def pinned_cwnd(run):
    """25 s of a transfer over 148 ms with 1 % loss under CUBIC: the window stays near 12 segments. The session is of its
    end, the capture of its first 200 packets."""
    stop = _long_transfer(run, b"cubic", 0.01, 25)
    run.session(run.client, TRANSFER_SESSION)
    stop.set()


@case(rtt=0.148)
def lossy_path_under_bbr(run):
    """As pinned-cwnd, under BBR: nothing is pinned. No finding."""
    stop = _long_transfer(run, b"bbr", 0.01, 8)
    run.session(run.client, TRANSFER_SESSION)
    stop.set()


@case([At("client", arguments=("-c", "150", *HEADERS))])
def healthy(run):
    """A host with a listener, a few connections, requests and responses, and nothing wrong. No finding."""
    listener = run.network.listen(443, backlog=128)
    pairs = [(run.network.connect(443), run.network.accept(listener)) for _ in range(8)]
    for _ in range(5):
        for client, server in pairs:
            client.sendall(b"GET / HTTP/1.1\r\nHost: example\r\n\r\n")
            receive(server, 33)
            server.sendall(b"x" * 5000)
            receive(client, 5000)
    for client, server in pairs[:3]:
        client.close()
        assert server.recv(1) == b""
        server.close()
    time.sleep(0.1)
    commands = ["ss -s", "ss -tan", "ss -tin", "ss -tln", "nstat -az", "ps -eo pid,stat,rss,cmd"]
    run.session(run.server, commands)
    run.session(run.client, commands)
