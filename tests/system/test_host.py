#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""host0: the kernels of two computes talk to each other, and to what is behind the underlay's
router, through their vRouters, while tunnels flow."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from demo import Ledger
from millrace_lab import HERE, Capture, Numbered, ping, wait_for
from packets import underlay_packets
from systest import NetworkTest, main
from traffic import ask

OCTETS = 2_000_000


class OverIpv4(NetworkTest):
    addresses, length = ("192.0.2.11", "192.0.2.12"), 24
    gateway, elsewhere, stranger = "192.0.2.1", "203.0.113.1", "192.0.2.77"
    servers = ("198.51.100.1", "198.51.100.2")
    headers = 28  # of a ping

    @classmethod
    def populate(cls):
        cls.network.workload(cls.one, "red1", "red", "10.0.0.11")
        cls.network.workload(cls.two, "red2", "red", "10.0.0.12")
        for compute, address in zip(cls.network.computes, cls.addresses):
            compute.underlay_addresses = [f"{address}/{cls.length}"]
        for server, address in zip(cls.network.servers, cls.servers):
            server.address = address

    @classmethod
    def build(cls):
        super().build()
        cls.answer = cls.two.namespace.start("answer", sys.executable, HERE / "traffic.py",
                                             "answer", cls.addresses[1])
        wait_for("the other host to answer", lambda: "answering" in cls.answer.log)

    def balances(self, compute):
        """Whether every packet is accounted for, at this moment."""
        received, ended = Ledger(compute).balance()
        return received == ended

    def test_hosts_reach_each_other_while_tunnels_flow(self):
        red1, red2 = self.workload("red1"), self.workload("red2")
        red1.reaches(red2.address)
        numbered = Numbered(self.lab, "tunnels", red1.namespace, red2.namespace, red2.address)
        one, two = self.one.namespace, self.two.namespace
        self.assertEqual(ping(one, self.addresses[1]), 5)
        self.assertEqual(ping(two, self.addresses[0]), 5)
        self.assertEqual(ping(one, self.addresses[1], size=1500 - self.headers,
                              extra=("-M", "do")), 5)
        datagrams = [1, 1500 - self.headers]
        result, = ask(self.one.namespace, {"address": self.addresses[1], "octets": OCTETS,
                                           "datagrams": datagrams})
        self.assertEqual(result, {"stream": OCTETS, "mtu": 1500, "datagrams": datagrams})
        numbered.wait_flowing(1000)
        report = numbered.finish()
        self.assertEqual((report["duplicated"], report["reordered"]), (0, 0), report)
        for compute in self.network.computes:
            wait_for("every packet to be accounted for", lambda c=compute: self.balances(c))

    def test_the_kernel_answers_for_the_address(self):
        capture = Capture(self.two.namespace, "host0", "echo", "icmp or icmp6")
        self.assertEqual(ping(self.one.namespace, self.addresses[1]), 5)
        wait_for("requests and answers", lambda: sum(
            {packet["layers"][0]["src"], packet["layers"][0]["dst"]} == set(self.addresses)
            for packet in underlay_packets(capture.path)) >= 10)
        capture.stop()

    def test_what_is_behind_the_gateway_is_reached(self):
        self.assertEqual(ping(self.one.namespace, self.servers[0]), 5)

    def test_a_closed_port_is_told_by_the_kernel(self):
        for code in ("socket.create_connection(to, 60)",
                     "s = socket.socket(socket.AF_INET6 if ':' in to[0] else socket.AF_INET, "
                     "socket.SOCK_DGRAM); s.connect(to); s.settimeout(60); s.send(b'x'); s.recv(1)"):
            said = self.one.namespace.run(
                sys.executable, "-c", f"import socket\nto = ('{self.addresses[1]}', 9)\n{code}",
                check=False).stdout
            self.assertIn("ConnectionRefusedError", said)  # UDP's came by the slow path

    def interface(self, compute):
        found, = json.loads(compute.namespace.run("ip", "-j", "address", "show", "host0").stdout)
        addresses = {f"{each['local']}/{each['prefixlen']}" for each in found["addr_info"]
                     if each["scope"] == "global"}
        return found["address"], found["mtu"], "UP" in found["flags"], addresses

    def test_the_interface_has_the_underlays_addresses_again_after_a_restart(self):
        under0, = json.loads(self.one.namespace.run("ip", "-j", "link", "show", "under0").stdout)
        expected = under0["address"], 1500, True, {f"{self.addresses[0]}/{self.length}"}
        self.assertEqual(self.interface(self.one), expected)
        self.one.daemon.stop()
        self.assertFalse(self.one.namespace.has_interface("host0"))
        self.one.start()
        self.one.plug_all()
        wait_for("host0", lambda: self.interface(self.one) == expected)
        self.network.wait_in_sync([self.one])
        self.workload("red1").configure()
        self.workload("red1").reaches("10.0.0.12")

    def test_the_default_route_gives_way_to_any_other(self):
        def ip(*words):
            return self.one.namespace.ip("-6" if ":" in self.gateway else "-4", "route", *words)

        self.assertRegex(ip("show", "default").stdout,
                         rf"^default via {self.gateway} dev host0 metric 4096\b")
        ip("add", "default", "via", self.stranger, "dev", "host0", "metric", "100")
        try:
            said = ip("get", self.elsewhere).stdout
        finally:
            ip("del", "default", "via", self.stranger)
        self.assertIn(f"via {self.stranger}", said)


class OnATaggedUnderlay(OverIpv4):
    """The same where the underlay is an 802.1Q tag of the cable, and the kernels know nothing of it.
    The bridge carries tags as they are; the router on it hears its own through a relay, which needs
    the bridge's MAC address for that."""

    TAG = 7

    @classmethod
    def populate(cls):
        super().populate()
        control = cls.network.servers[0].namespace
        relay = control.start("tag", sys.executable, HERE / "vlan_port.py", "fabric", cls.TAG, "tag")
        wait_for("the router's tag", lambda: control.has_interface("tag"), alive=[relay])
        mac = json.loads(control.ip("-j", "link", "show", "fabric").stdout)[0]["address"]
        control.ip("address", "del", f"{cls.gateway}/{cls.length}", "dev", "fabric")
        control.ip("link", "set", "tag", "address", mac)
        control.ip("link", "set", "tag", "up")
        control.ip("address", "add", f"{cls.gateway}/{cls.length}", "dev", "tag")
        for compute in cls.network.computes:
            compute.underlay_keys["vlan"] = cls.TAG

    def test_frames_have_the_tag_on_the_cable(self):
        capture = Capture(self.two.namespace, "under0", "tagged", f"vlan {self.TAG}")
        self.assertEqual(ping(self.one.namespace, self.addresses[1]), 5)
        wait_for("requests and answers", lambda: len(underlay_packets(capture.path)) >= 10)
        capture.stop()


class OverIpv6(OverIpv4):
    """The same, with the route servers' sessions."""

    addresses, length = ("2001:db8:f::11", "2001:db8:f::12"), 64
    gateway, elsewhere, stranger = "2001:db8:f::1", "2001:db8::1", "2001:db8:f::77"
    servers = ("2001:db8:99::1", "2001:db8:99::2")
    headers = 48


if __name__ == "__main__":
    main()
