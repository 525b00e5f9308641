#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Packets larger than the way out: cut into fragments where they may be, so that every frame is
whole. The fragments expected are built here by RFC 791, and scapy puts together what came out."""

import unittest

from scapy.all import IP, UDP, Dot1Q, Ether, Raw, defragment

import lab
from lab import FAR2, FAR2_MAC, ROUTER, VM2, VM3, from_far, over_udp, tunnel, world
from table import Table, guest, inner_of

TABLE = Table()
case = TABLE.case

TUNNEL, VM2_MTU = 1454, 1400


def copied_options(options):
    """The options that stand in every fragment (RFC 791 section 3.1), filled up to whole words."""
    kept, at = b"", 0
    while at < len(options) and options[at] != 0:
        length = 1 if options[at] == 1 else options[at + 1]
        if options[at] & 0x80:
            kept += options[at:at + length]
        at += length
    return kept + bytes(-len(kept) % 4)


def pieces(ip, mtu):
    """An IP packet as fragments of at most `mtu` octets; one that fits as it is."""
    octets = bytes(ip)
    header = 4 * (octets[0] & 15)
    if len(octets) <= mtu:
        return [ip]
    size, payload, made = (mtu - header) // 8 * 8, octets[header:], []
    for at in range(0, len(payload), size):
        part = IP(octets[:header])
        if at > 0 and ip.frag == 0:
            part.options = []
            part = IP(bytes(part)[:20] + copied_options(octets[20:header]))
            part.ihl = 5 + len(copied_options(octets[20:header])) // 4
        part.frag = ip.frag + at // 8
        part.flags = "MF" if at + size < len(payload) or ip.flags.MF else 0
        part.len = part.chksum = None
        part.remove_payload()
        made.append(part / Raw(payload[at:at + size]))
    return made


def whole_again(test, frames, sent):
    """scapy makes of the fragments what was sent, octet by octet, and none is larger than it may
    be."""
    together = [bytes(each) for each in defragment([IP(bytes(frame)) for frame in frames])]
    expected = []
    for packet in sent:
        packet = packet.copy()
        packet.len = packet.chksum = None
        expected.append(bytes(packet))
    test.assertEqual(together, expected)


def counted(*packets):
    """A check that so many were cut, each into so many."""
    return lambda test, result: test.assertEqual(
        result["balance"], {"consumed": len(packets), "originated": sum(packets), "held": 0})


def tunnelled(packet, label, mtu=TUNNEL, over=over_udp, **far):
    return [over(piece, label, **far) for piece in pieces(inner_of(packet), mtu)]


def to_guest(ip, mac, mtu, tag=None):
    ether = Ether(src=ROUTER, dst=mac) if tag is None else Ether(src=ROUTER, dst=mac) / Dot1Q(
        vlan=tag)
    return [ether / piece for piece in pieces(ip, mtu)]


# --- towards tunnels

far = world(("red", "10.1.0.0/16", tunnel("far", 77)))
fits, above, twice = (guest("10.1.0.1", size=size, id=size) for size in (1426, 1427, 2836))
thrice = guest("10.1.0.1", size=2857, id=3)
case("one_octet_too_big_makes_two", far, {"p1": [fits, above]},
     {"fabric": tunnelled(fits, 77) + tunnelled(above, 77)}, check=counted(2))
case("as_many_as_it_takes", far, {"p1": [twice, thrice]},
     {"fabric": tunnelled(twice, 77) + tunnelled(thrice, 77)}, check=counted(2, 3))
case("the_fragments_are_whole_again_behind_the_tunnel", far, {"p1": [above, twice, thrice]},
     {"fabric": None},
     check=lambda test, result: whole_again(
         test, [Ether(octets)[lab.MPLS].payload for octets in result["out"]["fabric"]],
         [inner_of(packet) for packet in (above, twice, thrice)]))
# what the underlay of 1500 octets leaves, but where the world says it
ROOM = {"far-gre": (1458, lab.over_gre, lab.FAR), "far-vxlan": (1450, lab.over_vxlan, lab.FAR),
        "far6": (1448, lab.over_udp, lab.FAR6), "far6-gre": (1452, lab.over_gre, lab.FAR6),
        "far6-vxlan": (1430, lab.over_vxlan, lab.FAR6)}
for name, (room, over, address) in ROOM.items():
    sizes = [guest("10.1.0.1", size=size - 28, id=size) for size in (room, room + 1, 4000)]
    case(f"through_{name.replace('-', '_')}", world(("red", "10.1.0.0/16", tunnel(name, 78))),
         {"p1": sizes}, {"fabric": [frame for packet in sizes for frame in
                                    tunnelled(packet, 78, room, over, endpoint=address)]},
         check=counted(2, 3))
case("order_is_kept_around_them", far, {"p1": [fits, thrice, fits, above, fits]},
     {"fabric": [frame for packet in (fits, thrice, fits, above, fits)
                 for frame in tunnelled(packet, 77)]}, check=counted(3, 2))
case("a_whole_burst_of_them", far, {"p1": [thrice] * 40},
     {"fabric": tunnelled(thrice, 77) * 40}, check=counted(*[3] * 40))

large = guest("10.1.0.1", size=8972, id=9)
case("a_jumbo_packet_in_a_chain_of_buffers", far, {"p1": [large]},
     {"fabric": tunnelled(large, 77)}, check=counted(7))
narrow = world(("red", "10.1.0.0/16", tunnel("far", 77)),
               endpoints=lab.changed(lab.WORLD["endpoints"], "far", mtu=68))
longest = guest("10.1.0.1", size=128 * 48 - 8, id=10)
longer = guest("10.1.0.1", size=128 * 48 - 7, id=11)
case("more_fragments_than_a_burst_has_packets", narrow, {"p1": [fits, longest, fits]},
     {"fabric": tunnelled(fits, 77, 68) + tunnelled(longest, 77, 68) + tunnelled(fits, 77, 68)},
     check=counted(30, 128, 30))
case("more_than_are_made_of_one_packet", narrow, {"p1": [longer]}, drops={"fragmentation": 1},
     check=lambda test, result: test.assertEqual(result["vifs"]["vm1"]["drops"],
                                                 {"fragmentation": 1}))

# --- what stands in the header

fields = guest("10.1.0.1", size=2000, id=4711, tos=0xb8, ttl=2)
case("fields_are_the_packets", far, {"p1": [fields]}, {"fabric": tunnelled(fields, 77)})
part = {"first": (0, "MF"), "middle": (185, "MF"), "last": (370, 0)}
for name, (offset, flags) in part.items():
    again = guest("10.1.0.1", id=13, frag=offset, flags=flags, payload=Raw(bytes(range(256)) * 6))
    case(f"the_{name}_fragment_of_a_datagram_is_cut_further", far, {"p1": [again]},
         {"fabric": tunnelled(again, 77)}, check=counted(2))
end = guest("10.1.0.1", id=14, frag=7991, payload=Raw(b"e" * (65515 - 7991 * 8)))
beyond = guest("10.1.0.1", id=14, frag=7991, payload=Raw(b"e" * (65516 - 7991 * 8)))
case("the_end_of_the_largest_datagram", far, {"p1": [end]}, {"fabric": tunnelled(end, 77)})
case("beyond_the_largest_datagram", far, {"p1": [beyond]}, drops={"fragmentation": 1})

ROUTER_ALERT, RECORD, SOURCE_ROUTE = (b"\x94\x04\x00\x00", b"\x07\x07\x04\x00\x00\x00\x00",
                                      b"\x83\x07\x04\xc0\x00\x02\x01")
OPTIONS = {
    "not_copied": RECORD,
    "copied": ROUTER_ALERT,
    "copied_and_not": b"\x01" + RECORD + ROUTER_ALERT + SOURCE_ROUTE,
    "copied_to_an_odd_length": SOURCE_ROUTE + b"\x01" + RECORD,
    "as_many_as_there_can_be": ROUTER_ALERT * 10,
    "after_their_end": ROUTER_ALERT + b"\x00" + RECORD,
}
for name, options in OPTIONS.items():
    padded = guest("10.1.0.1", id=15, size=2900, options=options + bytes(-len(options) % 4))
    case(f"options_{name}", far, {"p1": [padded]}, {"fabric": tunnelled(padded, 77)},
         check=counted(3))
with_options = guest("10.1.0.1", id=16, frag=185, flags="MF", options=ROUTER_ALERT,
                     payload=Raw(b"o" * 2000))
case("options_of_a_fragment_are_all_copied", far, {"p1": [with_options]},
     {"fabric": tunnelled(with_options, 77)}, check=counted(2))


# --- one datagram, one way

def one_way(test, result):
    ways = {}
    for octets in result["out"]["fabric"]:
        frame = Ether(octets)
        ways.setdefault(frame[lab.MPLS].payload.id, set()).add((frame[IP].dst, frame[UDP].sport))
    test.assertEqual(len(ways), 60)
    test.assertEqual({len(way) for way in ways.values()}, {1})
    test.assertEqual({next(iter(way))[0] for way in ways.values()}, {lab.FAR, lab.FAR2})


spread = world(("red", "10.1.0.0/16", {"ecmp": [tunnel("far", 31), tunnel("far2", 32)]}))
case("the_fragments_of_a_datagram_go_one_way", spread,
     {"p1": [guest("10.1.0.1", id=port, payload=UDP(sport=port, dport=80) / Raw(b"w" * 3000))
             for port in range(1000, 1060)]}, {"fabric": None}, check=one_way)

# --- towards interfaces

inward = IP(src="10.0.0.50", dst="10.0.0.12", ttl=60, id=17) / UDP(sport=9, dport=10) / Raw(
    b"i" * 1373)
exactly = IP(src="10.0.0.50", dst="10.0.0.12", ttl=60, id=18) / UDP(sport=9, dport=10) / Raw(
    b"i" * 1372)
case("from_a_tunnel_to_an_interface", world(), {"fabric": [from_far(exactly, 17),
                                                          from_far(inward, 17)]},
     {"p2": to_guest(exactly, VM2, VM2_MTU) + to_guest(inward, VM2, VM2_MTU)}, check=counted(2))
tagged = world(vifs=lab.changed(lab.WORLD["vifs"], "vm3", mtu=600))
to_vm3 = IP(src="10.0.0.50", dst="10.0.0.13", ttl=60, id=19) / UDP(sport=9, dport=10) / Raw(
    b"t" * 1300)
case("to_an_interface_with_a_tag", tagged, {"fabric": [from_far(to_vm3, 18)]},
     {"p1": to_guest(to_vm3, VM3, 600, tag=200)}, check=counted(3))
neighbours = world(("red", "10.0.0.12/32", {"vif": "vm2"}))
beside = guest("10.0.0.12", size=1400, id=20)
case("from_guest_to_guest", neighbours, {"p1": [beside]},
     {"p2": to_guest(inner_of(beside), VM2, VM2_MTU)},
     check=lambda test, result: test.assertEqual(result["vifs"]["vm2"]["tx"][0], 2))
for size in (2060, 2048, 2047, 4990):
    rather = guest("10.0.0.12", size=size + 3000, id=21)
    case(f"mtu_{size}_of_an_interface_is_more_than_a_buffer_holds",
         world(("red", "10.0.0.12/32", {"vif": "vm2"}),
               vifs=lab.changed(lab.WORLD["vifs"], "vm2", mtu=size)), {"p1": [rather]},
         {"p2": to_guest(inner_of(rather), VM2, min(size, 2048))})

# --- from tunnel to tunnel: the TTL falls once

hub = world(("red", "10.3.0.0/16", tunnel("far2", 300)))
through = IP(src="10.0.0.50", dst="10.3.0.1", ttl=40, id=22) / UDP(sport=5, dport=6) / Raw(
    b"h" * 1440)
case("from_a_tunnel_into_another", hub, {"fabric": [from_far(through, 22)]},
     {"fabric": tunnelled(Ether() / through, 300, endpoint=FAR2, mac=FAR2_MAC)}, check=counted(2))

# --- an unknown next hop, and several workers

case("fragments_wait_for_the_next_hop_one_by_one",
     world(("red", "10.1.0.0/16", tunnel("lost", 44))), {"p1": [above]},
     punts=[("adjacency", "vm1"), ("adjacency", "vm1")])
case("two_workers_hand_them_over", dict(far, workers=2), {"p1": [above, twice, thrice, fits]},
     {"fabric": [frame for packet in (above, twice, thrice, fits)
                 for frame in tunnelled(packet, 77)]})

Mtu = TABLE.tests()

if __name__ == "__main__":
    unittest.main(verbosity=2)
