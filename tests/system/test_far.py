#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""An independent far end: Linux's own VXLAN, MPLS-over-GRE and MPLS-over-UDP, against one vRouter
with static routes. Each tunnel is a prefix of either family:

    guest ── vRouter ── under0 ── bridge ── far: eth0, and a device for each tunnel
    10.0.0.11                               10.1.N.1, 2001:db8:1:N::1
"""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import machine
from millrace_lab import HERE, answers_in, bridge, run, veth, wait_for
from systest import LabTest, main
from topology import Compute, Workload
from traffic import PORT, ask

OURS = {4: "192.0.2.11", 6: "2001:db8:f::11"}
FARS = {4: "192.0.2.50", 6: "2001:db8:f::50"}
GUESTS = {4: "10.0.0.11", 6: "2001:db8::11"}
GATEWAYS = {4: "169.254.0.1", 6: "fe80::1"}
ROUTER_MACS = {4: "00:00:5e:00:01:01", 6: "00:00:5e:00:02:01"}
GUEST_LABEL = 1000
FAR_LABEL = 500
OCTETS = 500_000  # by TCP, there and back


class Tunnel:
    """A tunnel of Linux's to the vRouter: one encapsulation over one family."""

    def __init__(self, number, encapsulation, family, mtu=1410):
        self.number, self.encapsulation, self.family = number, encapsulation, family
        self.mtu = mtu  # of a VXLAN device
        self.name = f"{encapsulation}{family}"
        self.addresses = {4: f"10.1.{number}.1", 6: f"2001:db8:1:{number}::1"}
        self.prefixes = {4: f"10.1.{number}.0/24", 6: f"2001:db8:1:{number}::/64"}
        # A device of the kernel's has one VNI, for both directions.
        self.label = GUEST_LABEL if encapsulation == "vxlan" else FAR_LABEL
        self.ends = f"local {FARS[family]} remote {OURS[family]}"

    def routes(self):
        """The vRouter's routes to it."""
        return "".join(f'    route "{self.prefixes[family]}" {{ next-hop = "{FARS[self.family]}"  '
                       f'label = {self.label}  encapsulations = {{{self.encapsulation}}} }}\n'
                       for family in (4, 6))

    def commands(self):
        """What makes it: a device, and our addresses on it."""
        yield from getattr(self, self.encapsulation)()
        for family in (4, 6):
            length = {4: "/32", 6: "/128 nodad"}[family]
            yield f"ip address add {self.addresses[family]}{length} dev {self.device(family)}"

    def device(self, family):
        return f"m{self.name}-{family}" if self.encapsulation == "vxlan" else self.name

    def way(self, family):
        """Sends the guest's packets of a family into it, from our address on it."""
        how = f"encap mpls {GUEST_LABEL} dev {self.name}"
        if self.encapsulation == "vxlan":
            how = f"via {GATEWAYS[family]} dev {self.device(family)} onlink"
        return (f"ip -{family} route replace {GUESTS[family]} {how} "
                f"src {self.addresses[family]}")

    def vxlan(self):
        """The virtual router's MAC addresses belong to macvlans: a VXLAN device takes a frame with
        its own address as the source for its own."""
        checksums = "" if self.family == 4 else "udp6zerocsumtx udp6zerocsumrx"
        yield (f"ip link add {self.name} mtu {self.mtu} type vxlan id {GUEST_LABEL} dstport 4789 "
               f"{self.ends} {checksums}")
        yield f"ip link set {self.name} up"
        for family in (4, 6):
            device = self.device(family)
            yield (f"ip link add {device} link {self.name} address {ROUTER_MACS[family]} "
                   "type macvlan mode private")
            yield f"ip link set {device} up"
            yield (f"ip neigh add {GATEWAYS[family]} lladdr {ROUTER_MACS[family]} dev {device} "
                   "nud permanent")

    def mpls(self):
        yield f"ip link set {self.name} up"
        yield f"echo 1 >/proc/sys/net/mpls/conf/{self.name}/input"

    def gre(self):
        kind = {4: "gre", 6: "ip6gre"}[self.family]
        limit = "" if self.family == 4 else "encaplimit none"
        yield f"ip link add {self.name} type {kind} {self.ends} {limit}"
        yield from self.mpls()

    def udp(self):
        kind = {4: "ipip mode mplsip", 6: "ip6tnl mode any encaplimit none"}[self.family]
        yield f"ip -{self.family} fou add port 6635 ipproto 137"
        yield (f"ip link add {self.name} type {kind} {self.ends} encap fou encap-sport auto "
               "encap-dport 6635 noencap-csum")
        yield from self.mpls()


class FarEnd(LabTest):
    """The vRouter and its guest; a subclass brings the far end."""

    tunnels = ()

    @classmethod
    def build(cls):
        fabric = cls.lab.namespace("fabric")
        bridge(fabric, "bridge")
        cls.fabric = fabric
        cls.compute = Compute(cls.lab, "compute", f"{OURS[4]}/24", f"{OURS[6]}/64")
        cls.compute.encapsulations = ("udp", "gre", "vxlan")
        cls.compute.vpns = {"red": "\n" + "".join(tunnel.routes() for tunnel in cls.tunnels)}
        cls.guest = Workload(cls.lab, "guest", "red", GUESTS[4], "02:00:00:00:00:01")
        cls.guest.address6 = GUESTS[6]
        cls.guest.keys = {"label": GUEST_LABEL}
        cls.compute.workloads.append(cls.guest)
        cls.compute.cable(fabric, "compute")
        cls.attach("compute")
        cls.make_far()
        cls.far("ip link set eth0 up")
        cls.far(f"ip address add {FARS[4]}/24 dev eth0")
        cls.far(f"ip address add {FARS[6]}/64 dev eth0 nodad")
        for tunnel in cls.tunnels:
            for command in tunnel.commands():
                cls.far(command)
        cls.compute.start()
        cls.compute.plug_all()
        cls.guest.configure()
        cls.far(f"printf '#!/bin/sh\\ncat >$0.held; cat $0.held\\n' >{cls.scratch}/hold; "
                f"chmod +x {cls.scratch}/hold")
        cls.far(f"head -c {OCTETS} /dev/urandom >{cls.scratch}/octets")
        cls.answer_far()
        cls.answer = cls.guest.namespace.start("answer", sys.executable, HERE / "traffic.py",
                                               "answer", *GUESTS.values())
        wait_for("the guest to answer", lambda: "answering" in cls.answer.log)

    @classmethod
    def attach(cls, interface):
        cls.fabric.ip("link", "set", interface, "master", "bridge")
        cls.fabric.ip("link", "set", interface, "up")

    @classmethod
    def make_far(cls):
        raise NotImplementedError

    @classmethod
    def answer_far(cls):
        """Has the far end send every stream back."""
        raise NotImplementedError

    @classmethod
    def far(cls, command):
        """Runs a command at the far end. @return its output"""
        raise NotImplementedError

    def carries(self, tunnel, family):
        """Pings of every size and TCP, begun by either side."""
        guest, far = GUESTS[family], tunnel.addresses[family]
        self.far(tunnel.way(family))
        self.guest.reaches(far)
        mtu = self.guest_mtu()
        header = {4: 28, 6: 48}[family]
        for size, extra in ((56, ()), (mtu - header, ("-M", "do")), (4000, ())):
            # The first answer may be too big for the guest: then the far end hears of it.
            self.guest.reaches(far, size=size, extra=extra)
            self.assertEqual(self.guest.ping(far, count=3, size=size, extra=extra), 3, size)
        self.assertEqual(answers_in(self.far(f"ping -{family} -c 3 -I {far} {guest}")), 3)
        result, = ask(self.guest.namespace, {"address": far, "octets": OCTETS})
        self.assertEqual(result.get("stream"), OCTETS, result)
        self.far(f"busybox nc {guest} {PORT} <{self.scratch}/octets >{self.scratch}/back && "
                 f"cmp {self.scratch}/octets {self.scratch}/back")

    def guest_mtu(self):
        vif, = self.compute.daemon.rpc("vif.list")["vifs"]
        return vif["mtu"]


def with_tests(cls):
    """A test for each tunnel and family of the guest's packets."""
    for tunnel in cls.tunnels:
        for family in (4, 6):
            def test(self, tunnel=tunnel, family=family):
                self.carries(tunnel, family)
            name = f"test_{tunnel.encapsulation}_over_ipv{tunnel.family}_carries_ipv{family}"
            setattr(cls, name, test)
    return cls


@with_tests
class LinuxMachine(FarEnd):
    """A machine of its own, with Debian's kernel."""

    tunnels = [Tunnel(number, *kind) for number, kind in enumerate(
        (encapsulation, family) for encapsulation in ("vxlan", "gre", "udp") for family in (4, 6))]
    modules = ("vxlan", "macvlan", "mpls_iptunnel", "mpls_gso", "ip_gre", "ip6_gre", "ipip", "ip6_tunnel",
               "fou", "fou6")

    @classmethod
    def setUpClass(cls):
        machine.require()
        machine.Kernel()
        cls.scratch = "/tmp"
        super().setUpClass()

    @classmethod
    def make_far(cls):
        cls.machine = machine.Machine(cls.fabric, "far", "far0", "02:00:00:00:09:01", cls.modules,
                                      ("ip",))
        cls.attach("far0")
        cls.far("echo 1000 >/proc/sys/net/mpls/platform_labels")
        cls.far(f"ip -f mpls route add {FAR_LABEL} dev lo")

    @classmethod
    def far(cls, command):
        return cls.machine.run(command)

    @classmethod
    def answer_far(cls):
        cls.far(f"busybox nc -ll -p {PORT} -e {cls.scratch}/hold >/dev/null 2>&1 &")

    @classmethod
    def tearDownClass(cls):
        cls.machine.close()
        super().tearDownClass()


@with_tests
class KernelVxlan(FarEnd):
    """The VXLAN of the kernel that runs this test, where it has one."""

    tunnels = [Tunnel(number, "vxlan", family) for number, family in enumerate((4, 6))]

    @classmethod
    def setUpClass(cls):
        if os.geteuid() == 0:
            for kind in ("vxlan id 1 dstport 4789", "macvlan"):
                probe = run("unshare", "--net", "sh", "-c",
                            "ip link add eth0 type veth; "
                            f"ip link add link eth0 probe0 type {kind}", check=False)
                if probe.returncode != 0:
                    raise unittest.SkipTest(f"this kernel has no {kind.split()[0]} devices")
        super().setUpClass()

    @classmethod
    def make_far(cls):
        cls.scratch = cls.lab.folder
        cls.namespace = cls.lab.namespace("far")
        cls.namespace.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=0",
                          "net.ipv6.conf.default.disable_ipv6=0")
        veth(cls.namespace, "eth0", cls.fabric, "far0")
        cls.attach("far0")

    @classmethod
    def far(cls, command):
        return cls.namespace.run("sh", "-c", command).stdout

    @classmethod
    def answer_far(cls):
        cls.namespace.start("answer-far", "busybox", "nc", "-ll", "-p", PORT, "-e",
                            cls.scratch / "hold")


if __name__ == "__main__":
    main()
