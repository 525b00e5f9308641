#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Guests' own DHCP clients, busybox's and ISC's, in the point-to-point and in the subnet model."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from systest import NetworkTest, main


class Dhcp(NetworkTest):
    @classmethod
    def populate(cls):
        cls.network.demo_workloads()
        cls.network.workload(cls.one, "plain", "red", "10.0.1.5")
        subnet = cls.network.workload(cls.two, "subnet", "red", "10.0.2.5")
        subnet.keys = {"address": '{"10.0.2.5/24"}', "gateway": '"10.0.2.1"'}

    def lease(self, name, client):
        workload = self.workload(name)
        workload.namespace.ip("address", "flush", "dev", "eth0")
        workload.namespace.ip("link", "set", "eth0", "mtu", "1500")
        said = workload.dhcp(client)
        address = workload.namespace.ip("-4", "-o", "address", "show", "dev", "eth0").stdout
        link = workload.namespace.ip("-o", "link", "show", "dev", "eth0").stdout
        routes = workload.namespace.ip("-4", "route").stdout
        found = re.search(r"inet ([\d./]+)", address)
        self.assertTrue(found, said)
        return found.group(1), int(re.search(r"mtu (\d+)", link).group(1)), routes

    def check_point_to_point(self, client):
        address, mtu, routes = self.lease("plain", client)
        self.assertEqual(address.split("/")[0], "10.0.1.5")
        self.assertEqual(mtu, 1500 - 20 - 8 - 4)
        self.assertIn("default via 169.254.0.1", routes)
        self.assertEqual(self.workload("plain").ping("169.254.0.1", count=2), 2)
        self.workload("plain").reaches("10.0.0.12")

    def check_subnet(self, client):
        address, _, routes = self.lease("subnet", client)
        self.assertEqual(address, "10.0.2.5/24")
        self.assertIn("default via 10.0.2.1", routes)
        self.assertEqual(self.workload("subnet").ping("10.0.2.1", count=2), 2)
        self.workload("subnet").reaches("10.0.0.11")

    def test_udhcpc_in_the_point_to_point_model(self):
        self.check_point_to_point("udhcpc")

    def test_dhclient_in_the_point_to_point_model(self):
        self.check_point_to_point("dhclient")

    def test_udhcpc_in_the_subnet_model(self):
        self.check_subnet("udhcpc")

    def test_dhclient_in_the_subnet_model(self):
        self.check_subnet("dhclient")

    def test_a_workload_behind_a_tag_gets_its_lease(self):
        address, _, _ = self.lease("red3", "udhcpc")
        self.assertEqual(address.split("/")[0], "10.0.0.13")


if __name__ == "__main__":
    main()
