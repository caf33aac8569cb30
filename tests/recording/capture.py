"""tcpdump on a host while a case runs, then what tcpdump prints of the capture, and what tshark says about it."""

import dataclasses
import os
import pathlib
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "build/test-programs/usr"
# All texts in one time zone, and without the recording host's language.
ENVIRONMENT = {"PATH": os.environ["PATH"], "TZ": "UTC", "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}

# What tcpdump is asked to print, by the name of the text.
TEXTS = {
    "tcpdump-n": ["-n"],
    "tcpdump-nn-S-tt": ["-nn", "-S", "-tt"],
}
MORE_TEXTS = {
    "tcpdump-nn-t": ["-nn", "-t"],
    "tcpdump-nn-t-S": ["-nn", "-t", "-S"],
    "tcpdump-nn-ttt": ["-nn", "-ttt"],
    "tcpdump-nn-tttt-S": ["-nn", "-tttt", "-S"],
    "tcpdump-nn-ttttt": ["-nn", "-ttttt"],
    "tcpdump-nn-v": ["-nn", "-v"],
    "tcpdump-nn-vvv-e-S": ["-nn", "-vvv", "-e", "-S"],
    "tcpdump-nn-e": ["-nn", "-e"],
    "tcpdump-number": ["-nn", "--number"],
    "tcpdump-names": [],
    "tcpdump-q": ["-nn", "-q"],
    "tcpdump-nn-X": ["-nn", "-X"],
}

# Wireshark's own words, without "tcp.analysis.".
LABELS = (
    "retransmission", "fast_retransmission", "spurious_retransmission", "out_of_order", "keep_alive", "keep_alive_ack",
    "zero_window", "zero_window_probe", "zero_window_probe_ack", "window_update", "window_full", "duplicate_ack",
    "ack_lost_segment", "lost_segment", "reused_ports", "tfo_syn", "tfo_ack", "tfo_ignored",
)
NUMBERS = ("frame.number", "tcp.stream", "tcp.seq", "tcp.ack", "tcp.len", "tcp.window_size")


@dataclasses.dataclass(frozen=True)
class At:
    """Where a capture is taken, and how. Its file is `name`.pcap."""

    name: str
    host: str = ""  # "client" or "server"; empty: as `name`
    device: str = "wire"
    filter: str = "tcp"
    arguments: tuple = ()
    shows: dict = dataclasses.field(default_factory=dict)  # labels of tshark, and at least how often


class Capture:
    def __init__(self, at, host, directory):
        self.at, self.path = at, directory / f"{at.name}.pcap"
        with host:
            self._tcpdump = subprocess.Popen(
                ["tcpdump", "-i", at.device, "-n", "-U", "--immediate-mode", "-Z", "root", *at.arguments,
                 "-w", str(self.path), *([at.filter] if at.filter else [])],
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
        said = ""
        for line in self._tcpdump.stderr:
            said += line
            if "listening on" in line:
                return
        raise RuntimeError(f"tcpdump: {said}")

    def stop(self):
        time.sleep(0.1)
        if self._tcpdump.poll() is None:
            self._tcpdump.send_signal(signal.SIGINT)
        _, rest = self._tcpdump.communicate(timeout=10)
        if "\n0 packets dropped by kernel" not in "\n" + rest:
            raise RuntimeError(f"tcpdump lost packets: {rest}")


def write_texts(pcap, more):
    """What tcpdump prints of `pcap`, one file for each way to ask."""
    if pcap.suffix != ".pcap":
        return
    nanoseconds = ["--nano"] if pcap.read_bytes()[:4] == b"\x4d\x3c\xb2\xa1" else []
    for name, arguments in {**TEXTS, **(MORE_TEXTS if more else {})}.items():
        text = subprocess.run(["tcpdump", *nanoseconds, *arguments, "-r", str(pcap)],
                              check=True, capture_output=True, env=ENVIRONMENT).stdout
        pcap.with_suffix(f".{name}.txt").write_bytes(text)


def run_wireshark(program, *arguments):
    return subprocess.run(
        [str(PROGRAMS / "bin" / program), *arguments], check=True, capture_output=True, text=True,
        env={**ENVIRONMENT, "LD_LIBRARY_PATH": str(PROGRAMS / "lib/x86_64-linux-gnu")}).stdout


def write_labels(pcap):
    """What tshark says about each segment of `pcap`; how often it gave each label."""
    fields = [*NUMBERS, *("tcp.analysis." + label for label in LABELS)]
    table = run_wireshark("tshark", "-n", "-r", str(pcap), "-Y", "tcp && !icmp && !icmpv6", "-T", "fields",
                          *(word for field in fields for word in ("-e", field)))
    version = run_wireshark("tshark", "--version").split()[2]
    lines = [f"# tshark {version}: frame, stream, relative seq, relative ack, payload, scaled window, tcp.analysis labels"]
    counts = {}
    for row in table.splitlines():
        values = row.split("\t")
        given = [label for label, value in zip(LABELS, values[len(NUMBERS):]) if value]
        for label in given:
            counts[label] = counts.get(label, 0) + 1
        lines.append(" ".join([*(value or "-" for value in values[: len(NUMBERS)]), *given]))
    pcap.with_suffix(".tshark.txt").write_text("\n".join(lines) + "\n")
    return counts
