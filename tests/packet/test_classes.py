#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""DSCP (RFC 2983) and ECN (RFC 6040) in and out of tunnels: every encapsulation and family, every
pair of marks."""

import unittest

from scapy.all import IP, UDP, Ether, IPv6

from lab import FAR6, OVER, ROUTER, ROUTER6, VM1, from_far, tunnel, world
from table import Table, guest, guest6, inner_of

TABLE = Table()
case = TABLE.case

NOT_ECT, ECT1, ECT0, CE = range(4)
ENDPOINTS = {("udp", 4): "far", ("gre", 4): "far-gre", ("vxlan", 4): "far-vxlan",
             ("udp", 6): "far6", ("gre", 6): "far6-gre", ("vxlan", 6): "far6-vxlan"}
MODELS = {"pipe": {"dscp": "pipe", "dscp_value": 34}, "uniform": {"dscp": "uniform"}}

# RFC 6040, figure 4: {(inner, outer): result}; no result: dropped.
INWARDS = {(inner, outer): inner for inner in range(4) for outer in range(4)}
INWARDS.update({(NOT_ECT, CE): None, (ECT0, CE): CE, (ECT1, CE): CE, (ECT0, ECT1): ECT1})

# --- outwards

for (encapsulation, family), endpoint in ENDPOINTS.items():
    for model, settings in MODELS.items():
        sent = ([guest("10.1.0.1", tos=tos) for tos in (0, 0xb8, 0xb9, 0xba, 0xbb, 0xff)] +
                [guest6("2001:db8:1::1", tc=tc) for tc in (0, 0xb8, 0xb9, 0xba, 0xbb, 0xff)])
        expected = []
        for packet in sent:
            inner = packet[IP].tos if IP in packet else packet[IPv6].tc
            outer = inner if model == "uniform" else 34 << 2 | inner & 3
            fields = {} if encapsulation == "vxlan" else {"cos": outer >> 5}
            if family == 6:
                fields["endpoint"] = FAR6
            expected.append(OVER[encapsulation](inner_of(packet), 60, tos=outer, **fields))
        case(f"{encapsulation}_over_ipv{family}_{model}_outwards",
             world(("red", "10.1.0.0/16", tunnel(endpoint, 60)),
                   ("red", "2001:db8:1::/48", tunnel(endpoint, 60)), **settings),
             {"p1": sent}, {"fabric": expected})

# --- inwards

for encapsulation, family in ENDPOINTS:
    for model, settings in MODELS.items():
        sent, expected, dropped = [], [], 0
        for (inner, outer), ecn in INWARDS.items():
            octet = 10 << 2 | inner
            for packet in (IP(src="10.0.0.50", dst="10.0.0.11", ttl=63, tos=octet) / UDP(),
                           IPv6(src="2001:db8::50", dst="2001:db8::11", hlim=63, tc=octet,
                                fl=0xabcde) / UDP()):
                fields = {"source": FAR6} if family == 6 else {}
                sent.append(from_far(packet, 16, encapsulation=encapsulation, tos=46 << 2 | outer,
                                     **fields))
                if ecn is None:
                    dropped += 1
                    continue
                result = packet.copy()
                marked = (46 if model == "uniform" else 10) << 2 | ecn
                if IP in packet:
                    result.tos = marked
                else:
                    result.tc = marked
                expected.append(Ether(src=ROUTER if IP in packet else ROUTER6, dst=VM1) / result)
        case(f"{encapsulation}_over_ipv{family}_{model}_inwards", world(**settings),
             {"fabric": sent}, {"p1": expected}, drops={"ecn": dropped})

Classes = TABLE.tests()

if __name__ == "__main__":
    unittest.main()
