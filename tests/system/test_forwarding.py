#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Tenants on two computes: who reaches whom, what crosses the underlay, what a guest may send. The
underlay is captured and decoded by scapy, which knows nothing of this project."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from millrace_lab import Capture, wait_for
from packets import inject, underlay_packets
from systest import NetworkTest, main

VIRTUAL_ROUTER_MAC = "00:00:5e:00:01:01"
OTHER_SIZE = 200  # octets of a ping that is none of the usual ones


class Tenants(NetworkTest):
    def reaches(self, source, target):
        target = self.workload(target)
        self.workload(source).reaches(target.address)
        self.assertEqual(self.workload(source).ping(target.address), 5)

    def test_c01_tenants_reach_their_own_across_computes(self):
        self.reaches("red1", "red2")
        self.reaches("blue1", "blue2")
        route = self.wait_route(self.one, "10.0.0.12/32")
        self.assertIn("192.0.2.12", route["via"])
        self.assertGreaterEqual(route["label"], 16)

    def test_c01_tenants_reach_their_own_on_one_compute(self):
        self.reaches("red1", "red3")
        self.reaches("blue2", "blue3")

    def test_c02_a_tenant_never_reaches_another(self):
        self.workload("red1").reaches("10.0.0.12")
        blue = self.workload("blue2").namespace
        capture = Capture(blue, "eth0", "isolation", "icmp")
        self.assertEqual(self.workload("red1").ping("10.0.0.12"), 5)
        self.assertEqual(self.workload("red1").ping_burst("10.0.0.23"), 0)
        # What was sent before this would be seen before this.
        self.workload("blue1").reaches("10.0.0.12", size=OTHER_SIZE)

        def sizes():
            return {packet["layers"][0]["len"] - 28 for packet in underlay_packets(capture.path)}

        wait_for("the blue ping", sizes)
        self.assertEqual(sizes(), {OTHER_SIZE})
        capture.stop()

    def test_c03_a_tag_of_a_shared_port_is_an_interface(self):
        self.reaches("red3", "red2")
        self.reaches("red2", "red3")

    def test_c09_every_arp_request_is_answered_by_the_virtual_router(self):
        workload = self.workload("red1")
        for address in ("169.254.0.1", "10.0.0.12", "10.0.0.99", "203.0.113.7"):
            said = self.arping(workload, address)
            self.assertIn(VIRTUAL_ROUTER_MAC, said.lower(), address)

    def test_c09_probes_and_announcements_of_the_own_address_are_not_answered(self):
        workload = self.workload("red1")
        probe = workload.namespace.run("arping", "-D", "-c", "2", "-w", "2", "-I", "eth0",
                                       workload.address, check=False)
        self.assertEqual(probe.returncode, 0, probe.stdout)
        announced = workload.namespace.run("arping", "-U", "-c", "2", "-w", "2", "-I", "eth0",
                                           workload.address, check=False)
        self.assertIn("Received 0 response", announced.stdout)

    def test_c10_c11_one_virtual_mac_everywhere_of_vrrp_vrid_1(self):
        for name in self.workloads:
            workload = self.workload(name)
            workload.ping("169.254.0.1", count=1)
            said = workload.namespace.ip("neighbour", "show", "169.254.0.1").stdout
            self.assertIn(VIRTUAL_ROUTER_MAC, said, name)

    def test_c12_the_first_hop_router_is_the_same_everywhere(self):
        for name in self.workloads:
            self.assertEqual(self.workload(name).ping("169.254.0.1", count=2), 2, name)

    @staticmethod
    def arping(workload, address):
        return workload.namespace.run("arping", "-c", "1", "-w", "30", "-I", "eth0", "-s",
                                      workload.address, address, check=False).stdout

    def test_c13_a_guest_cannot_send_from_another_address(self):
        workload = self.workload("red1")
        workload.reaches("10.0.0.12")
        before = self.drops(self.one, "source-address")
        workload.namespace.ip("address", "add", "10.0.0.77/32", "dev", "eth0")
        try:
            back = workload.ping_burst("10.0.0.12", extra=("-I", "10.0.0.77"))
        finally:
            workload.namespace.ip("address", "delete", "10.0.0.77/32", "dev", "eth0")
        self.assertEqual(back, 0)
        self.wait_drops(self.one, "source-address", before)

    def test_c13_a_guest_cannot_send_from_another_mac(self):
        workload = self.workload("red1")
        before = self.drops(self.one, "source-mac")
        inject(workload.namespace, "eth0",
               "Ether(src='02:00:00:00:77:77', dst='%s')/IP(src='10.0.0.11', dst='10.0.0.12')/"
               "UDP(sport=1, dport=2)" % VIRTUAL_ROUTER_MAC, count=3)
        self.wait_drops(self.one, "source-mac", before + 2)

    def test_ttl_expiry_is_told_by_the_gateway(self):
        workload = self.workload("red1")
        workload.reaches("10.0.0.12")
        said = workload.namespace.run("ping", "-n", "-c", "1", "-W", "20", "-t", "1", "10.0.0.12",
                                      check=False).stdout
        self.assertIn("Time to live exceeded", said)


class Udp(NetworkTest):
    """The packets between the computes, over MPLS-over-UDP."""

    encapsulations = ("udp",)
    capture_filter = "udp port 6635"

    def captured(self):
        workload = self.workload("red1")
        workload.reaches("10.0.0.12")
        capture = Capture(self.one.namespace, "under0", "underlay", self.capture_filter)
        self.assertEqual(workload.ping("10.0.0.12", count=5), 5)

        wait_for("five pings and five answers", lambda: len(underlay_packets(capture.path)) >= 10)
        packets = underlay_packets(capture.stop())
        self.assertEqual(len(packets), 10)
        return packets

    def check_outer(self, packet, protocol):
        outer = packet["layers"][0]
        self.assertEqual(outer["type"], "IP")
        self.assertEqual(outer["proto"], protocol)
        self.assertEqual({outer["src"], outer["dst"]}, {"192.0.2.11", "192.0.2.12"})
        self.assertEqual(outer["ttl"], 64)
        self.assertIn("DF", outer["flags"])
        self.assertTrue(packet["checksums_fine"], packet)

    def check_inner(self, packet):
        label, inner = packet["layers"][2], packet["layers"][3]
        self.assertEqual(label["type"], "MPLS")
        self.assertEqual(label["s"], 1)
        self.assertGreaterEqual(label["label"], 16)
        self.assertEqual(inner["type"], "IP")
        self.assertEqual({inner["src"], inner["dst"]}, {"10.0.0.11", "10.0.0.12"})
        self.assertEqual(inner["ttl"], 63)
        self.assertEqual(label["ttl"], 63)
        compute = self.two if inner["dst"] == "10.0.0.12" else self.one
        name = "red2" if inner["dst"] == "10.0.0.12" else "red1"
        labels = {row["target"]: row["label"] for row in
                  compute.daemon.rpc("label.list")["labels"]}
        self.assertEqual(label["label"], labels[name])

    def test_c04_packets_are_encapsulated_as_the_lookup_says(self):
        for packet in self.captured():
            self.check_outer(packet, 17)
            udp = packet["layers"][1]
            self.assertEqual(udp["dport"], 6635)
            self.assertGreaterEqual(udp["sport"], 49152)
            self.check_inner(packet)

    def test_c05_a_label_selects_an_interface_and_an_unknown_one_is_dropped(self):
        self.workload("red1").reaches("10.0.0.12")
        label = self.wait_route(self.one, "10.0.0.12/32")["label"]
        capture = Capture(self.workload("red2").namespace, "eth0", "labelled", "udp port 4242")
        unknown = self.drops(self.two, "label-unknown")
        frame = ("Ether(src=source, dst=destination)/IP(src='192.0.2.11', dst='192.0.2.12')/"
                 "UDP(sport=50000, dport=6635, chksum=0)/MPLS(label=%d, s=1, ttl=64)/"
                 "IP(src='10.0.0.11', dst='10.0.0.12')/UDP(sport=9, dport=4242)/Raw(b'x' * 32)")
        inject(self.one.namespace, "under0", frame % label, count=3)
        inject(self.one.namespace, "under0", frame % 1048000, count=3)
        self.wait_drops(self.two, "label-unknown", unknown + 2)
        wait_for("the labelled packets", lambda: len(underlay_packets(capture.path)) == 3)
        self.assertEqual(len(underlay_packets(capture.stop())), 3)

    def test_garbage_on_the_underlay_is_dropped_and_counted(self):
        # Not fragments: AF_PACKET has the kernel put them together before the vRouter sees them.
        ahead = ("Ether(src=source, dst=destination)/IP(src='192.0.2.11', dst='192.0.2.12'%s)/")
        for reason, frame in (
                ("ip-checksum", ahead % ", chksum=1" + "UDP(sport=50000, dport=6635)/Raw(b'x' * 40)"),
                ("label-stack", ahead % "" + "UDP(sport=50000, dport=6635, chksum=0)/"
                 "MPLS(label=16, s=0, ttl=64)/MPLS(label=17, s=1, ttl=64)/IP()/Raw(b'x' * 40)"),
                ("gre-header", ahead % "" + "GRE(proto=0x8847, version=1)/Raw(b'x' * 40)"),
                ("underlay-destination", "Ether(src=source, dst=destination)/"
                 "IP(src='192.0.2.11', dst='192.0.2.13')/UDP(dport=6635)/Raw(b'x' * 40)")):
            before = self.drops(self.two, reason)
            inject(self.one.namespace, "under0", frame, count=2)
            with self.subTest(reason):
                self.wait_drops(self.two, reason, before + 1)
        self.workload("red1").reaches("10.0.0.12")


class Gre(Udp):
    """The same over MPLS-over-GRE."""

    encapsulations = ("gre",)
    capture_filter = "proto gre"

    def test_c04_packets_are_encapsulated_as_the_lookup_says(self):
        for packet in self.captured():
            self.check_outer(packet, 47)
            gre = packet["layers"][1]
            self.assertEqual(gre["type"], "GRE")
            self.assertEqual(gre["proto"], 0x8847)
            self.check_inner(packet)

    test_c14_mpls_over_gre_is_spoken = test_c04_packets_are_encapsulated_as_the_lookup_says


class Preference(NetworkTest):
    """What two sides agree on: the first of the sender's list that the receiver offers."""

    @classmethod
    def populate(cls):
        super().populate()
        cls.one.encapsulations = ("udp", "gre")
        cls.two.encapsulations = ("gre",)

    def test_the_first_encapsulation_that_both_name_is_used(self):
        self.workload("red1").reaches("10.0.0.12")
        for compute, prefix in ((self.one, "10.0.0.12/32"), (self.two, "10.0.0.11/32")):
            self.assertEqual(self.wait_route(compute, prefix)["encapsulation"], "gre")


if __name__ == "__main__":
    main()
