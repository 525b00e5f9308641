#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What the sender hears of a packet that went nowhere: over its link, or through its VRF if it came
out of a tunnel. Both families, every encapsulation; scapy builds what is expected."""

import unittest

from scapy.all import (ICMP, IP, UDP, Ether, ICMPv6DestUnreach, ICMPv6PacketTooBig,
                       ICMPv6TimeExceeded, IPv6, Raw)

import lab
from lab import (FAR, FAR6, FAR_MAC, GATEWAY, OVER, ROUTER, ROUTER6, VM1, VM3, from_far, tunnel, world)
from lab_case import DecodedCase
from table import guest, guest6, inner_of

GATEWAY6 = "fe80::1"
BEYOND = "fdaf:5a18:d5e2::1"  # the virtual router's IPv6 address beyond its links
REMOTE, REMOTE6 = "10.1.0.7", "2001:db8:1::7"
ENDPOINTS = ["far", "far-gre", "far-vxlan", "far6", "far6-gre", "far6-vxlan"]
VM2_MTU = 1400


def networked(endpoint="far", **changes):
    """The world, in which REMOTE and REMOTE6 are behind an endpoint."""
    return world(("red", "10.1.0.0/16", tunnel(endpoint, 44)),
                 ("red", "2001:db8:1::/48", tunnel(endpoint, 44)),
                 ("red", "10.0.0.12", {"vif": "vm2"}), ("red", "2001:db8::12", {"vif": "vm2"}),
                 ("red", BEYOND, {"gateway": True}),
                 slowpath={"fixed": [FAR, FAR6], "fixed_mac": FAR_MAC}, **changes)


def quote(packet, bound):
    return Raw(bytes(packet)[:bound])


def error(kind, about, source, mtu=0):
    """The ICMP error about a packet, as an IP packet from `source`. What it quotes of a large IPv4
    packet ends with a datagram of 576 octets, of an IPv6 one with 1280."""
    if IPv6 in about:
        told = {"too-big": ICMPv6PacketTooBig(mtu=mtu), "ttl": ICMPv6TimeExceeded(),
                "no-route": ICMPv6DestUnreach(code=0)}[kind]
        return (IPv6(src=source, dst=about[IPv6].src, hlim=64, tc=0xc0) / told /
                quote(about[IPv6], 1280 - 48))
    told = {"too-big": ICMP(type=3, code=4, nexthopmtu=mtu), "ttl": ICMP(type=11, code=0),
            "no-route": ICMP(type=3, code=0)}[kind]
    return (IP(src=source, dst=about[IP].src, id=0, flags="DF", tos=0xc0) / told /
            quote(about[IP], 576 - 28))


def large(source, destination, **fields):
    """A packet that is larger than vm2's MTU, as it comes out of a tunnel."""
    if ":" in source:
        return IPv6(src=source, dst=destination, hlim=60, **fields) / UDP() / Raw(b"x" * 1393)
    return IP(src=source, dst=destination, ttl=60, flags="DF", **fields) / UDP() / Raw(b"x" * 1373)


class IcmpErrors(DecodedCase):
    def expect_tunnelled(self, frames, endpoint, *packets):
        """`packets` came out of our end of a tunnel with label 44, in order, whatever their entropy
        (what is said to all about our own addresses is not looked at)."""
        encapsulation = endpoint.partition("-")[2] or "udp"
        address = FAR6 if endpoint.startswith("far6") else lab.FAR
        frames = [octets for octets in frames if not octets[0] & 1]
        self.assertEqual(len(frames), len(packets))
        for octets, packet in zip(frames, packets):
            fields = {"endpoint": address}
            if ":" in address:
                fields["flow"] = int.from_bytes(octets[14:18], "big") & 0xfffff
            if encapsulation != "gre":
                at = 14 + (40 if ":" in address else 20)
                fields["sport"] = int.from_bytes(octets[at:at + 2], "big")
            self.assertEqual(octets.hex(),
                             lab.frame(OVER[encapsulation](packet, 44, **fields)).hex())

    # --- guests

    def test_a_guest_hears_of_its_ipv6_packets_from_its_gateway(self):
        late = guest6("2001:db8::12", hlim=1)
        big = guest6("2001:db8::12", size=1393)
        result = self.run_lab(networked(), {"p1": [late, big]})
        self.expect(result["out"]["p1"], *[
            Ether(src=ROUTER6, dst=VM1) / error(kind, about, GATEWAY6, VM2_MTU)
            for kind, about in (("ttl", late), ("too-big", inner_of(big)))])
        self.assertEqual(len(result["out"]["p1"][1]), 14 + 1280)

    def test_no_error_about_what_rfc_4443_excepts(self):
        about = IPv6(src="2001:db8::12", dst="2001:db8::11") / UDP() / Raw(b"x" * 8)
        sent = [guest6("2001:db8::12", hlim=1, payload=ICMPv6PacketTooBig(mtu=1300) / about),
                guest6("2001:db8::12", hlim=1, payload=ICMPv6TimeExceeded() / about)]
        result = self.run_lab(networked(), {"p1": sent}, {"icmp-error-forbidden": 2})
        self.expect(result["out"]["p1"])

    # --- where there is no route: the packet is dropped whether its sender hears of it or not

    def test_a_guest_hears_that_there_is_no_route(self):
        sent = [guest("10.7.0.1"), guest6("2001:db8:7::1"), guest("10.7.0.1", size=1400)]
        result = self.run_lab(networked(), {"p1": sent}, {"no-route": 3})
        self.expect(result["out"]["p1"],
                    Ether(src=ROUTER, dst=VM1) / error("no-route", inner_of(sent[0]), GATEWAY),
                    Ether(src=ROUTER6, dst=VM1) / error("no-route", inner_of(sent[1]), GATEWAY6),
                    Ether(src=ROUTER, dst=VM1) / error("no-route", inner_of(sent[2]), GATEWAY))
        self.assertEqual(result["vifs"]["vm1"]["drops"], {"no-route": 3})
        self.assertEqual(result["balance"]["consumed"], 0)

    def test_no_guest_hears_of_anothers_packets_nor_of_errors(self):
        about = bytes(IP(src="10.7.0.1", dst="10.0.0.11") / UDP() / Raw(b"x" * 8))
        sent = {"p1": [guest("10.7.0.1", payload=ICMP(type=11) / Raw(about)),
                       guest("10.7.0.1", frag=3),
                       guest6("2001:db8:7::1", payload=ICMPv6TimeExceeded() / Raw(about))],
                "fabric": [from_far(IP(src=REMOTE, dst="10.7.0.1", ttl=9) / UDP(), 22)]}
        result = self.run_lab(networked(), sent, {"no-route": 4})
        self.expect(result["out"]["p1"])
        self.expect_tunnelled(result["out"]["fabric"], "far")

    def test_a_scan_of_what_is_not_there_is_answered_at_a_rate(self):
        sent = [guest(f"10.7.{number // 200}.{number % 200 + 1}") for number in range(2000)]
        result = self.run_lab(networked(), {"p1": sent}, {"no-route": 2000})
        self.assertEqual(result["vifs"]["vm1"]["drops"], {"no-route": 2000})
        told = len(result["out"]["p1"])
        self.assertTrue(20 <= told <= 50, told)  # the burst of the slow path's, and of errors

    # --- through VRFs

    def test_too_big_for_a_guest_behind_every_encapsulation(self):
        for endpoint in ENDPOINTS:
            with self.subTest(endpoint):
                sent = [large(REMOTE, "10.0.0.12"), large(REMOTE6, "2001:db8::12")]
                result = self.run_lab(networked(endpoint),
                                      {"fabric": [from_far(packet, 17) for packet in sent]})
                self.expect_tunnelled(result["out"]["fabric"][-2:], endpoint,
                                      error("too-big", sent[0], GATEWAY, VM2_MTU),
                                      error("too-big", sent[1], BEYOND, VM2_MTU))
                self.expect(result["out"]["p2"])

    def test_too_big_and_late_from_tunnel_to_tunnel(self):
        # Label 22 looks up upstream: what is too large for the way back, or has no hops left for it.
        late = [IP(src=REMOTE, dst=REMOTE, ttl=1) / UDP(), IPv6(src=REMOTE6, dst=REMOTE6, hlim=1) / UDP()]
        big = [IP(src=REMOTE, dst=REMOTE, ttl=9, flags="DF") / UDP() / Raw(b"x" * 1427),
               IPv6(src=REMOTE6, dst=REMOTE6, hlim=9) / UDP() / Raw(b"x" * 1407)]
        result = self.run_lab(networked(), {"fabric": [from_far(each, 22) for each in late + big]})
        lower = [inner_of(packet) for packet in big]
        self.expect_tunnelled(result["out"]["fabric"], "far",
                              error("ttl", late[0], GATEWAY), error("ttl", late[1], BEYOND),
                              error("too-big", lower[0], GATEWAY, 1454),
                              error("too-big", lower[1], BEYOND, 1454))

    def test_a_sender_on_this_host_hears_through_its_vrf_too(self):
        # A hub that sends back what a guest of this host has sent to it.
        world_ = networked()
        world_["routes"] += [{"vrf": "red", "root": "upstream", "prefix": prefix,
                              "path": {"vif": "vm3"}} for prefix in ("10.0.0.13", "2001:db8::13")]
        sent = [large("10.0.0.13", "10.0.0.12"), large("2001:db8::13", "2001:db8::12")]
        result = self.run_lab(world_, {"fabric": [from_far(packet, 17) for packet in sent]})
        tag = lab.Dot1Q(vlan=200)
        self.expect(result["out"]["p1"],
                    Ether(src=ROUTER, dst=VM3) / tag / error("too-big", sent[0], GATEWAY, VM2_MTU),
                    Ether(src=ROUTER6, dst=VM3) / tag / error("too-big", sent[1], BEYOND, VM2_MTU))
        self.assertEqual(result["vifs"]["vm3"]["tx"][0], 2)

    def test_errors_through_vrfs_end_where_errors_must(self):
        about = bytes(large(REMOTE6, "2001:db8::12"))[:1200]
        sent = [IPv6(src=REMOTE6, dst="2001:db8::12") / ICMPv6TimeExceeded() / Raw(about * 2),
                large("2001:db8:7::1", "2001:db8::12"),  # there is no way back
                large("fe80::9", "2001:db8::12")]
        result = self.run_lab(networked(), {"fabric": [from_far(packet, 17) for packet in sent]},
                              {"icmp-error-forbidden": 2, "no-route": 1})
        self.expect_tunnelled(result["out"]["fabric"], "far")

    def test_errors_are_limited_for_each_vrf(self):
        sent = [from_far(large(REMOTE6, "2001:db8::12", fl=flow), 17) for flow in range(80)]
        result = self.run_lab(networked(), {"fabric": sent}, {"icmp-error-rate": 30})
        self.assertEqual(result["endpoints"]["far"][0], 50)

    # --- at the other end

    def test_c48_the_virtual_router_speaks_from_every_host(self):
        about = [IP(src="10.0.0.11", dst=REMOTE) / UDP(), IPv6(src="2001:db8::11", dst=REMOTE6) / UDP()]
        told = [error("ttl", about[0], GATEWAY), error("ttl", about[1], BEYOND)]
        stranger = error("ttl", about[1], "2001:db8:9::1")
        sent = [from_far(packet, 16) for packet in [*told, stranger]]
        result = self.run_lab(networked(check_reverse_path=True), {"fabric": sent},
                              {"reverse-path": 1})
        self.expect(result["out"]["p1"], Ether(src=ROUTER, dst=VM1) / told[0],
                    Ether(src=ROUTER6, dst=VM1) / told[1])


if __name__ == "__main__":
    unittest.main(verbosity=2)
