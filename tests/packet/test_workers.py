#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Several workers: what tunnels bring is spread by the inner flows, whatever the encapsulation, on a
port with one receive queue; each flow comes out complete and in order, and what is the same for one
worker is the same for several."""

import unittest

from scapy.all import IP, UDP, IPv6, Raw

import lab
from lab import FAR6, VM1, from_far, tunnel, world
from table import Table, delivered

FLOWS, EACH = 40, 5

TABLE = Table()
case = TABLE.case


def numbered(destination, flow, number):
    """Packet `number` of a flow, without a tunnel."""
    ip = (IPv6(src="2001:db8:1::1", dst=destination, hlim=63) if ":" in destination
          else IP(src="10.1.0.1", dst=destination, ttl=63))
    return ip / UDP(sport=30000 + flow, dport=7) / Raw(bytes([flow, number]))


def packets(destination):
    return [numbered(destination, flow, number) for number in range(EACH) for flow in range(FLOWS)]


def numbers(frames):
    """{flow: [number]} as the frames came."""
    found = {}
    for octets in frames:
        found.setdefault(octets[-2], []).append(octets[-1])
    return found


def in_order(port, workers):
    """All packets of all flows are there, in order; and the workers shared them, or did not."""
    def check(test, result):
        test.assertEqual(numbers(result["out"][port]),
                         {flow: list(range(EACH)) for flow in range(FLOWS)})
        taken = [each["taken_over"] for each in result["workers"]]
        test.assertEqual(len(taken), workers)
        test.assertEqual(sum(taken), sum(each["handed_over"] for each in result["workers"]))
        # the fabric's queue is the first worker's: each other one gets about its share
        for each in taken[1:]:
            test.assertGreater(each, FLOWS * EACH / workers / 3)
    return check


FORWARD = world(("red", "10.2.0.0/16", tunnel("far", 8)), ("red", "2001:db8:2::/48",
                                                           tunnel("far", 9)))

for encapsulation in ("udp", "gre", "vxlan"):
    for workers in (1, 2, 4):
        for family, address, source in ((4, "10.0.0.11", lab.FAR), (6, "2001:db8::11", FAR6)):
            case(f"{encapsulation}_to_a_guest_with_{workers}_workers_in_ipv{family}",
                 dict(FORWARD, workers=workers),
                 {"fabric": [from_far(packet, 16, encapsulation=encapsulation, source=source)
                             for packet in packets(address)]},
                 {"p1": None}, check=in_order("p1", workers))
    case(f"{encapsulation}_to_another_tunnel_with_2_workers", dict(FORWARD, workers=2),
         {"fabric": [from_far(packet, 22, encapsulation=encapsulation)
                     for packet in packets("10.2.0.1")]},
         {"fabric": None}, check=in_order("fabric", 2))

# --- what is dropped is dropped once, by whichever worker

broken = from_far(IP(src="10.1.0.1", dst="10.0.0.11", ttl=63, chksum=1) / UDP() / Raw(b"x" * 20), 16,
                  encapsulation="gre")
for workers in (1, 2):
    case(f"labels_that_are_not_ours_with_{workers}_workers", dict(FORWARD, workers=workers),
         {"fabric": [from_far(packet, 99, encapsulation="gre") for packet in packets("10.0.0.11")]},
         drops={"label-unknown": FLOWS * EACH})
    case(f"broken_inner_packets_with_{workers}_workers", dict(FORWARD, workers=workers),
         {"fabric": [broken] * 20}, drops={"ip-checksum": 20})
    case(f"sources_that_are_not_allowed_with_{workers}_workers",
         dict(FORWARD, workers=workers, check_sources=True),
         {"fabric": [from_far(packet, 16, encapsulation="gre", source="203.0.113.1")
                     for packet in packets("10.0.0.11")]}, drops={"outer-source": FLOWS * EACH})

# --- one flow stays with one worker

one_flow = [numbered("10.0.0.11", 1, number) for number in range(100)]
case("one_flow_goes_to_one_worker", dict(FORWARD, workers=4),
     {"fabric": [from_far(packet, 16, encapsulation="gre") for packet in one_flow]},
     {"p1": [delivered(lab.Ether() / packet, VM1, ttl=63) for packet in one_flow]},
     check=lambda test, result: test.assertLessEqual(
         sum(each["packets"] > 0 for each in result["workers"]), 3))

Workers = TABLE.tests()

if __name__ == "__main__":
    unittest.main(verbosity=2)
