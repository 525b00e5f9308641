#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What the fast path makes of good packets, by the rows of the conformance table. scapy builds what
must come out, octet by octet, and tshark decodes what went to the underlay."""

import unittest

from scapy.all import ICMP, IP, TCP, UDP, Dot1Q, Ether, Raw, fragment

import lab
from lab import (BLUE, BROADCAST, FABRIC_MAC, FAR, FAR2, FAR2_MAC, FAR_MAC, ROUTER, US, VM1, VM2,
                 VM3, from_far, over_gre, over_udp, tunnel, world)
from table import Table, delivered, guest, inner_of

TABLE = Table()
case = TABLE.case

# --- C1: several VRFs, longest-prefix match, next hop and label

nested = world(("red", "10.1.0.0/16", tunnel("far", 101)),
               ("red", "10.1.2.0/24", tunnel("far2", 102)),
               ("red", "10.1.2.3/32", tunnel("far", 103)))
wide, middle, host = guest("10.1.9.9"), guest("10.1.2.9"), guest("10.1.2.3")
case("c01_longest_prefix_decides_next_hop_and_label", nested, {"p1": [wide, middle, host]},
     {"fabric": [over_udp(inner_of(wide), 101),
                 over_udp(inner_of(middle), 102, endpoint=FAR2, mac=FAR2_MAC),
                 over_udp(inner_of(host), 103)]})
case("c01_default_route", world(("red", "0.0.0.0/0", tunnel("far", 77))),
     {"p1": [guest("198.51.100.1")]},
     {"fabric": [over_udp(inner_of(guest("198.51.100.1")), 77)]})
case("c01_no_route", nested, {"p1": [guest("10.2.0.1")]}, punts=[("no-route", "vm1")],
     check=lambda test, result: test.assertEqual(result["punted"][0]["vrf"], "red"))

# --- C2: an interface is bound to one VRF

both = world(("red", "10.5.0.0/16", tunnel("far", 500)),
             ("blue", "10.5.0.0/16", tunnel("far2", 501)))
blue_packet = guest("10.5.0.1", mac=BLUE, tag=100)
case("c02_overlapping_addresses_stay_apart", both,
     {"p1": [guest("10.5.0.1"), blue_packet]},
     {"fabric": [over_udp(inner_of(guest("10.5.0.1")), 500),
                 over_udp(inner_of(blue_packet), 501, endpoint=FAR2, mac=FAR2_MAC)]})
case("c02_another_vrfs_routes_are_not_seen", world(("red", "10.6.0.0/16", tunnel("far", 500))),
     {"p1": [guest("10.6.0.1", mac=BLUE, tag=100)]}, punts=[("no-route", "bm1")])
to_eleven = IP(src="10.0.0.50", dst="10.0.0.11", ttl=63) / UDP(sport=1, dport=2) / Raw(b"blue")
case("c02_a_label_delivers_in_its_own_vrf", world(),
     {"fabric": [from_far(to_eleven, 21), from_far(to_eleven, 20)]},
     {"p1": [Ether(src=ROUTER, dst=BLUE) / Dot1Q(vlan=100) / to_eleven,
             Ether(src=ROUTER, dst=VM1) / to_eleven]})

# --- C3: MAC address and 802.1Q tag identify the interface

tagged = guest("10.1.0.1", source="10.0.0.13", mac=VM3, tag=200)
case("c03_tag_selects_the_interface", world(("red", "10.1.0.0/16", tunnel("far", 9))),
     {"p1": [tagged]}, {"fabric": [over_udp(inner_of(tagged), 9)]},
     check=lambda test, result: test.assertEqual(result["vifs"]["vm3"]["rx"][0], 1))
case("c03_tag_is_written_on_delivery", world(),
     {"fabric": [from_far(IP(src="10.0.0.50", dst="10.0.0.13") / ICMP(), 18)]},
     {"p1": [Ether(src=ROUTER, dst=VM3) / Dot1Q(vlan=200) /
             IP(src="10.0.0.50", dst="10.0.0.13") / ICMP()]})
case("c03_priority_tag_means_untagged", world(("red", "10.1.0.0/16", tunnel("far", 9))),
     {"p1": [Ether(src=VM1, dst=ROUTER) / Dot1Q(vlan=0, prio=5) / guest("10.1.0.1")[IP]]},
     {"fabric": [over_udp(inner_of(guest("10.1.0.1")), 9)]})
case("c03_unknown_tag", world(), {"p1": [guest("10.1.0.1", tag=300), guest("10.1.0.1", tag=4095)]},
     drops={"no-interface": 2})
case("c03_right_tag_wrong_mac", world(),
     {"p1": [guest("10.1.0.1", source="10.0.0.13", mac=VM1, tag=200)]}, drops={"source-mac": 1})
case("c03_two_tags", world(),
     {"p1": [Ether(src=VM3, dst=ROUTER) / Dot1Q(vlan=200) / Dot1Q(vlan=100) /
             IP(src="10.0.0.13", dst="10.1.0.1") / UDP()]}, drops={"ethertype": 1})

# --- C4: encapsulation as the lookup says

far = world(("red", "10.1.0.0/16", tunnel("far", 1048575)))
sizes = [guest("10.1.0.1", size=size) for size in (0, 1, 2, 17, 18, 63, 1000, 1426)]
case("c04_udp_in_every_size", far, {"p1": sizes},
     {"fabric": [over_udp(inner_of(packet), 1048575) for packet in sizes]})
options = guest("10.1.0.1", options=b"\x07\x07\x04\x00\x00\x00\x00\x00")
case("c04_ip_options_are_kept", far, {"p1": [options]},
     {"fabric": [over_udp(inner_of(options), 1048575)]})
fields = guest("10.1.0.1", id=4711, tos=0xb8, ttl=2)
case("c04_inner_fields_are_kept_and_the_ttl_copied", far, {"p1": [fields]},
     {"fabric": [over_udp(inner_of(fields), 1048575, ttl=1)]})
case("c04_padding_is_left_behind", far,
     {"p1": [lab.frame(guest("10.1.0.1", size=1)) + b"\xaa" * 17]},
     {"fabric": [over_udp(inner_of(guest("10.1.0.1", size=1)), 1048575)]})
every_ttl = [guest("10.1.0.1", ttl=ttl) for ttl in range(2, 256)]
case("c04_every_ttl", far, {"p1": every_ttl},
     {"fabric": [over_udp(inner_of(packet), 1048575) for packet in every_ttl]})
checksums = [guest("10.1.0.1", id=number) for number in range(0, 65536, 251)]
case("c04_checksums_of_many_headers", far, {"p1": checksums},
     {"fabric": [over_udp(inner_of(packet), 1048575) for packet in checksums]})


def ports_of(result):
    return [int.from_bytes(octets[34:36], "big") for octets in result["out"]["fabric"]]


def one_port(test, result):
    test.assertEqual(len(set(ports_of(result))), 1)


def many_ports(test, result):
    test.assertGreater(len(set(ports_of(result))), 240)


flows = [guest("10.1.0.1", payload=UDP(sport=port, dport=53)) for port in range(1024, 1280)]
case("c04_flows_differ_by_source_port", far, {"p1": flows},
     {"fabric": [over_udp(inner_of(packet), 1048575) for packet in flows]}, check=many_ports)
one_flow = [guest("10.1.0.1", payload=TCP(sport=7, dport=9, seq=seq)) for seq in range(20)]
case("c04_a_flow_keeps_its_source_port", far, {"p1": one_flow},
     {"fabric": [over_udp(inner_of(packet), 1048575) for packet in one_flow]}, check=one_port)
pieces = [Ether(src=VM1, dst=ROUTER) / piece for piece in
          fragment(IP(src="10.0.0.11", dst="10.1.0.1", id=7) / UDP(sport=1, dport=2) /
                   Raw(b"f" * 3000), fragsize=1000)]
case("c04_fragments_stay_together", far, {"p1": pieces},
     {"fabric": [over_udp(inner_of(packet), 1048575) for packet in pieces]}, check=one_port)

# --- C5: an incoming label selects an interface or a VRF

inbound = IP(src="10.0.0.50", dst="10.0.0.12", ttl=1, id=3) / UDP(sport=9, dport=10) / Raw(b"in")
elsewhere = IP(src="10.0.0.50", dst="10.44.0.1", ttl=9) / UDP(sport=9, dport=10)
case("c05_label_of_an_interface_delivers", world(),
     {"fabric": [from_far(inbound, 17), from_far(elsewhere, 17)]},
     {"p2": [Ether(src=ROUTER, dst=VM2) / inbound, Ether(src=ROUTER, dst=VM2) / elsewhere]},
     check=lambda test, result: test.assertEqual(result["vrfs"]["red"]["from_tunnel"],
                                                 [2, len(inbound) + len(elsewhere)]))
case("c05_label_of_a_vrf_looks_up", world(),
     {"fabric": [from_far(inbound, 20), from_far(elsewhere, 20)]},
     {"p2": [Ether(src=ROUTER, dst=VM2) / inbound]}, drops={"no-route": 1})
case("c05_unknown_label", world(), {"fabric": [from_far(inbound, 4242), from_far(inbound, 0)]},
     drops={"label-unknown": 2})
case("c05_padding_is_left_behind", world(),
     {"fabric": [lab.frame(from_far(inbound, 17)) + b"\xbb" * 9]},
     {"p2": [Ether(src=ROUTER, dst=VM2) / inbound]})
through = IP(src="10.0.0.50", dst="10.3.0.1", ttl=40) / UDP(sport=5, dport=6) / Raw(b"hub")
hub = world(("red", "10.3.0.0/16", tunnel("far2", 300)))
case("c05_upstream_label_leaves_again_with_its_ttl_lower", hub,
     {"fabric": [from_far(through, 22)]},
     {"fabric": [over_udp(inner_of(Ether() / through), 300, endpoint=FAR2, mac=FAR2_MAC)]})
spent = IP(src="10.0.0.50", dst="10.3.0.1", ttl=1) / UDP()
case("c05_two_labels_that_lead_back_are_no_loop", hub, {"fabric": [from_far(spent, 22)]},
     punts=[("ttl-expired", "")])

# --- C6: local addresses serve guests only once they were announced back

case("c06_own_address_is_not_used_before_its_announcement", world(),
     {"p1": [guest("10.0.0.12")]}, punts=[("no-route", "vm1")])
case("c06_own_address_announced_back_is_local", world(("red", "10.0.0.12/32", {"vif": "vm2"})),
     {"p1": [guest("10.0.0.12")]}, {"p2": [delivered(guest("10.0.0.12"), VM2)]})
case("c06_announced_elsewhere_it_leaves_the_host", world(("red", "10.0.0.12/32",
                                                          tunnel("far", 55))),
     {"p1": [guest("10.0.0.12")]}, {"fabric": [over_udp(inner_of(guest("10.0.0.12")), 55)]})
case("c06_announced_with_a_vrf_label_it_is_looked_up_there",
     world(("red", "10.0.0.12/32", {"vrf": "red", "root": "downstream"})),
     {"p1": [guest("10.0.0.12")]}, {"p2": [delivered(guest("10.0.0.12"), VM2)]})

# --- C7, C8: several interfaces in a VRF; labels have local significance

red_three = [IP(src="10.0.0.50", dst=f"10.0.0.{host}") / UDP() for host in (11, 12, 13)]
case("c07_several_interfaces_in_a_vrf", world(),
     {"fabric": [from_far(packet, 20) for packet in red_three]},
     {"p1": [Ether(src=ROUTER, dst=VM1) / red_three[0],
             Ether(src=ROUTER, dst=VM3) / Dot1Q(vlan=200) / red_three[2]],
      "p2": [Ether(src=ROUTER, dst=VM2) / red_three[1]]})
case("c08_a_remote_label_is_not_ours", world(("red", "10.1.0.0/16", tunnel("far", 17))),
     {"p1": [guest("10.1.0.1")], "fabric": [from_far(inbound, 17)]},
     {"fabric": [over_udp(inner_of(guest("10.1.0.1")), 17)],
      "p2": [Ether(src=ROUTER, dst=VM2) / inbound]})

# --- C13: a guest sends from its own addresses only

case("c13_a_foreign_source_address", far,
     {"p1": [guest("10.1.0.1", source=source) for source in
             ("10.0.0.12", "10.0.0.10", "10.8.255.255", "10.9.1.0", "0.0.0.0", "127.0.0.1",
              "255.255.255.255", "224.0.0.1")]},
     drops={"source-address": 8},
     check=lambda test, result: test.assertEqual(result["vifs"]["vm1"]["drops"],
                                                 {"source-address": 8}))
case("c13_a_prefix_behind_the_guest", far,
     {"p1": [guest("10.1.0.1", source="10.9.0.0"), guest("10.1.0.1", source="10.9.0.255")]},
     {"fabric": [over_udp(inner_of(guest("10.1.0.1", source="10.9.0.0")), 1048575),
                 over_udp(inner_of(guest("10.1.0.1", source="10.9.0.255")), 1048575)]})
case("c13_a_foreign_source_mac", far, {"p1": [guest("10.1.0.1", mac=VM2),
                                             guest("10.1.0.1", mac=BROADCAST)]},
     drops={"source-mac": 2})
case("c13_not_sent_to_the_router", far, {"p1": [guest("10.1.0.1", gateway=VM2)]},
     drops={"destination-mac": 1})
case("c13_destinations_that_are_never_forwarded_to",
     world(("red", "0.0.0.0/0", tunnel("far", 1))),
     {"p1": [guest(destination) for destination in
             ("127.0.0.1", "0.0.0.1", "240.0.0.1", "255.255.255.254", "224.0.0.1",
              "239.255.255.250", "255.255.255.255")] +
            [guest("10.1.0.1", gateway="01:00:5e:00:00:fb"), guest("10.1.0.1", gateway=BROADCAST)]},
     drops={"ip-destination": 4, "multicast": 5})

# --- C14: MPLS over GRE

gre = world(("red", "10.1.0.0/16", tunnel("far-gre", 16)))
gre_sizes = [guest("10.1.0.1", size=size) for size in (0, 1, 55, 1430)]
case("c14_gre_in_every_size", gre, {"p1": gre_sizes},
     {"fabric": [over_gre(inner_of(packet), 16) for packet in gre_sizes]})
gre_ip = Ether(src=FAR_MAC, dst=FABRIC_MAC) / IP(src=FAR, dst=US, proto=47)
shim = lab.MPLS(label=17, s=1, ttl=63)
case("c14_gre_with_and_without_checksum_and_key", world(),
     {"fabric": [from_far(inbound, 17, encapsulation="gre"),
                 gre_ip / lab.GRE(proto=0x8847, chksum_present=1) / shim / inbound,
                 gre_ip / lab.GRE(proto=0x8847, key_present=1, key=99) / shim / inbound,
                 gre_ip / lab.GRE(proto=0x8847, chksum_present=1, key_present=1) / shim / inbound]},
     {"p2": [Ether(src=ROUTER, dst=VM2) / inbound] * 4})
udp_checked = from_far(inbound, 17)
udp_checked[UDP].chksum = None
case("c14_udp_with_a_checksum", world(), {"fabric": [udp_checked]},
     {"p2": [Ether(src=ROUTER, dst=VM2) / inbound]})

# --- C38: several next hops

spread = world(("red", "10.1.0.0/16", {"ecmp": [tunnel("far", 31), tunnel("far2", 32)]}))
by_hash = [guest("10.1.0.1", payload=UDP(sport=port, dport=80)) for port in range(2000, 2200)]


def both_next_hops(test, result):
    chosen = {}
    for octets in result["out"]["fabric"]:
        packet = Ether(octets)
        inner = packet[lab.MPLS].payload
        chosen.setdefault(packet[IP].dst, set()).add(inner[UDP].sport)
        test.assertEqual(packet[lab.MPLS].label, {FAR: 31, FAR2: 32}[packet[IP].dst])
    test.assertEqual(set(chosen), {FAR, FAR2})
    test.assertGreater(min(len(flows) for flows in chosen.values()), 50)
    test.assertFalse(chosen[FAR] & chosen[FAR2], "a flow went both ways")


case("c38_flows_spread_over_the_next_hops_and_stay", spread, {"p1": by_hash + by_hash},
     {"fabric": None}, check=both_next_hops)
local = world(("red", "10.1.0.0/16", {"ecmp": [{"vif": "vm2"}, {"vif": "vm3"}]}))
case("c38_local_next_hops", local, {"p1": by_hash}, {"p1": None, "p2": None},
     check=lambda test, result: test.assertEqual(
         len(result["out"]["p1"]) + len(result["out"]["p2"]), len(by_hash)))

# --- C39: label state from local information, upstream state from route servers

case("c39_a_label_does_not_use_upstream_routes", world(("red", "10.1.0.0/16", tunnel("far", 5))),
     {"fabric": [from_far(IP(src="10.0.0.50", dst="10.1.0.1", ttl=9) / UDP(), 20)]},
     drops={"no-route": 1})
case("c39_guests_do_not_use_label_state", world(), {"p1": [guest("10.0.0.13")]},
     punts=[("no-route", "vm1")])

Forwarding = TABLE.tests()

if __name__ == "__main__":
    unittest.main(verbosity=2)
