# SPDX-License-Identifier: BSD-3-Clause
"""Packet tables: a case is a line of packets in, packets out and verdict. Every case of a file runs
in one lab, and tshark decodes at once all that went to the underlay."""

import unittest

from scapy.all import IP, UDP, Dot1Q, Ether, IPv6, Raw

import lab
from lab import ROUTER, ROUTER6, VM1

TUNNEL_PORTS = (6635, 4789)


def guest(destination, *, source="10.0.0.11", mac=VM1, ttl=64, tag=None, payload=None, size=64,
          gateway=ROUTER, **fields):
    """A guest's frame as it sends it."""
    body = payload if payload is not None else UDP(sport=40000, dport=50001) / Raw(b"x" * size)
    ether = Ether(src=mac, dst=gateway)
    if tag is not None:
        ether = ether / Dot1Q(vlan=tag)
    return ether / IP(src=source, dst=destination, ttl=ttl, **fields) / body


def guest6(destination, *, source="2001:db8::11", mac=VM1, hlim=64, tag=None, payload=None,
           size=64, gateway=ROUTER6, **fields):
    """The same with IPv6."""
    body = payload if payload is not None else UDP(sport=40000, dport=50001) / Raw(b"x" * size)
    ether = Ether(src=mac, dst=gateway)
    if tag is not None:
        ether = ether / Dot1Q(vlan=tag)
    return ether / IPv6(src=source, dst=destination, hlim=hlim, **fields) / body


def tunnel_over_ipv6(packet):
    """Whether a frame is a tunnel's with an IPv6 header outside."""
    layer = packet.payload.payload if Dot1Q in packet else packet.payload
    return (isinstance(layer, IPv6) and
            (layer.nh == 47 or UDP in packet and packet.getlayer(UDP, 1).dport in TUNNEL_PORTS))


def inner_of(packet, ttl=None):
    """The packet as it travels on: the TTL one lower, all else the same."""
    if IPv6 in packet:
        ip = packet[IPv6].copy()
        ip.hlim = packet[IPv6].hlim - 1 if ttl is None else ttl
        return ip
    ip = packet[IP].copy()
    ip.ttl = packet[IP].ttl - 1 if ttl is None else ttl
    ip.chksum = None
    return ip


def delivered(packet, mac, *, tag=None, ttl=None):
    """The frame that a guest receives."""
    ether = Ether(src=ROUTER6 if IPv6 in packet else ROUTER, dst=mac)
    if tag is not None:
        ether = ether / Dot1Q(vlan=tag)
    return ether / inner_of(packet, ttl)


class Table:
    """The cases of a file, in order."""

    def __init__(self, buffer_octets=None):
        self.cases, self.buffer_octets = [], buffer_octets

    def case(self, name, scenario, sent, out=None, drops=(), punts=(), check=None):
        """One row. `out`: {port: [packet]} in order, None: not compared; `punts`: [(reason, vif)];
        `check(test, result)` looks at more. Drops or punts of None are left to it."""
        self.cases.append({"name": name, "scenario": scenario, "sent": sent, "out": out or {},
                           "drops": drops, "punts": punts, "check": check})

    def run(self):
        process = lab.Lab(self.buffer_octets)
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
        """A class with a test for each name; several rows may have one."""
        table = self

        class Cases(Judge):
            @classmethod
            def setUpClass(cls):
                table.run()

        for name in {row["name"]: None for row in self.cases}:
            rows = [row for row in self.cases if row["name"] == name]
            setattr(Cases, "test_" + name, named_test(rows))
        return Cases


def named_test(rows):
    def test(self):
        for number, row in enumerate(rows):
            with self.subTest(row=number):
                self.judge(row)
    return test


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
        """Octet by octet; the entropy port (RFC 7510) and the outer flow label (RFC 6438) alone
        are the sender's choice."""
        packet = packet.copy()
        outer, sent = packet.getlayer(UDP, 1), Ether(octets)
        if outer is not None and outer.dport in TUNNEL_PORTS:
            outer.sport = sent.getlayer(UDP, 1).sport
            self.assertGreaterEqual(outer.sport, 49152)
        if tunnel_over_ipv6(packet):
            packet.getlayer(IPv6, 1).fl = sent.getlayer(IPv6, 1).fl
        self.assertEqual(octets.hex(), lab.frame(packet).hex())

    def judge_tunnel(self, octets, decoded):
        """scapy finds the same checksums and lengths, and tshark a tunnelled IP packet."""
        self.assertEqual(lab.rebuilt(octets).hex(), octets.hex())
        self.assertEqual(decoded["_ws.malformed"], [])
        # tshark 4.4 leaves the inner IP header out of this list; its fields are judged below.
        self.assertRegex(
            decoded["frame.protocols"][0],
            r"^eth:ethertype:(vlan:ethertype:)?(ip|ipv6):((udp|gre):mpls|udp:vxlan:eth)(:|$)")
        self.assertEqual(set(decoded["ip.checksum.status"]), {"1"} if decoded["ip.src"] else set())
        hops = decoded["ip.ttl"] + decoded["ipv6.hlim"]
        self.assertEqual(len(hops), 2)
        self.assertIn("64", hops)
        if decoded["vxlan.vni"]:
            return
        self.assertEqual(decoded["mpls.bottom"], ["1"])
        self.assertEqual(len(decoded["mpls.label"]), 1)
        self.assertIn(decoded["mpls.ttl"][0], hops)
