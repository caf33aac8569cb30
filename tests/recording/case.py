"""A case: one thing that happens on a network, recorded. Its docstring stands in tests/data/recorded/README.md."""

import os
import shutil
import subprocess
import tempfile

from capture import ENVIRONMENT, ROOT, Capture, write_labels, write_texts
from network import Network

RECORDED = ROOT / "tests/data/recorded"
CASES = {}


def case(captures=(), more_texts=False, **network):
    """Registers a case. Its function gets a Run; its name, with dashes, is that of its directory."""

    def register(function):
        name = function.__name__.replace("_", "-")
        assert name not in CASES, name
        CASES[name] = Case(name, function, captures, more_texts, network)
        return function

    return register


class Case:
    def __init__(self, name, function, captures, more_texts, network):
        self.name, self.function, self.captures = name, function, captures
        self.more_texts, self.network = more_texts, network
        self.description = " ".join(function.__doc__.split())
        self.chapter = function.__module__.replace("_cases", "")

    def record(self):
        """Runs the case. What was recorded of it before is replaced, but only once all went well."""
        with tempfile.TemporaryDirectory(dir="/tmp", prefix="record-") as made:
            directory = type(RECORDED)(made)
            run = Run(directory, self.network)
            try:
                for at in self.captures:
                    run.capture(at)
                self.function(run)
            finally:
                run.close()
            shows = {f"{at.name}.pcap": at.shows for at in self.captures}
            for number, pcap in enumerate(run.pcaps):
                write_texts(pcap, self.more_texts and number == 0)
                counts = write_labels(pcap)
                for label, at_least in shows.get(pcap.name, {}).items():
                    if counts.get(label, 0) < at_least:
                        raise AssertionError(f"{self.name}: tshark shows {counts} in {pcap.name}, not {label}")
            into = RECORDED / self.name
            shutil.rmtree(into, ignore_errors=True)
            into.mkdir(parents=True)
            for path in sorted(directory.iterdir()):
                shutil.copyfile(path, into / path.name)


class Run:
    """What a case works with: the network, and the shell of each host."""

    def __init__(self, directory, network):
        self.directory = directory
        self.network = Network(**network)
        self.client, self.server, self.wire = self.network.client, self.network.server, self.network.wire
        self.pcaps, self._captures = [], []  # captures of which texts and labels are made

    def capture(self, at):
        """Captures from now on, until stop_captures()."""
        capture = Capture(at, getattr(self, at.host or at.name), self.directory)
        self._captures.append(capture)
        self.pcaps.append(capture.path)

    def stop_captures(self):
        while self._captures:
            self._captures.pop().stop()

    def shell(self, host, command):
        """What `command` prints on `host`, standard error too, as a terminal shows it."""
        # nstat's history is the host's, as if each were a machine of its own.
        environment = {**ENVIRONMENT, "NSTAT_HISTORY": f"/tmp/nstat.{os.getpid()}.{host.name}", "COLUMNS": "200"}
        with host:
            return subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  env=environment, check=False).stdout.decode()

    def text(self, host, name, command):
        """Saves what one command prints, alone."""
        (self.directory / f"{name}.txt").write_text(self.shell(host, command))

    def session(self, host, commands, name=None, prompt="# "):
        """Saves a terminal session on `host`: each command after `prompt`, and what it printed."""
        lines = "".join(f"{prompt}{command}\n{self.shell(host, command)}" for command in commands)
        (self.directory / f"{name or host.name}.session.txt").write_text(lines)

    def close(self):
        try:
            self.stop_captures()
        finally:
            self.network.close()
        for host in (self.client, self.server):
            try:
                os.unlink(f"/tmp/nstat.{os.getpid()}.{host.name}")
            except FileNotFoundError:
                pass
