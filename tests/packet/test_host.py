#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The host port: what comes from the underlay for the kernel of this host, and what the kernel
sends there. Frames pass octet by octet, but for the underlay's 802.1Q tag."""

import unittest

from scapy.all import (ARP, GRE, ICMP, IP, TCP, UDP, Dot1Q, Ether, ICMPv6DestUnreach,
                       ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6NDOptDstLLAddr, ICMPv6ND_NA,
                       ICMPv6ND_NS, ICMPv6PacketTooBig, IPv6, IPv6ExtHdrDestOpt,
                       IPv6ExtHdrFragment, Raw)

from lab import (BROADCAST, FABRIC_MAC, FAR, FAR6, FAR_MAC, US, US6, VM1, WORLD, frame, from_far,
                 world)
from lab_case import LabCase

HOST0 = {"name": "host0", "role": "host", "mac": FABRIC_MAC}
PORTS = WORLD["ports"] + [HOST0]
FROM_FAR = Ether(src=FAR_MAC, dst=FABRIC_MAC)
TO_US = FROM_FAR / IP(src=FAR, dst=US)
TO_US6 = FROM_FAR / IPv6(src=FAR6, dst=US6)
TO_KERNEL6 = FROM_FAR / IPv6(src=FAR6, dst="fe80::fe")
OUR_TUNNEL = IP(src=US, dst=FAR) / UDP(sport=50000, dport=6635) / Raw(b"quoted")
TAG = 300

# What is for our addresses and neither a tunnel nor the slow path's.
FOR_THE_KERNEL = {
    "tcp": TO_US / TCP(sport=50000, dport=22, flags="S"),
    "tcp with data and padding": TO_US / TCP(dport=22) / Raw(b"x") / Raw(b"\0" * 20),
    "udp": TO_US / UDP(sport=53, dport=50000) / Raw(b"x" * 1000),
    "udp from a tunnel's port": TO_US / UDP(sport=6635, dport=50000),
    "sctp": TO_US / Raw(b"x" * 40),
    "ip in ip": FROM_FAR / IP(src=FAR, dst=US, proto=4) / IP() / UDP(),
    "options": FROM_FAR / IP(src=FAR, dst=US, options=b"\1\1\1\0") / TCP(dport=22),
    "tcp fragment": FROM_FAR / IP(src=FAR, dst=US, frag=5, proto=6) / Raw(b"x" * 64),
    "tcp6": TO_US6 / TCP(dport=22, flags="S"),
    "udp6": TO_US6 / UDP(dport=5222) / Raw(b"x" * 1000),
    "udp6 behind an extension header": TO_US6 / IPv6ExtHdrDestOpt() / UDP(dport=5222),
    "tcp6 fragment": TO_US6 / IPv6ExtHdrFragment(offset=5, nh=6) / Raw(b"x" * 64),
}
# The slow path answers these where there is no kernel to do it.
ICMP_MESSAGES = {
    "echo request": TO_US / ICMP() / Raw(b"ping"),
    "echo reply": TO_US / ICMP(type=0) / Raw(b"pong"),
    "echo request6": TO_US6 / ICMPv6EchoRequest(data=b"ping"),
    "echo reply6": TO_US6 / ICMPv6EchoReply(data=b"pong"),
    "fragment": FROM_FAR / IP(src=FAR, dst=US, flags="MF", proto=1) / Raw(b"\3" * 64),
}
# For the address that the kernel gave itself.
LINK_LOCAL = {
    "tcp6 to the link-local address": TO_KERNEL6 / TCP(dport=179),
    "echo6 to the link-local address": TO_KERNEL6 / ICMPv6EchoRequest(),
    "tunnel to the link-local address": TO_KERNEL6 / UDP(dport=6635, chksum=0) / Raw(b"x" * 60),
}
ICMP_ERRORS = {
    "unreachable": TO_US / ICMP(type=3, code=1) / OUR_TUNNEL,
    "too big": TO_US / ICMP(type=3, code=4, nexthopmtu=1400) / IP(src=US, dst=FAR) / TCP(),
    "time exceeded": TO_US / ICMP(type=11) / OUR_TUNNEL,
    "unreachable6": TO_US6 / ICMPv6DestUnreach() / IPv6(src=US6, dst=FAR6) / TCP(),
    "too big6": TO_US6 / ICMPv6PacketTooBig(mtu=1400) / IPv6(src=US6, dst=FAR6) / UDP(dport=6635),
}
# What the kernel says, whatever it is.
FROM_THE_KERNEL = [
    Ether(src=FABRIC_MAC, dst=FAR_MAC) / IP(src=US, dst="198.51.100.1") / TCP(dport=5222),
    Ether(src=FABRIC_MAC, dst=FAR_MAC) / IPv6(src=US6, dst=FAR6) / UDP() / Raw(b"x" * 1400),
    Ether(src=FABRIC_MAC, dst=BROADCAST) / ARP(hwsrc=FABRIC_MAC, psrc=US, pdst=FAR),
    Ether(src=FABRIC_MAC, dst="33:33:ff:00:00:12") / IPv6(src="fe80::fe", dst="ff02::1:ff00:12") /
    ICMPv6ND_NS(tgt=FAR6),
    Ether(src=FABRIC_MAC, dst="01:80:c2:00:00:0e", type=0x88cc) / Raw(b"lldp" * 12),
]


def tagged(packet, tag=TAG):
    kind = int.from_bytes(frame(packet)[12:14], "big")
    return Ether(src=packet.src, dst=packet.dst) / Dot1Q(vlan=tag, type=kind) / packet.payload


class HostTest(LabCase):
    def run_world(self, sent, **changes):
        return self.play({**world(), "ports": PORTS, **changes}, sent)

    def assert_sent(self, result, port, packets):
        self.assertEqual([octets.hex() for octets in result["out"][port]],
                         [frame(packet).hex() for packet in packets], port)


class HostPort(HostTest):
    def test_what_is_no_tunnel_goes_to_the_host_as_it_is(self):
        packets = [*FOR_THE_KERNEL.values(), *ICMP_MESSAGES.values(), *LINK_LOCAL.values()]
        result = self.run_world({"fabric": packets})
        self.assert_sent(result, "host0", packets)
        self.assertEqual((result["drops"], result["punts"]), ({}, {}))
        octets = sum(len(packet) for packet in packets)
        self.assertEqual(result["ports"]["host0"]["tx"], [len(packets), octets])

    def test_the_underlays_tag_is_taken_off(self):
        packets = [*FOR_THE_KERNEL.values(), *ICMP_MESSAGES.values(), *LINK_LOCAL.values()]
        result = self.run_world({"fabric": [tagged(packet) for packet in packets]},
                                underlay_vlan=TAG)
        self.assert_sent(result, "host0", packets)
        self.assertEqual((result["drops"], result["punts"]), ({}, {}))

    def test_a_priority_tag_is_taken_off(self):
        packet = FOR_THE_KERNEL["tcp"]
        self.assert_sent(self.run_world({"fabric": [tagged(packet, 0)]}), "host0", [packet])

    def test_without_a_host_port_what_is_no_tunnel_is_dropped(self):
        for family in (FOR_THE_KERNEL, LINK_LOCAL):
            for name, packet in family.items():
                with self.subTest(name):
                    result = self.run_world({"fabric": [packet]}, ports=WORLD["ports"])
                    reason = "host" if family is FOR_THE_KERNEL else "underlay-destination"
                    self.assertEqual(result["drops"], {reason: 1})
        result = self.run_world({"fabric": [*ICMP_MESSAGES.values()]}, ports=WORLD["ports"])
        self.assertEqual(result["punts"], {"underlay-local": len(ICMP_MESSAGES)})

    def test_tunnels_stay_with_the_workers(self):
        inner = IP(src="10.0.0.50", dst="10.0.0.11", ttl=9) / UDP(sport=1, dport=22) / Raw(b"in")
        result = self.run_world({"fabric": [
            from_far(inner, 16), from_far(inner, 16, encapsulation="gre"),
            from_far(inner, 1048000), TO_US / GRE(proto=0x0800) / inner]})
        self.assert_sent(result, "host0", [])
        self.assertEqual(len(result["out"]["p1"]), 2)
        self.assertEqual(result["drops"], {"label-unknown": 1, "gre-header": 1})

    def test_what_is_not_for_us_stays_out(self):
        for name, packet, reason in (
                ("another address", FROM_FAR / IP(src=FAR, dst="192.0.2.77") / TCP(dport=22),
                 "underlay-destination"),
                ("another IPv6 address", FROM_FAR / IPv6(src=FAR6, dst=FAR6) / TCP(dport=22),
                 "underlay-destination"),
                ("another station", Ether(src=FAR_MAC, dst=VM1) / IP(src=FAR, dst=US) / TCP(),
                 "destination-mac"),
                ("multicast", Ether(src=FAR_MAC, dst="01:00:5e:00:00:12") /
                 IP(src=FAR, dst="224.0.0.18", proto=112) / Raw(b"vrrp" * 5), "multicast"),
                ("IPv6 multicast", Ether(src=FAR_MAC, dst="33:33:00:00:00:01") /
                 IPv6(src=FAR6, dst="ff02::1") / UDP(), "multicast"),
                ("another tag", tagged(FOR_THE_KERNEL["tcp"]), "no-interface"),
                ("LLDP", Ether(src=FAR_MAC, dst=FABRIC_MAC, type=0x88cc) / Raw(b"x" * 46),
                 "ethertype"),
                ("a wrong checksum", FROM_FAR / IP(src=FAR, dst=US, chksum=1) / TCP(),
                 "ip-checksum"),
                ("no whole header", frame(FOR_THE_KERNEL["tcp"])[:30], "frame-too-short")):
            with self.subTest(name):
                result = self.run_world({"fabric": [packet]})
                self.assertEqual(result["drops"], {reason: 1})
                self.assert_sent(result, "host0", [])

    def test_what_is_larger_than_the_port_is_dropped(self):
        fits, above = (TO_US / UDP(dport=5222) / Raw(b"x" * (size - 28)) for size in (1500, 1501))
        result = self.run_world({"fabric": [above, tagged(above), fits, tagged(fits)]})
        self.assert_sent(result, "host0", [fits])
        self.assertEqual(result["drops"], {"too-big": 1, "no-interface": 2})
        result = self.run_world({"fabric": [tagged(above), tagged(fits)]}, underlay_vlan=TAG)
        self.assert_sent(result, "host0", [fits])
        self.assertEqual(result["drops"], {"too-big": 1})

    def test_icmp_errors_go_by_the_slow_path(self):
        packets = [*ICMP_ERRORS.values()]
        result = self.run_world({"fabric": packets})
        self.assertEqual(result["punts"], {"underlay-local": len(packets)})
        result = self.run_world({"fabric": packets}, slowpath={})
        self.assert_sent(result, "host0", packets)
        self.assertEqual((result["balance"]["consumed"], result["drops"]), (len(packets), {}))
        result = self.run_world({"fabric": [tagged(packet) for packet in packets]}, slowpath={},
                                underlay_vlan=TAG)
        self.assert_sent(result, "host0", packets)

    def test_what_the_kernel_sends_goes_out_as_it_is(self):
        result = self.run_world({"host0": FROM_THE_KERNEL})
        self.assert_sent(result, "fabric", FROM_THE_KERNEL)
        self.assertEqual((result["drops"], result["punts"]), ({}, {}))
        self.assertEqual(result["ports"]["host0"]["rx"][0], len(FROM_THE_KERNEL))

    def test_what_the_kernel_sends_gets_the_underlays_tag(self):
        result = self.run_world({"host0": FROM_THE_KERNEL}, underlay_vlan=TAG)
        self.assert_sent(result, "fabric", [tagged(packet) for packet in FROM_THE_KERNEL])

    def test_half_a_header_from_the_host(self):
        result = self.run_world({"host0": [frame(FROM_THE_KERNEL[0])[:13]]})
        self.assertEqual(result["drops"], {"frame-too-short": 1})

    def test_a_host_port_without_underlay(self):
        result = self.run_world({"host0": FROM_THE_KERNEL}, ports=[HOST0], vifs=[], endpoints=[],
                                routes=[], labels=[])
        self.assertEqual(result["drops"], {"port-gone": len(FROM_THE_KERNEL)})

    def test_two_workers_hand_over_both_ways(self):
        incoming, outgoing = FOR_THE_KERNEL["tcp"], FROM_THE_KERNEL[0]
        for ports in (PORTS, [HOST0, *WORLD["ports"]], [WORLD["ports"][0], HOST0]):
            result = self.run_world({"fabric": [incoming] * 70, "host0": [outgoing] * 50},
                                    ports=ports, workers=2, vifs=[], routes=[], labels=[])
            self.assert_sent(result, "host0", [incoming] * 70)
            self.assert_sent(result, "fabric", [outgoing] * 50)


class AddressResolution(HostTest):
    """ARP and neighbour discovery: our addresses are the slow path's to answer for; what the kernel
    asked, it hears the answer to."""

    def arp(self, op, psrc, pdst, *, hwsrc=FAR_MAC, dst=FABRIC_MAC):
        return Ether(src=hwsrc, dst=dst) / ARP(op=op, hwsrc=hwsrc, psrc=psrc, pdst=pdst,
                                               hwdst=FABRIC_MAC)

    def test_arp_replies_and_announcements_reach_the_host(self):
        packets = [self.arp(2, FAR, US), self.arp(2, "192.0.2.1", US),
                   self.arp(1, "192.0.2.77", "192.0.2.77", dst=BROADCAST),
                   self.arp(2, "192.0.2.77", "192.0.2.77", dst=BROADCAST)]
        for tag in (0, TAG):
            result = self.run_world(
                {"fabric": [tagged(packet) if tag else packet for packet in packets]},
                slowpath={}, underlay_vlan=tag)
            self.assert_sent(result, "host0", packets)
            self.assertEqual((result["balance"]["consumed"], result["drops"]), (4, {}))

    def test_arp_for_our_address_is_the_slow_paths(self):
        result = self.run_world({"fabric": [self.arp(1, FAR, US, dst=BROADCAST)]}, slowpath={})
        self.assert_sent(result, "host0", [])
        answers = [Ether(octets) for octets in result["out"]["fabric"]
                   if ARP in Ether(octets) and Ether(octets)[ARP].op == 2]
        self.assertEqual([(answer.dst, answer[ARP].psrc) for answer in answers], [(FAR_MAC, US)])

    def test_arp_that_does_not_concern_the_host(self):
        result = self.run_world({"fabric": [
            self.arp(1, FAR, "192.0.2.77", dst=BROADCAST), self.arp(2, FAR, "192.0.2.77"),
            self.arp(2, US, US, dst=BROADCAST)]}, slowpath={})
        self.assert_sent(result, "host0", [])
        self.assertEqual(result["drops"], {"arp-ignored": 3})


if __name__ == "__main__":
    unittest.main(verbosity=2)
