# SPDX-License-Identifier: BSD-3-Clause
"""The programs that a scenario starts: vRouters, the route server, the feeder, and testpmd as the peer
that only passes frames. Each lives for the length of a `with`."""

import json
import os
import pathlib
import re
import select
import socket
import subprocess
import sys
import time

from millrace_lab import BUILD, DEADLINE, LabError, Rpc, program, wait_for

HERE = pathlib.Path(__file__).resolve().parent
PAGE = 1000
REST_A_ROW = 0.0001  # seconds between two looks at a list, a row: the daemon has other things to do
STOP_SECONDS = 60
PACKET_OCTETS = 4096  # of memory that a packet buffer takes: a whole page, where they are ordinary


def tell(text):
    print(text, file=sys.stderr, flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def memory(packets):
    """How EAL gets its memory here, for so many packet buffers."""
    octets = 128 + (packets * PACKET_OCTETS >> 20)
    free = re.search(r"HugePages_Free:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())
    return [] if int(free.group(1)) * 2 >= octets else ["--no-huge", "-m", str(octets)]


class Program:
    """A process with a log; what it says when it dies is in the error."""

    def __init__(self, name, folder, command, **options):
        self.name, self.path = name, folder / f"{name}.log"
        self.command, self.options = [str(word) for word in command], options
        self.process = None

    def __enter__(self):
        with open(self.path, "ab") as log:
            self.process = subprocess.Popen(self.command, **{
                "stdin": subprocess.DEVNULL, "stdout": log, "stderr": subprocess.STDOUT,
                **self.options})
        try:
            self.begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def begin(self):
        """Waits until it is ready."""

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def assert_alive(self, when=""):
        if self.process.poll() is not None:
            raise LabError(f"{self.name} has ended {when}:\n{self.log()[-2000:]}")

    def log(self):
        return self.path.read_text(errors="replace")


class RouteServer(Program):
    def __init__(self, folder, config):
        super().__init__("millrace-rs", folder, [program("millrace-rs"), "-c", config])
        self.socket = folder / "rs.sock"

    def begin(self):
        def ready():
            with Rpc(self.socket):
                return True
        wait_for("the route server", ready, alive=[self])


class Talker(Program):
    """A process that says lines of JSON and is told words."""

    def __init__(self, name, folder, command):
        super().__init__(name, folder, command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=open(folder / f"{name}.log", "ab"))

    def event(self, names, seconds, progress):
        """The next event of one of these names; the others go to progress()."""
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise LabError(f"{self.name} has not said {' or '.join(names)} after {seconds:g} s\n"
                               f"{self.log()[-2000:]}")
            line = self.process.stdout.readline()
            if not line:
                raise LabError(f"{self.name} has ended:\n{self.log()[-2000:]}")
            if not line.startswith(b"{"):
                continue
            said = json.loads(line)
            if said["event"] in names:
                return said
            progress(said)

    def say(self, word):
        self.process.stdin.write(word.encode() + b"\n")
        self.process.stdin.flush()

    def __exit__(self, *_):
        self.options["stderr"].close()
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        super().__exit__()
        self.process.stdout.close()


class Feeder(Talker):
    def __init__(self, folder, port, case_path):
        super().__init__("feeder", folder, [sys.executable, HERE / "feeder.py", port, case_path])

    def wait(self, event, seconds):
        return self.event((event,), seconds,
                          lambda said: tell(f"    {said['published']:,} routes published"))


class Generator(Talker):
    """The project's own generator, on one core."""

    def __init__(self, folder, plan, core):
        super().__init__("packet_generator", folder, [
            BUILD / "pktgen-scenarios" / "generator" / "packet_generator", plan, "-l", core,
            "--no-pci", "--iova-mode=va", "--no-telemetry", "--log-level=*:error",
            f"--file-prefix=generator{os.getpid()}", "--single-file-segments", *memory(32768)])

    def wait(self, names, seconds):
        def progress(said):
            if said["event"] == "progress":
                tell(f"    {said['seconds_left']:.0f} s left, {said['received']:,} received")
            elif said["event"] == "searched":
                tell(f"    {said['pps'] / 1e6:.3f} Mpps: {'lost some' if said['lost'] else 'none lost'}")
        return self.event(names, seconds, progress)


class VRouter(Program):
    def __init__(self, name, folder, config):
        super().__init__(name, folder, [program("millrace"), "-c", config])
        self.socket = folder / f"{name}.sock"

    def begin(self):
        def ready():
            with Rpc(self.socket):
                return True
        wait_for("the vRouter", ready, alive=[self])

    def call(self, verb, **parameters):
        with Rpc(self.socket) as rpc:
            return rpc.call(verb, **parameters)

    def rows(self, verb, noun, **parameters):
        found = []
        with Rpc(self.socket) as rpc:
            while True:
                page = rpc.call(verb, limit=PAGE, **parameters)
                found += page[noun]
                if "next" not in page:
                    return found
                parameters["after"] = page["next"]

    def wait_up(self, seconds):
        """Waits until every interface is up. Long lists are not asked for all the time."""
        def up():
            vifs = self.rows("vif.list", "vifs")
            if all(vif["state"] == "up" for vif in vifs):
                return True
            time.sleep(len(vifs) * REST_A_ROW)
            return False
        wait_for("every interface to be up", up, seconds, alive=[self])

    def routes(self):
        """Routes that guests' packets are looked up in, over all VRFs."""
        return sum(vrf["upstream"] for vrf in self.rows("vrf.list", "vrfs"))

    def wait_routes(self, count, seconds):
        """Waits until so many routes are in the FIB."""
        began = said = time.monotonic()
        while True:
            vrfs = self.rows("vrf.list", "vrfs")
            now = sum(vrf["upstream"] for vrf in vrfs)
            if now >= count:
                return
            self.assert_alive("while routes came")
            if time.monotonic() - began > seconds:
                raise LabError(f"{now:,} of {count:,} routes after {seconds:g} s")
            if time.monotonic() - said > 1:
                said = time.monotonic()
                tell(f"    {now:,} of {count:,} routes in the FIB")
                for server in self.call("server.list")["servers"]:
                    if server["items_refused"]:
                        raise LabError(f"the vRouter refused {server['items_refused']:,} routes:\n"
                                       + self.log()[-1000:])
            time.sleep(0.05 + len(vrfs) * REST_A_ROW)

    def counters(self):
        """What has gone in and out by the ports, and drops by reason, at a time."""
        with Rpc(self.socket) as rpc:
            ports = rpc.call("counters.get", of="port")["counters"]
            drops = {row["reason"]: row["packets"] for row in rpc.call("drops.get")["drops"]}
        return {"received": sum(row["rx_packets"] for row in ports),
                "sent": sum(row["tx_packets"] for row in ports), "drops": drops,
                "at": time.monotonic()}


class Testpmd(Program):
    """testpmd passing frames from its first port to its second, and back."""

    def __init__(self, folder, devices, packets=32768):
        command = ["stdbuf", "-oL", "dpdk-testpmd", "-l", "0,1", "--no-pci", "--iova-mode=va",
                   "--no-telemetry", "--file-prefix", f"scenario{os.getpid()}",
                   *memory(packets), *(f"--vdev={device}" for device in devices),
                   "--", "--forward-mode=io", "--nb-cores=1", "-i", f"--total-num-mbufs={packets}",
                   "--no-lsc-interrupt", "--no-rmv-interrupt"]
        super().__init__("testpmd", folder, command, stdin=subprocess.PIPE)
        self.path.unlink(missing_ok=True)

    def ask(self, words):
        self.process.stdin.write(words.encode() + b"\n")
        self.process.stdin.flush()

    def begin(self):
        wait_for("testpmd", lambda: "testpmd> " in self.log(), alive=[self])
        self.ask("start")

    def sent(self):
        """(packets sent by the second port so far, when)."""
        pattern = r"TX-packets: (\d+)"
        before = len(re.findall(pattern, self.log()))
        self.ask("show port stats 1")
        at = time.monotonic()
        wait_for("testpmd's statistics",
                 lambda: len(re.findall(pattern, self.log())) > before, alive=[self])
        return int(re.findall(pattern, self.log())[-1]), at

    def __exit__(self, *_):
        try:
            self.ask("stop\nquit")
            self.process.stdin.close()
            self.process.wait(STOP_SECONDS)
        except (OSError, subprocess.TimeoutExpired):
            super().__exit__()
