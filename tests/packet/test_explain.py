#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Explaining a packet says what forwarding it does: over the tables of the other files, each packet
is explained before it is sent, and the frames, drops and punts must be the same, octet by octet.
That what was sent afterwards is right the other files judge; that explaining left no trace behind,
the accounting here."""

import importlib
import pathlib
import unittest
from collections import Counter

import lab
import test_forwarding
from lab_case import LabCase

HERE = pathlib.Path(__file__).resolve().parent

# Tables and rows that depend on the packets before, which explaining leaves out on purpose:
# fragments that wait for others, and rates.
STATEFUL_TABLES = ("test_reassembly",)
STATEFUL = ("c44_", "a_flood_")


def rows():
    """Those of all tables beside this file."""
    found = []
    for path in sorted(HERE.glob("test_*.py")):
        if path.stem not in (*STATEFUL_TABLES, pathlib.Path(__file__).stem) and \
                "TABLE = Table()" in path.read_text():
            found += importlib.import_module(path.stem).TABLE.cases
    return [row for row in found if not row["name"].startswith(STATEFUL)]


class Explain(LabCase):
    def judge(self, row):
        explain = [{"port": port, "frame": lab.frame(packet).hex()}
                   for port, packets in row["sent"].items() for packet in packets]
        result = self.play(dict(row["scenario"], explain=explain), row["sent"])
        explained = result["explained"]
        self.assertEqual(len(explained), len(explain))
        sent = Counter((port, octets) for each in explained for port, octets in each["sent"])
        out = Counter((port, octets.hex()) for port, frames in result["out"].items()
                      for octets in frames)
        if any(each["more"] for each in explained):  # more frames than a trace has steps
            self.assertGreater(sum(sent.values()), 40)
            self.assertLess(sent, out)
        else:
            self.assertEqual(sent, out)
        self.assertEqual(Counter(reason for each in explained for reason in each["drops"]),
                         Counter(result["drops"]))
        self.assertEqual(Counter(reason for each in explained for reason in each["punts"]),
                         Counter(result["punts"]))

    def test_explaining_agrees_with_forwarding(self):
        every = rows()
        self.assertGreater(len(every), 150)
        for row in every:
            with self.subTest(row["name"]):
                self.judge(row)

    def test_a_packet_can_be_looked_up_in_a_vrf(self):
        scenario = lab.world(("red", "10.1.0.0/16", lab.tunnel("far", 31)),
                             ("blue", "10.1.0.0/16", lab.tunnel("far2", 32)))
        packet = lab.frame(lab.IP(src="10.0.0.11", dst="10.1.2.3", ttl=9) / lab.UDP())
        result = self.lab.run(dict(scenario, explain=[
            {"vrf": "red", "packet": packet.hex()}, {"vrf": "blue", "packet": packet.hex()},
            {"vrf": "green", "packet": packet.hex()}, {"vrf": "red", "packet": packet[:-1].hex()}]),
            {})
        red, blue, green, short = result["explained"]
        self.assertEqual([lab.Ether(bytes.fromhex(each["sent"][0][1]))[lab.IP].dst
                          for each in (red, blue)], [lab.FAR, lab.FAR2])
        self.assertEqual(green["drops"], ["no-route"])
        self.assertEqual(short["drops"], ["ip-header"])

    def test_explaining_uses_nothing_up(self):
        """However often: the slow path's share, the interface's rate and the counters are whole."""
        scenario = lab.world(("red", "10.1.0.0/16", lab.tunnel("far", 31)))
        expiring = test_forwarding.guest("10.1.0.1", ttl=1)
        explain = [{"port": "p1", "frame": lab.frame(expiring).hex()}] * 3000
        result = self.play(dict(scenario, explain=explain), {"p1": [expiring]})
        self.assertEqual(Counter(reason for each in result["explained"]
                                 for reason in each["punts"]), {"ttl-expired": 3000})
        self.assertEqual(result["punts"], {"ttl-expired": 1})
        self.assertEqual(result["ports"]["p1"]["rx"][0], 1)
        self.assertEqual(result["vifs"]["vm1"]["rx"][0], 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
