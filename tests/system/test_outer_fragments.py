#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A far end that sends its tunnel in fragments: Linux's own VXLAN, whose device takes packets as
large as the link underneath. The vRouter's underlay is a TAP interface, whose kernel side is the far
end's: AF_PACKET's driver would have the kernel put the fragments together for us. IPv4 alone: over
IPv6, Linux drops what it would have to cut.

    guest ── vRouter ── TAP ── far: eth0, and a VXLAN device
"""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from millrace_lab import Capture, run, wait_for
from packets import underlay_packets
from systest import LabTest, main
from test_far import FARS, GUEST_LABEL, GUESTS, OURS, Tunnel
from topology import Compute, Workload

MTU = 1500  # of the underlay, and of the tunnels' devices
DATAGRAMS = 20

# Answers each datagram with its digest.
ANSWER = """
import hashlib, socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
server = socket.socket(family, socket.SOCK_DGRAM)
server.bind((sys.argv[1], 7000))
print("answering", flush=True)
while True:
    data, peer = server.recvfrom(65535)
    server.sendto(hashlib.sha256(data).digest(), peer)
"""

# Sends datagrams as large as the device takes, whatever the kernel has heard of the path's MTU
# (IP_PMTUDISC_PROBE), until each is answered.
ASK = """
import hashlib, os, socket, sys
ours, theirs, count, size = *sys.argv[1:3], *map(int, sys.argv[3:])
six = ":" in ours
client = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
client.setsockopt(*(socket.IPPROTO_IPV6, 23, 3) if six else (socket.IPPROTO_IP, 10, 3))
client.bind((ours, 0))
client.settimeout(5)
while count > 0:
    data = os.urandom(size)
    client.sendto(data, (theirs, 7000))
    try:
        while client.recv(100) != hashlib.sha256(data).digest():
            pass
    except TimeoutError:
        continue
    count -= 1
"""


class OuterFragments(LabTest):
    tunnels = [Tunnel(0, "vxlan", 4, MTU)]

    @classmethod
    def setUpClass(cls):
        if os.geteuid() == 0:
            for kind in ("vxlan id 1 dstport 4789", "macvlan"):
                if run("unshare", "--net", "sh", "-c", "ip link add eth0 type veth; ip link add "
                       f"link eth0 probe0 type {kind}", check=False).returncode != 0:
                    raise unittest.SkipTest(f"this kernel has no {kind.split()[0]} devices")
        super().setUpClass()

    @classmethod
    def build(cls):
        cls.far = cls.lab.namespace("far")
        cls.far.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=0",
                    "net.ipv6.conf.default.disable_ipv6=0")
        cls.compute = Compute(cls.lab, "compute", f"{OURS[4]}/24", f"{OURS[6]}/64")
        cls.compute.underlay_port = "tap:under0"
        cls.compute.encapsulations = ("vxlan",)
        cls.compute.vpns = {"red": "\n" + "".join(tunnel.routes() for tunnel in cls.tunnels)}
        cls.guest = Workload(cls.lab, "guest", "red", GUESTS[4], "02:00:00:00:00:01")
        cls.guest.address6 = GUESTS[6]
        cls.guest.keys = {"label": GUEST_LABEL, "mtu": MTU}
        cls.compute.workloads.append(cls.guest)
        cls.compute.start()
        cls.compute.plug_all()
        cls.compute.namespace.ip("link", "set", "under0", "netns", cls.far.name)
        cls.far.ip("link", "set", "under0", "name", "eth0")
        cls.far.ip("link", "set", "eth0", "up")
        cls.far.ip("address", "add", f"{FARS[4]}/24", "dev", "eth0")
        cls.far.ip("address", "add", f"{FARS[6]}/64", "dev", "eth0", "nodad")
        for tunnel in cls.tunnels:
            for command in tunnel.commands():
                cls.far.run("sh", "-c", command)
        cls.guest.configure()

    def balance(self):
        row, = self.compute.daemon.rpc("counters.get", of="balance")["counters"]
        return row

    def carries(self, tunnel, family):
        """Datagrams as large as the device takes: the kernel cuts what is around them."""
        far, guest = tunnel.addresses[family], GUESTS[family]
        self.far.run("sh", "-c", tunnel.way(family))
        self.guest.reaches(far)
        answer = self.guest.namespace.start(f"{tunnel.name}-{family}-answer", sys.executable, "-c",
                                            ANSWER, guest)
        wait_for("the guest to answer", lambda: "answering" in answer.log, alive=[answer])
        capture = Capture(self.far, "eth0", f"{tunnel.name}-{family}",
                          f"src host {FARS[tunnel.family]} and "
                          + ("ip[6:2] & 0x3fff != 0" if tunnel.family == 4 else "ip6[6] == 44"))
        before = self.balance()["originated"]
        self.far.run(sys.executable, "-c", ASK, far, guest, DATAGRAMS,
                     MTU - (28 if family == 4 else 48), timeout=90)
        wait_for("fragments of the tunnel",
                 lambda: len(underlay_packets(capture.path)) >= 2 * DATAGRAMS)
        capture.stop()
        answer.kill()
        self.assertGreaterEqual(self.balance()["originated"] - before, DATAGRAMS)
        wait_for("no fragment to wait", lambda: sum(
            worker["fragments_held"] for worker in
            self.compute.daemon.rpc("worker.list")["workers"]) == 0)

    def test_ipv4_in_fragments_of_ipv4(self):
        self.carries(self.tunnels[0], 4)

    def test_ipv6_in_fragments_of_ipv4(self):
        self.carries(self.tunnels[0], 6)


if __name__ == "__main__":
    main()
