#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Who may send what: sources of guests and of tunnels, rates, tags of the underlay."""

import unittest

from scapy.all import IP, UDP, Dot1Q, Ether, IPv6, Raw

from lab import (FABRIC_MAC, FAR, FAR2, FAR6, FAR_MAC, OVER, ROUTER, ROUTER6, US6, VM1, VM2, WORLD,
                 changed, from_far, over_udp, tunnel, world)
from table import Table, guest, guest6, inner_of

TABLE = Table()
case = TABLE.case

# --- C13: what a guest may send from

out6 = world(("red", "2001:db8:1::/48", tunnel("far", 60)))
given = [guest6("2001:db8:1::1", source=source) for source in ("2001:db8::11", "2001:db8:9::77")]
case("c13_ipv6_sources_that_were_given", out6, {"p1": given},
     {"fabric": [over_udp(inner_of(packet), 60) for packet in given]})
foreign = ["2001:db8::12", "2001:db8:9:1::1", "fe80::11", "::", "ff02::1"]
case("c13_a_foreign_ipv6_source", out6,
     {"p1": [guest6("2001:db8:1::1", source=source) for source in foreign]},
     drops={"source-address": len(foreign)})
everything = dict(out6, vifs=changed(WORLD["vifs"], "vm1", sources=["0.0.0.0/0", "::/0"]),
                  routes=out6["routes"] + [{"vrf": "red", "prefix": "10.1.0.0/16",
                                            "path": tunnel("far", 61)}])
box = [guest("10.1.0.1", source="198.51.100.7"), guest6("2001:db8:1::1", source="2001:db8:77::7")]
martians = ([guest("10.1.0.1", source=source) for source in
             ("0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255")] +
            [guest6("2001:db8:1::1", source=source) for source in
             ("::", "::1", "fe80::11", "ff02::1", "::ffff:10.0.0.11")])
case("c13_a_prefix_of_everything_has_no_martians", everything, {"p1": box + martians},
     {"fabric": [over_udp(inner_of(box[0]), 61), over_udp(inner_of(box[1]), 60)]},
     drops={"source-address": len(martians)})
case("c13_ipv6_of_another_mac", out6, {"p1": [guest6("2001:db8:1::1", mac=VM2)]},
     drops={"source-mac": 1})
case("c13_ipv6_to_another_mac", out6,
     {"p1": [guest6("2001:db8:1::1", gateway=mac) for mac in (ROUTER, VM2)]},
     drops={"destination-mac": 2})

# --- C44: rates, in packets and in bits, each direction by itself. A meter begins full: with what
# passes at once, 32 packets or four of the largest frames.


def passed(port, frames, reason):
    """So many frames left by a port, and the others were dropped for a reason; no time passes."""
    def check(test, result):
        test.assertEqual(len(result["out"][port]), frames)
        test.assertEqual(result["drops"], {reason: 60 - frames})
        test.assertEqual(sum(vif["drops"].get(reason, 0) for vif in result["vifs"].values()),
                         60 - frames)
    return check


def with_rate(name, **rates):
    return dict(out6, vifs=changed(WORLD["vifs"], name, **rates),
                routes=WORLD["routes"] + [{"vrf": "red", "prefix": "10.1.0.0/16",
                                           "path": tunnel("far", 61)}])


many = [guest("10.1.0.1", size=1000) for _ in range(60)]
case("c44_packets_of_a_guest", with_rate("vm1", rate_in={"packets": 10}), {"p1": many},
     {"fabric": None}, drops=None, check=passed("fabric", 32, "rate-in"))
case("c44_bits_of_a_guest", with_rate("vm1", rate_in={"bits": 8000}), {"p1": many},
     {"fabric": None}, drops=None, check=passed("fabric", 36, "rate-in"))
case("c44_another_guest_is_not_held_back", with_rate("vm2", rate_in={"packets": 10}), {"p1": many},
     {"fabric": [over_udp(inner_of(packet), 61) for packet in many]})
to_vm1 = IP(src="10.0.0.50", dst="10.0.0.11", ttl=63) / UDP(sport=1, dport=2) / Raw(b"x" * 1000)
case("c44_packets_to_a_guest", with_rate("vm1", rate_out={"packets": 10}),
     {"fabric": [from_far(to_vm1, 16)] * 60}, {"p1": None}, drops=None,
     check=passed("p1", 32, "rate-out"))
case("c44_bits_to_a_guest", with_rate("vm1", rate_out={"bits": 8000}),
     {"fabric": [from_far(to_vm1, 16)] * 60}, {"p1": None}, drops=None,
     check=passed("p1", 36, "rate-out"))
case("c44_two_workers_meter_once", dict(with_rate("vm1", rate_out={"packets": 10}), workers=2),
     {"fabric": [from_far(to_vm1, 16)] * 60}, {"p1": None}, drops=None,
     check=passed("p1", 32, "rate-out"))



def used(name, direction, most):
    """So much of an interface's rate is used, or as little less as comes back during the test."""
    def check(test, result):
        percent = result["rates_used"][name]
        test.assertTrue(most - 10 <= percent[direction] <= most, percent)
        test.assertEqual(percent[1 - direction], 0)
    return check


small, both = many[:16], {"packets": 10, "bits": 8000}
case("c44_half_of_the_packets_is_used", with_rate("vm1", rate_in={"packets": 10}), {"p1": small},
     {"fabric": None}, check=used("vm1", 0, 50))
case("c44_half_of_the_octets_is_used", with_rate("vm1", rate_in={"packets": 100, "bits": 8000}),
     {"p1": [guest("10.1.0.1", size=1160)] * 16}, {"fabric": None}, check=used("vm1", 0, 50))
case("c44_a_quarter_to_a_guest_is_used", with_rate("vm1", rate_out=both),
     {"fabric": [from_far(to_vm1, 16)] * 8}, {"p1": None}, check=used("vm1", 1, 25))
case("c44_all_is_used_that_is_refused", with_rate("vm1", rate_in={"packets": 10}), {"p1": many},
     {"fabric": None}, drops=None, check=used("vm1", 0, 100))
case("c44_no_rate_is_never_used", with_rate("vm2", rate_in=both, rate_out=both), {"p1": small},
     {"fabric": None}, check=used("vm1", 0, 0))

# --- C49: outer sources

listed = world(check_sources=True, allowed_sources=[FAR, FAR6, "198.51.100.0/24"])
to_vm1_6 = IPv6(src="2001:db8::50", dst="2001:db8::11", hlim=63) / UDP(sport=1, dport=2)
received = [Ether(src=ROUTER, dst=VM1) / to_vm1, Ether(src=ROUTER6, dst=VM1) / to_vm1_6]

def from_each(*sources):
    """A packet of either family in every encapsulation from each of the sources."""
    return [from_far(inner, 16, encapsulation=encapsulation, source=source) for source in sources
            for encapsulation in OVER for inner in (to_vm1, to_vm1_6)]


case("c49_endpoints_and_prefixes_are_allowed", listed,
     {"fabric": from_each(FAR, FAR6, "198.51.100.77")}, {"p1": received * 9})
case("c49_an_ipv4_stranger_is_refused", listed, {"fabric": from_each(FAR2, "198.51.101.1")},
     drops={"outer-source": 12})
case("c49_an_ipv6_stranger_is_refused", listed, {"fabric": from_each("2001:db8:f::13")},
     drops={"outer-source": 6})
case("c49_can_be_switched_off", world(), {"fabric": [from_far(to_vm1, 16, source=FAR2)]},
     {"p1": received[:1]})
case("only_our_addresses_are_outer_destinations", listed,
     {"fabric": [Ether(src=FAR_MAC, dst=FABRIC_MAC) / packet / UDP(sport=50000, dport=6635)
                 for packet in (IP(src=FAR, dst="192.0.2.10"), IPv6(src=FAR6, dst="2001:db8:f::10"))]},
     drops={"underlay-destination": 2})

# --- C48: the inner source must be routed to the outer one

checked = world(("red", "10.0.0.50/32", tunnel("far", 70)),
                ("red", "10.0.0.51/32", {"ecmp": [tunnel("far2", 71), tunnel("far-gre", 72)]}),
                ("red", "10.0.0.52/32", {"vrf": "green", "root": "upstream"}),
                ("green", "10.0.0.52/32", tunnel("far", 73)),
                ("red", "10.0.0.12/32", {"vif": "vm2"}),
                ("red", "2001:db8::50/128", tunnel("far6", 74)),
                labels=[(99, {"endpoint": "far2", "label": 98})], check_reverse_path=True)


def from_source(address):
    return IP(src=address, dst="10.0.0.11", ttl=63) / UDP(sport=1, dport=2)


good = [from_source(address) for address in ("10.0.0.50", "10.0.0.51", "10.0.0.52")]
case("c48_sources_that_are_routed_to_the_tunnel", checked,
     {"fabric": [from_far(packet, 16) for packet in good] + [from_far(to_vm1_6, 16, source=FAR6)]},
     {"p1": [Ether(src=ROUTER, dst=VM1) / packet for packet in good] + [received[1]]})
case("c48_by_a_vrf_label", checked, {"fabric": [from_far(good[0], 20)]},
     {"p1": [Ether(src=ROUTER, dst=VM1) / good[0]]})
case("c48_sources_that_are_not", checked,
     {"fabric": [from_far(good[0], 16, source=FAR2), from_far(good[2], 20, source=FAR2),
                 from_far(from_source("10.0.0.12"), 16), from_far(from_source("10.0.0.60"), 16),
                 from_far(to_vm1_6, 16)]}, drops={"reverse-path": 5})
case("c48_a_label_that_leads_on_has_no_vrf", checked, {"fabric": [from_far(good[0], 99)]},
     {"fabric": [over_udp(inner_of(good[0]), 98, endpoint=FAR2, mac="02:00:00:00:01:13")]})

# --- the underlay's tag

tagged = world(("red", "10.1.0.0/16", tunnel("far", 60)),
               ("red", "2001:db8:1::/48", tunnel("far6-vxlan", 61)), underlay_vlan=77)
pair = [guest("10.1.0.1"), guest6("2001:db8:1::1")]
case("the_underlay_has_a_tag", tagged,
     {"p1": pair, "fabric": [from_far(to_vm1, 16, tag=77), from_far(to_vm1_6, 16, tag=77)]},
     {"fabric": [over_udp(inner_of(pair[0]), 60, tag=77),
                 OVER["vxlan"](inner_of(pair[1]), 61, endpoint=FAR6, tag=77)], "p1": received})
case("another_tag_than_the_underlays", tagged,
     {"fabric": [from_far(to_vm1, 16), from_far(to_vm1, 16, tag=78)]}, drops={"no-interface": 2})
case("a_priority_tag_on_an_untagged_underlay", world(),
     {"fabric": [from_far(to_vm1, 16, tag=0)]}, {"p1": received[:1]})

Guards = TABLE.tests()

if __name__ == "__main__":
    unittest.main()
