#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""From VRF to VRF, for both families: what the three kinds of labels lead to, routes that leak by
their next hop, hub-and-spoke and extranet on one host and across hosts, and the TTL rule that makes
an end of every loop."""

import unittest

from scapy.all import IP, UDP, Dot1Q, Ether, IPv6, Raw

import lab
from lab import (BLUE, FABRIC_MAC, FAR, FAR2, FAR2_MAC, FAR_MAC, OVER, ROUTER, ROUTER6, US, VM1, VM2,
                 VM3, changed, from_far, over_udp, tunnel, world)
from lab_case import LabCase
from table import Table, delivered, guest, guest6, inner_of

TABLE = Table()

# Each name of the tables below, in both families. vm1 to vm3 and bm1 are guests.
ADDRESSES = {
    "vm1": ("10.0.0.11", "2001:db8::11"),
    "vm2": ("10.0.0.12", "2001:db8::12"),
    "vm3": ("10.0.0.13", "2001:db8::13"),
    "bm1": ("10.0.0.11", "2001:db8::11"),
    "stranger": ("10.0.0.50", "2001:db8::50"),
    "far": ("10.3.0.1", "2001:db8:3::1"),
    "far-network": ("10.3.0.0/16", "2001:db8:3::/48"),
    "guests": ("10.0.0.0/24", "2001:db8::/64"),
    "services": ("10.50.0.1", "2001:db8:50::1"),
    "all": ("0.0.0.0/0", "::/0"),
}
FRAMES = {"vm1": (VM1, None), "vm2": (VM2, None), "vm3": (VM3, 200), "bm1": (BLUE, 100)}
PORTS = {"vm1": "p1", "vm2": "p2", "vm3": "p1", "bm1": "p1"}
FAMILIES = {"v4": 0, "v6": 1}


class Family:
    """The names above, in one family."""

    def __init__(self, number):
        self.number = number

    def address(self, name):
        return ADDRESSES[name][self.number]

    def sent(self, vif, destination, *, source=None, ttl=64):
        """A guest's frame."""
        mac, tag = FRAMES[vif]
        source = self.address(source or vif)
        if self.number == 0:
            return guest(self.address(destination), source=source, mac=mac, tag=tag, ttl=ttl)
        return guest6(self.address(destination), source=source, mac=mac, tag=tag, hlim=ttl)

    def packet(self, source, destination, ttl=40):
        """A packet without a link."""
        body = UDP(sport=5, dport=6) / Raw(b"within")
        if self.number == 0:
            return IP(src=self.address(source), dst=self.address(destination), ttl=ttl) / body
        return IPv6(src=self.address(source), dst=self.address(destination), hlim=ttl) / body

    def received(self, vif, packet):
        """The frame of a packet from a tunnel as a guest receives it: as it is."""
        mac, tag = FRAMES[vif]
        ether = Ether(src=(ROUTER, ROUTER6)[self.number], dst=mac)
        return (ether if tag is None else ether / Dot1Q(vlan=tag)) / packet

    def forwarded(self, vif, frame):
        """The frame of a guest as another receives it: one hop on."""
        mac, tag = FRAMES[vif]
        return delivered(frame, mac, tag=tag)

    def world(self, *routes, labels=(), **changes):
        """The world, with routes of names instead of prefixes, and with every guest's address of
        this family in its VRF's downstream root."""
        local = [("red", "downstream", self.address(vif), {"vif": vif})
                 for vif in ("vm1", "vm2", "vm3")]
        local.append(("blue", "downstream", self.address("bm1"), {"vif": "bm1"}))
        named = [(*route[:-2], self.address(route[-2]), route[-1]) for route in routes]
        changes.setdefault("vifs", VIFS)
        return world(*(local if self.number == 1 else []), *named, labels=labels, **changes)


# Every guest has an address of either family.
VIFS = changed(lab.WORLD["vifs"], "vm3", sources=["10.0.0.13/32", "2001:db8::13/128"])
VIFS = changed(VIFS, "bm1", sources=["10.0.0.11/32", "2001:db8::11/128"])


def case(name, rows):
    """A row for each family, IPv4 first: `rows(family)` gives Table.case() its arguments."""
    for number in FAMILIES.values():
        arguments = dict(zip(("scenario", "sent", "out", "drops", "punts", "check"),
                             rows(Family(number))))
        TABLE.case(name, **arguments)


def punted_in(vrf):
    def check(test, result):
        test.assertEqual([each["vrf"] for each in result["punted"]], [vrf])
    return check


# --- labels of an interface (16 is vm1's), of a VRF's local addresses (20), of all its routes (22)


def by_every_tunnel(family):
    # the interface's label decides, wherever the packet says that it is going
    packets = [family.packet("stranger", "vm2", ttl=1), family.packet("stranger", "far")]
    frames = [from_far(packet, 17, encapsulation=kind) for kind in OVER for packet in packets]
    return (family.world(), {"fabric": frames},
            {"p2": [family.received("vm2", packet) for _ in OVER for packet in packets]})


def in_the_vrf(family):
    names = ("vm1", "vm2", "vm3", "stranger", "far")
    packets = {name: family.packet("stranger", name, ttl=1) for name in names}
    scenario = family.world(("red", "far-network", tunnel("far", 1)))
    return (scenario, {"fabric": [from_far(packet, 20) for packet in packets.values()]},
            {"p1": [family.received(name, packets[name]) for name in ("vm1", "vm3")],
             "p2": [family.received("vm2", packets["vm2"])]}, {"no-route": 2})


def same_address_elsewhere(family):
    packet = family.packet("stranger", "bm1")
    return (family.world(), {"fabric": [from_far(packet, 21), from_far(packet, 20)]},
            {"p1": [family.received("bm1", packet), family.received("vm1", packet)]})


def out_again(family):
    packets = [family.packet("stranger", "far", ttl=ttl) for ttl in (2, 64, 255)]
    return (family.world(("red", "far-network", tunnel("far2", 300))),
            {"fabric": [from_far(packet, 22) for packet in packets]},
            {"fabric": [over_udp(inner_of(Ether() / packet), 300, endpoint=FAR2, mac=FAR2_MAC)
                        for packet in packets]})


def spent(family):
    packet = family.packet("stranger", "far", ttl=1)
    return (family.world(("red", "far-network", tunnel("far2", 300))),
            {"fabric": [from_far(packet, 22)]}, {}, (), [("ttl-expired", "")], punted_in("red"))


def announced_or_not(family):
    packets = [family.packet("stranger", name, ttl=1) for name in ("vm1", "vm2")]
    return (family.world(("red", "vm1", {"vif": "vm1"})),
            {"fabric": [from_far(packet, 22) for packet in packets]},
            {"p1": [family.received("vm1", packets[0])]}, {"no-route": 1})


case("c05_an_interfaces_label_delivers_whatever_the_address", by_every_tunnel)
case("c05_a_vrfs_label_looks_among_local_addresses_only", in_the_vrf)
case("c02_the_label_says_whose_address_it_is", same_address_elsewhere)
case("c05_a_hubs_label_looks_among_all_routes_and_takes_a_hop", out_again)
case("c05_a_hub_punts_what_has_no_hop_left_for_its_vrf", spent)
case("c05_a_hubs_label_delivers_to_announced_addresses_as_they_are", announced_or_not)

# --- one host: leaking, extranet, hub-and-spoke. An own route leads where its label leads.


def not_announced(family):
    return (family.world(), {"p1": [family.sent("vm1", "vm2")]}, {}, (), [("no-route", "vm1")])


def announced_back(path):
    def rows(family):
        frame = family.sent("vm1", "vm2")
        return (family.world(("red", "vm2", path)), {"p1": [frame]},
                {"p2": [family.forwarded("vm2", frame)]})
    return rows


def extranet(path):
    def rows(family):
        # services lives in blue; its own address is bm1's in the table of blue alone
        frame, other = family.sent("vm1", "services"), family.sent("vm1", "bm1")
        scenario = family.world(("red", "services", path),
                                ("blue", "downstream", "services", {"vif": "bm1"}))
        return (scenario, {"p1": [frame, other]}, {"p1": [family.forwarded("bm1", frame)]},
                (), [("no-route", "vm1")])
    return rows


def back_without_a_route(family):
    # the leak is one way: blue has no route to red's guest
    scenario = family.world(("red", "services", {"vrf": "blue", "root": "downstream"}),
                            ("blue", "downstream", "services", {"vif": "bm1"}))
    return (scenario, {"p1": [family.sent("bm1", "vm2")]}, {}, (), [("no-route", "bm1")])


def leak_of_all_routes(family):
    # red's default is blue as a whole: to the far end, with one hop for the guest's packet
    frame = family.sent("vm1", "far")
    scenario = family.world(("red", "all", {"vrf": "blue", "root": "upstream"}),
                            ("blue", "far-network", tunnel("far", 71)))
    return scenario, {"p1": [frame]}, {"fabric": [over_udp(inner_of(frame), 71)]}


def hub_world(family):
    """Spokes vm1 and vm3 in red know only the way into the box, vm2 (in green); its way out is
    bm1 (in blue), where the spokes are known."""
    vifs = changed(VIFS, "vm2", vrf="green")
    vifs = changed(vifs, "bm1", sources=["0.0.0.0/0", "::/0"])
    return family.world(("red", "guests", {"vif": "vm2"}),
                        ("blue", "vm1", {"vif": "vm1"}), ("blue", "vm3", {"vif": "vm3"}),
                        vifs=vifs)


def spoke_to_box(family):
    there, back = family.sent("vm1", "vm3"), family.sent("vm3", "vm1")
    return (hub_world(family), {"p1": [there, back]},
            {"p2": [family.forwarded("vm2", there), family.forwarded("vm2", back)]})


def box_to_spoke(family):
    there = family.sent("bm1", "vm3", source="vm1", ttl=62)
    return hub_world(family), {"p1": [there]}, {"p1": [family.forwarded("vm3", there)]}


case("c06_an_own_address_that_was_not_announced_is_not_used", not_announced)
case("c06_announced_back_with_the_interfaces_label_it_is_local", announced_back({"vif": "vm2"}))
case("c06_announced_back_with_the_vrfs_label_it_is_local",
     announced_back({"vrf": "red", "root": "downstream"}))
case("c06_extranet_on_one_host_by_the_interfaces_label", extranet({"vif": "bm1"}))
case("c06_extranet_on_one_host_by_the_vrfs_label",
     extranet({"vrf": "blue", "root": "downstream"}))
case("c02_a_leak_is_one_way", back_without_a_route)
case("c06_a_vrf_leaks_all_its_routes_by_a_hubs_label", leak_of_all_routes)
case("c06_spokes_of_one_host_are_sent_to_the_box", spoke_to_box)
case("c06_what_the_box_lets_through_reaches_the_spoke", box_to_spoke)

# --- across hosts: the same next hops, behind tunnels


def extranet_far(family):
    frame = family.sent("vm1", "services")
    return (family.world(("red", "services", tunnel("far", 71))), {"p1": [frame]},
            {"fabric": [over_udp(inner_of(frame), 71)]})


def extranet_here(label):
    def rows(family):
        # what the far VRF sends to our services, by the label of the VRF or of the interface
        packet = family.packet("stranger", "services")
        scenario = family.world(("blue", "downstream", "services", {"vif": "bm1"}),
                                labels=[(31, {"vif": "bm1"})])
        return (scenario, {"fabric": [from_far(packet, label)]},
                {"p1": [family.received("bm1", packet)]})
    return rows


def spoke_far(family):
    # a spoke elsewhere enters the box by its interface's label, and leaves for one elsewhere
    enters = family.packet("stranger", "vm1")
    leaves = family.sent("bm1", "far", source="stranger")
    vifs = changed(VIFS, "vm2", vrf="green")
    vifs = changed(vifs, "bm1", sources=["0.0.0.0/0", "::/0"])
    scenario = family.world(("blue", "far-network", tunnel("far2", 72)), vifs=vifs)
    return (scenario, {"fabric": [from_far(enters, 17)], "p1": [leaves]},
            {"p2": [family.received("vm2", enters)],
             "fabric": [over_udp(inner_of(leaves), 72, endpoint=FAR2, mac=FAR2_MAC)]})


case("c06_extranet_across_hosts_sends_the_far_label", extranet_far)
case("c06_extranet_across_hosts_receives_by_the_vrfs_label", extranet_here(21))
case("c06_extranet_across_hosts_receives_by_the_interfaces_label", extranet_here(31))
case("c06_hub_and_spoke_across_hosts", spoke_far)

# --- chains and loops of VRFs on one host

CHAIN = [f"link{number}" for number in range(8)]


def chain(family, n):
    """A way through `n` VRFs, red the first, each the next one's by its default route."""
    names = ["red", *CHAIN[:n - 1]]
    routes = [(here, "all", {"vrf": there, "root": "upstream"})
              for here, there in zip(names, names[1:])]
    return family.world(*routes, (names[-1], "far-network", tunnel("far", 9)),
                        vrfs=["red", "blue", "green", *CHAIN])


def eight_vrfs(family):
    frame = family.sent("vm1", "far")
    return chain(family, 8), {"p1": [frame]}, {"fabric": [over_udp(inner_of(frame), 9)]}


def nine_vrfs(family):
    return chain(family, 9), {"p1": [family.sent("vm1", "far")]}, {}, {"vrf-loop": 1}


def in_a_ring(family):
    scenario = family.world(("red", "all", {"vrf": "blue", "root": "upstream"}),
                            ("blue", "all", {"vrf": "red", "root": "upstream"}))
    return (scenario, {"p1": [family.sent("vm1", "far")],
                       "fabric": [from_far(family.packet("stranger", "far"), 22)]},
            {}, {"vrf-loop": 2})


case("c06_a_chain_of_eight_vrfs_is_followed", eight_vrfs)
case("c06_a_longer_one_counts_as_a_loop", nine_vrfs)
case("c06_vrfs_that_lead_to_each_other_on_one_host", in_a_ring)

Vrfs = TABLE.tests()


class Loop(LabCase):
    """A's hub leads to B's hub, and B's to A's: the frames of one go into the other until there are
    no more."""

    TTL = 12

    @staticmethod
    def host(family, own, own_mac, other, other_mac, encapsulation):
        """One of the two: red's route to the far network leads to the other's label 22."""
        ports = changed(lab.WORLD["ports"], "fabric", mac=own_mac)
        endpoints = [{"name": "other", "address": other, "encapsulation": encapsulation,
                      "port": "fabric", "mac": other_mac}]
        addresses = {"underlay_address6" if ":" in own else "underlay_address": own}
        return family.world(("red", "far-network", tunnel("other", 22)), ports=ports,
                            endpoints=endpoints, **addresses)

    def go_round(self, family, encapsulation, a, b):
        hosts = [self.host(family, a, FABRIC_MAC, b, FAR_MAC, encapsulation),
                 self.host(family, b, FAR_MAC, a, FABRIC_MAC, encapsulation)]
        sent, hops = {"p1": [family.sent("vm1", "far", ttl=self.TTL)]}, 0
        while True:
            result = self.play(hosts[hops % 2], sent)
            frames = result["out"]["fabric"]
            self.assertLessEqual(len(frames), 1)
            if not frames:
                break
            hops += 1
            self.assertLess(hops, self.TTL + 1, "it goes round for ever")
            sent = {"fabric": frames}
        self.assertEqual([(each["reason"], each["vrf"]) for each in result["punted"]],
                         [("ttl-expired", "red")])
        self.assertEqual(hops, self.TTL - 1)

    def test_c05_a_loop_of_two_hubs_ends_with_the_ttl(self):
        for name, number in FAMILIES.items():
            for encapsulation in OVER:
                for a, b in ((US, FAR), (lab.US6, lab.FAR6)):
                    with self.subTest(inner=name, over=encapsulation, outer=a):
                        self.go_round(Family(number), encapsulation, a, b)


if __name__ == "__main__":
    unittest.main(verbosity=2)
