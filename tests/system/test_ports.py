#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Ports for virtual machines and for shared memory: vhost-user and memif, with DPDK's own drivers
at the far end, and AF_XDP where the kernel has it. A guest is a process that polls, and a machine
may have fewer processors than there are such: few packets are asked for."""

import os
import pathlib
import shutil
import socket
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from guest import TESTPMD, Guest, memif, offloaded, offloading, virtio_user
from millrace_lab import Capture, Numbered, run, tool, veth, wait_for
from packets import underlay_packets
from systest import LONG, NetworkTest, main, rows
from topology import Workload

AF_XDP = 44


class GuestTest(NetworkTest):
    """A network with guests in it, which need DPDK's test program."""

    @classmethod
    def setUpClass(cls):
        if tool(TESTPMD) is None:
            raise unittest.SkipTest(f"{TESTPMD} (package dpdk-dev) is missing")
        super().setUpClass()

    @classmethod
    def build(cls):
        cls.guests = []
        super().build()
        for guest in cls.guests:
            cls.add(guest)
        cls.network.wait_in_sync()

    @classmethod
    def add(cls, guest):
        running = guest.process is not None and guest.process.running
        if guest.early and not running:
            guest.plug(cls.one)
        cls.one.daemon.rpc("vif.add", **guest.parameters())
        if not running:
            guest.comes_back(cls.one)

    @classmethod
    def populate(cls):
        cls.network.workload(cls.two, "far", "red", "10.0.0.21")
        cls.make_guests(cls.lab.folder)

    @classmethod
    def make_guests(cls, folder):
        raise NotImplementedError

    @classmethod
    def guest(cls, name, address, port):
        guest = Guest(cls.lab, name, "red", address, f"02:00:00:00:01:{len(cls.guests):02x}",
                      port=port)
        cls.guests.append(guest)
        return guest

    def is_up(self, guest):
        for vif in rows(self.one, "vif.list", "vifs"):
            if vif["name"] == guest.name:
                return vif["state"] == "up"
        raise AssertionError(f"no interface {guest.name}")

    def leaves_and_comes_back(self, guest):
        """The guest dies and is started again: the port, the interface and its route follow."""
        self.wait_route(self.two, f"{guest.address}/32")
        guest.crash()
        wait_for("the interface to go down", lambda: not self.is_up(guest))
        self.wait_no_route(self.two, f"{guest.address}/32")
        guest.comes_back(self.one)
        wait_for("the interface to come up", lambda: self.is_up(guest))
        self.wait_route(self.two, f"{guest.address}/32")
        guest.reaches("10.0.0.21")
        for other in self.guests:
            if other is not guest:
                guest.reaches(other.address)


class VhostUser(GuestTest):
    @classmethod
    def make_guests(cls, folder):
        cls.vm1 = cls.guest("vm1", "10.0.0.11", f"vhost:{folder}/vm1.vhost")
        virtio_user(cls.vm1, folder / "vm1.vhost", server=False)
        cls.vm2 = cls.guest("vm2", "10.0.0.12", f"vhost:{folder}/vm2.vhost,client=1")
        virtio_user(cls.vm2, folder / "vm2.vhost", server=True)

    def test_c35_a_guest_that_connects_dies_and_comes_back(self):
        self.leaves_and_comes_back(self.vm1)

    def test_c35_a_guest_that_listens_dies_and_comes_back(self):
        self.leaves_and_comes_back(self.vm2)

    def test_guests_reach_each_other_and_the_far_host(self):
        far = self.workload("far")
        for guest, other in ((self.vm1, self.vm2), (self.vm2, self.vm1)):
            guest.reaches(other.address)
            guest.reaches(far.address)
            numbered = Numbered(self.lab, f"{guest.name}-far", guest.namespace, far.namespace,
                                far.address, window=4)
            numbered.wait_flowing(50)
            report = numbered.finish()
            self.assertEqual((report["duplicated"], report["reordered"]), (0, 0), report)
        self.assertEqual(self.drops(self.one, "segments"), 0)

    def test_a_port_is_deleted_and_added_under_traffic(self):
        far = self.workload("far")
        for guest, other in ((self.vm1, self.vm2), (self.vm2, self.vm1)):
            guest.reaches(far.address)
            flood = guest.namespace.start(f"{guest.name}-flood", "ping", "-n", "-i", "0.002",
                                          far.address)
            wait_for("the flood to flow", lambda flood=flood: flood.log.count("ttl=") > 20)
            self.one.daemon.rpc("vif.del", name=guest.name)
            self.wait_no_route(self.two, f"{guest.address}/32")
            other.reaches(far.address)
            flood.kill()
            guest.crash()  # testpmd does not notice that its peer went
            self.add(guest)
            wait_for("the interface to come up", lambda guest=guest: self.is_up(guest))
            guest.reaches(far.address)


class Offloads(GuestTest):
    """A guest that leaves checksums, and the cutting of TCP into segments, to the vRouter."""

    @classmethod
    def make_guests(cls, folder):
        cls.vm = cls.guest("vm1", "10.0.0.11", f"vhost:{folder}/vm1.vhost")
        virtio_user(cls.vm, folder / "vm1.vhost", server=False)
        offloading(cls.vm)

    def cut(self):
        """How many packets were cut, and into how many segments."""
        return tuple(self.counter(self.one, "balance", "", key) for key in ("consumed", "originated"))

    def test_tcp_gets_through_in_segments_with_right_checksums(self):
        self.vm.reaches("10.0.0.21")
        far = self.workload("far").namespace
        echo(far, "10.0.0.21")
        capture = Capture(self.two.namespace, "under0", "offloads", "src host 192.0.2.11")
        packets, segments = self.cut()
        copy(self.vm.namespace, "10.0.0.21", 256_000)
        cut_packets, cut_segments = (after - before for after, before in
                                     zip(self.cut(), (packets, segments)))
        self.assertGreater(cut_packets, 10)
        self.assertGreater(cut_segments, 2 * cut_packets)
        self.assertEqual(self.drops(self.one, "segments"), 0)
        wait_for("the segments", lambda: len(underlay_packets(capture.path)) >= cut_segments)
        tunnelled = [packet for packet in underlay_packets(capture.stop())
                     if packet["layers"][-1]["type"] == "TCP"]
        self.assertGreaterEqual(len(tunnelled), cut_segments)
        self.assertEqual([packet for packet in tunnelled if not packet["checksums_fine"]], [])
        self.assertLessEqual(max(packet["layers"][0]["len"] for packet in tunnelled), 1500)

    def test_udp_gets_through_with_right_checksums(self):
        self.vm.reaches("10.0.0.21")
        capture = Capture(self.two.namespace, "under0", "udp", "src host 192.0.2.11")
        numbered = Numbered(self.lab, "offloads", self.vm.namespace,
                            self.workload("far").namespace, "10.0.0.21", window=4)
        numbered.wait_flowing(50)
        report = numbered.finish()
        self.assertEqual(report["lost"], 0, report)

        def datagrams():
            return [packet for packet in underlay_packets(capture.path)
                    if packet["layers"][-1].get("dport") == 7001]
        wait_for("fifty packets", lambda: len(datagrams()) > 50)
        tunnelled = datagrams()
        capture.stop()
        self.assertEqual([packet for packet in tunnelled if not packet["checksums_fine"]], [])


class OffloadsBetweenGuests(GuestTest):
    """Guests that leave work to others, and can do without it themselves."""

    OCTETS = 10_000_000  # by TCP, there and back

    @classmethod
    def make_guests(cls, folder):
        for number in (1, 2):
            name = f"vm{number}"
            guest = cls.guest(name, f"10.0.0.1{number}", f"vhost:{folder}/{name}.vhost")
            virtio_user(guest, folder / f"{name}.vhost", server=False)
            offloading(guest)
            offloaded(guest)

    def passed(self):
        """How many packets were passed on with work left to do, and how many of them uncut."""
        workers = rows(self.one, "worker.list", "workers")
        return [sum(worker[key] for worker in workers)
                for key in ("offloads_passed", "unsplit_passed")]

    def copied(self, address, namespace):
        """What came of copying to an address and back: packets passed on, uncut, and cut here."""
        before = *self.passed(), self.counter(self.one, "balance", "", "consumed")
        echo(namespace, address)
        copy(self.guests[0].namespace, address, self.OCTETS)
        after = *self.passed(), self.counter(self.one, "balance", "", "consumed")
        self.assertEqual(self.drops(self.one, "segments"), 0)
        return [now - then for now, then in zip(after, before)]

    def test_tcp_passes_from_guest_to_guest_uncut(self):
        other = self.guests[1]
        self.guests[0].reaches(other.address)
        passed, uncut, cut = self.copied(other.address, other.namespace)
        self.assertGreater(uncut, 100)
        self.assertGreater(passed, uncut)
        self.assertLess(cut, uncut)

    def test_tcp_is_cut_for_the_tunnel(self):
        self.guests[0].reaches("10.0.0.21")
        passed, uncut, cut = self.copied("10.0.0.21", self.workload("far").namespace)
        self.assertGreater(cut, 100)
        self.assertEqual(uncut, 0)
        self.assertEqual(passed, 0)

    def test_when_both_come_back_without_they_get_segments(self):
        one, other = self.guests
        for guest in self.guests:
            offloading(guest)
            guest.crash()
            guest.comes_back(self.one)
        one.reaches(other.address)
        before = self.passed()
        echo(other.namespace, other.address)
        copy(one.namespace, other.address, 256_000)
        self.assertEqual(self.passed(), before)


class Memif(GuestTest):
    @classmethod
    def setUpClass(cls):
        if not LONG:
            raise unittest.SkipTest("guests that poll take their time: long tier only")
        super().setUpClass()

    @classmethod
    def make_guests(cls, folder):
        cls.ours = cls.guest("shm1", "10.0.0.31", f"memif:{folder}/shm1,id=7,role=server")
        memif(cls.ours, folder / "shm1", "client")
        cls.theirs = cls.guest("shm2", "10.0.0.32", f"memif:{folder}/shm2,id=7,role=client")
        memif(cls.theirs, folder / "shm2", "server")
        cls.theirs.early = True

    def test_both_roles_carry_packets(self):
        self.ours.reaches("10.0.0.32")
        self.theirs.reaches("10.0.0.21")

    def test_c35_a_client_that_starts_again(self):
        self.leaves_and_comes_back(self.ours)

    def test_c35_a_server_that_starts_again_and_the_interface_is_added_again(self):
        self.wait_route(self.two, "10.0.0.32/32")
        self.theirs.crash()
        self.wait_no_route(self.two, "10.0.0.32/32")
        self.one.daemon.rpc("vif.del", name=self.theirs.name)
        self.add(self.theirs)
        self.wait_route(self.two, "10.0.0.32/32")
        self.theirs.reaches("10.0.0.21")


class AfXdp(NetworkTest):
    @classmethod
    def setUpClass(cls):
        try:
            socket.socket(AF_XDP, socket.SOCK_RAW).close()
        except OSError as error:
            raise unittest.SkipTest(f"this kernel has no AF_XDP sockets: {error}") from error
        super().setUpClass()

    @classmethod
    def populate(cls):
        cls.network.workload(cls.two, "far", "red", "10.0.0.21")

    def test_a_guest_behind_a_veth(self):
        guest = Workload(self.lab, "xdp1", "red", "10.0.0.41", "02:00:00:00:02:01",
                         port="af_xdp:xdp1")
        veth(self.one.namespace, "xdp1", guest.namespace, "eth0")
        guest.namespace.ip("link", "set", "eth0", "address", guest.mac)
        guest.configure()
        self.one.daemon.rpc("vif.add", **guest.parameters())
        guest.reaches("10.0.0.21")
        numbered = Numbered(self.lab, "xdp", guest.namespace, self.workload("far").namespace,
                            "10.0.0.21", window=4)
        numbered.wait_flowing(50)
        numbered.finish()
        guest.namespace.ip("link", "set", "eth0", "down")
        self.wait_no_route(self.two, "10.0.0.41/32")
        guest.namespace.ip("link", "set", "eth0", "up")
        guest.configure()
        guest.reaches("10.0.0.21")
        self.one.daemon.rpc("vif.del", name="xdp1")
        self.wait_no_route(self.two, "10.0.0.41/32")


GUEST_INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc; mount -t sysfs sys /sys
for module in {modules}; do insmod /$module.ko; done
ip link set eth0 up
ip address add 10.0.0.51/32 dev eth0
ip route add 169.254.0.1 dev eth0
ip route add default via 169.254.0.1
ip address add 2001:db8::51/128 dev eth0
echo features $(cat /sys/class/net/eth0/device/features)
ping -c 3 10.0.0.21
for far in 10.0.0.21 2001:db8::21; do
    nc $far 7000 </bin/busybox >/copy; cmp /bin/busybox /copy && echo the copy from $far is the same
done
poweroff -f
"""

# Sends what is not the same anywhere, and wants it back.
COPY = """
import hashlib, socket, sys
octets = int(sys.argv[2])
data = b"".join(hashlib.sha256(i.to_bytes(4, "big")).digest() for i in range(octets // 32))
peer = socket.create_connection((sys.argv[1], 7000), 20)
peer.settimeout(60)
peer.sendall(data)
peer.shutdown(socket.SHUT_WR)
back = b""
while piece := peer.recv(65536):
    back += piece
assert back == data, (len(back), len(data))
"""

ECHO = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
listener = socket.create_server((sys.argv[1], 7000), family=family)
print("listening", flush=True)
peer, data = listener.accept()[0], b""
while piece := peer.recv(65536):
    data += piece
peer.sendall(data)
peer.close()
"""


def echo(namespace, address):
    """Gives one TCP connection back what it sends."""
    process = namespace.start("echo", sys.executable, "-c", ECHO, address)
    wait_for("the echo", lambda: "listening" in process.log, alive=[process])


def copy(namespace, address, octets):
    """Sends so much to the echo, and takes it back."""
    namespace.run(sys.executable, "-c", COPY, address, octets, timeout=240)


class Machine(NetworkTest):
    """A virtual machine of QEMU's, with Linux in it: its own TCP through a vhost-user port. Its
    kernel is the newest in /boot, or in a folder with the same tree (an unpacked package); set-up
    installs neither that nor QEMU."""

    MODULES = ("virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev",
               "virtio_pci", "failover", "net_failover", "virtio_net")

    @classmethod
    def setUpClass(cls):
        if not LONG:
            raise unittest.SkipTest("a virtual machine takes its time: long tier only")
        for name, package in (("qemu-system-x86_64", "qemu-system-x86"),
                              ("busybox", "busybox-static")):
            if tool(name) is None:
                raise unittest.SkipTest(f"{name} (package {package}) is missing")
        root = pathlib.Path(os.environ.get("MILLRACE_GUEST_ROOT", "/"))
        kernels = sorted(root.glob("boot/vmlinuz-*"))
        if not kernels:
            raise unittest.SkipTest("no kernel for a guest: install linux-image-cloud-amd64, or "
                                    "name a folder where it is unpacked in MILLRACE_GUEST_ROOT")
        cls.kernel = kernels[-1]
        version = cls.kernel.name.split("-", 1)[1]
        cls.modules = {path.stem: path
                       for path in (root / "lib/modules" / version).rglob("*.ko")
                       if path.stem in cls.MODULES}
        super().setUpClass()

    @classmethod
    def populate(cls):
        cls.network.workload(cls.two, "far", "red", "10.0.0.21").address6 = "2001:db8::21"

    def initramfs(self):
        folder = self.lab.folder / "guest"
        for name in ("bin", "proc", "sys"):
            (folder / name).mkdir(parents=True)
        shutil.copy(tool("busybox"), folder / "bin/busybox")
        for name, path in self.modules.items():
            shutil.copy(path, folder / f"{name}.ko")
        init = folder / "init"
        present = [name for name in self.MODULES if name in self.modules]
        init.write_text(GUEST_INIT.format(modules=" ".join(present)))
        init.chmod(0o755)
        archive = self.lab.folder / "guest.cpio"
        run("sh", "-c", f"cd {folder} && find . | busybox cpio -o -H newc >{archive}")
        return archive

    def test_linux_pings_and_copies_by_tcp(self):
        path = self.lab.folder / "machine.vhost"
        mac = "02:00:00:00:03:01"
        far = self.workload("far").namespace
        for address in ("10.0.0.21", "2001:db8::21"):
            echo(far, address)
        self.one.daemon.rpc("vif.add", name="machine", vpn="red", port=f"vhost:{path}", mac=mac,
                            addresses=["10.0.0.51", "2001:db8::51"])
        machine = self.one.namespace.start(
            "machine", tool("qemu-system-x86_64"), "-accel", "tcg", "-nodefaults", "-nographic",
            "-no-reboot", "-serial", "stdio", "-m", "256", "-object",
            "memory-backend-memfd,id=ram,size=256M,share=on", "-machine", "q35,memory-backend=ram",
            "-kernel", self.kernel, "-initrd", self.initramfs(), "-append",
            "console=ttyS0 quiet panic=-1", "-chardev", f"socket,id=port,path={path}", "-netdev",
            "vhost-user,id=net,chardev=port", "-device",
            f"virtio-net-pci,netdev=net,mac={mac},vectors=0,romfile=")
        wait_for("the machine to end", lambda: not machine.running, 300, alive=[self.one.daemon])
        for far in ("10.0.0.21", "2001:db8::21"):
            self.assertIn(f"the copy from {far} is the same", machine.log, machine.log)
        self.assertIn("3 packets received", machine.log)
        # checksums, and segments of TCP over IPv4 and IPv6; not what else could be left to do
        features = machine.log.split("features ")[1].split()[0]
        self.assertEqual([bit for bit in (0, 6, 11, 12, 13, 14) if features[bit] == "1"],
                         [0, 11, 12])
        self.assertGreater(self.counter(self.one, "balance", "", "originated"), 500)
        self.assertEqual(self.drops(self.one, "segments"), 0)
        self.wait_no_route(self.two, "10.0.0.51/32")


if __name__ == "__main__":
    main()
