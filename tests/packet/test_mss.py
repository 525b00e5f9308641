#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The maximum segment size of TCP, lowered to what the interfaces allow and nothing else touched.
scapy builds each segment anew, with its checksum."""

import unittest

from scapy.all import (IP, TCP, UDP, Ether, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                       IPv6ExtHdrHopByHop, PadN, Raw)

import lab
from lab import VM2, from_far, over_udp, tunnel, world
from table import Table, delivered, guest, guest6, inner_of

TABLE = Table()
case = TABLE.case

CLAMPED = [dict(vif, mss={"vm1": 1300, "vm2": 1200}.get(vif["name"], 0))
           for vif in lab.WORLD["vifs"]]
WORLD = world(("red", "10.1.0.0/16", tunnel("far", 5)), ("red", "10.0.0.12/32", {"vif": "vm2"}),
              ("red", "2001:db8:1::/48", tunnel("far", 6)),
              ("red", "2001:db8::12/128", {"vif": "vm2"}), vifs=CLAMPED)


def mss(octets):
    return b"\x02\x04" + octets.to_bytes(2, "big")


def segment(options, *, flags="S", data=b"", words=None, sport=40000, **fields):
    """A TCP segment whose options are these octets. `words`: the header's length as it says."""
    assert len(options) % 4 == 0
    return TCP(sport=sport, dport=80, seq=1, flags=flags, window=64240, **fields,
               dataofs=5 + len(options) // 4 if words is None else words) / Raw(options + data)


def outward(name, before, after, packet=guest, to="10.1.0.1", label=5, **fields):
    """A row: from vm1 into a tunnel, with these options before and after."""
    sent, expected = (packet(to, payload=segment(options, **fields))
                      for options in (before, after))
    case(name, WORLD, {"p1": [sent]}, {"fabric": [over_udp(inner_of(expected), label)]})


NOP, END, SACK, SCALE = b"\x01", b"\x00", b"\x04\x02", b"\x03\x03\x07"
STAMP = b"\x08\x0a\x00\x00\x00\x01\x00\x00\x00\x00"
LINUX = SACK + STAMP + NOP + SCALE

# --- what is lowered

outward("a_larger_one_is_lowered", mss(1301), mss(1300))
outward("the_largest_is_lowered", mss(65535), mss(1300))
outward("an_answer_is_lowered", mss(1460), mss(1300), flags="SA")
outward("with_congestion_flags_it_is_lowered", mss(1460), mss(1300), flags="SEC")
outward("before_other_options", mss(1460) + LINUX, mss(1300) + LINUX)
outward("behind_other_options", LINUX + mss(1460), LINUX + mss(1300))
outward("behind_one_octet", NOP + mss(1460) + NOP * 3, NOP + mss(1300) + NOP * 3)
outward("behind_three_octets", SCALE + mss(1460) + END, SCALE + mss(1300) + END)
outward("behind_thirty_five_octets", STAMP * 3 + SCALE + SACK + mss(0xfeff) + NOP,
        STAMP * 3 + SCALE + SACK + mss(1300) + NOP)
outward("every_one_of_two", mss(1460) + mss(1400), mss(1300) + mss(1300))
outward("behind_one_of_another_length", b"\x02\x02" + mss(1460) + NOP * 2,
        b"\x02\x02" + mss(1300) + NOP * 2)
outward("with_data_behind", mss(1460), mss(1300), data=mss(1460) * 10)
outward("with_an_odd_number_of_octets", mss(1460), mss(1300), data=b"odd")
for wanted in (0x0515, 0x0614, 0x8514, 0xff14, 0xffff):
    outward(f"checksum_after_{wanted:x}", mss(wanted), mss(1300), sport=wanted)
    outward(f"checksum_after_{wanted:x}_at_an_odd_place", NOP + mss(wanted) + NOP * 3,
            NOP + mss(1300) + NOP * 3, sport=wanted)

# --- what is not

for name, options, fields in [
        ("as_large_as_allowed", mss(1300), {}),
        ("a_smaller_one", mss(1299), {}),
        ("none_at_all", b"", {}),
        ("other_options", LINUX + NOP * 4, {}),
        ("no_syn", mss(1460), {"flags": "A"}),
        ("a_reset", mss(1460), {"flags": "RA"}),
        ("three_octets_long", b"\x02\x03\x05\xb4", {}),
        ("five_octets_long", b"\x02\x05\x05\xb4\x00" + NOP * 3, {}),
        ("behind_the_end", END * 4 + mss(1460), {}),
        ("behind_an_option_without_length", b"\x08\x00" + mss(1460) + NOP * 2, {}),
        ("behind_an_option_of_length_one", b"\x08\x01" + mss(1460) + NOP * 2, {}),
        ("behind_an_option_longer_than_the_header", b"\x08\x0b" + NOP * 2 + mss(1460), {}),
        ("the_kind_alone", NOP * 3 + b"\x02", {}),
        ("kind_and_length_alone", NOP * 2 + b"\x02\x04", {}),
        ("half_of_the_value", NOP + b"\x02\x04\x06", {}),
        ("in_the_data", b"", {"data": mss(1460)}),
        ("a_header_that_is_too_short", mss(1460), {"words": 4}),
        ("a_header_of_no_length", mss(1460), {"words": 0})]:
    outward(name, options, options, **fields)

udp = guest("10.1.0.1", payload=UDP(sport=7, dport=2) / Raw(b"\x00" * 5 + b"\x02" + mss(1460) * 5))
case("untouched_udp", WORLD, {"p1": [udp]}, {"fabric": [over_udp(inner_of(udp), 5)]})
for name, octets in {"cut_short": bytes(segment(mss(1460)))[:19],
                     "longer_than_the_packet": bytes(segment(mss(1460), words=7))}.items():
    broken = guest("10.0.0.12", payload=Raw(octets), proto=6)
    case(f"untouched_a_header_{name}", WORLD, {"p1": [broken]}, {"p2": [delivered(broken, VM2)]})
for name, fields in {"first": {"flags": "MF"}, "later": {"frag": 5}}.items():
    part = guest("10.1.0.1", payload=segment(mss(1460), data=b"f" * 8), **fields)
    case(f"untouched_the_{name}_fragment", WORLD, {"p1": [part]},
         {"fabric": [over_udp(inner_of(part), 5)]})
off = [guest("10.1.0.1", source="10.0.0.13", mac=lab.VM3, tag=200, payload=segment(mss(9000)))]
case("untouched_where_nothing_is_said", WORLD, {"p1": off},
     {"fabric": [over_udp(inner_of(off[0]), 5)]})

# --- behind IP options, and over IPv6

optioned = [guest("10.1.0.1", options=b"\x94\x04\x00\x00" * 10, payload=segment(mss(size)))
            for size in (1460, 1300)]
case("behind_ip_options", WORLD, {"p1": [optioned[0]]},
     {"fabric": [over_udp(inner_of(optioned[1]), 5)]})
outward("ipv6_has_twenty_octets_less", mss(1281), mss(1280), guest6, "2001:db8:1::1", 6)
outward("ipv6_untouched_as_large_as_allowed", mss(1280), mss(1280), guest6, "2001:db8:1::1", 6)
for name, header in {"hop_by_hop": IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\x00" * 12)]),
                     "destination": IPv6ExtHdrDestOpt(),
                     "atomic_fragment": IPv6ExtHdrFragment()}.items():
    behind = [guest6("2001:db8:1::1", payload=header / segment(mss(size))) for size in (1440, 1280)]
    case(f"ipv6_behind_{name}", WORLD, {"p1": [behind[0]]},
         {"fabric": [over_udp(inner_of(behind[1]), 6)]})
part6 = guest6("2001:db8:1::1",
               payload=IPv6ExtHdrFragment(m=1) / segment(mss(1440), data=b"f" * 8))
case("ipv6_untouched_a_fragment", WORLD, {"p1": [part6]}, {"fabric": [over_udp(inner_of(part6), 6)]})

# --- towards the guest, and from one to another

inward = [IP(src="10.0.0.50", dst="10.0.0.12", ttl=9) / segment(mss(size), flags="SA")
          for size in (1460, 1200)]
case("towards_the_guest_it_is_lowered", WORLD, {"fabric": [from_far(inward[0], 17)]},
     {"p2": [delivered(Ether() / inward[1], VM2, ttl=9)]})
inward6 = [IPv6(src="2001:db8::50", dst="2001:db8::12", hlim=9) / segment(mss(size), flags="SA")
           for size in (1440, 1180)]
case("ipv6_towards_the_guest_it_is_lowered", WORLD, {"fabric": [from_far(inward6[0], 17)]},
     {"p2": [delivered(Ether() / inward6[1], VM2, ttl=9)]})
between = [guest("10.0.0.12", payload=segment(mss(size))) for size in (1460, 1200)]
case("from_guest_to_guest_the_lower_one_counts", WORLD, {"p1": [between[0]]},
     {"p2": [delivered(between[1], VM2)]})
back = [guest("10.0.0.11", source="10.0.0.12", mac=VM2, payload=segment(mss(size), flags="SA"))
        for size in (1460, 1200)]
case("and_so_it_does_on_the_way_back", world(("red", "10.0.0.11/32", {"vif": "vm1"}), vifs=CLAMPED),
     {"p2": [back[0]]}, {"p1": [delivered(back[1], lab.VM1)]})

Mss = TABLE.tests()

if __name__ == "__main__":
    unittest.main(verbosity=2)
