"""tests/data/recorded/README.md, from the cases' own words."""

from case import CASES, RECORDED

CHAPTERS = {
    "handshake": "How connections begin, or do not",
    "transfer": "What happens to data on the way",
    "close": "How connections end, or do not",
    "capture": "How it was captured",
    "incident": "Incidents, with what ss, nstat and ps say about them",
    "text": "What ss, nstat, netstat and ps print",
}

HEAD = """# Recorded inputs

Made by `scripts/record-traces` (root; `tests/recording/` holds the cases), which writes this file too. Client and
server are two network namespaces on the real kernel (6.18, unless a case says otherwise) with a wire of our own between
them, which loses, holds and changes packets exactly where the case says so. The client is 192.0.2.5 and 2001:db8::5, the
server 192.0.2.9 and 2001:db8::9. Times are UTC.

Of a case, in its directory:

| file | what |
|---|---|
| `client.pcap`, `server.pcap`, … | captured by tcpdump 4.99.3 on that host; a packet that the wire loses is in its sender's capture only |
| `client.tcpdump-nn-S-tt.txt`, … | what `tcpdump -nn -S -tt -r client.pcap` prints, and so on |
| `client.tshark.txt` | per segment: frame, stream, relative seq, relative ack, payload bytes, scaled window (-1 or raw where the scale is not known), tshark 4.0.17's `tcp.analysis` labels |
| `server.session.txt` | a terminal session on that host while the case ran: commands after a prompt, and what they printed |
| anything else `.txt` | what one command printed, named as the command |
"""


def write():
    lines = [HEAD]
    for chapter, title in CHAPTERS.items():
        lines += [f"## {title}", "", "| case | what happened |", "|---|---|"]
        lines += [f"| `{each.name}` | {each.description} |" for each in CASES.values() if each.chapter == chapter]
        lines.append("")
    RECORDED.mkdir(parents=True, exist_ok=True)
    (RECORDED / "README.md").write_text("\n".join(lines).rstrip() + "\n")
