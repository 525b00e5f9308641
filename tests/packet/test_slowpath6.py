#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""IPv6 through the stages, the slow path and back out of a port: what guests and neighbours hear.
scapy builds every question and every answer that is expected; tshark decodes what came."""

import unittest

from scapy.all import (Dot1Q, Ether, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA, ICMPv6ND_Redirect,
                       ICMPv6ND_RS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptMTU, ICMPv6NDOptSrcLLAddr,
                       IPv6)

import lab
from lab import BLUE, VM1, VM2, world
from lab_case import DecodedCase

OWN, OWN_LINK, OTHER = "2001:db8::11", "fe80::ff:fe00:1", "2001:db8::12"
ROUTER6, GATEWAY6 = "00:00:5e:00:02:01", "fe80::1"
BEYOND = "fdaf:5a18:d5e2::1"  # the virtual router's address beyond its links
ALL_NODES, ALL_NODES_MAC = "ff02::1", "33:33:00:00:00:01"
NODES_OF_1, MAC_OF_1 = "ff02::1:ff00:1", "33:33:ff:00:00:01"


def vifs6(**changes):
    """The interfaces of the world with IPv6 addresses; `changes` are vm1's."""
    vifs = lab.changed(lab.WORLD["vifs"], "vm1", addresses6=[OWN],
                       sources=["10.0.0.11/32", OWN + "/128", "2001:db8:9::/48"], **changes)
    vifs = lab.changed(vifs, "vm2", addresses6=[OTHER], sources=["10.0.0.12/32", OTHER + "/128"])
    return lab.changed(vifs, "bm1", addresses6=[OWN], sources=["10.0.0.11/32", OWN + "/128"])


def guests(**changes):
    """The world without a far side: nothing but what guests ask and hear."""
    return world(endpoints=[], ports=lab.WORLD["ports"][1:], slowpath={}, vifs=vifs6(**changes))


def nd(message, *, source=OWN, to=NODES_OF_1, mac=VM1, to_mac=MAC_OF_1, tag=None, hlim=255):
    ether = Ether(src=mac, dst=to_mac) / Dot1Q(vlan=tag) if tag else Ether(src=mac, dst=to_mac)
    return ether / IPv6(src=source, dst=to, hlim=hlim) / message


def solicitation(target, *, lladdr=VM1, **fields):
    message = ICMPv6ND_NS(tgt=target)
    return nd(message / ICMPv6NDOptSrcLLAddr(lladdr=lladdr) if lladdr else message, **fields)


def advertised(target, *, to=OWN, mac=VM1, tag=None, solicited=1, override=None):
    """What the virtual router says of an address; of its own alone it says so for certain."""
    ether = Ether(src=ROUTER6, dst=mac)
    if override is None:
        override = 1 if target == GATEWAY6 else 0
    return ((ether / Dot1Q(vlan=tag) if tag else ether) / IPv6(src=GATEWAY6, dst=to, hlim=255) /
            ICMPv6ND_NA(tgt=target, R=1, S=solicited, O=override) /
            ICMPv6NDOptDstLLAddr(lladdr=ROUTER6))


def router(to=OWN_LINK, mac=VM1, mtu=1500):
    return (Ether(src=ROUTER6, dst=mac) / IPv6(src=GATEWAY6, dst=to, hlim=255) /
            ICMPv6ND_RA(chlim=64, M=0, O=0, prf=0, routerlifetime=1800) /
            ICMPv6NDOptSrcLLAddr(lladdr=ROUTER6) / ICMPv6NDOptMTU(mtu=mtu))


class SlowPath6(DecodedCase):
    # --- neighbour discovery of guests

    def test_c09_every_neighbour_solicitation_is_answered(self):
        targets = [GATEWAY6, OTHER, "2606:4700::1111", "fe80::77"]
        sent = [solicitation(target) for target in targets]
        sent += [solicitation(GATEWAY6, source=OWN_LINK, lladdr=None),
                 solicitation(GATEWAY6, to=GATEWAY6, to_mac=ROUTER6)]
        result = self.run_lab(guests(), {"p1": sent})
        self.expect(result["out"]["p1"], *[advertised(target) for target in targets],
                    advertised(GATEWAY6, to=OWN_LINK), advertised(GATEWAY6))
        self.assertEqual(result["vifs"]["vm1"]["tx"], [6, 6 * 86])

    def test_c09_nd_probes_and_announcements_of_its_own_are_not_answered(self):
        announced = ICMPv6ND_NA(tgt=OWN, R=0, S=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=VM1)
        sent = [solicitation(target, source="::", lladdr=None)
                for target in (OWN, OWN_LINK, "2001:db8:9::7")]
        sent += [nd(announced, to=ALL_NODES, to_mac=ALL_NODES_MAC), solicitation(OWN)]
        result = self.run_lab(guests(), {"p1": sent}, {"nd-ignored": 5})
        self.expect(result["out"]["p1"])

    def test_what_is_not_the_guests_is_denied_to_its_probe(self):
        sent = [solicitation(target, source="::", lladdr=None) for target in (GATEWAY6, OTHER)]
        result = self.run_lab(guests(), {"p1": sent})
        self.expect(result["out"]["p1"],
                    *[advertised(target, to=ALL_NODES, mac=ALL_NODES_MAC, solicited=0)
                      for target in (GATEWAY6, OTHER)])

    def test_c10_c11_one_virtual_mac_address_for_ipv6_behind_every_tag(self):
        sent = {"p1": [solicitation(GATEWAY6),
                       solicitation(GATEWAY6, mac=BLUE, lladdr=BLUE, tag=100)],
                "p2": [solicitation(GATEWAY6, mac=VM2, lladdr=VM2, source=OTHER)]}
        result = self.run_lab(guests(), sent)
        self.expect(result["out"]["p1"], advertised(GATEWAY6),
                    advertised(GATEWAY6, mac=BLUE, tag=100))
        self.expect(result["out"]["p2"], advertised(GATEWAY6, to=OTHER, mac=VM2))
        for octets in result["out"]["p1"] + result["out"]["p2"]:
            self.assertEqual(octets[6:12].hex(), "00005e000201")

    def test_c46_c47_a_guest_cannot_speak_for_another_over_ipv6(self):
        sent = [solicitation(GATEWAY6, source=OTHER), solicitation(GATEWAY6, lladdr=VM2),
                solicitation(GATEWAY6, mac=VM2)]
        result = self.run_lab(guests(), {"p1": sent}, {"source-address": 1, "source-mac": 2})
        self.expect(result["out"]["p1"])
        self.expect(result["out"]["p2"])

    def test_neighbour_discovery_that_is_not_valid_or_not_for_a_router(self):
        said = [ICMPv6ND_RA(), ICMPv6ND_Redirect(tgt="fe80::2", dst=OTHER)]
        sent = [solicitation(GATEWAY6, hlim=254), solicitation("ff02::1"),
                solicitation(GATEWAY6, source="::"), *[nd(message) for message in said]]
        result = self.run_lab(guests(), {"p1": sent}, {"nd-invalid": 3, "nd-ignored": 2})
        self.expect(result["out"]["p1"])

    def test_the_gateway_answers_echo_at_both_its_addresses(self):
        ask = [Ether(src=VM1, dst=ROUTER6) / IPv6(src=source, dst=to, hlim=1, tc=8) /
               ICMPv6EchoRequest(id=7, seq=9, data=b"hello" * 20)
               for source, to in ((OWN, GATEWAY6), (OWN_LINK, GATEWAY6))]
        ask.append(Ether(src=VM1, dst=ROUTER6) / IPv6(src=OWN, dst=BEYOND, hlim=9, tc=8) /
                   ICMPv6EchoRequest(id=7, seq=9, data=b"hello" * 20))
        scenario = guests()
        scenario["routes"].append({"vrf": "red", "root": "upstream", "prefix": BEYOND,
                                   "path": {"gateway": True}})
        result = self.run_lab(scenario, {"p1": ask})
        self.expect(result["out"]["p1"], *[
            Ether(src=ROUTER6, dst=VM1) / IPv6(src=each[IPv6].dst, dst=each[IPv6].src, tc=8) /
            ICMPv6EchoReply(id=7, seq=9, data=b"hello" * 20) for each in ask])

    def test_c12_the_router_advertises_itself_and_no_prefix(self):
        asked = ICMPv6ND_RS() / ICMPv6NDOptSrcLLAddr(lladdr=VM1)
        sent = [nd(asked, source=OWN_LINK, to="ff02::2", to_mac="33:33:00:00:00:02"),
                nd(ICMPv6ND_RS(), source="::", to="ff02::2", to_mac="33:33:00:00:00:02")]
        result = self.run_lab(guests(router_advertisement=True, mtu=1450), {"p1": sent})
        self.expect(result["out"]["p1"], router(mtu=1450),
                    router(to=ALL_NODES, mac=ALL_NODES_MAC, mtu=1450))
        self.run_lab(guests(), {"p1": sent}, {"nd-ignored": 2})

    def test_the_router_advertises_itself_every_ten_minutes(self):
        scenario = dict(guests(router_advertisement=True), slowpath={"until_ms": 1800000})
        result = self.run_lab(scenario, {})
        self.expect(result["out"]["p1"], *[router(to=ALL_NODES, mac=ALL_NODES_MAC)] * 3)
        self.expect(result["out"]["p2"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
