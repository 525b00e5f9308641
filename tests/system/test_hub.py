#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Hub and spoke: two spokes, one on each compute, reach each other only through a middle-box, a
Linux router in a namespace with one interface in the spokes' VPN and one in the hub's.

    spoke1 ── [VPN spokes] ── left │ middle-box │ right ── [VPN services] ── spoke2's return
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from millrace_lab import Capture, wait_for
from packets import underlay_packets
from systest import NetworkTest, main


class HubAndSpoke(NetworkTest):
    """Spokes import only what the hub exports. The hub's route to 10.0.0.0/8 leads to the
    middle-box; the middle-box sends on through the hub's other VPN, which knows the spokes."""

    @classmethod
    def populate(cls):
        one, two = cls.network.computes
        cls.network.workload(one, "spoke1", "spoke", "10.1.0.1").address6 = "2001:db8:1::1"
        cls.network.workload(one, "spoke2", "spoke", "10.1.0.2").address6 = "2001:db8:1::2"
        cls.network.workload(two, "spoke3", "spoke", "10.1.0.3").address6 = "2001:db8:1::3"
        # One box with two interfaces: traffic enters by `inside` and leaves by `outside`.
        inside = cls.network.workload(one, "inside", "hub-in", "10.9.0.1")
        inside.address6 = "2001:db8:9::1"
        inside.keys = {"prefix": '{"10.1.0.0/16", "2001:db8:1::/48"}'}
        outside = cls.network.workload(one, "outside", "hub-out", "10.9.0.2")
        outside.address6 = "2001:db8:9::2"
        outside.keys = inside.keys
        for compute in cls.network.computes:
            compute.vpns = {"spoke": "instance-id = 1", "hub-in": "instance-id = 2",
                            "hub-out": "instance-id = 3"}
        spokes, hub, back = '{"64512:10"}', '{"64512:20"}', '{"64512:30"}'
        for server in cls.network.servers:
            server.vrfs = {
                # Spokes tell the box's outer side, and hear from its inner side, only.
                "spoke": f"export = {spokes}\n    import = {hub}",
                "hub-in": f"export = {hub}\n    import = {back}",
                "hub-out": f"export = {back}\n    import = {spokes}",
            }

    @classmethod
    def build(cls):
        super().build()
        # The two interfaces of the box come together in one namespace, which routes.
        box = cls.workloads["inside"].namespace
        outside = cls.workloads["outside"].namespace
        outside.ip("link", "set", "eth0", "name", "eth1")
        outside.ip("link", "set", "eth1", "netns", box.name)
        box.ip("link", "set", "eth1", "up")
        box.run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0",
                "net.ipv4.conf.default.rp_filter=0", "net.ipv4.conf.eth0.rp_filter=0",
                "net.ipv4.conf.eth1.rp_filter=0", "net.ipv4.conf.eth0.send_redirects=0",
                "net.ipv4.conf.eth1.send_redirects=0", "net.ipv4.conf.all.send_redirects=0")
        box.ip("address", "replace", "10.9.0.2/32", "dev", "eth1")
        box.ip("route", "replace", "169.254.0.1", "dev", "eth1")
        # All that is forwarded leaves by eth1, whose VPN knows the spokes.
        box.ip("route", "replace", "default", "via", "169.254.0.1", "dev", "eth1", "onlink")
        box.ip("-6", "address", "replace", "2001:db8:9::2/128", "dev", "eth1", "nodad")
        box.ip("-6", "route", "replace", "default", "via", "fe80::1", "dev", "eth1")
        cls.box = box

    def through_the_box(self, source, target):
        for address in self.workload(target).addresses:
            self.reaches_through_the_box(source, address)

    def reaches_through_the_box(self, source, address):
        capture = Capture(self.box, "eth0", source, f"dst {address}")
        self.workload(source).reaches(address)
        self.assertEqual(self.workload(source).ping(address), 5)

        def requests():
            return [packet for packet in underlay_packets(capture.path)
                    if packet["layers"][0]["dst"] == address]

        wait_for("the middle-box to see the requests", lambda: len(requests()) >= 5)
        capture.stop()

    def test_spokes_on_two_hosts_meet_in_the_middle_box(self):
        self.through_the_box("spoke1", "spoke3")

    def test_c06_spokes_on_one_host_meet_in_the_middle_box(self):
        self.through_the_box("spoke1", "spoke2")

    def test_a_spoke_has_no_direct_route_to_another(self):
        for compute in self.network.computes:
            prefixes = {route["prefix"] for route in
                        compute.daemon.rpc("route.list", vrf="spoke")["routes"]
                        if route["from"] == "learnt" and route["best"]}
            self.assertNotIn("10.1.0.3/32", prefixes - self.own(compute))
            self.assertNotIn("2001:db8:1::3/128", prefixes - self.own(compute))

    @staticmethod
    def own(compute):
        return {prefix for workload in compute.workloads
                for prefix in (f"{workload.address}/32", f"{workload.address6}/128")}


if __name__ == "__main__":
    main()
