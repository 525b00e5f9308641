#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Tunnelled packets whose outer packet comes in fragments: put together in whatever order they come,
dropped together if they do not fit, held while one is missing."""

import itertools
import unittest

from scapy.all import (ICMP, IP, TCP, UDP, Dot1Q, Ether, IPv6, IPv6ExtHdrFragment,
                       IPv6ExtHdrHopByHop, PadN, Raw)

import lab
from lab import (FABRIC_MAC, FAR, FAR2, FAR2_MAC, FAR6, FAR_MAC, US, US6, VM2, from_far, over_udp,
                 tunnel, world)
from table import Table, delivered, inner_of
from test_mtu import to_guest

TABLE = Table()
case = TABLE.case

ENCAPSULATIONS = [(encapsulation, source) for encapsulation in ("udp", "gre", "vxlan")
                  for source in (FAR, FAR6)]


def inner(size, number=1, *, destination="10.0.0.12", **fields):
    """A packet for vm2, `size` octets long."""
    return (IP(src="10.0.0.50", dst=destination, ttl=9, id=number, **fields) /
            UDP(sport=number, dport=10) / Raw(bytes(i * 7 & 255 for i in range(size - 28))))


def piece(frame, number, start, end, *, more=None, tos=None):
    """A part of a frame's outer packet: what it carries from `start` to `end`, as a fragment."""
    family = IPv6 if IPv6 in frame and not isinstance(frame.payload, IP) else IP
    outer = frame[family].copy()
    payload = bytes(outer.payload)
    end = len(payload) if end is None else end
    more = end < len(payload) if more is None else more
    outer.remove_payload()
    data = Raw(payload[start:end])
    if family == IP:
        outer.frag, outer.id, outer.flags = start // 8, number, "MF" if more else 0
        outer.len = outer.chksum = None
        if tos is not None:
            outer.tos = tos
        outer = outer / data
    else:
        header = IPv6ExtHdrFragment(nh=outer.nh, offset=start // 8, m=int(more), id=number)
        outer.nh, outer.plen = 44, None
        if tos is not None:
            outer.tc = tos
        outer = outer / header / data
    link = Ether(src=FAR_MAC, dst=FABRIC_MAC)
    return (link / Dot1Q(vlan=frame[Dot1Q].vlan) if Dot1Q in frame else link) / outer


def cut(frame, number, *ends, **fields):
    """A frame's outer packet in fragments that end after so many octets of its payload."""
    family = IPv6 if IPv6 in frame and not isinstance(frame.payload, IP) else IP
    places = [0, *ends, len(bytes(frame[family].payload))]
    return [piece(frame, number, start, end, **fields)
            for start, end in zip(places, places[1:])]


def to_vm2(*packets):
    return {"p2": [delivered(Ether() / packet, VM2, ttl=9) for packet in packets]}


def balance(*, wholes=(), held=0):
    """A check: packets put together of so many fragments, and fragments that wait."""
    return lambda test, result: test.assertEqual(
        result["balance"], {"consumed": sum(wholes), "originated": len(wholes), "held": held})


# --- in order, in every encapsulation and family

for encapsulation, source in ENCAPSULATIONS:
    name = f"{encapsulation}_over_ipv{6 if source == FAR6 else 4}"
    big = inner(1400)
    two = cut(from_far(big, 17, encapsulation=encapsulation, source=source), 7, 1208)
    case(f"{name}_in_two", world(), {"fabric": two}, to_vm2(big), check=balance(wholes=[2]))
    seven = cut(from_far(big, 17, encapsulation=encapsulation, source=source), 8,
                *range(200, 1400, 200))
    case(f"{name}_in_seven", world(), {"fabric": seven}, to_vm2(big), check=balance(wholes=[7]))
    case(f"{name}_with_headers_over_several_fragments", world(),
         {"fabric": cut(from_far(big, 17, encapsulation=encapsulation, source=source), 9,
                        8, 16, 24, 32, 40, 48)}, to_vm2(big), check=balance(wholes=[7]))
    case(f"{name}_without_its_last", world(), {"fabric": two[:1] + seven[:-1]},
         check=balance(held=7))
    case(f"{name}_without_its_first", world(), {"fabric": two[1:] + seven[1:]},
         check=balance(held=7))

inner6 = (IPv6(src="2001:db8::50", dst="2001:db8::12", hlim=9) / UDP(sport=1, dport=2) /
          Raw(b"6" * 1300))
case("an_ipv6_packet_in_fragments", world(), {"fabric": cut(from_far(inner6, 17), 3, 1000)},
     to_vm2(inner6), check=balance(wholes=[2]))
tagged = cut(from_far(inner(1000), 17, tag=50), 4, 480)
case("under_a_tag", dict(world(), underlay_vlan=50), {"fabric": tagged}, to_vm2(inner(1000)),
     check=balance(wholes=[2]))
atomic = from_far(inner(100), 17, source=FAR6)
case("an_ipv6_packet_in_one_fragment_needs_no_others", world(),
     {"fabric": [piece(atomic, 5, 0, None, more=False)]}, to_vm2(inner(100)), check=balance())
options = from_far(inner(1000), 17)
options[IP].options = [b"\x94\x04\x00\x00"]
options[IP].ihl = None
case("with_outer_options", world(), {"fabric": cut(options, 6, 480)}, to_vm2(inner(1000)),
     check=balance(wholes=[2]))
padded = [lab.frame(each) + b"\xaa" * 30 for each in cut(from_far(inner(1000), 17), 7, 480, 1000)]
case("with_padding_behind_each", world(), {"fabric": padded}, to_vm2(inner(1000)),
     check=balance(wholes=[3]))

# --- in every order

for source, family in ((FAR, "ipv4"), (FAR6, "ipv6")):
    orders, wholes = [], []
    for number, order in enumerate(itertools.permutations(range(4)), 1):
        wholes.append(inner(1200, number))
        parts = cut(from_far(wholes[-1], 17, source=source), number, 8, 400, 1000)
        orders += [parts[i] for i in order]
    case(f"in_every_order_over_{family}", world(), {"fabric": orders}, to_vm2(*wholes),
         check=balance(wholes=[4] * len(wholes)))
    many = [inner(1000, number) for number in range(1, 101)]
    halves = [cut(from_far(each, 17, source=source), number, 504)
              for number, each in enumerate(many, 1)]
    case(f"a_hundred_at_once_over_{family}", world(),
         {"fabric": [half[0] for half in halves] + [half[1] for half in halves]}, to_vm2(*many),
         check=balance(wholes=[2] * 100))

# --- what belongs together

udp, gre = (cut(from_far(inner(1000, number), 17, encapsulation=encapsulation), 77, 504)
            for number, encapsulation in ((1, "udp"), (2, "gre")))
case("protocols_do_not_mix", world(), {"fabric": [udp[0], gre[0], udp[1], gre[1]]},
     to_vm2(inner(1000, 1), inner(1000, 2)), check=balance(wholes=[2, 2]))
one, other = (cut(from_far(inner(1000, number), 17, source=source), 77, 504)
              for number, source in ((1, FAR), (2, FAR2)))
case("sources_do_not_mix", world(), {"fabric": [one[0], other[0], other[1], one[1]]},
     to_vm2(inner(1000, 2), inner(1000, 1)), check=balance(wholes=[2, 2]))
one6, other6 = (cut(from_far(inner(1000, number), 17, source=FAR6), identification, 504)
                for number, identification in ((1, 77), (2, 77 << 16)))
case("identifications_do_not_mix", world(), {"fabric": [one6[0], other6[0], other6[1], one6[1]]},
     to_vm2(inner(1000, 2), inner(1000, 1)), check=balance(wholes=[2, 2]))

# --- what does not become a whole

whole = from_far(inner(1000), 17)
whole6 = from_far(inner(1000), 17, source=FAR6)
for frame, family in ((whole, "ipv4"), (whole6, "ipv6")):
    parts = cut(frame, 1, 200, 400, 600)
    for name, sent, drops, held in [
            ("the_first_one_twice", [parts[0], parts[0], *parts[1:]], 2, 3),
            ("the_last_one_twice", [parts[3], parts[3], *parts[:3]], 2, 3),
            ("a_middle_one_twice", [parts[1], *parts], 5, 0),
            ("a_middle_one_again_later", [*parts, parts[1]], 0, 1),
            ("an_overlap_at_the_end", [piece(frame, 1, 0, 600), piece(frame, 1, 592, None)], 2, 0),
            ("an_overlap_in_the_middle",
             [piece(frame, 1, 0, 208), piece(frame, 1, 200, 600), parts[3]], 3, 0),
            ("one_within_another",
             [piece(frame, 1, 0, 600), piece(frame, 1, 200, 400), parts[3]], 3, 0),
            ("an_overlap_as_long_as_a_hole",
             [piece(frame, 1, 0, 200), piece(frame, 1, 200, 400), piece(frame, 1, 192, 392),
              piece(frame, 1, 600, None, more=False)], 4, 0),
            ("an_overlap_as_long_as_a_hole_before_some_that_fit",
             [piece(frame, 1, 0, 200), piece(frame, 1, 192, 392), piece(frame, 1, 400, 600),
              parts[3]], 4, 0),
            ("one_behind_the_last", [parts[0], parts[1], piece(frame, 1, 400, 600, more=False),
                                     piece(frame, 1, 600, 800, more=True)], 0, 1),
            ("two_lasts", [parts[0], piece(frame, 1, 600, 800, more=False), parts[3]], 3, 0),
            ("a_ragged_one", [piece(frame, 1, 0, 201, more=True)], 1, 0),
            ("an_empty_one", [piece(frame, 1, 200, 200, more=True),
                              piece(frame, 1, 200, 200, more=False)], 2, 0),
            ("nine", cut(frame, 1, *range(80, 720, 80)), 8, 1),
            ("eight_after_each_other", cut(frame, 1, *range(80, 640, 80)), 0, 0)]:
        made = {"one_behind_the_last": [3], "a_middle_one_again_later": [4],
                "eight_after_each_other": [8]}.get(name, [])
        broken = name == "one_behind_the_last"  # its outer length is not what UDP says
        case(f"{name}_over_{family}", world(), {"fabric": sent},
             to_vm2(*[inner(1000)] * (len(made) - broken)),
             drops={**({"reassembly": drops} if drops else {}),
                    **({"udp-header": 1} if broken else {})},
             check=balance(wholes=made, held=held))

far_end = [piece(whole, 1, 0, 504), piece(whole, 1, 504, None, more=False)]
far_end[1][IP].frag = 8191
case("an_end_beyond_the_largest_datagram", world(), {"fabric": far_end}, drops={"reassembly": 1},
     check=balance(held=1))
far_end6 = [piece(whole6, 1, 0, 504), piece(whole6, 1, 504, None, more=False)]
far_end6[1][IPv6ExtHdrFragment].offset = 8191
case("an_end_beyond_the_largest_datagram_over_ipv6", world(), {"fabric": far_end6},
     drops={"reassembly": 1}, check=balance(held=1))
hidden = piece(whole6, 1, 0, 504)
hidden[IPv6].nh = 0
hidden[IPv6].payload = IPv6ExtHdrHopByHop(nh=44, options=[PadN(optdata=b"\x00" * 4)]) / hidden[
    IPv6].payload
case("a_fragment_header_behind_another", world(), {"fabric": [hidden]},
     drops={"outer-fragment": 1}, check=balance())
elsewhere = piece(whole, 1, 0, 504)
elsewhere[IP].dst = "192.0.2.200"
elsewhere[IP].chksum = None
case("for_another_address", world(), {"fabric": [elsewhere]}, drops={"underlay-destination": 1},
     check=balance())
case("of_another_protocol", world(),
     {"fabric": [Ether(src=FAR_MAC, dst=FABRIC_MAC) / IP(src=FAR, dst=US, flags="MF", proto=6) /
                 Raw(bytes(TCP(dport=179)) + b"t" * 12),
                 Ether(src=FAR_MAC, dst=FABRIC_MAC) / IPv6(src=FAR6, dst=US6) /
                 IPv6ExtHdrFragment(nh=6, m=1, id=1) / Raw(bytes(TCP(dport=179)) + b"t" * 12)]},
     drops={"host": 2}, check=balance())
guarded = dict(world(), check_sources=True, allowed_sources=[FAR2 + "/32"])
case("c49_from_a_source_that_is_not_allowed", guarded,
     {"fabric": cut(whole, 1, 504) + cut(from_far(inner(1000), 17, source=FAR2), 1, 504)},
     to_vm2(inner(1000)), drops={"outer-source": 2}, check=balance(wholes=[2]))

# --- what is for the host

PORTS = lab.WORLD["ports"] + [{"name": "host0", "role": "host", "mac": FABRIC_MAC}]
for_host = (Ether(src=FAR_MAC, dst=FABRIC_MAC) / IP(src=FAR, dst=US, proto=17) /
            UDP(sport=1, dport=53) / Raw(b"d" * 1000))
together = for_host.copy()
together[IP].id = 1
case("for_the_host_they_are_put_together_too", dict(world(), ports=PORTS),
     {"fabric": cut(for_host, 1, 504)}, {"host0": [together]}, check=balance(wholes=[2]))
gre_piece = piece(from_far(inner(1000), 17, encapsulation="gre"), 1, 0, 504)
case("from_a_source_that_is_not_allowed_they_can_only_be_the_hosts", dict(guarded, ports=PORTS),
     {"fabric": [*cut(for_host, 1, 504), hidden, gre_piece]},
     {"host0": [*cut(for_host, 1, 504), hidden]}, drops={"outer-source": 1}, check=balance())

# --- bounds

incomplete = [piece(whole, number, 0, 504) for number in range(300)]


def bounded(limit):
    def check(test, result):
        test.assertEqual(result["balance"]["held"] + result["drops"]["reassembly"], 300)
        # a bucket may be full before the table is
        test.assertTrue(limit - 8 <= result["balance"]["held"] <= limit, result)
    return check


case("no_more_than_so_many_wait", world(), {"fabric": incomplete}, drops=None, check=bounded(256))
several = [part for number in range(200)
           for part in cut(whole if number % 2 else from_far(inner(1000), 17, encapsulation="gre"),
                           number, *range(80, 640, 80))[:7]]
case("no_more_fragments_than_so_many_wait", world(), {"fabric": several},
     drops={"reassembly": 1400 - 1024}, check=balance(held=1024))

# --- several workers: the fragments between two addresses meet on one

distant = [(inner(1000, number), f"192.0.2.{number}" if number % 2 else f"2001:db8:f::{number}")
           for number in range(100, 160)]
scattered = [cut(from_far(packet, 17, source=source), 7, 200, 504) for packet, source in distant]


def all_of_them(test, result):
    expected = [lab.frame(packet) for packet in to_vm2(*[each[0] for each in distant])["p2"]]
    test.assertEqual(sorted(result["out"]["p2"]), sorted(expected))
    test.assertEqual(result["balance"], {"consumed": 180, "originated": 60, "held": 0})
    test.assertEqual([worker["taken_over"] > 0 for worker in result["workers"]].count(False), 0)


for workers in (2, 3):
    case(f"{workers}_workers_put_together_what_one_receives", dict(world(), workers=workers),
         {"fabric": [fragments[i] for i in range(3) for fragments in scattered]}, {"p2": None},
         check=all_of_them)
    flow = [inner(1000, number).copy() for number in range(1, 61)]
    for packet in flow:
        packet[UDP].sport = 4000
    case(f"{workers}_workers_keep_the_order_of_a_flow", dict(world(), workers=workers),
         {"fabric": [part for number, packet in enumerate(flow, 1)
                     for part in cut(from_far(packet, 17), number, 504)]}, to_vm2(*flow),
         check=balance(wholes=[2] * 60))

# --- what the whole meets then

case("its_label_is_unknown", world(), {"fabric": cut(from_far(inner(1000), 4242), 1, 504)},
     drops={"label-unknown": 1}, check=balance(wholes=[2]))
case("it_has_two_labels", world(), {"fabric": cut(from_far(inner(1000), 17, s=0), 1, 504)},
     drops={"label-stack": 1}, check=balance(wholes=[2]))
case("it_is_no_tunnel", world(), {"fabric": cut(for_host, 1, 504)}, drops={"host": 1},
     check=balance(wholes=[2]))
large = inner(3000)
case("it_is_too_big_for_the_guest", world(), {"fabric": cut(from_far(large, 17), 1, 1480, 2960)},
     {"p2": to_guest(large, VM2, 1400)},
     check=lambda test, result: test.assertEqual(
         result["balance"], {"consumed": 4, "originated": 4, "held": 0}))
refused = inner(3000, flags="DF")
case("it_is_too_big_for_the_guest_and_says_not_to_fragment", world(),
     {"fabric": cut(from_far(refused, 17), 1, 1480, 2960)}, punts=[("too-big", "")],
     check=balance(wholes=[3]))
jumbo = inner(8000)
wide = world(vifs=lab.changed(lab.WORLD["vifs"], "vm2", mtu=9000))
case("a_jumbo_packet", wide, {"fabric": cut(from_far(jumbo, 17), 1, *range(1480, 8000, 1480))},
     to_vm2(jumbo), check=balance(wholes=[6]))
onward = world(("red", "10.3.0.0/16", tunnel("far2", 300)))
through = inner(1200, destination="10.3.0.1")
case("it_leaves_on_another_tunnel", onward, {"fabric": cut(from_far(through, 22), 1, 504)},
     {"fabric": [over_udp(inner_of(Ether() / through), 300, endpoint=FAR2, mac=FAR2_MAC)]},
     check=balance(wholes=[2]))

# --- ECN (RFC 3168 section 5.3, then RFC 6040)

NOT_ECT, ECT1, ECT0, CE = range(4)
for name, marks, inside, after in [
        ("one_of_them_met_congestion", (ECT0, CE), ECT0, CE),
        ("the_first_met_congestion", (CE, ECT0), ECT0, CE),
        ("none_met_congestion", (ECT0, ECT0), ECT0, ECT0),
        ("all_met_congestion", (CE, CE), ECT0, CE),
        ("one_cannot_say", (CE, NOT_ECT), ECT0, None),
        ("none_can_say", (NOT_ECT, NOT_ECT), ECT0, ECT0)]:
    for source, family in ((FAR, "ipv4"), (FAR6, "ipv6")):
        before = inner(1000, tos=inside)
        sent = [piece(from_far(before, 17, source=source), 1, start, end, tos=tos)
                for (start, end), tos in zip(((0, 504), (504, None)), marks)]
        case(f"{name}_over_{family}", world(), {"fabric": sent},
             to_vm2(*[] if after is None else [inner(1000, tos=after)]),
             drops={"reassembly": 1} if after is None else {}, check=balance(wholes=[2]))

Reassembly = TABLE.tests()

if __name__ == "__main__":
    unittest.main(verbosity=2)
