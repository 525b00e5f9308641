#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Tenants of IPv6 on two computes, with the kernel's own stack: over an underlay of IPv4, over one of
IPv6 where the sessions with the route servers are of IPv6, too, and over one of both, with a tag. What
crosses the underlay is decoded by scapy."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from millrace_lab import Capture, wait_for
from packets import underlay_packets
from systest import NetworkTest, main

GATEWAY = "fe80::1"
VIRTUAL_ROUTER_MAC = "00:00:5e:00:02:01"
OCTETS = 2_000_000

SERVE = """
import socket, sys
server = socket.create_server((sys.argv[1], 8080), family=socket.AF_INET6)
print("listening", flush=True)
client, _ = server.accept()
client.settimeout(60)
client.sendall(b"x" * int(sys.argv[2]))
client.close()
"""
FETCH = """
import socket, sys
client = socket.create_connection((sys.argv[1], 8080), timeout=60)
octets = 0
while piece := client.recv(65536):
    octets += len(piece)
print(octets)
"""


class OverIpv4(NetworkTest):
    """IPv6 inside, IPv4 outside."""

    encapsulations = ("udp", "gre", "vxlan")
    underlays = (["192.0.2.11/24"], ["192.0.2.12/24"])
    capture_filter = "udp port 6635"

    @classmethod
    def populate(cls):
        network = cls.network
        network.workload(cls.one, "red1", "red", "10.0.0.11").address6 = "2001:db8:a::11"
        network.workload(cls.one, "red3", "red", None).address6 = "2001:db8:a::13"
        network.workload(cls.two, "red2", "red", "10.0.0.12").address6 = "2001:db8:a::12"
        network.workload(cls.two, "blue2", "blue", None).address6 = "2001:db8:a::12"
        network.workload(cls.one, "shared1", "shared", None).address6 = "2001:db8:5::1"
        for compute, addresses in zip(network.computes, cls.underlays):
            compute.underlay_addresses = addresses
            compute.vpns = {"red": "instance-id = 1", "blue": "instance-id = 2",
                            "shared": "instance-id = 3  label-mode = vrf"}
        for server in network.servers:
            server.vrfs = {
                "red": 'import = {"64512:1", "64512:9"}\n    export = {"64512:1"}',
                "blue": 'import = {"64512:2"}\n    export = {"64512:2"}',
                "shared": 'import = {"64512:1"}\n    export = {"64512:9"}',
            }
        cls.prepare()

    @classmethod
    def prepare(cls):
        """More that is set before anything is started."""

    def fetch(self, source, target):
        """Octets that came over a TCP connection."""
        target = self.workload(target)
        server = target.namespace.start(f"{target.name}.server", sys.executable, "-c", SERVE,
                                        target.address6, OCTETS)
        wait_for("the server", lambda: "listening" in server.log, alive=[server])
        said = self.workload(source).namespace.run(sys.executable, "-c", FETCH, target.address6).stdout
        self.assertEqual(server.wait_end(), 0, server.log)
        return int(said)

    def test_c01_tenants_reach_their_own_across_computes(self):
        red1, red2 = self.workload("red1"), self.workload("red2")
        red1.reaches(red2.address6)
        self.assertEqual(red1.ping(red2.address6), 5)
        self.assertEqual(red2.ping(red1.address6, size=1200), 5)
        self.assertEqual(self.fetch("red1", "red2"), OCTETS)
        self.assertEqual(self.fetch("red2", "red1"), OCTETS)

    def test_c01_tenants_reach_their_own_on_one_compute(self):
        red1, red3 = self.workload("red1"), self.workload("red3")
        red1.reaches(red3.address6)
        self.assertEqual(red1.ping(red3.address6), 5)
        self.assertEqual(self.fetch("red3", "red1"), OCTETS)

    def test_c02_a_tenant_never_reaches_another_of_the_same_address(self):
        red1, red2 = self.workload("red1"), self.workload("red2")
        red1.reaches(red2.address6)
        capture = Capture(self.workload("blue2").namespace, "eth0", "isolation",
                          f"src {red1.address6}")
        seen = Capture(red2.namespace, "eth0", "arrival", f"src {red1.address6}")
        self.assertEqual(red1.ping(red2.address6), 5)
        wait_for("the pings at red2", lambda: len(underlay_packets(seen.path)) >= 5)
        seen.stop()
        self.assertEqual(underlay_packets(capture.stop()), [])

    def test_c06_an_extranet_joins_vpns_on_one_compute_and_across(self):
        shared = self.workload("shared1")
        for name in ("red1", "red2"):
            self.workload(name).reaches(shared.address6)
            self.assertEqual(self.workload(name).ping(shared.address6), 5)
        self.assertEqual(self.workload("blue2").ping_burst(shared.address6), 0)

    def test_c04_packets_are_encapsulated_as_the_lookup_says(self):
        red1, red2 = self.workload("red1"), self.workload("red2")
        red1.reaches(red2.address6)
        capture = Capture(self.one.namespace, "under0", "underlay", self.capture_filter)
        self.assertEqual(red1.ping(red2.address6), 5)

        def pings():
            return [packet for packet in underlay_packets(capture.path)
                    if {red1.address6, red2.address6} ==
                    {packet["layers"][-2].get("src"), packet["layers"][-2].get("dst")}]

        wait_for("five pings and five answers", lambda: len(pings()) >= 10)
        found = pings()
        capture.stop()
        ours = [[address.split("/")[0] for address in addresses] for addresses in self.underlays]
        announced = {addresses[0] for addresses in ours}
        labels = {row["label"] for compute in self.network.computes
                  for row in compute.daemon.rpc("label.list")["labels"]}
        for packet in found:
            outer, inner = packet["layers"][0], packet["layers"][-2]
            self.assertIn(outer["dst"], announced)
            self.assertIn(outer["src"], ours[0] + ours[1])
            self.assertEqual(outer["ttl" if outer["type"] == "IP" else "hlim"], 64)
            self.assertEqual(inner["type"], "IPv6")
            self.assertEqual(inner["hlim"], 63)
            self.assertIn(self.label_of(packet["layers"]), labels)
            self.assertTrue(packet["checksums_fine"], packet)

    @staticmethod
    def label_of(layers):
        """The label of MPLS, or the VNI of VXLAN, whichever is there."""
        return next(layer.get("label", layer.get("vni")) for layer in layers
                    if layer["type"] in ("MPLS", "VXLAN"))

    def test_c10_c11_c12_the_first_hop_router_is_the_same_everywhere(self):
        for name, workload in self.workloads.items():
            self.assertEqual(workload.ping(f"{GATEWAY}%eth0", count=2), 2, name)
            said = workload.namespace.ip("-6", "neighbour", "show", GATEWAY).stdout
            self.assertIn(VIRTUAL_ROUTER_MAC, said, name)
            said = workload.namespace.ip("-6", "route", "show", "default").stdout
            self.assertIn(f"via {GATEWAY}", said, name)

    def test_c13_a_guest_cannot_send_from_another_address(self):
        red1, red2 = self.workload("red1"), self.workload("red2")
        red1.reaches(red2.address6)
        before = self.drops(self.one, "source-address")
        foreign = "2001:db8:a::77/128"
        red1.namespace.ip("-6", "address", "add", foreign, "dev", "eth0", "nodad")
        try:
            back = red1.ping_burst(red2.address6, extra=("-I", foreign.split("/")[0]))
        finally:
            red1.namespace.ip("-6", "address", "delete", foreign, "dev", "eth0")
        self.assertEqual(back, 0)
        self.wait_drops(self.one, "source-address", before + 1)

    def test_c33_c35_an_address_is_published_and_retracted(self):
        prefix = "2001:db8:a::99/128"
        late = self.network.workload(None, "late", "red", None)
        late.address6 = prefix.split("/")[0]
        self.two.daemon.rpc("vif.add", **late.parameters())
        route = self.wait_route(self.one, prefix)
        self.assertIn(self.underlays[1][0].split("/")[0], route["via"])
        self.two.daemon.rpc("vif.del", name="late")
        self.wait_no_route(self.one, prefix)

    def test_what_is_shown_has_addresses_of_either_family(self):
        self.workload("red1").reaches(self.workload("red2").address6)
        far_end = self.underlays[1][0].split("/")[0]
        route = self.wait_route(self.one, "2001:db8:a::12/128")
        self.assertIn(far_end, route["via"])
        endpoints = {row["address"]: row for row in self.one.daemon.rpc("endpoint.list")["endpoints"]}
        self.assertTrue(endpoints[far_end]["up"])
        neighbours = {row["address"]: row
                      for row in self.one.daemon.rpc("neighbour.list")["neighbours"]}
        self.assertNotEqual(neighbours[far_end]["mac"], "")
        underlay = self.one.daemon.rpc("config.get")["underlay"]
        self.assertEqual(underlay["addresses"], self.underlays[0])
        vifs = {row["name"]: row for row in self.one.daemon.rpc("vif.list")["vifs"]}
        self.assertEqual(vifs["red1"]["addresses"], ["10.0.0.11", "2001:db8:a::11"])
        self.assertEqual(vifs["red3"]["gateway6"], GATEWAY)

    def test_rates_can_be_changed_under_way(self):
        red1, red2 = self.workload("red1"), self.workload("red2")
        red1.reaches(red2.address6)
        before = self.drops(self.one, "rate-in")
        changed = self.one.daemon.ctl_json("vif", "set", "red1", "packet-rate-in=10")
        self.assertEqual(changed["packet_rate_in"], 10)
        try:
            self.assertLess(red1.ping_burst(red2.address6, count=200, interval=0.002), 200)
        finally:
            self.one.daemon.ctl("vif", "set", "red1", "packet-rate-in=0")
        self.wait_drops(self.one, "rate-in", before)
        self.assertEqual(red1.ping(red2.address6), 5)


class OverIpv6(OverIpv4):
    """IPv6 inside and outside, and towards the route servers."""

    underlays = (["2001:db8:f::11/64"], ["2001:db8:f::12/64"])

    @classmethod
    def prepare(cls):
        for number, server in enumerate(cls.network.servers, 1):
            server.address = f"2001:db8:99::{number}"


class OverIpv6Gre(OverIpv6):
    encapsulations = ("gre", "udp")
    capture_filter = "proto gre"


class OverIpv6Vxlan(OverIpv6):
    encapsulations = ("vxlan", "udp")
    capture_filter = "udp port 4789"


class OverATag(OverIpv4):
    """The underlay has an 802.1Q tag, and both families in the same order."""

    underlays = (["192.0.2.11/24", "2001:db8:f::11/64"], ["192.0.2.12/24", "2001:db8:f::12/64"])
    capture_filter = "vlan 7 and udp port 6635"

    @classmethod
    def prepare(cls):
        for number, compute in enumerate(cls.network.computes, 1):
            compute.underlay_keys = {"vlan": 7}
            compute.cable_to_servers(number)  # which have no tag


class OverBoth(OverIpv4):
    """Both have both families, but one announces IPv6 and the other IPv4: there and back the outer
    packets differ, and neither's tunnels come from the address that it announces."""

    underlays = (["2001:db8:f::11/64", "192.0.2.11/24"], ["192.0.2.12/24", "2001:db8:f::12/64"])

    @classmethod
    def prepare(cls):
        for compute in cls.network.computes:
            compute.underlay_keys["allowed-sources"] = '{"192.0.2.0/24", "2001:db8:f::/64"}'


if __name__ == "__main__":
    main()
