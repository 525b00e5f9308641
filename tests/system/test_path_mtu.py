#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""TCP and UDP through every encapsulation, family of tenants and family of underlay, at small and
large MTUs, between two vRouters with static routes. The guests' interfaces have the underlay's MTU:
what fits into a tunnel, Linux must find out. A tunnel is a prefix of either family on both sides:

    near ── vRouter ══ underlay ══ vRouter ── far
    10.0.N.1, 2001:db8:0:N::1              10.1.N.1, 2001:db8:1:N::1
"""

import ipaddress
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from millrace_lab import HERE, tool, veth, wait_for
from systest import LabTest, main
from topology import Compute, Workload
from traffic import ask

UNDERLAYS = {4: ("192.0.2.11", "192.0.2.12"), 6: ("2001:db8:f::11", "2001:db8:f::12")}
OVERHEADS = {("gre", 4): 28, ("udp", 4): 32, ("vxlan", 4): 50,
             ("gre", 6): 48, ("udp", 6): 52, ("vxlan", 6): 70}
TUNNELS = {number: kind for number, kind in enumerate(OVERHEADS, 1)}
GATEWAYS = {4: "169.254.0.1", 6: "fe80::1"}
CABLE_MTU = 9216
IPV6_MTU_MIN = 1280
LABELS = (1000, 2000)
OCTETS = 300_000


def address(side, number, family):
    return f"10.{side}.{number}.1" if family == 4 else f"2001:db8:{side}:{number}::1"


def prefix(side, number, family):
    return f"10.{side}.{number}.0/24" if family == 4 else f"2001:db8:{side}:{number}::/64"


def routes(side):
    """A vRouter's routes to the other side."""
    return "\n" + "".join(
        f'    route "{prefix(1 - side, number, tenant)}" {{ next-hop = '
        f'"{UNDERLAYS[underlay][1 - side]}"  label = {LABELS[1 - side]}  '
        f'encapsulations = {{{encapsulation}}} }}\n'
        for number, (encapsulation, underlay) in TUNNELS.items() for tenant in (4, 6))


class PathMtu(LabTest):
    @classmethod
    def build(cls):
        cls.computes, cls.guests = [], []
        for side, name in enumerate(("near", "far")):
            compute = Compute(cls.lab, f"{name}-host", f"{UNDERLAYS[4][side]}/24",
                              f"{UNDERLAYS[6][side]}/64")
            compute.encapsulations = ("udp", "gre", "vxlan")
            compute.vpns = {"red": routes(side)}
            guest = Workload(cls.lab, name, "red", address(side, 0, 4), f"02:00:00:00:00:0{side + 1}",
                             port=f"af_packet:to-{name}")
            guest.address6 = address(side, 0, 6)
            guest.keys = {"label": LABELS[side], "mss-clamp": "off",
                          "prefix": f'{{"10.{side}.0.0/16", "2001:db8:{side}::/48"}}'}
            compute.workloads.append(guest)
            veth(compute.namespace, f"to-{name}", guest.namespace, "eth0")
            guest.namespace.ip("link", "set", "eth0", "address", guest.mac)
            guest.speak_ipv6()
            cls.computes.append(compute)
            cls.guests.append(guest)
        veth(cls.computes[0].namespace, "under0", cls.computes[1].namespace, "under0")
        for compute, guest in zip(cls.computes, cls.guests):
            for device in ("under0", f"to-{guest.name}"):
                compute.namespace.ip("link", "set", device, "mtu", CABLE_MTU)

    def start(self, mtu):
        """Both vRouters anew, on an underlay of that MTU, and the guests as they were."""
        for compute in self.computes:
            compute.underlay_keys["mtu"] = mtu
            compute.workloads[0].keys["mtu"] = mtu
            if compute.daemon is not None:
                compute.daemon.stop()
        for compute in self.computes:
            compute.start()
        for side, guest in enumerate(self.guests):
            guest.namespace.ip("link", "set", "eth0", "mtu", mtu)
            guest.configure()
            for family in (4, 6):  # what it has found out about paths
                guest.namespace.ip(f"-{family}", "route", "flush", "cache")
            for family in (4, 6):
                for number in TUNNELS:
                    ours, ip = address(side, number, family), guest.namespace.ip
                    ip("address", "replace", f"{ours}/{32 if family == 4 else 128}", "dev", "eth0",
                       *(["nodad"] if family == 6 else []))
                    ip(f"-{family}", "route", "replace", prefix(1 - side, number, family), "via",
                       GATEWAYS[family], "dev", "eth0", "src", ours)
        answer = self.guests[1].namespace.start(
            "answer", sys.executable, HERE / "traffic.py", "answer",
            *(address(1, number, family) for family in (4, 6) for number in TUNNELS))
        wait_for("the far guest to answer", lambda: "answering" in answer.log, alive=[answer])
        return answer

    def passes_at(self, mtu):
        answer = self.start(mtu)
        rows = [(number, family, mtu - OVERHEADS[kind]) for number, kind in TUNNELS.items()
                for family in (4, 6) if family == 4 or mtu - OVERHEADS[kind] >= IPV6_MTU_MIN]
        for number, family, _ in rows:
            self.guests[0].reaches(address(1, number, family))
        jobs = [{"address": address(1, number, family), "octets": OCTETS,
                 "datagrams": [1, fits - {4: 28, 6: 48}[family], mtu]}
                for number, family, fits in rows]
        results = ask(self.guests[0].namespace, *jobs)
        for (number, family, fits), job, result in zip(rows, jobs, results):
            with self.subTest(tunnel=TUNNELS[number], tenant=family, mtu=mtu):
                self.assertEqual(result, {"stream": OCTETS, "mtu": fits,
                                          "datagrams": job["datagrams"]})
        answer.stop()
        self.trace(rows)

    def trace(self, rows):
        """What tracepath says, when the kernel has forgotten what it knew."""
        if not tool("tracepath"):
            self.skipTest("tracepath (package iputils-tracepath) is missing")
        near = self.guests[0].namespace
        for family in (4, 6):
            near.ip(f"-{family}", "route", "flush", "cache")
        traces = [near.start(f"tracepath-{number}-{family}", "tracepath", f"-{family}", "-n", "-m",
                             "5", address(1, number, family)) for number, family, _ in rows]
        for (number, family, fits), process in zip(rows, traces):
            process.wait_end()
            with self.subTest(tunnel=TUNNELS[number], tenant=family, trace=fits):
                self.assertRegex(process.log, rf"Resume: pmtu {fits} hops 2 ", process.log)
                self.assertIn(GATEWAYS[4] if family == 4 else "fe80::1", process.log)

    def test_the_list_of_routes_says_where_each_is_from(self):
        self.start(1500).stop()
        near = self.computes[0].daemon
        routes = {route["prefix"]: route for route in near.rpc("route.list", vrf="red")["routes"]}
        far = routes[prefix(1, 1, 4)]
        self.assertEqual((far["from"], far["paths"][0]["from"], far["paths"][0]["chosen"]),
                         ("static", "static", True))
        self.assertEqual(far["paths"][0]["next_hops"][0]["label"], LABELS[1])
        self.assertIn(far["paths"][0]["next_hops"][0]["address"], far["via"])
        local = routes[f"{address(0, 0, 4)}/32"]
        self.assertEqual((local["from"], local["via"], local["label"]),
                         ("local", f"vif {self.guests[0].name}", LABELS[0]))
        self.assertEqual(routes["10.0.0.0/16"]["from"], "local")
        self.assertEqual(routes[f"{GATEWAYS[4]}/32"]["via"], "gateway")
        for each, origin in ((prefix(1, 1, 4), "static"), ("10.0.0.0/16", "local"),
                             (f"{GATEWAYS[4]}/32", "gateway")):
            one, = near.rpc("route.list", vrf="red", prefix=each)["routes"]
            self.assertEqual(one["from"], origin)
        table = near.ctl("route", "list", "red", "--paths")
        self.assertRegex(table, rf"(?m)^{address(0, 0, 4)}/32 +local +vif {self.guests[0].name} ")
        self.assertRegex(table, r"(?m)^ +yes +static ")

    def test_guests_configure_no_address_of_their_own(self):
        """A router tells them the way out and nothing else: addresses are given, not made up."""
        self.start(1500).stop()
        for side, guest in enumerate(self.guests):
            said = guest.namespace.ip("-6", "-o", "address", "show", "dev", "eth0", "scope",
                                      "global").stdout
            found = set(re.findall(r"inet6 (\S+)/", said))
            self.assertEqual(found, {str(ipaddress.ip_address(address(side, number, 6)))
                                     for number in (0, *TUNNELS)})


def add_test(mtu):
    setattr(PathMtu, f"test_everything_passes_at_{mtu}", lambda self: self.passes_at(mtu))


for octets in (1280, 1400, 1500, 4000, 9000):
    add_test(octets)

if __name__ == "__main__":
    main()
