# SPDX-License-Identifier: BSD-3-Clause
"""One process: captures played in a loop are the source and net_null is the sink, in the vRouter's own
process and in testpmd's. Nothing is settled at random between processes, and the source always has a
packet; what is lost is what the vRouter drops."""

import statistics
import time

from millrace_lab import DEADLINE, LabError, wait_for

from player import configuration, frames, world
from player.network import routing
from player.peers import Testpmd, VRouter, tell

WARM_UP = 0.5
LEAST_SLICES = 5
SINK = "null:"


def write_sources(case, folder):
    """A capture for each port that packets come in at. @return their paths."""
    count = 1 if case["direction"] == "decap" else world.access_ports(case)
    paths = [folder / f"source{port}.pcap" for port in range(count)]
    if count == 1:
        frames.capture_write(paths[0], (frame for _, frame in world.source_frames(case)))
        return paths
    by_port = [[] for _ in paths]
    for port, frame in world.source_frames(case):
        by_port[port].append(frame)
    for path, of_port in zip(paths, by_port):
        frames.capture_write(path, of_port)
    return paths


def testpmd_rate(folder, sources, seconds, packets):
    """Packets a second of testpmd passing frames from the first source to the sink."""
    devices = [f"net_pcap0,rx_pcap={sources[0]},infinite_rx=1", "net_null0,no-rx=1"]
    with Testpmd(folder, devices, packets=packets) as peer:
        time.sleep(WARM_UP)
        first, began = peer.sent()
        time.sleep(seconds)
        last, ended = peer.sent()
        deadline = time.monotonic() + DEADLINE
        while last == first and time.monotonic() < deadline:  # it was not let run meanwhile
            last, ended = peer.sent()
    if last == first:
        raise LabError("testpmd passes nothing")
    return (last - first) / (ended - began)


def configured(case, folder, sources, server):
    """The vRouter's configuration, with every guest in it."""
    source = f"pcap:{sources[0]},/dev/null,loop"
    underlay = source if case["direction"] == "decap" else SINK
    vifs = configuration.guests(case, sources, SINK)
    return configuration.vrouter(case, "vrouter", folder, (underlay, vifs), server)


def measure(case, folder, sources, seconds):
    """One start of the vRouter. @return a dictionary of figures."""
    with routing(case, folder) as network:
        text = configured(case, folder, sources, network.port)
        config = configuration.write(folder / "vrouter.conf", text)
        with VRouter("vrouter", folder, config) as router:
            loaded = network.feed(router)
            before = router.counters()
            wait_for("traffic", lambda: router.counters()["sent"] > before["sent"],
                     alive=[router])
            time.sleep(WARM_UP)
            figures = _slices(case, router, network, seconds)
            figures["routes"] = router.routes()
            figures["loading_s"] = round(loaded, 2)
            router.assert_alive("under load")
    return figures


def _slices(case, router, network, seconds):
    """Counters at the ends of short slices: the median rate, and what was dropped in all of them."""
    count = max(LEAST_SLICES, round(seconds / 0.5))
    if case["churn"]:
        network.feeder.say("churn")
    samples = [router.counters()]
    said = time.monotonic()
    for _ in range(count):
        time.sleep(seconds / count)
        samples.append(router.counters())
        if time.monotonic() - said > 2:
            said = time.monotonic()
            rate = (samples[-1]["sent"] - samples[-2]["sent"]) / \
                (samples[-1]["at"] - samples[-2]["at"])
            tell(f"    {rate / 1e6:.3f} Mpps")
    deadline = time.monotonic() + DEADLINE
    while samples[-1]["sent"] == samples[0]["sent"] and time.monotonic() < deadline:
        samples.append(router.counters())  # the worker was not let run meanwhile
    if samples[-1]["sent"] == samples[0]["sent"]:
        raise LabError("nothing comes through")
    figures = {}
    if case["churn"]:
        network.feeder.say("stop")
        churned = network.feeder.wait("churned", DEADLINE)
        figures["changes_per_second"] = round(churned["changes"] / churned["seconds"])
        if churned["refused"]:
            raise LabError(f"{churned['refused']} changes were refused by the route server")
    rates = sorted((now["sent"] - before["sent"]) / (now["at"] - before["at"])
                   for before, now in zip(samples, samples[1:]))
    drops = {reason: packets - samples[0]["drops"].get(reason, 0)
             for reason, packets in samples[-1]["drops"].items()}
    # Where most slices are empty, because others had the core, the median says nothing.
    whole = (samples[-1]["sent"] - samples[0]["sent"]) / (samples[-1]["at"] - samples[0]["at"])
    figures["pps"] = statistics.median(rates) or whole
    figures["pps_p5"] = rates[len(rates) // 20]
    figures["drops"] = {reason: packets for reason, packets in drops.items() if packets}
    figures["lost"] = sum(drops.values())
    return figures
