# SPDX-License-Identifier: BSD-3-Clause
"""Two processes and more: a generator at the other side of the vRouter's memif or vhost-user ports.
Packets are numbered and carry the time, so that loss and latency are known; but rates between two
processes settle at random in a fast or a slow mode, so every start is a figure of its own."""

import contextlib
import json
import os
import re
import subprocess
import time

from millrace_lab import DEADLINE, LabError

from player import configuration, frames, world
from player.network import routing
from player.peers import Generator, Testpmd, VRouter, memory

WARM_UP = 0.3
RESOLUTION = 0.02    # of the search for the highest rate without loss
TRIALS = 12          # of such a search, at most
GENERATOR_CORE = "0"
PACKETS = 32768      # buffers of the generator


class Ports:
    """The sockets of a case: what the vRouter, the generator and testpmd call their side of each."""

    def __init__(self, case, folder):
        self.case, self.folder, self.names = case, folder, ["in", "out"]
        if case["hostile"]:
            self.names.append("hostile")

    def is_guest(self, name):
        return name != "out" or self.case["direction"] != "encap"

    def is_vhost(self, name):
        return self.case["ports"] == "vhost" and self.is_guest(name)

    def path(self, name):
        return self.folder / f"{name}.sock"

    def vrouter(self, name):
        return f"{'vhost' if self.is_vhost(name) else 'memif'}:{self.path(name)}"

    def generator(self, name, number):
        if self.is_vhost(name):
            return f"net_virtio_user{number},path={self.path(name)},queues=1,queue_size=1024," \
                   f"mac=02:00:00:00:00:{number + 1:02x}"
        return f"net_memif{number},role=client,socket={self.path(name)},socket-abstract=no"

    def testpmd(self, name, number):
        if self.is_vhost(name):
            return f"net_vhost{number},iface={self.path(name)},queues=1"
        return f"net_memif{number},role=server,socket={self.path(name)},socket-abstract=no"

    def clear(self):
        for name in self.names:
            self.path(name).unlink(missing_ok=True)


def write_sources(case, folder):
    """The captures of the streams. @return their paths by port."""
    paths = {"in": folder / "source.pcap"}
    frames.capture_write(paths["in"], (frame for _, frame in world.source_frames(case)))
    if case["hostile"]:
        paths["hostile"] = folder / "hostile.pcap"
        frames.capture_write(paths["hostile"], world.hostile_frames(case))
    return paths


def plan(case, folder, ports, sources, seconds, hostile=True):
    """The generator's plan, a file."""
    names = ports.names if hostile else ports.names[:2]
    rate = case["rate"] if isinstance(case["rate"], int) else 0
    streams = [{"name": name, "from": names.index(name), "to": 1, "frames": str(sources[name]),
                "rate": float(rate if name == "in" else 0), "judged": name == "in"}
               for name in names if name in sources]
    return configuration.write(folder / "plan.json", json.dumps({
        "ports": [ports.generator(name, number) for number, name in enumerate(names)],
        "streams": streams, "seconds": float(seconds), "warm_up": WARM_UP,
        "search": case["rate"] == "no-drop", "resolution": RESOLUTION}))


def _figures(generator, seconds):
    """What the generator says, from its beginning to its result."""
    generator.say("go")
    limit = (seconds + WARM_UP + 2) * TRIALS + DEADLINE
    figures, said = {}, generator.wait(("no-drop", "result"), limit)
    if said["event"] == "no-drop":
        figures["no_drop_pps"] = said["pps"]
        said = generator.wait(("result",), limit)
    if not any(stream["received"] for stream in said["streams"] if stream["judged"]):
        raise LabError("nothing comes through")
    (judged,) = [stream for stream in said["streams"] if stream["judged"]]
    figures.update(pps=figures.get("no_drop_pps", judged["received_pps"]), lost=judged["lost"],
                   reordered=judged["reordered"], offered_pps=judged["offered_pps"],
                   latency_us={key: round(value / 1000, 1)
                               for key, value in judged["latency_ns"].items()})
    hostile = [stream for stream in said["streams"] if stream["name"] == "hostile"]
    if hostile:
        figures["hostile_pps"] = hostile[0]["offered_pps"]
    return figures


def testpmd_figures(case, folder, ports, sources, seconds):
    """The same traffic through testpmd, which passes frames from port to port."""
    ports.clear()
    path = plan(case, folder, ports, sources, seconds, hostile=False)
    devices = [ports.testpmd(name, number) for number, name in enumerate(ports.names[:2])]
    with Testpmd(folder, devices) as peer, Generator(folder, path, GENERATOR_CORE) as generator:
        generator.wait(("connected",), DEADLINE)
        figures = _figures(generator, seconds)
        peer.assert_alive("under load")
    ports.clear()
    return figures


def configured(case, folder, ports, server):
    """The vRouters' configurations by name, in the order of their start."""
    guest = configuration.guest_keys(case, 0, ports.vrouter("in"))
    other = configuration.guest_keys(case, 0, ports.vrouter("out"), "other", world.OTHER_MAC,
                                     far=True)
    if case["direction"] == "local":
        sides = {"vrouter": ("null:", [guest, other])}
    elif case["direction"] == "back-to-back":
        cable = f"memif:{folder / 'cable.sock'}"
        sides = {"vrouter": (cable, [guest]), "far": (f"{cable},role=client", [other])}
    else:
        sides = {"vrouter": (ports.vrouter("out"), [guest])}
        if case["hostile"]:
            flooder = configuration.guest_keys(case, 0, ports.vrouter("hostile"), "hostile",
                                               world.OTHER_MAC)
            flooder.update(address=["10.9.0.1" if case["tenants"] == 4 else "2001:db8:9::1"])
            del flooder["prefix"]
            sides["vrouter"][1].append(flooder)
    # Workers that share a core must sleep when they have nothing to do.
    own_cores = os.cpu_count() > len(sides)
    return {name: configuration.vrouter(case, name, folder, side, server,
                                        number if own_cores else 1, own_cores)
            for number, (name, side) in enumerate(sides.items(), 1)}


@contextlib.contextmanager
def _routers(case, folder, ports, network):
    """The vRouters of the case, running."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(VRouter(
            name, folder, configuration.write(folder / f"{name}.conf", text)))
            for name, text in configured(case, folder, ports, network.port).items()]


def _ready(network, routers):
    """Waits until everybody forwards."""
    for router in routers[1:]:
        network.wait_own(router)
    network.feed(routers[0])


def _drops(routers):
    total = {}
    for router in routers:
        for reason, packets in router.counters()["drops"].items():
            total[reason] = total.get(reason, 0) + packets
    return total


def measure(case, folder, ports, sources, seconds):
    """One start of everything. @return a dictionary of figures."""
    ports.clear()
    path = plan(case, folder, ports, sources, seconds)
    with routing(case, folder) as network, _routers(case, folder, ports, network) as routers, \
            Generator(folder, path, GENERATOR_CORE) as generator:
        generator.wait(("connected",), DEADLINE)
        _ready(network, routers)
        before = _drops(routers)
        if case["churn"]:
            network.feeder.say("churn")
        figures = _figures(generator, seconds)
        if case["churn"]:
            network.feeder.say("stop")
            churned = network.feeder.wait("churned", DEADLINE)
            figures["changes_per_second"] = round(churned["changes"] / churned["seconds"])
        figures["drops"] = {reason: packets - before.get(reason, 0)
                            for reason, packets in _drops(routers).items()
                            if packets > before.get(reason, 0)}
        for router in routers:
            router.assert_alive("under load")
    ports.clear()
    return figures


def pktgen_fits(case):
    """Whether Pktgen can play it: it has no percentiles, no search, and one stream a port here."""
    return not case["latency"] and not case["hostile"] and case["rate"] != "no-drop"


def measure_pktgen(case, folder, ports, sources, seconds):
    """The same with Pktgen as the generator, both of its threads on the generator's core."""
    ports.clear()
    rate = case["rate"] if isinstance(case["rate"], int) else 0
    values = configuration.write(folder / "case.lua",
                                 configuration.lua_values(case, rate, seconds))
    devices = [f"--vdev={ports.generator(name, number)}" for number, name in enumerate(ports.names)]
    command = ["pktgen", f"--lcores=0@{GENERATOR_CORE},1@{GENERATOR_CORE}", "--no-pci",
               f"--file-prefix=pktgen{os.getpid()}", "--single-file-segments", *memory(PACKETS),
               *devices, "--", "-P", "-m", "1.0,1.1", "-s", f"0:{sources['in']}", "-f",
               configuration.COMMON / "pktgen.lua"]
    with routing(case, folder) as network, _routers(case, folder, ports, network) as routers:
        with open(folder / "pktgen.log", "w+", encoding="utf-8", errors="replace") as log:
            go = folder / "go"
            process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=subprocess.STDOUT,
                                       env=dict(os.environ, CASE=str(values), GO=str(go)))
            try:
                _ready(network, routers)
                go.touch()
                process.wait(seconds + DEADLINE)
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
            log.seek(0)
            said = log.read()
    found = re.search(r"RESULT sent (\d+) received (\d+)", said)
    if not found:
        raise LabError(f"pktgen gave no result:\n{said[-2000:]}")
    sent, received = map(int, found.groups())
    return {"pps": received / seconds, "lost": sent - received, "drops": {}}
