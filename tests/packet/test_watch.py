#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Watching live traffic: what captures and traces see of packets that go through the real stages,
and that forwarding does not change while they look."""

import unittest

from scapy.all import ICMP, IP, UDP, Ether, Raw

import lab
import test_forwarding
import test_mtu
import test_reassembly
from lab import FAR, FAR2, FAR2_MAC, FAR_MAC, ROUTER, US, VM1, VM2, from_far, over_udp, tunnel
from lab_case import LabCase
from table import guest, inner_of

ROUTES = [("red", "10.1.0.0/16", tunnel("far", 31)), ("red", "10.2.0.0/16", tunnel("far2", 32)),
          ("red", "10.0.0.12/32", {"vif": "vm2"})]
OUT = guest("10.1.0.1", payload=UDP(sport=5, dport=53) / Raw(b"out"))
OUT2 = guest("10.2.0.1", payload=UDP(sport=5, dport=80) / Raw(b"other"))
LOCAL = guest("10.0.0.12", payload=UDP(sport=5, dport=53) / Raw(b"local"))
LOST = guest("10.9.0.1", payload=UDP(sport=5, dport=53) / Raw(b"lost"))
SPOOFED = guest("10.1.0.1", source="10.0.0.99", payload=UDP(sport=5, dport=53))
INNER = IP(src="10.1.0.1", dst="10.0.0.11", ttl=60) / UDP(sport=53, dport=5) / Raw(b"in")
IN = from_far(INNER, 16)
IN2 = from_far(IP(src="10.1.0.1", dst="10.0.0.12", ttl=60) / UDP(sport=53, dport=5), 17)
UNKNOWN = from_far(INNER, 4242)
PING = Ether(src=FAR_MAC, dst=lab.FABRIC_MAC) / IP(src=FAR, dst=US) / ICMP()
SENT = {"p1": [OUT, OUT2, LOCAL, LOST, SPOOFED], "fabric": [IN, IN2, UNKNOWN, PING]}


def hexed(packet):
    return lab.frame(packet).hex()


def delivered(inner, mac):
    return Ether(src=ROUTER, dst=mac) / inner


def outer_of(packet, octets, **where):
    """The frame that the lab sent, its entropy port taken from what came out."""
    sport = int.from_bytes(bytes.fromhex(octets)[34:36], "big")
    return over_udp(inner_of(packet), sport=sport, **where)


class Watch(LabCase):
    def watch(self, *watches, sent=None, scenario=None):
        """What each watch has seen; that all is forwarded as without them is checked here."""
        scenario = scenario or lab.world(*ROUTES)
        sent = sent or SENT
        plain = self.lab.run(scenario, sent)
        result = self.lab.run(dict(scenario, watches=list(watches)), sent)
        seen = result.pop("watched")
        plain.pop("watched")
        if scenario.get("workers", 1) > 1:  # between flows of several workers there is no order
            for each in (plain, result):
                each["out"] = {port: sorted(frames) for port, frames in each["out"].items()}
        self.assertEqual(result, plain)
        self.assertEqual(lab.accounting_faults(result), [])
        return seen

    def capture(self, where, side, **more):
        extra = {key: more.pop(key) for key in ("sent", "scenario") if key in more}
        seen, = self.watch(dict(kind="capture", where=where, side=side, **more), **extra)
        self.assertEqual(seen["lost"], 0)
        return seen["records"]

    def shown(self, records):
        return [(each["direction"], each["octets"], each["steps"][-1:]) for each in records]

    # --- captures

    def test_an_interface_from_inside(self):
        records = self.capture("vif", "inner", vif="vm1")
        self.assertEqual(self.shown(records), [
            ("in", hexed(OUT), [["send", "fabric", "far"]]),
            ("in", hexed(OUT2), [["send", "fabric", "far2"]]),
            ("in", hexed(LOCAL), [["send", "p2", "vm2"]]),
            ("in", hexed(LOST), [["punt", "no-route"]]),
            ("in", hexed(SPOOFED), [["drop", "source-address"]]),
            ("out", hexed(delivered(INNER, VM1)), [["send", "p1", "vm1"]]),
        ])
        self.assertEqual({each["link"] for each in records}, {"ethernet"})

    def test_an_interface_from_outside(self):
        records = self.capture("vif", "outer", vif="vm1")
        found = {each["octets"]: (each["direction"], each["steps"][-1]) for each in records}
        out, out2 = [octets for octets, (direction, _) in found.items() if direction == "out"]
        self.assertEqual(found, {
            hexed(outer_of(OUT, out, label=31)): ("out", ["send", "fabric", "far"]),
            hexed(outer_of(OUT2, out2, label=32, endpoint=FAR2, mac=FAR2_MAC)):
                ("out", ["send", "fabric", "far2"]),
            hexed(IN): ("in", ["send", "p1", "vm1"]),
        })

    def test_an_endpoint_from_outside(self):
        records = self.capture("endpoint", "outer", endpoint=FAR)
        out, = [each["octets"] for each in records if each["direction"] == "out"]
        self.assertEqual(self.shown(records), [
            ("in", hexed(IN), [["send", "p1", "vm1"]]),
            ("in", hexed(IN2), [["send", "p2", "vm2"]]),
            ("in", hexed(UNKNOWN), [["drop", "label-unknown"]]),
            ("out", hexed(outer_of(OUT, out, label=31)), [["send", "fabric", "far"]]),
        ])

    def test_an_endpoint_from_inside(self):
        records = self.capture("endpoint", "inner", endpoint=FAR)
        self.assertEqual({each["link"] for each in records}, {"ip"})
        self.assertEqual(self.shown(records), [
            ("in", hexed(INNER), [["send", "p1", "vm1"]]),
            ("in", hexed(IN2[lab.MPLS].payload), [["send", "p2", "vm2"]]),
            ("in", hexed(INNER), [["drop", "label-unknown"]]),
            ("out", hexed(inner_of(OUT)), [["send", "fabric", "far"]]),
        ])

    def test_the_underlay(self):
        records = self.capture("underlay", "outer")
        self.assertEqual([(each["direction"], each["steps"][-1]) for each in records], [
            ("in", ["send", "p1", "vm1"]), ("in", ["send", "p2", "vm2"]),
            ("in", ["drop", "label-unknown"]), ("in", ["punt", "underlay-local"]),
            ("out", ["send", "fabric", "far"]), ("out", ["send", "fabric", "far2"])])
        inner = self.capture("underlay", "inner")
        self.assertEqual([each["octets"] for each in inner], [
            hexed(INNER), hexed(IN2[lab.MPLS].payload), hexed(INNER), hexed(inner_of(OUT)),
            hexed(inner_of(OUT2))])

    def test_what_another_worker_takes_is_seen_once_and_with_its_end(self):
        frames = [from_far(IP(src="10.1.0.1", dst="10.0.0.11", ttl=60) / UDP(sport=port, dport=5),
                           16, encapsulation="gre") for port in range(1, 31)]
        sent, scenario = {"fabric": frames}, lab.world(*ROUTES, workers=3)
        for where in (dict(where="underlay"), dict(where="endpoint", endpoint=FAR)):
            records = self.capture(side="outer", sent=sent, scenario=scenario, **where)
            self.assertEqual(sorted(self.shown(records)), sorted(
                ("in", hexed(frame), [["send", "p1", "vm1"]]) for frame in frames))
        self.assertEqual(len(self.trace("all", sent=sent, scenario=scenario)), 30)

    def test_a_filter_lets_pass_what_it_names_on_its_side(self):
        for where, side, expression, expected in [
                ("vif", "inner", "udp port 80", [hexed(OUT2)]),
                ("vif", "inner", "src host 10.1.0.1", [hexed(delivered(INNER, VM1))]),
                ("vif", "inner", "ether src 02:00:00:00:00:77", []),
                ("vif", "outer", "src host 192.0.2.12", [hexed(IN)]),
                ("vif", "outer", "src host 10.1.0.1", []),
                ("endpoint", "inner", "dst host 10.0.0.12", [hexed(IN2[lab.MPLS].payload)]),
                ("endpoint", "inner", "ether host 02:00:00:00:00:01", []),
                ("underlay", "outer", "icmp", [hexed(PING)])]:
            with self.subTest(f"{where} {side} {expression}"):
                records = self.capture(where, side, vif="vm1", endpoint=FAR, filter=expression)
                self.assertEqual([each["octets"] for each in records], expected)

    def test_no_more_is_kept_than_was_asked_for(self):
        records = self.capture("vif", "inner", vif="vm1", snaplen=40)
        self.assertEqual([each["octets"] for each in records][:2],
                         [hexed(OUT)[:80], hexed(OUT2)[:80]])
        self.assertEqual(records[0]["length"], len(lab.frame(OUT)))

    def test_a_full_ring_loses_records_and_no_packet(self):
        many = [guest("10.1.0.1", size=1300) for _ in range(1000)]
        seen, = self.watch({"kind": "capture", "where": "vif", "side": "inner", "vif": "vm1"},
                           sent={"p1": many})
        self.assertEqual(len(seen["records"]) + seen["lost"], 1000)
        self.assertGreater(seen["lost"], 100)
        self.assertGreater(len(seen["records"]), 700)

    def test_fragments_are_seen_each(self):
        big = guest("10.1.0.1", size=1440)
        records = self.capture("vif", "outer", vif="vm1", sent={"p1": [big]})
        self.assertEqual([each["direction"] for each in records], ["out", "out"])

    # --- traces

    def trace(self, where, side="inner", **more):
        extra = {key: more.pop(key) for key in ("sent", "scenario") if key in more}
        seen, = self.watch(dict(kind="trace", where=where, side=side, **more), **extra)
        self.assertEqual(seen["lost"], 0)
        return [(each["vif"], each["octets"], each["steps"][-1]) for each in seen["records"]]

    def test_everything_can_be_traced(self):
        self.assertEqual(self.trace("all"), [
            ("", hexed(INNER), ["send", "p1", "vm1"]),
            ("", hexed(IN2[lab.MPLS].payload), ["send", "p2", "vm2"]),
            ("", hexed(INNER), ["drop", "label-unknown"]),
            ("", hexed(PING), ["punt", "underlay-local"]),
            ("vm1", hexed(OUT), ["send", "fabric", "far"]),
            ("vm1", hexed(OUT2), ["send", "fabric", "far2"]),
            ("vm1", hexed(LOCAL), ["send", "p2", "vm2"]),
            ("vm1", hexed(LOST), ["punt", "no-route"]),
            ("vm1", hexed(SPOOFED), ["drop", "source-address"]),
        ])

    def test_an_interface_is_traced_both_ways(self):
        self.assertEqual([octets for _, octets, _ in self.trace("vif", vif="vm2")],
                         [hexed(IN2[lab.MPLS].payload), hexed(LOCAL)])

    def test_an_endpoint_is_traced_both_ways(self):
        self.assertEqual([octets for _, octets, _ in self.trace("endpoint", endpoint=FAR2)],
                         [hexed(OUT2)])
        self.assertEqual(len(self.trace("endpoint", endpoint=FAR)), 4)

    def test_the_underlay_is_traced_both_ways(self):
        self.assertEqual(len(self.trace("underlay")), 6)
        self.assertEqual([octets for _, octets, _ in self.trace("underlay", side="outer")][:2],
                         [hexed(IN), hexed(IN2)])

    def test_a_trace_is_filtered_by_the_tenants_packet(self):
        self.assertEqual([octets for _, octets, _ in self.trace("all", filter="port 80")],
                         [hexed(OUT2)])
        self.assertEqual([octets for _, octets, _ in self.trace("all", filter="dst host 10.0.0.11")],
                         [hexed(INNER), hexed(INNER)])

    def test_a_trace_keeps_the_beginning_of_what_was_sent(self):
        seen, = self.watch({"kind": "trace", "where": "vif", "side": "inner", "vif": "vm1",
                            "filter": "udp port 80"})
        record, = seen["records"]
        sent, = record["frames"]
        self.assertEqual(sent, hexed(outer_of(OUT2, sent, label=32, endpoint=FAR2, mac=FAR2_MAC)))

    def test_traces_come_at_a_bounded_rate(self):
        many = [guest("10.1.0.1")] * 3000
        seen, = self.watch({"kind": "trace", "where": "all", "side": "inner"}, sent={"p1": many})
        self.assertEqual(len(seen["records"]) + seen["lost"], 3000)
        self.assertGreaterEqual(len(seen["records"]), 99)
        self.assertGreater(seen["lost"], 0)

    # --- together

    def test_several_watches_at_once(self):
        capture = {"kind": "capture", "where": "vif", "side": "inner", "vif": "vm1"}
        seen = self.watch(capture, dict(capture, vif="vm2"), dict(capture, side="outer"),
                          {"kind": "trace", "where": "all", "side": "inner"})
        self.assertEqual([len(each["records"]) for each in seen], [6, 2, 3, 9])

    def test_forwarding_does_not_change_while_all_is_watched(self):
        watches = [{"kind": "trace", "where": "all", "side": "inner"},
                   {"kind": "capture", "where": "underlay", "side": "outer"},
                   {"kind": "capture", "where": "vif", "side": "outer", "vif": "vm1"}]
        tables = (test_forwarding.TABLE, test_mtu.TABLE, test_reassembly.TABLE)
        for row in [row for table in tables for row in table.cases]:
            with self.subTest(row["name"]):
                self.watch(*watches, sent=row["sent"], scenario=row["scenario"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
