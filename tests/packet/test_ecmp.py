#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Several next hops: which flow takes which, as members go down and come up again (row C38). What a
run is held against is another run, with one thing different."""

import unittest

from scapy.all import IP, UDP, Ether, IPv6, IPv6ExtHdrFragment, Raw, fragment, fragment6

import lab
from lab import ROUTER, ROUTER6, VM1, from_far, tunnel, world
from lab_case import LabCase
from table import guest, guest6

FAR3 = "192.0.2.14"
FAR3_MAC = "02:00:00:00:01:14"
# One member of each kind of tunnel, told apart by its label.
MEMBERS = {"far": 31, "far2": 32, "far3": 33, "far6": 34, "far6-vxlan": 35}
ENDPOINTS = lab.WORLD["endpoints"] + [
    {"name": "far3", "address": FAR3, "encapsulation": "gre", "port": "fabric", "mac": FAR3_MAC}]
# Endpoints of one address share its adjacency: they go down together.
SHARING = {"far": {31}, "far2": {32}, "far3": {33}, "far6": {34, 35}}
FLOWS = 300


def spread(members=MEMBERS, down=()):
    """The world with routes of both families over the members; the neighbours `down` do not
    answer."""
    path = {"ecmp": [tunnel(name, MEMBERS[name]) for name in members]}
    dead = {each["address"] for each in ENDPOINTS if each["name"] in down}
    endpoints = [{key: value for key, value in each.items()
                  if key != "mac" or each["address"] not in dead} for each in ENDPOINTS]
    return world(("red", "10.1.0.0/16", path), ("red", "2001:db8:1::/48", path),
                 endpoints=endpoints)


def flows():
    """One packet a flow, of both families; the payload says which flow it is."""
    made = []
    for number in range(FLOWS):
        body = UDP(sport=1024 + number, dport=80) / Raw(b"flow %d." % number)
        made.append(guest("10.1.0.1", payload=body) if number % 2 == 0
                    else guest6("2001:db8:1::1", payload=body))
    return made


def identifier(octets):
    """The label or VNI of a frame to the underlay."""
    packet = Ether(octets)
    return packet[lab.MPLS].label if lab.MPLS in packet else packet[lab.VXLAN].vni


def taken(frames):
    """{flow's payload: label of the member it took}."""
    return {octets[octets.rindex(b"flow "):]: identifier(octets) for octets in frames}


def outer_port(octets):
    """The source port of a frame over UDP."""
    return Ether(octets)[UDP].sport


class Ecmp(LabCase):
    def run_world(self, scenario, sent, port="p1"):
        return self.play(scenario, {port: sent})

    def all_sent(self, scenario):
        result = self.run_world(scenario, flows())
        self.assertEqual(len(result["out"]["fabric"]), FLOWS)
        chosen = taken(result["out"]["fabric"])
        self.assertEqual(len(chosen), FLOWS)
        return chosen

    def test_c38_both_families_spread_over_all_members(self):
        chosen = self.all_sent(spread())
        for label in MEMBERS.values():
            for family in (0, 1):
                share = [flow for flow, member in chosen.items()
                         if member == label and int(flow[5:-1]) % 2 == family]
                self.assertGreater(len(share), FLOWS / 2 / len(MEMBERS) / 3)

    def test_c38_the_flows_of_a_member_that_is_down_move_and_no_other(self):
        whole = self.all_sent(spread())
        for name, labels in SHARING.items():
            with self.subTest(down=name):
                left = self.all_sent(spread(down=[name]))
                moved = {flow for flow in whole if left[flow] != whole[flow]}
                self.assertEqual(moved, {flow for flow in whole if whole[flow] in labels})
                self.assertFalse(set(left.values()) & labels)
                # they spread over the others
                self.assertEqual({left[flow] for flow in moved}, set(MEMBERS.values()) - labels)

    def test_c38_a_member_that_is_down_is_as_one_that_is_not_there(self):
        for name in ("far", "far2", "far3"):
            with self.subTest(down=name):
                self.assertEqual(self.all_sent(spread(down=[name])),
                                 self.all_sent(spread([each for each in MEMBERS if each != name])))

    def test_c38_with_no_member_up_each_flow_asks_for_its_own(self):
        whole = self.all_sent(spread())
        result = self.run_world(spread(down=SHARING), flows()[:8])
        self.assertEqual(result["out"]["fabric"], [])
        self.assertEqual([each["reason"] for each in result["punted"]], ["adjacency"] * 8)
        self.assertEqual(taken(bytes.fromhex(each["frame"]) for each in result["punted"]),
                         {flow: label for flow, label in whole.items() if int(flow[5:-1]) < 8})

    def test_c38_flows_to_one_member_have_different_source_ports(self):
        result = self.run_world(spread(), flows())
        for label in (31, 32, 34, 35):
            frames = [octets for octets in result["out"]["fabric"] if identifier(octets) == label]
            ports = {outer_port(octets) for octets in frames}
            self.assertGreaterEqual(min(ports), 49152)
            self.assertGreater(len(ports), len(frames) * 9 // 10)

    def test_c38_fragments_go_by_their_addresses(self):
        for family in ("ipv4", "ipv6"):
            with self.subTest(family=family):
                one_pair, first_pieces = [], []
                for number in range(40):
                    body = UDP(sport=1024 + number, dport=53) / Raw(b"x" * 2500 + b"flow 0.")
                    if family == "ipv4":
                        pieces = fragment(IP(src="10.0.0.11", dst="10.1.0.1", id=number) / body,
                                          fragsize=1000)
                    else:
                        pieces = fragment6(IPv6(src="2001:db8::11", dst="2001:db8:1::1") /
                                           IPv6ExtHdrFragment(id=number) / body, 1280)
                    self.assertGreater(len(pieces), 1)
                    router = ROUTER if family == "ipv4" else ROUTER6
                    one_pair += [Ether(src=VM1, dst=router) / piece for piece in pieces]
                    # the first piece of a datagram between other addresses
                    other = pieces[0].copy()
                    other.dst = f"10.1.0.{number}" if family == "ipv4" else f"2001:db8:1::{number}"
                    if family == "ipv4":
                        other.chksum = None
                    first_pieces.append(Ether(src=VM1, dst=router) / other)
                out = self.run_world(spread(), one_pair)["out"]["fabric"]
                self.assertEqual(len(out), len(one_pair))
                self.assertEqual(len({identifier(octets) for octets in out}), 1)
                out = self.run_world(spread(), first_pieces)["out"]["fabric"]
                self.assertEqual({identifier(octets) for octets in out}, set(MEMBERS.values()))

    def test_c38_what_comes_out_of_a_tunnel_spreads_too(self):
        inner = []
        for number in range(FLOWS):
            body = UDP(sport=1024 + number, dport=80) / Raw(b"flow %d." % number)
            inner.append(IP(src="10.0.0.50", dst="10.1.0.1", ttl=9) / body if number % 2 == 0
                         else IPv6(src="2001:db8::50", dst="2001:db8:1::1", hlim=9) / body)
        result = self.run_world(spread(), [from_far(packet, 22) for packet in inner], "fabric")
        self.assertEqual(set(taken(result["out"]["fabric"]).values()), set(MEMBERS.values()))


if __name__ == "__main__":
    unittest.main(verbosity=2)
