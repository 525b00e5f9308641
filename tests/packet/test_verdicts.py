#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Good packets that take another way than straight to a port: into another VRF, to the slow path,
to the worker that owns the port, or nowhere; and what is counted."""

import unittest

from scapy.all import ARP, BOOTP, DHCP, ICMP, IP, UDP, Ether, Raw

import lab
from lab import (BROADCAST, FABRIC_MAC, FAR, FAR_MAC, GATEWAY, LOST, ROUTER, US, VM1, VM2,
                 from_far, over_udp, tunnel, world)
from table import Table, delivered, guest, inner_of

TABLE = Table()
case = TABLE.case

far = world(("red", "10.1.0.0/16", tunnel("far", 1048575)))
inbound = IP(src="10.0.0.50", dst="10.0.0.12", ttl=1, id=3) / UDP(sport=9, dport=10) / Raw(b"in")
to_eleven = IP(src="10.0.0.50", dst="10.0.0.11", ttl=63) / UDP(sport=1, dport=2) / Raw(b"red")

# --- between VRFs

leak = world(("red", "10.7.0.0/16", {"vrf": "green", "root": "upstream"}),
             ("green", "10.7.0.0/16", tunnel("far", 700)))
case("a_route_into_another_vrf_is_followed", leak, {"p1": [guest("10.7.0.1")]},
     {"fabric": [over_udp(inner_of(guest("10.7.0.1")), 700)]})
circle = world(("red", "10.7.0.0/16", {"vrf": "green", "root": "upstream"}),
               ("green", "10.7.0.0/16", {"vrf": "red", "root": "upstream"}))
case("vrfs_that_lead_to_each_other_are_no_loop", circle, {"p1": [guest("10.7.0.1")]},
     drops={"vrf-loop": 1})

# --- what the slow path gets

arp = Ether(src=VM1, dst=BROADCAST) / ARP(op=1, hwsrc=VM1, psrc="10.0.0.11", pdst=GATEWAY)
discover = (Ether(src=VM1, dst=BROADCAST) / IP(src="0.0.0.0", dst="255.255.255.255") /
            UDP(sport=68, dport=67) / BOOTP(chaddr=b"\x02\x00\x00\x00\x00\x01") /
            DHCP(options=[("message-type", "discover"), "end"]))
renew = (Ether(src=VM1, dst=ROUTER) / IP(src="10.0.0.11", dst=GATEWAY, ttl=1) /
         UDP(sport=68, dport=67) / BOOTP() / DHCP(options=[("message-type", "request"), "end"]))
case("arp_is_punted", world(), {"p1": [arp]}, punts=[("arp", "vm1")])
case("arp_of_another_station_is_not", world(),
     {"p1": [Ether(src=VM2, dst=BROADCAST) / arp[ARP]]}, drops={"source-mac": 1})
case("dhcp_is_punted", world(), {"p1": [discover, renew]},
     punts=[("dhcp4", "vm1"), ("dhcp4", "vm1")])
relayed = guest("10.1.0.1", payload=UDP(sport=68, dport=67) / BOOTP() /
                DHCP(options=[("message-type", "request"), "end"]))
case("a_guests_own_dhcp_traffic_is_forwarded", far, {"p1": [relayed]},
     {"fabric": [over_udp(inner_of(relayed), 1048575)]})
case("the_gateway_is_punted_whatever_its_ttl", world(),
     {"p1": [guest(GATEWAY, payload=ICMP()), guest(GATEWAY, payload=ICMP(), ttl=1)]},
     punts=[("gateway", "vm1"), ("gateway", "vm1")])
case("from_a_tunnel_the_gateway_does_not_answer", world(),
     {"fabric": [from_far(IP(src="10.0.0.50", dst=GATEWAY) / ICMP(), 22)]},
     drops={"ip-destination": 1})
case("a_spent_ttl_is_punted", far, {"p1": [guest("10.1.0.1", ttl=1), guest("10.1.0.1", ttl=0)]},
     punts=[("ttl-expired", "vm1"), ("ttl-expired", "vm1")],
     check=lambda test, result: test.assertEqual(
         result["punted"][0]["frame"], lab.frame(guest("10.1.0.1", ttl=1)).hex()))


def told_mtu(mtu):
    return lambda test, result: test.assertEqual([each["mtu"] for each in result["punted"]], [mtu])


case("too_big_for_the_tunnel_is_punted", far,
     {"p1": [guest("10.1.0.1", size=1427, flags="DF")]}, punts=[("too-big", "vm1")],
     check=told_mtu(1454))
case("too_big_for_a_guest_is_punted", world(("red", "10.0.0.12/32", {"vif": "vm2"})),
     {"p1": [guest("10.0.0.12", size=1373, flags="DF"), guest("10.0.0.12", size=1372, flags="DF")]},
     {"p2": [delivered(guest("10.0.0.12", size=1372, flags="DF"), VM2)]},
     punts=[("too-big", "vm1")], check=told_mtu(1400))
case("too_big_from_a_tunnel", world(),
     {"fabric": [from_far(IP(src="10.0.0.50", dst="10.0.0.12", flags="DF") / UDP() /
                          Raw(b"x" * 1373), 17)]}, punts=[("too-big", "")])

lost = world(("red", "10.1.0.0/16", tunnel("lost", 44)))


def complete_frame(test, result):
    expected = over_udp(inner_of(guest("10.1.0.1")), 44, endpoint=LOST, mac="00:00:00:00:00:00")
    octets = bytes.fromhex(result["punted"][0]["frame"])
    expected[UDP].sport = int.from_bytes(octets[34:36], "big")
    test.assertEqual(octets.hex(), lab.frame(expected).hex())
    test.assertEqual(result["punted"][0]["port"], "fabric")


case("an_unknown_next_hop_is_punted_with_the_frame_ready", lost, {"p1": [guest("10.1.0.1")]},
     punts=[("adjacency", "vm1")], check=complete_frame)
case("underlay_arp_is_punted", world(),
     {"fabric": [Ether(src=FAR_MAC, dst=BROADCAST) / ARP(op=1, psrc=FAR, pdst=US),
                 Ether(src=FAR_MAC, dst=FABRIC_MAC) / ARP(op=2, psrc=FAR, pdst=US)]},
     punts=[("underlay-arp", ""), ("underlay-arp", "")])
case("underlay_icmp_is_punted", world(),
     {"fabric": [Ether(src=FAR_MAC, dst=FABRIC_MAC) / IP(src=FAR, dst=US) / ICMP()]},
     punts=[("underlay-local", "")])
case("a_flood_of_arp_is_policed", world(),
     {"p1": [arp] * 1000, "p2": [Ether(src=VM2, dst=BROADCAST) / arp[ARP]]},
     punts=None, drops=None,
     check=lambda test, result: (
         test.assertGreaterEqual(result["punts"]["arp"], 101),
         test.assertEqual(list(result["drops"]), ["punt-interface-rate"]),
         test.assertGreater(result["drops"]["punt-interface-rate"], 500),
         test.assertIn("vm2", [each["vif"] for each in result["punted"]])))

# --- interfaces that are down

case("a_guest_whose_interface_is_down", world(vifs=lab.changed(lab.WORLD["vifs"], "vm1", up=0)),
     {"p1": [guest("10.1.0.1"), arp]}, drops={"interface-down": 2})
case("delivery_to_an_interface_that_is_down",
     world(vifs=lab.changed(lab.WORLD["vifs"], "vm2", up=0)),
     {"fabric": [from_far(inbound, 17)]}, drops={"interface-down": 1},
     check=lambda test, result: test.assertEqual(result["vifs"]["vm2"]["drops"],
                                                 {"interface-down": 1}))

# --- two workers: a port's owner sends for the other

for workers in (2, 3):
    case(f"{workers}_workers_hand_over", dict(world(
        ("red", "10.1.0.0/16", tunnel("far", 8)), ("red", "10.0.0.12/32", {"vif": "vm2"})),
        workers=workers),
        {"p1": [guest("10.1.0.1")] * 100 + [guest("10.0.0.12")] * 50,
         "fabric": [from_far(inbound, 17)] * 70 + [from_far(to_eleven, 16)] * 40},
        {"fabric": [over_udp(inner_of(guest("10.1.0.1")), 8)] * 100, "p2": None,
         "p1": [Ether(src=ROUTER, dst=VM1) / to_eleven] * 40},
        check=lambda test, result: (
            test.assertEqual(len(result["out"]["p2"]), 120),
            test.assertEqual(result["endpoints"]["far"][0], 100),
            test.assertEqual(result["vifs"]["vm2"]["tx"][0], 120),
            test.assertEqual(result["vifs"]["vm1"]["tx"][0], 40)))


def counters_of_everything(test, result):
    out_octets = sum(len(octets) for octets in result["out"]["fabric"])
    test.assertEqual(result["vifs"]["vm1"]["rx"], [2, 2 * len(guest("10.1.0.1"))])
    test.assertEqual(result["vrfs"]["red"]["from_vif"], [1, len(guest("10.1.0.1")[IP])])
    test.assertEqual(result["endpoints"]["far"], [1, out_octets])
    test.assertEqual(result["endpoints"]["far2"], [0, 0])
    test.assertEqual(result["ports"]["fabric"]["tx"], [1, out_octets])
    test.assertEqual(result["ports"]["p1"]["rx"], [2, 2 * len(guest("10.1.0.1"))])


case("counters_of_interface_vrf_endpoint_and_port", far,
     {"p1": [guest("10.1.0.1"), guest("10.1.0.1", source="10.0.0.99")]},
     {"fabric": [over_udp(inner_of(guest("10.1.0.1")), 1048575)]}, drops={"source-address": 1},
     check=counters_of_everything)

Verdicts = TABLE.tests()

if __name__ == "__main__":
    unittest.main(verbosity=2)
