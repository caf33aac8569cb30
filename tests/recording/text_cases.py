"""What the tools print, one text per way to ask. One host with sockets of many kinds."""

import socket
import threading
import time

from case import case
from network import DROP, receive
from packet import SYN

KEEP_ALIVE = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]

SS = [
    "ss -tan", "ss -tanH", "ss -tin", "ss -tinH", "ss -tinp", "ss -tlnp", "ss -tln", "ss -tane", "ss -tanp", "ss -tanpe",
    "ss -tano", "ss -tanm", "ss -s", "ss -tinO", "ss -tiOH", "ss -ti", "ss -ta", "ss -tar", "ss -tanpemio", "ss -an",
    "ss -tan4", "ss -tan6", "ss -tan state established", "ss -tin state established", "ss -tan state all",
    "ss -tan state connected", "ss -Htan state close-wait", "ss -tan exclude listening", "ss -lntu",
    "netstat -tan", "netstat -tanp", "netstat -tlnp",
]


def _scene(run):
    """Sockets of many kinds on the server; the client's are the other ends."""
    network = run.network
    web = network.listen(443, backlog=128)
    with run.server:
        dual = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        on_loopback = socket.create_server(("127.0.0.1", 5432))
        network.sockets += [dual, on_loopback]
    dual.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    dual.bind(("::", 8080))
    dual.listen(511)
    dual.settimeout(10)

    idle_client = network.connect(443, options=KEEP_ALIVE)
    idle_server = network.accept(web)
    idle_server.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    mapped_client = network.connect(8080)  # v4-mapped at the server
    mapped = network.accept(dual)
    mapped.sendall(b"x" * 30_000)
    receive(mapped_client, 30_000)
    six_client = network.connect(8080, family=socket.AF_INET6)
    six = network.accept(dual)
    with run.client:
        scope = socket.if_nametoindex("wire")
        zone_client = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    zone_client.bind(("fe80::ff:fe00:5", 0, 0, scope))
    zone_client.connect(("fe80::ff:fe00:9", 8080, 0, scope))
    network.sockets.append(zone_client)
    zone = network.accept(dual)
    zone_client.sendall(b"unread at the server")
    bbr_client = network.connect(443, options=[(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"bbr")])
    bbr = network.accept(web)
    bbr.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"bbr")
    bbr.sendall(b"x" * 300_000)
    receive(bbr_client, 300_000)
    reno_client = network.connect(443)
    reno = network.accept(web)
    reno.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"reno")
    reno.settimeout(None)
    reno.setblocking(False)
    reno.send(b"x" * 400_000)  # the client does not read: zero window, unsent data
    leaving_client = network.connect(443)
    leaving = network.accept(web)
    leaving_client.close()
    assert leaving.recv(1) == b""  # CLOSE-WAIT
    gone_client = network.connect(443)
    gone = network.accept(web)
    gone.close()  # FIN-WAIT-2, an orphan
    past_client = network.connect(443)
    past = network.accept(web)
    past.close()
    assert past_client.recv(1) == b""
    past_client.close()  # TIME-WAIT at the server
    network.connect(443)  # waits to be accepted
    run.wire.rule = lambda packet: DROP if packet.has(SYN) and packet.destination_port == 4444 else None
    network.begin_connect(run.server, 4444)  # SYN-SENT
    time.sleep(1)


@case()
def ss_variants(run):
    """ss 6.1 asked in many ways about one host: listeners (IPv4, IPv6, both), v4-mapped, link-local with its zone, BBR, CUBIC
    and Reno, keep-alive and persist timers, CLOSE-WAIT, FIN-WAIT-2, TIME-WAIT, SYN-SENT, unread and unsent data. And
    netstat."""
    _scene(run)
    for command in SS:
        run.text(run.server, command.replace(" ", "_"), command)
    run.text(run.client, "client.ss_-tinmeo", "ss -tinmeo")


@case()
def counters(run):
    """The same counters by nstat (totals, increases, JSON), netstat -s, and as copies of /proc/net."""
    client, server = run.network.pair(80)
    for _ in range(3):
        try:
            run.network.connect(81)
        except ConnectionRefusedError:
            pass
    client.sendall(b"x" * 100_000)
    receive(server, 100_000)
    run.text(run.server, "nstat_-az", "nstat -az")
    run.text(run.server, "nstat_-as", "nstat -as")
    run.text(run.server, "nstat_-azj", "nstat -azj")
    run.text(run.server, "nstat", "nstat")
    client.sendall(b"x" * 10_000)
    receive(server, 10_000)
    run.text(run.server, "nstat_second", "nstat")
    run.text(run.server, "netstat_-s", "netstat -s")
    run.text(run.server, "netstat_-st", "netstat -st")
    for name in ("netstat", "snmp", "snmp6", "sockstat"):
        run.text(run.server, f"proc_net_{name}", f"cat /proc/self/net/{name}")
    run.text(run.server, "sysctl", "sysctl net.ipv4 2>/dev/null | grep -E 'net.ipv4.tcp_'")


@case()
def processes(run):
    """ps asked in many ways, of the script itself, an idle program and a zombie."""
    with run.server:
        listener = socket.create_server((run.server.address, 8080))
    run.network.sockets.append(listener)
    run.network.start(run.server, ["/usr/bin/python3", "-c", "import time; time.sleep(60)", "an argument", "# no remark"])
    run.network.start(run.server, ["true"])  # a zombie: nobody waits for it
    time.sleep(0.2)
    for name, command in (("ps_-p_-o_pid,stat,rss,cmd", "ps -p 1 -o pid,stat,rss,cmd"), ("ps_aux", "ps aux"),
                          ("ps_-ef", "ps -ef"), ("ps_-eo_pid,comm,rss,vsz,etime,args", "ps -eo pid,comm,rss,vsz,etime,args"),
                          ("ps_-eLf", "ps -eLf"), ("ps_-o_without_header", "ps -p 1 -o pid=,rss=,cmd="), ("ps", "ps"),
                          ("ps_-u_-o_user", "ps -eo user,pid,ppid,%cpu,%mem,nlwp,start,time,command")):
        run.text(run.server, name, command)


@case()
def pasted_sessions(run):
    """Terminal sessions as people paste them: other prompts, sudo, pipes, colours of grep, CRLF, a command that is not
    there, tcpdump among the rest."""
    client, server = run.network.pair(443)
    listener = run.network.listen(6379)
    client.sendall(b"x" * 5000)
    receive(server, 5000)
    commands = ["ss -tan | grep ESTAB", "ss -s | head -2", "nstat -az | grep -i -e retrans -e syncook",
                "ss -tln", "no-such-command --help", "uptime -V", "ss -tin | grep -A1 ESTAB"]
    run.session(run.server, commands, name="user-prompt", prompt="admin@db-1:~$ ")
    run.session(run.server, commands, name="bracket-prompt", prompt="[root@db-1 ~]# ")
    run.session(run.server, ["ss -tan | grep --color=always 443", "nstat -az | grep --color=always -i retrans"],
                name="colours", prompt="\x1b[01;32madmin@db-1\x1b[00m:\x1b[01;34m~\x1b[00m$ ")
    commands = ["timeout 10 tcpdump -nn -i wire -c 5 tcp port 6379", "ss -tan", "ss -tin state established"]
    shell = threading.Thread(target=run.session, args=(run.client, commands, "with-tcpdump", "$ "))
    shell.start()
    time.sleep(1)  # until tcpdump listens
    other = run.network.connect(6379)
    other.sendall(b"*1\r\n$4\r\nPING\r\n")
    receive(run.network.accept(listener), 14)
    shell.join()
    text = (run.directory / "with-tcpdump.session.txt").read_text()
    assert "5 packets captured" in text, text
    (run.directory / "crlf.session.txt").write_bytes(text.replace("\n", "\r\n").encode())
