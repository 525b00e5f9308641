# SPDX-License-Identifier: BSD-3-Clause
"""What the system tests share: a network per test class, taken down whatever happens, and the logs
of every daemon where a test failed: before unittest's own account of it, which is what one reads."""

import functools
import os
import shutil
import struct
import sys
import tempfile
import unittest

from millrace_lab import Lab, complain, wait_for
from topology import Network

LONG = os.environ.get("MILLRACE_LONG", "0") == "1"


def _with_logs(method):
    """Keeps the ends of the daemons' logs as they are when a test fails."""
    @functools.wraps(method)
    def wrapped(self):
        try:
            method(self)
        except unittest.SkipTest:
            raise
        except Exception:
            self.reports.append(f"==== the logs when {self.id()} failed\n{self.lab.failure_report()}")
            raise
    return wrapped


class LabTest(unittest.TestCase):
    """A class of tests that share one lab. `build()` makes what they need in it."""

    lab = None

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        for name, method in list(vars(cls).items()):
            if name.startswith("test_"):
                setattr(cls, name, _with_logs(method))

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("network namespaces need root")
        cls.folder = tempfile.mkdtemp(prefix="millrace-test-")
        cls.lab = Lab(f"mr{os.getpid()}-", cls.folder)
        cls.reports = []
        try:
            cls.build()
        except BaseException:
            complain(f"==== the logs when {cls.__name__} could not be built\n"
                     f"{cls.lab.failure_report()}")
            cls.lab.close()
            shutil.rmtree(cls.folder)
            raise

    @classmethod
    def tearDownClass(cls):
        # Not sooner: what a test prints would stand between its name and its result.
        for report in cls.reports:
            complain(report)
        try:
            for process in cls.lab.processes:
                if hasattr(process, "socket_path") and process.running:
                    process.resume()
                    process.stop()
        finally:
            unclean = cls.lab.close()
            shutil.rmtree(cls.folder)
        if unclean:
            raise AssertionError("\n".join(unclean))

    @classmethod
    def build(cls):
        raise NotImplementedError


class NetworkTest(LabTest):
    """A class of tests on the demo's network, with its workloads, started and in sync."""

    encapsulations = ("udp", "gre")
    deferral = 2

    @classmethod
    def build(cls):
        cls.network = Network(cls.lab)
        cls.one, cls.two = cls.network.computes
        cls.rs1, cls.rs2 = cls.network.servers
        for server in cls.network.servers:
            server.extra = f"deferral-time = {cls.deferral}\n"
        for compute in cls.network.computes:
            compute.encapsulations = cls.encapsulations
        cls.populate()
        cls.network.start()
        cls.workloads = cls.network.workloads
        for workload in cls.workloads.values():
            workload.configure()
        cls.network.wait_in_sync()

    @classmethod
    def populate(cls):
        cls.network.demo_workloads()

    def workload(self, name):
        return self.workloads[name]

    def counter(self, compute, of, name, key):
        """The sum of a counter over the rows whose name begins so."""
        return sum(row[key] for row in rows(compute, "counters.get", "counters", of=of)
                   if row["name"].startswith(name))

    def drops(self, compute, reason):
        for row in compute.daemon.rpc("drops.get")["drops"]:
            if row["reason"] == reason:
                return row["packets"]
        raise AssertionError(f"no drop reason {reason}")

    def wait_drops(self, compute, reason, more_than):
        wait_for(f"drops for {reason} on {compute.name}",
                 lambda: self.drops(compute, reason) > more_than)

    def route(self, compute, prefix, vrf="red"):
        """A route of a vRouter for its guests, or None."""
        for route in rows(compute, "route.list", "routes", vrf=vrf):
            if route["prefix"] == prefix and route.get("from") != "local":
                return route
        return None

    def wait_route(self, compute, prefix, condition=lambda route: True, vrf="red"):
        def found():
            route = self.route(compute, prefix, vrf)
            return route if route is not None and condition(route) else None
        return wait_for(f"{compute.name} to have {vrf} {prefix}", found,
                        alive=[compute.daemon])

    def wait_no_route(self, compute, prefix, vrf="red"):
        wait_for(f"{compute.name} to lose {vrf} {prefix}",
                 lambda: self.route(compute, prefix, vrf) is None, alive=[compute.daemon])


def rows(thing, verb, noun, **parameters):
    """A whole list of a daemon, page after page."""
    found, cursor = [], None
    while True:
        if cursor is not None:
            parameters["after"] = cursor
        answer = thing.daemon.rpc(verb, **parameters)
        found += answer[noun]
        cursor = answer.get("next")
        if cursor is None:
            return found


def tcp_streams(path, port):
    """The octets of every TCP connection to a port in a capture of tcpdump's: a list of pairs
    (to the port, from the port), oldest first. Put together by sequence number, from scratch."""
    connections = {}
    with open(path, "rb") as file:
        data = file.read()
    magic, = struct.unpack_from("<I", data)
    assert magic == 0xA1B2C3D4, hex(magic)
    at = 24
    while at + 16 <= len(data):
        _, _, captured, _ = struct.unpack_from("<IIII", data, at)
        frame = data[at + 16:at + 16 + captured]
        at += 16 + captured
        if len(frame) < 54 or frame[12:14] != b"\x08\x00" or frame[23] != 6:
            continue
        header = (frame[14] & 15) * 4
        total, = struct.unpack_from("!H", frame, 16)
        tcp = 14 + header
        source, destination, sequence = struct.unpack_from("!HHI", frame, tcp)
        payload = frame[tcp + (frame[tcp + 12] >> 4) * 4:14 + total]
        syn = frame[tcp + 13] & 2
        if port not in (source, destination):
            continue
        towards = destination == port
        key = (frame[26:30], source, frame[30:34]) if towards else \
            (frame[30:34], destination, frame[26:30])
        sides = connections.setdefault(key, {True: [None, {}], False: [None, {}]})
        side = sides[towards]
        if syn:
            side[0] = (sequence + 1) & 0xFFFFFFFF
        elif payload:
            if side[0] is None:
                side[0] = sequence
            for offset, octet in enumerate(payload):
                side[1][(sequence - side[0] + offset) & 0xFFFFFFFF] = octet

    def text(side):
        octets = bytearray()
        while len(octets) in side[1]:
            octets.append(side[1][len(octets)])
        return octets.decode("utf-8", "replace")

    return [(text(sides[True]), text(sides[False])) for sides in connections.values()]


def main():
    unittest.main(verbosity=2, argv=[sys.argv[0], *[word for word in sys.argv[1:] if word != "-v"]])
