#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Our addresses and next hops on the underlay, IPv6 and tagged: neighbour discovery, ARP and echo
through the stages and the slow path. scapy builds what is asked and what must be answered; tshark
decodes what came."""

import unittest

from scapy.all import (ARP, GRE, ICMP, IP, UDP, Dot1Q, Ether, ICMPv6EchoReply, ICMPv6EchoRequest,
                       ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA, ICMPv6NDOptDstLLAddr,
                       ICMPv6NDOptSrcLLAddr, ICMPv6PacketTooBig, IPv6, Raw)

import lab
from lab import (BROADCAST, FABRIC_MAC, FAR, FAR6, FAR_MAC, OVER, US, US6, WORLD, from_far, tunnel,
                 world)
from lab_case import DecodedCase
from table import guest, guest6, inner_of

TAG = 300
OUR_GROUP, OUR_GROUP_MAC = "ff02::1:ff00:11", "33:33:ff:00:00:11"
FAR_GROUP, FAR_GROUP_MAC = "ff02::1:ff00:12", "33:33:ff:00:00:12"
ALL_NODES, ALL_NODES_MAC = "ff02::1", "33:33:00:00:00:01"
ZERO = "00:00:00:00:00:00"
HOST0 = {"name": "host0", "role": "host", "mac": FABRIC_MAC}


def link(destination, source=FABRIC_MAC, tag=None):
    ether = Ether(src=source, dst=destination)
    return ether if tag is None else ether / Dot1Q(vlan=tag)


def question(tag=None):
    """We ask all for the far vRouter's MAC address."""
    return (link(FAR_GROUP_MAC, tag=tag) / IPv6(src=US6, dst=FAR_GROUP, hlim=255) /
            ICMPv6ND_NS(tgt=FAR6) / ICMPv6NDOptSrcLLAddr(lladdr=FABRIC_MAC))


def probe(tag=None):
    """We ask all whether somebody has our address."""
    return (link(OUR_GROUP_MAC, tag=tag) / IPv6(src="::", dst=OUR_GROUP, hlim=255) /
            ICMPv6ND_NS(tgt=US6))


def arp_announcement(tag=None):
    return (link(BROADCAST, tag=tag) /
            ARP(op=1, hwsrc=FABRIC_MAC, psrc=US, hwdst=ZERO, pdst=US))


def said(tag=None, *, target=FAR6, mac=FAR_MAC, to=US6, to_mac=FABRIC_MAC, solicited=1):
    """The far vRouter says where an address is."""
    return (link(to_mac, mac, tag) / IPv6(src=target, dst=to, hlim=255) /
            ICMPv6ND_NA(tgt=target, R=0, S=solicited, O=1) / ICMPv6NDOptDstLLAddr(lladdr=mac))


def announced(tag=None):
    """We say to all where our address is."""
    return (link(ALL_NODES_MAC, tag=tag) / IPv6(src=US6, dst=ALL_NODES, hlim=255) /
            ICMPv6ND_NA(tgt=US6, R=0, S=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=FABRIC_MAC))


def underlay(*routes, endpoint="udp", **changes):
    """The world with one far vRouter over IPv6, whose MAC address is not known yet. What guests send
    comes before what the underlay says."""
    ports = WORLD["ports"]
    far = {"name": "far", "address": FAR6, "encapsulation": endpoint, "port": "fabric"}
    return world(*routes, **dict({"ports": [ports[1], ports[2], ports[0]], "endpoints": [far],
                                  "slowpath": {}}, **changes))


class Underlay(DecodedCase):
    def tunnelled(self, octets, packet, encapsulation, tag):
        at = (14 if tag is None else 18) + 40
        fields = {"endpoint": FAR6, "tag": tag,
                  "flow": int.from_bytes(octets[at - 40:at - 36], "big") & 0xfffff}
        if encapsulation != "gre":
            fields["sport"] = int.from_bytes(octets[at:at + 2], "big")
        return OVER[encapsulation](inner_of(packet), 44, **fields)

    def test_packets_wait_for_an_ipv6_next_hop_and_go_out_in_order(self):
        routes = [("red", "10.1.0.0/16", tunnel("far", 44)),
                  ("red", "2001:db8:1::/48", tunnel("far", 44))]
        sent = [guest("10.1.0.1", id=1), guest6("2001:db8:1::1"), guest("10.1.0.2", id=2)]
        for encapsulation in OVER:
            for tag in (None, TAG):
                with self.subTest(encapsulation=encapsulation, tag=tag):
                    scenario = underlay(*routes, endpoint=encapsulation, underlay_vlan=tag or 0)
                    result = self.run_lab(scenario, {"p1": sent, "fabric": [said(tag)]})
                    asked, *own, first, second, third = result["out"]["fabric"]
                    self.expect([asked], question(tag))
                    self.expect(own, arp_announcement(tag), probe(tag))
                    carried = (first, second, third)
                    self.expect(carried, *[self.tunnelled(octets, packet, encapsulation, tag)
                                           for octets, packet in zip(carried, sent)])
                    self.assertEqual(result["slowpath"]["neighbours"],
                                     {FAR6: ["reachable", FAR_MAC, 0]})

    def test_an_ipv6_next_hop_that_does_not_answer(self):
        scenario = underlay(("red", "10.1.0.0/16", tunnel("far", 44)), underlay_address="",
                            slowpath={"until_ms": 3500})
        result = self.run_lab(scenario, {"p1": [guest("10.1.0.1")]}, {"adjacency-failed": 1})
        self.expect(result["out"]["fabric"], question(), probe(), question(), question(),
                    announced())
        self.assertEqual(result["slowpath"]["neighbours"], {FAR6: ["failed", ZERO, 0]})

    def test_our_ipv6_address_is_announced_and_answered_for(self):
        stranger = "2001:db8:f::77"
        for tag in (None, TAG):
            asks = [link(mac, FAR_MAC, tag) / IPv6(src=stranger, dst=to, hlim=255) /
                    ICMPv6ND_NS(tgt=US6) / ICMPv6NDOptSrcLLAddr(lladdr=FAR_MAC)
                    for mac, to in ((OUR_GROUP_MAC, OUR_GROUP), (FABRIC_MAC, US6))]
            ping = (link(FABRIC_MAC, FAR_MAC, tag) / IPv6(src=stranger, dst=US6) /
                    ICMPv6EchoRequest(id=1, seq=2, data=b"ping"))
            scenario = underlay(endpoints=[], underlay_vlan=tag or 0, slowpath={"until_ms": 5000})
            result = self.run_lab(scenario, {"fabric": [*asks, ping]})
            answer = (link(FAR_MAC, tag=tag) / IPv6(src=US6, dst=stranger, hlim=255) /
                      ICMPv6ND_NA(tgt=US6, R=0, S=1, O=1) / ICMPv6NDOptDstLLAddr(lladdr=FABRIC_MAC))
            pong = (link(FAR_MAC, tag=tag) / IPv6(src=US6, dst=stranger) /
                    ICMPv6EchoReply(id=1, seq=2, data=b"ping"))
            self.expect(result["out"]["fabric"], arp_announcement(tag), probe(tag), answer, answer,
                        pong, arp_announcement(tag), announced(tag), announced(tag))

    def test_another_tag_than_the_underlays_is_not_heard(self):
        asks = [link(OUR_GROUP_MAC, FAR_MAC, tag) / IPv6(src=FAR6, dst=OUR_GROUP, hlim=255) /
                ICMPv6ND_NS(tgt=US6) for tag in (None, 7)]
        asks += [link(BROADCAST, FAR_MAC, tag) / ARP(op=1, hwsrc=FAR_MAC, psrc=FAR, pdst=US)
                 for tag in (None, 7)]
        result = self.run_lab(underlay(endpoints=[], underlay_vlan=TAG), {"fabric": asks},
                              {"no-interface": 4})
        self.expect(result["out"]["fabric"], arp_announcement(TAG), probe(TAG))

    def test_c46_what_is_announced_over_ipv6_makes_no_neighbour(self):
        stranger = said(target="2001:db8:f::99", to=ALL_NODES, to_mac=ALL_NODES_MAC, solicited=0)
        result = self.run_lab(underlay(), {"fabric": [stranger]}, {"nd-ignored": 1})
        self.assertEqual(list(result["slowpath"]["neighbours"]), [FAR6])

    def test_a_tunnel_through_an_underlay_of_ipv6_alone(self):
        packet = IP(src="10.1.0.1", dst="10.0.0.11", ttl=9) / UDP()
        result = self.run_lab(underlay(underlay_address=""),
                              {"fabric": [from_far(packet, 16, source=FAR6)]})
        self.expect(result["out"]["p1"], Ether(src=lab.ROUTER, dst=lab.VM1) / packet)

    # --- beside the kernel of this host

    def test_what_the_kernel_must_hear_of_neighbour_discovery(self):
        kernel = "fe80::fe"
        heard = [said(), said(to=ALL_NODES, to_mac=ALL_NODES_MAC, solicited=0),
                 said(target="2001:db8:f::99", to=kernel),
                 link("33:33:ff:00:00:fe", FAR_MAC) /
                 IPv6(src=FAR6, dst="ff02::1:ff00:fe", hlim=255) / ICMPv6ND_NS(tgt=kernel),
                 link(ALL_NODES_MAC, FAR_MAC) / IPv6(src="fe80::12", dst=ALL_NODES, hlim=255) /
                 ICMPv6ND_RA()]
        ours = (link(OUR_GROUP_MAC, FAR_MAC) / IPv6(src=FAR6, dst=OUR_GROUP, hlim=255) /
                ICMPv6ND_NS(tgt=US6) / ICMPv6NDOptSrcLLAddr(lladdr=FAR_MAC))
        others = (link("33:33:ff:00:00:99", FAR_MAC) /
                  IPv6(src=FAR6, dst="ff02::1:ff00:99", hlim=255) / ICMPv6ND_NS(tgt="2001:db8:f::99"))
        for tag in (None, TAG):
            sent = [*heard, ours, others]
            if tag is not None:
                sent = [Ether(src=each.src, dst=each.dst) / Dot1Q(vlan=tag) / each.payload
                        for each in sent]
            scenario = underlay(ports=WORLD["ports"] + [HOST0], underlay_vlan=tag or 0)
            result = self.run_lab(scenario, {"fabric": sent}, {"nd-ignored": 1})
            self.expect(result["out"]["host0"], *heard)
            self.assertEqual(result["slowpath"]["neighbours"], {FAR6: ["reachable", FAR_MAC, 0]})

    # --- path MTUs of tunnels

    def test_the_path_mtu_of_a_tunnel_is_heard_and_not_passed_on(self):
        carried = {"udp": UDP(sport=50000, dport=6635), "gre": GRE(proto=0x8847) / Raw(b"x" * 4),
                   "vxlan": UDP(sport=50000, dport=4789)}
        sent = []
        for shim in carried.values():
            quoted = IP(src=US, dst=FAR, flags="DF", len=1500) / shim
            quoted6 = IPv6(src=US6, dst=FAR6, plen=1460) / shim
            sent += [link(FABRIC_MAC, FAR_MAC) / IP(src="198.51.100.1", dst=US) /
                     ICMP(type=3, code=4, nexthopmtu=1400) / Raw(bytes(quoted)[:28]),
                     link(FABRIC_MAC, FAR_MAC) / IPv6(src="2001:db8:d::1", dst=US6) /
                     ICMPv6PacketTooBig(mtu=1400) / Raw(bytes(quoted6))]
        for ports in (WORLD["ports"], WORLD["ports"] + [HOST0]):
            scenario = underlay(ports=ports, endpoints=[], allowed_sources=[FAR, FAR6])
            result = self.run_lab(scenario, {"fabric": sent})
            self.assertEqual(result["balance"]["consumed"], len(sent))
            self.expect(result["out"].get("host0", []))
            stranger = dict(scenario, allowed_sources=[])
            self.run_lab(stranger, {"fabric": sent}, {"path-mtu": len(sent)})


if __name__ == "__main__":
    unittest.main(verbosity=2)
