# SPDX-License-Identifier: BSD-3-Clause
"""Packet tables: a case is a line of packets in, packets out and verdict. Every case of a file runs
in one lab, and tshark decodes at once all that went to the underlay."""

import unittest

from scapy.all import IP, UDP, Dot1Q, Ether, Raw

import lab
from lab import ROUTER, VM1


def guest(destination, *, source="10.0.0.11", mac=VM1, ttl=64, tag=None, payload=None, size=64,
          gateway=ROUTER, **fields):
    """A guest's frame as it sends it."""
    body = payload if payload is not None else UDP(sport=40000, dport=50001) / Raw(b"x" * size)
    ether = Ether(src=mac, dst=gateway)
    if tag is not None:
        ether = ether / Dot1Q(vlan=tag)
    return ether / IP(src=source, dst=destination, ttl=ttl, **fields) / body


def inner_of(packet, ttl=None):
    """The packet as it travels on: the TTL one lower, all else the same."""
    ip = packet[IP].copy()
    ip.ttl = packet[IP].ttl - 1 if ttl is None else ttl
    ip.chksum = None
    return ip


def delivered(packet, mac, *, tag=None, ttl=None):
    """The frame that a guest receives."""
    ether = Ether(src=ROUTER, dst=mac)
    if tag is not None:
        ether = ether / Dot1Q(vlan=tag)
    return ether / inner_of(packet, ttl)


class Table:
    """The cases of a file, in order."""

    def __init__(self):
        self.cases = []

    def case(self, name, scenario, sent, out=None, drops=(), punts=(), check=None):
        """One row. `out`: {port: [packet]} in order, None: not compared; `punts`: [(reason, vif)];
        `check(test, result)` looks at more. Drops or punts of None are left to it."""
        self.cases.append({"name": name, "scenario": scenario, "sent": sent, "out": out or {},
                           "drops": drops, "punts": punts, "check": check})

    def run(self):
        process = lab.Lab()
        try:
            for row in self.cases:
                row["result"] = process.run(row["scenario"], row["sent"])
        finally:
            process.close()
        frames = [octets for row in self.cases for octets in row["result"]["out"]["fabric"]]
        decoded = iter(lab.tshark(frames) if frames else [])
        for row in self.cases:
            row["tshark"] = [next(decoded) for _ in row["result"]["out"]["fabric"]]

    def tests(self):
        """A class with a test for each case."""
        table = self

        class Cases(Judge):
            @classmethod
            def setUpClass(cls):
                table.run()

        for row in self.cases:
            setattr(Cases, "test_" + row["name"], named_test(row))
        return Cases


def named_test(row):
    return lambda self: self.judge(row)


class Judge(unittest.TestCase):
    maxDiff = None

    def judge(self, row):
        result = row["result"]
        self.assertEqual(lab.accounting_faults(result), [])
        if row["drops"] is not None:
            self.assertEqual(result["drops"], dict(row["drops"]))
        if row["punts"] is not None:
            self.assertEqual([(each["reason"], each["vif"]) for each in result["punted"]],
                             list(row["punts"]))
        for port, frames in result["out"].items():
            expected = row["out"].get(port, [])
            if expected is not None:
                self.assertEqual(len(frames), len(expected), f"frames sent to {port}")
                for octets, packet in zip(frames, expected):
                    self.compare(octets, packet)
        for octets, decoded in zip(result["out"]["fabric"], row["tshark"]):
            self.judge_tunnel(octets, decoded)
        if row["check"] is not None:
            row["check"](self, result)

    def compare(self, octets, packet):
        """Octet by octet; the entropy port alone is the sender's choice (RFC 7510)."""
        packet = packet.copy()
        outer = packet.getlayer(UDP, 1)
        if outer is not None and outer.dport == 6635:
            outer.sport = int.from_bytes(octets[34:36], "big")
            self.assertGreaterEqual(outer.sport, 49152)
        self.assertEqual(octets.hex(), lab.frame(packet).hex())

    def judge_tunnel(self, octets, decoded):
        """scapy finds the same checksums and lengths, and tshark a tunnelled IP packet."""
        self.assertEqual(lab.rebuilt(octets).hex(), octets.hex())
        self.assertEqual(decoded["_ws.malformed"], [])
        # tshark 4.4 leaves the inner IP header out of this list; its fields are judged below.
        self.assertRegex(decoded["frame.protocols"][0], r"^eth:ethertype:ip:(udp|gre):mpls(:|$)")
        self.assertEqual(decoded["ip.checksum.status"], ["1", "1"])
        self.assertEqual(decoded["mpls.bottom"], ["1"])
        self.assertEqual(len(decoded["mpls.label"]), 1)
        self.assertEqual(decoded["ip.ttl"], ["64", decoded["mpls.ttl"][0]])
        self.assertEqual(decoded["mpls.exp"], ["0"])
