#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Neighbour and path-MTU discovery with stacks and clients that others wrote: ndisc6 and rdisc6, the
kernel's duplicate address detection, and a Linux router in the underlay with a link that carries
less."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from millrace_lab import wait_for
from systest import NetworkTest, main, rows

GATEWAY, BEYOND = "fe80::1", "fdaf:5a18:d5e2::1"
MAC6 = "00:00:5E:00:02:01"
SMALL, UDP_OVER_IPV4 = 1400, 32


class Discovery(NetworkTest):
    @classmethod
    def populate(cls):
        network = cls.network
        network.workload(cls.one, "red1", "red", "10.0.0.11").address6 = "2001:db8:a::11"
        network.workload(cls.two, "red2", "red", "10.0.0.12").address6 = "2001:db8:a::12"
        for compute in network.computes:
            compute.encapsulations = ("udp",)
        cls.put_a_router_between()

    @classmethod
    def put_a_router_between(cls):
        """The two computes are in subnets of their own, and what goes to the second one must fit
        into 1400 octets."""
        router = cls.router = cls.lab.namespace("router")
        router.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        for number, compute, subnet, mtu in ((1, cls.one, "192.0.2", 1500),
                                             (2, cls.two, "203.0.113", SMALL)):
            compute.namespace.ip("link", "delete", "under0")
            compute.cable(router, f"to-{compute.name}")
            compute.cable_to_servers(number)
            router.ip("address", "add", f"{subnet}.1/24", "dev", f"to-{compute.name}")
            router.ip("link", "set", f"to-{compute.name}", "mtu", mtu)
            compute.gateways = []
            compute.underlay_keys = {"gateway": f'"{subnet}.1"'}
        cls.two.underlay_addresses = ["203.0.113.12/24"]

    # --- towards guests

    def test_c09_every_address_is_found_at_the_virtual_router(self):
        guest = self.workload("red1").namespace
        # ndisc6 believes nobody but the target itself, the kernel also who answers for it.
        said = guest.run("ndisc6", "-n", "-r", "3", "-w", "2000", GATEWAY, "eth0").stdout
        self.assertIn(f"Target link-layer address: {MAC6}", said)
        for target in ("2001:db8:a::12", "2001:db8:a::99"):
            guest.ip("-6", "route", "add", f"{target}/128", "dev", "eth0")

            def found(target=target):
                guest.run("ping", "-n", "-c", "1", "-W", "1", target, check=False)
                return f"lladdr {MAC6.lower()} router" in guest.ip("-6", "neighbour", "show",
                                                                   target).stdout
            wait_for(f"the router to answer for {target}", found)
            guest.ip("-6", "route", "del", f"{target}/128", "dev", "eth0")

    def test_c12_rdisc6_finds_the_router_and_no_prefix(self):
        said = self.workload("red1").namespace.run("rdisc6", "-n", "-1", "eth0").stdout
        self.assertIn(f"from {GATEWAY}", said)
        self.assertIn(f"Source link-layer address: {MAC6}", said)
        self.assertRegex(said, r"Router lifetime +: +1800 ")
        self.assertRegex(said, r"MTU +: +1468 ")
        for flag in ("Stateful address conf.", "Stateful other conf."):
            self.assertRegex(said, re.escape(flag) + r" +: +No")
        self.assertNotIn("Prefix", said)

    def test_the_kernel_may_have_its_own_address_and_no_others(self):
        guest = self.workload("red1").namespace
        guest.run("sysctl", "-qw", "net.ipv6.conf.eth0.accept_dad=1",
                  "net.ipv6.conf.eth0.dad_transmits=1")
        for address, refused in (("2001:db8:a::99", True), ("fe80::77", False)):
            guest.ip("-6", "address", "add", f"{address}/128", "dev", "eth0")
            state = wait_for(f"{address} to be probed for", lambda of=address: self.probed(guest, of))
            self.assertEqual("dadfailed" in state, refused, state)
            guest.ip("-6", "address", "del", f"{address}/128", "dev", "eth0")

    @staticmethod
    def probed(guest, address):
        """Its line in the kernel's list once its fate is known."""
        listed = guest.ip("-6", "-o", "address", "show", "dev", "eth0").stdout
        lines = [line for line in listed.splitlines() if f" {address}/" in line]
        known = [line for line in lines if "tentative" not in line or "dadfailed" in line]
        return known[0] if known else None

    def test_the_gateway_answers_ping_at_all_its_addresses(self):
        guest = self.workload("red1")
        for address in ("169.254.0.1", f"{GATEWAY}%eth0", BEYOND):
            self.assertEqual(guest.ping(address, count=2, size=1400), 2, address)

    # --- on the underlay

    def test_a_link_of_the_underlay_that_carries_less_is_found(self):
        red1, red2 = self.workload("red1"), self.workload("red2")
        red1.reaches(red2.address)
        red1.reaches(red2.address6)
        self.assertEqual(self.path_mtu(), 1500)
        # The first is lost in the underlay and makes its router speak; later ones are told of.
        self.told_of(red1, red2.address, 1472 - UDP_OVER_IPV4)
        self.assertEqual(self.path_mtu(), SMALL)
        self.told_of(red1, red2.address6, 1452 - UDP_OVER_IPV4)
        inner = SMALL - UDP_OVER_IPV4
        self.assertEqual(red1.ping(red2.address, size=inner - 28, extra=("-M", "do")), 5)
        self.assertEqual(red1.ping(red2.address6, size=inner - 48, extra=("-M", "do")), 5)

    def path_mtu(self):
        [endpoint] = rows(self.one, "endpoint.list", "endpoints")
        return endpoint["path_mtu"]

    def told_of(self, source, target, size):
        """Waits until the kernel of `source` knows that its packets of this size are too big."""
        said = wait_for(f"{source.name} to be told",
                        lambda: re.search(r"mtu[= ]+(\d+)", source.namespace.run(
                            "ping", "-n", "-c", "2", "-i", "0.2", "-W", "1", "-s", size, "-M", "do",
                            target, check=False).stdout))
        self.assertEqual(int(said.group(1)), SMALL - UDP_OVER_IPV4)


if __name__ == "__main__":
    main()
