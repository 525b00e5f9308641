#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every encapsulation over both families of underlay with both families inside, octet by octet, in
every size that a header's arithmetic could get wrong; and what only VXLAN has."""

import unittest

from scapy.all import (ARP, GRE, ICMPv6EchoRequest, IP, TCP, UDP, VXLAN, Dot1Q, Ether, IPv6,
                       IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop,
                       IPv6ExtHdrRouting, Raw)
from scapy.contrib.mpls import MPLS

from lab import (FABRIC_MAC, FAR, FAR6, FAR_MAC, OVER, ROUTER, ROUTER6, US, US6, VM1, VM2, frame,
                 from_far, tunnel, world)
from table import Table, delivered, guest, guest6, inner_of

TABLE = Table()
case = TABLE.case

ENDPOINTS = {("udp", 4): "far", ("gre", 4): "far-gre", ("vxlan", 4): "far-vxlan",
             ("udp", 6): "far6", ("gre", 6): "far6-gre", ("vxlan", 6): "far6-vxlan"}
SIZES = (0, 1, 2, 17, 18, 63, 500, 1300)


def everywhere(endpoint, label=1048575):
    return world(("red", "10.1.0.0/16", tunnel(endpoint, label)),
                 ("red", "2001:db8:1::/48", tunnel(endpoint, label)))


for (encapsulation, family), endpoint in ENDPOINTS.items():
    far = {"endpoint": FAR6} if family == 6 else {}
    source = {"source": FAR6} if family == 6 else {}
    sent = [make(to, size=size) for size in SIZES
            for make, to in ((guest, "10.1.0.1"), (guest6, "2001:db8:1::1"))]
    case(f"{encapsulation}_over_ipv{family}_outwards", everywhere(endpoint), {"p1": sent},
         {"fabric": [OVER[encapsulation](inner_of(packet), 1048575, **far) for packet in sent]})
    inners = [ip / UDP(sport=7, dport=8) / Raw(b"y" * size) for size in SIZES
              for ip in (IP(src="10.0.0.50", dst="10.0.0.11", ttl=63),
                         IPv6(src="2001:db8::50", dst="2001:db8::11", hlim=63))]
    case(f"{encapsulation}_over_ipv{family}_inwards", world(),
         {"fabric": [from_far(inner, 16, encapsulation=encapsulation, **source)
                     for inner in inners]},
         {"p1": [Ether(src=ROUTER6 if IPv6 in inner else ROUTER, dst=VM1) / inner
                 for inner in inners]})
    padded = frame(from_far(inners[0], 16, encapsulation=encapsulation, **source)) + b"\0" * 20
    case(f"{encapsulation}_over_ipv{family}_padded", world(), {"fabric": [padded]},
         {"p1": [Ether(src=ROUTER, dst=VM1) / inners[0]]})

# --- outer UDP checksums: zero is fine over either family (RFC 6935), another one must be right


def summed(outer, port, shim, wrong=0):
    packet = Ether(src=FAR_MAC, dst=FABRIC_MAC) / outer / UDP(sport=50000, dport=port) / shim
    packet = Ether(frame(packet))
    packet.getlayer(UDP, 1).chksum ^= wrong
    return packet


to_vm1 = IP(src="10.0.0.50", dst="10.0.0.11", ttl=63) / UDP(sport=7, dport=8) / Raw(b"sum")
for name, outer in (("ipv4", IP(src=FAR, dst=US)), ("ipv6", IPv6(src=FAR6, dst=US6))):
    for kind, port, shim in (("udp", 6635, MPLS(label=16, s=1, ttl=63) / to_vm1),
                             ("vxlan", 4789, VXLAN(flags=8, vni=16) /
                              Ether(src=ROUTER, dst=ROUTER) / to_vm1)):
        case(f"{kind}_over_{name}_with_checksum", world(), {"fabric": [summed(outer, port, shim)]},
             {"p1": [Ether(src=ROUTER, dst=VM1) / to_vm1]})
        case(f"{kind}_over_{name}_with_wrong_checksum", world(),
             {"fabric": [summed(outer, port, shim, wrong=0x100)]}, drops={"udp-checksum": 1})

# --- VXLAN: for the virtual router, with a VNI of ours and an IP packet


def vxlan(inner, *, vni=16, flags=8, mac=ROUTER, **fields):
    return (Ether(src=FAR_MAC, dst=FABRIC_MAC) / IP(src=FAR, dst=US) /
            UDP(sport=50000, dport=4789, chksum=0) / VXLAN(flags=flags, vni=vni, **fields) /
            Ether(src="02:00:00:00:09:09", dst=mac) / inner)


good = Ether(src=ROUTER, dst=VM1) / to_vm1
case("vxlan_to_either_address_of_the_virtual_router", world(),
     {"fabric": [vxlan(to_vm1, mac=mac) for mac in (ROUTER, ROUTER6)]}, {"p1": [good, good]})
noisy = bytearray(frame(vxlan(to_vm1)))
noisy[42:46], noisy[49] = b"\xff" * 4, 0xff
case("vxlan_reserved_bits_are_ignored", world(), {"fabric": [bytes(noisy)]}, {"p1": [good]})
case("vxlan_without_a_vni", world(), {"fabric": [vxlan(to_vm1, flags=0)]},
     drops={"vxlan-header": 1})
case("vxlan_to_another_mac", world(),
     {"fabric": [vxlan(to_vm1, mac=mac) for mac in (VM1, "ff:ff:ff:ff:ff:ff")]},
     drops={"vxlan-header": 2})
case("vxlan_with_an_inner_tag", world(), {"fabric": [vxlan(Dot1Q(vlan=5) / to_vm1)]},
     drops={"ethertype": 1})
case("vxlan_with_arp", world(), {"fabric": [vxlan(ARP())]}, drops={"ethertype": 1})
case("vxlan_with_a_type_that_the_packet_belies", world(),
     {"fabric": [vxlan(Raw(frame(to_vm1)), mac=ROUTER6)]}, drops={"ethertype": 1})
belied = frame(vxlan(to_vm1))
at = belied.index(frame(to_vm1))
case("vxlan_with_the_other_familys_type", world(),
     {"fabric": [belied[:at - 2] + b"\x86\xdd" + belied[at:]]}, drops={"ip-version": 1})
to_vm1_v6 = IPv6(src="2001:db8::50", dst="2001:db8::11", hlim=63) / UDP(sport=7, dport=8)
belied = frame(vxlan(to_vm1_v6))
at = belied.index(frame(to_vm1_v6))
case("vxlan_with_the_other_familys_type_of_ipv6", world(),
     {"fabric": [belied[:at - 2] + b"\x08\x00" + belied[at:]]}, drops={"ip-version": 1})
case("vxlan_unknown_vni", world(), {"fabric": [vxlan(to_vm1, vni=vni) for vni in (99, 0xffffff)]},
     drops={"label-unknown": 2})
case("vxlan_cut_short", world(),
     {"fabric": [frame(Ether(src=FAR_MAC, dst=FABRIC_MAC) / IP(src=FAR, dst=US) /
                       UDP(sport=50000, dport=4789, chksum=0) / VXLAN(flags=8, vni=16) /
                       Raw(b"x" * n)) for n in (0, 13)]}, drops={"vxlan-header": 2})

# --- IPv6 with extension headers is a packet as any; its hop limit is spent as a TTL is

far = everywhere("far", 60)
body = UDP(sport=40000, dport=50001) / Raw(b"x" * 32)
extended = [guest6("2001:db8:1::1", payload=header / body) for header in
            (IPv6ExtHdrHopByHop(), IPv6ExtHdrDestOpt(), IPv6ExtHdrRouting(),
             IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt(), IPv6ExtHdrFragment(m=1, id=5),
             IPv6ExtHdrFragment(offset=100, id=5))]
extended += [guest6("2001:db8:1::1", payload=Raw(b""), nh=59),
             guest6("2001:db8:1::1", payload=Raw(b"z" * 9), nh=253),
             guest6("2001:db8:1::1", payload=ICMPv6EchoRequest()),
             guest6("2001:db8:1::1", payload=TCP(sport=1, dport=2, flags="S"), hlim=2, fl=0xfffff,
                    tc=0)]
case("c01_ipv6_extension_headers_pass", far, {"p1": extended},
     {"fabric": [OVER["udp"](inner_of(packet), 60) for packet in extended]})
case("ipv6_hop_limit_used_up", far, {"p1": [guest6("2001:db8:1::1", hlim=n) for n in (1, 0)]},
     punts=[("ttl-expired", "vm1")] * 2)
case("ipv6_destinations_that_are_not_forwarded_to", far,
     {"p1": [guest6(to) for to in ("::", "::1", "::ffff:10.0.0.1", "fe80::2", "ff0e::1")]},
     drops={"ip-destination": 4, "multicast": 1})
case("c06_ipv6_own_address_is_not_used_before_its_announcement", world(),
     {"p1": [guest6("2001:db8::12")]}, punts=[("no-route", "vm1")])
local6 = guest6("2001:db8::12")
case("c06_ipv6_own_address_announced_back_is_local",
     world(("red", "2001:db8::12/128", {"vif": "vm2"})), {"p1": [local6]},
     {"p2": [delivered(local6, VM2)]})
case("ipv6_too_big_is_told_to_the_sender", far, {"p1": [guest6("2001:db8:1::1", size=1420)]},
     punts=[("too-big", "vm1")])

Encapsulations = TABLE.tests()

if __name__ == "__main__":
    unittest.main()
