#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Checksums of outer packets that lie in one buffer, in a chain of them, or come in fragments: a UDP
checksum that is not zero, and that of GRE, are verified over all of it (RFC 1122, RFC 2784)."""

import unittest

from scapy.all import GRE, IP, UDP, Ether, IPv6, Raw

import lab
from lab import FAR, FAR6, VM2, from_far, world
from table import Table, delivered
from test_reassembly import cut

table = Table()
vifs = [dict(vif, mtu=9000) for vif in lab.WORLD["vifs"]]
jumbo = world(underlay_mtu=9000, vifs=vifs)


def inner(size, family):
    payload = Raw(bytes(i * 7 & 255 for i in range(size)))
    if family == 6:
        return IPv6(src="2001:db8::50", dst="2001:db8::12", hlim=9) / UDP(sport=1, dport=2) / payload
    return IP(src="10.0.0.50", dst="10.0.0.12", ttl=9) / UDP(sport=1, dport=2) / payload


def with_checksum(packet, encapsulation, source, label=17):
    """The frame with its outer checksum, which scapy computes."""
    frame = from_far(packet, label, encapsulation=encapsulation, source=source)
    if encapsulation == "gre":
        frame[GRE].chksum_present = 1
    else:
        frame[UDP].chksum = None
    return Ether(bytes(frame))


def spoiled(frame, at):
    """The frame with an octet changed, counted from its end."""
    octets = bytearray(bytes(frame))
    octets[-at] ^= 1
    return Ether(bytes(octets))


for encapsulation in ("udp", "vxlan", "gre"):
    reason = "gre-checksum" if encapsulation == "gre" else "udp-checksum"
    for source, family in ((FAR, 4), (FAR6, 6)):
        name = f"{encapsulation}_over_ipv{family}"
        for size in (900, 1901, 4000, 8001):
            packet = inner(size, family)
            frame = with_checksum(packet, encapsulation, source)
            halves = 8 * (size // 16)
            ways = {"whole": lambda each: [each],
                    "in_fragments": lambda each, at=halves: cut(each, size, at)}
            for way, pieces in ways.items():
                table.case(f"{name}_{way}_right", jumbo, {"fabric": pieces(frame)},
                           {"p2": [delivered(Ether() / packet, VM2, ttl=9)]})
                for at in (1, size // 2, size - 1):
                    table.case(f"{name}_{way}_wrong", jumbo,
                               {"fabric": pieces(spoiled(frame, at))}, drops={reason: 1})
            table.case(f"{name}_without_one", jumbo,
                       {"fabric": [from_far(packet, 17, encapsulation=encapsulation,
                                            source=source)]},
                       {"p2": [delivered(Ether() / packet, VM2, ttl=9)]})
            # what is wrong outside is told before what is wrong behind it
            unknown = with_checksum(packet, encapsulation, source, 99999)
            table.case(f"{name}_and_an_unknown_label", jumbo, {"fabric": [unknown]},
                       drops={"label-unknown": 1})
            table.case(f"{name}_and_an_unknown_label", jumbo, {"fabric": [spoiled(unknown, 1)]},
                       drops={reason: 1})

Checksums = table.tests()

if __name__ == "__main__":
    unittest.main(verbosity=2)
