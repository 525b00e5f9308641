#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Servers that die, vRouters that start again, workloads that come and move: under numbered packets,
every number accounted for."""

import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from millrace_lab import ROOT, LabError, Numbered, program, run, wait_for
from systest import LabTest, NetworkTest, main, rows
from topology import connected


class FailoverTest(NetworkTest):
    deferral = 3

    def numbered(self, label):
        one, two = self.workload("red1"), self.workload("red2")
        one.reaches(two.address)
        return Numbered(self.lab, label, one.namespace, two.namespace, two.address)

    def wait_connected(self, server, there):
        for compute in self.network.computes:
            wait_for(f"{compute.name} {'to have' if there else 'to lose'} {server.name}",
                     lambda compute=compute: (server.name in connected(compute)) == there,
                     alive=[compute.daemon])

    def check_nothing_lost(self, numbered):
        numbered.wait_flowing(1000)
        report = numbered.finish()
        self.assertEqual((report["lost"], report["duplicated"], report["reordered"]), (0, 0, 0),
                         report)


class Failover(FailoverTest):
    def tearDown(self):
        for server in self.network.servers:
            server.daemon.resume()
            if not server.daemon.running:
                server.start()
        self.network.wait_in_sync()

    def test_c18_c19_servers_die_one_after_the_other_and_nothing_is_lost(self):
        numbered = self.numbered("failover")
        self.rs1.daemon.kill()
        self.wait_connected(self.rs1, False)
        numbered.wait_flowing(1000)
        self.wait_route(self.one, "10.0.0.12/32", lambda route: route["server"] == "rs2")
        self.rs1.start()
        self.wait_connected(self.rs1, True)
        self.rs2.daemon.kill()
        self.wait_connected(self.rs2, False)
        numbered.wait_flowing(1000)
        self.network.wait_in_sync(servers=[self.rs1])
        self.wait_route(self.one, "10.0.0.12/32", lambda route: route["server"] == "rs1")
        self.check_nothing_lost(numbered)

    def test_a_server_that_is_stopped_in_its_tracks_costs_nothing(self):
        numbered = self.numbered("stopped")
        self.rs1.daemon.pause()
        numbered.wait_flowing(2000)
        self.rs1.daemon.resume()
        self.check_nothing_lost(numbered)

    def test_a_restart_of_a_server_withdraws_nothing(self):
        numbered = self.numbered("restart")
        self.rs1.daemon.stop()
        self.rs1.start()
        self.network.wait_in_sync()
        self.check_nothing_lost(numbered)


class Headless(FailoverTest):
    """A vRouter that was in vain four times waits up to 8 s: servers that both start anew must not
    say sooner that they have heard from everyone. On a network of its own, for the vRouters count
    what was in vain, and forget it after a minute."""

    deferral = 12

    def test_both_servers_dead_and_back_and_nothing_is_lost(self):
        numbered = self.numbered("headless")
        for server in self.network.servers:
            server.daemon.kill()
        for server in self.network.servers:
            self.wait_connected(server, False)
        numbered.wait_flowing(1000)
        self.wait_route(self.one, "10.0.0.12/32", lambda route: route["stale"])
        for server in self.network.servers:
            server.start()
        self.network.wait_in_sync()
        self.wait_route(self.one, "10.0.0.12/32", lambda route: not route["stale"])
        self.check_nothing_lost(numbered)


class Restart(NetworkTest):
    def labels(self, compute):
        return {label["target"]: label["label"] for label in rows(compute, "label.list", "labels")}

    def restart(self, how):
        before = self.labels(self.one)
        for server in self.network.servers:
            server.daemon.kill()
        how(self.one.daemon)
        self.one.start()
        self.one.plug_all()
        for workload in self.one.workloads:
            workload.dhcp()
        self.assertEqual(connected(self.one), set())
        self.workload("red1").reaches("10.0.0.12")
        self.workload("red3").reaches("10.0.0.11")
        self.assertEqual(self.workload("red2").ping("10.0.0.11"), 5)
        self.assertEqual(self.workload("red1").ping_burst("10.0.0.23"), 0)
        self.assertEqual(self.labels(self.one), before)
        for server in self.network.servers:
            server.start()
        self.network.wait_in_sync()
        self.assertEqual(self.labels(self.one), before)

    def test_c08_a_stopped_vrouter_forwards_again_from_its_snapshot(self):
        self.restart(lambda daemon: daemon.stop())

    def test_a_killed_vrouter_forwards_again_from_its_snapshot(self):
        self.restart(lambda daemon: daemon.kill())

    def test_corrupt_state_files_are_set_aside(self):
        self.one.daemon.stop()
        for path in self.one.daemon.state_path.iterdir():
            if path.is_file() and path.stat().st_size:
                path.write_bytes(b"\x00garbage{" * 9)
        self.one.start()
        self.one.plug_all()
        for workload in self.one.workloads:
            workload.configure()
        self.network.wait_in_sync()
        self.workload("red1").reaches("10.0.0.12")
        aside = [path.name for path in self.one.daemon.state_path.iterdir()
                 if path.name.endswith(".corrupt")]
        self.assertTrue(aside)

    def test_stop_drain_retracts_every_route(self):
        self.network.wait_in_sync()
        self.wait_route(self.one, "10.0.0.12/32")
        self.two.daemon.ctl("stop", "--drain")
        self.two.daemon.wait_end()
        self.assertEqual(self.two.daemon.handle.returncode, 0)
        # At once: the servers' purge time is a minute.
        self.wait_no_route(self.one, "10.0.0.12/32")
        self.two.start()
        self.two.plug_all()
        for workload in self.two.workloads:
            workload.configure()
        self.network.wait_in_sync()
        self.workload("red1").reaches("10.0.0.12")


class Move(NetworkTest):
    def test_a_workload_moves_and_the_last_activation_wins(self):
        mover = self.network.workload(None, "mover", "red", "10.0.0.19")
        self.one.daemon.rpc("vif.add", **mover.parameters())
        mover.plug(self.one)
        mover.dhcp()
        source = self.workload("red3")
        source.reaches(mover.address)
        numbered = Numbered(self.lab, "move", source.namespace, mover.namespace, mover.address)
        self.one.daemon.rpc("vif.del", name="mover")
        self.two.daemon.rpc("vif.add", **mover.parameters())
        mover.plug(self.two)
        mover.configure()
        numbered.wait_flowing(1000)
        report = numbered.finish()
        self.assertEqual((report["duplicated"], report["reordered"]), (0, 0))
        self.wait_route(self.one, "10.0.0.19/32", lambda route: "192.0.2.12" in route["via"])
        self.two.daemon.rpc("vif.del", name="mover")
        for compute in self.network.computes:
            self.wait_no_route(compute, "10.0.0.19/32")

    def test_c07_interfaces_come_and_go_under_traffic_and_nothing_else_is_lost(self):
        one, two = self.workload("red1"), self.workload("red2")
        one.reaches(two.address)
        numbered = Numbered(self.lab, "churn", one.namespace, two.namespace, two.address)
        for turn in range(5):
            for vpn in ("red", "new"):
                self.one.daemon.rpc("vif.add", name="churn", vpn=vpn, port="tap:churn",
                                    mac="02:00:00:00:97:01", addresses=[f"10.0.3.{turn + 1}"])
                self.wait_route(self.one, f"10.0.3.{turn + 1}/32", vrf=vpn)
                self.one.daemon.rpc("vif.del", name="churn")
        numbered.wait_flowing(1000)
        report = numbered.finish()
        self.assertEqual((report["lost"], report["duplicated"], report["reordered"]), (0, 0, 0),
                         report)

    def test_an_interface_of_the_socket_survives_a_restart(self):
        self.one.daemon.rpc("vif.add", name="kept", vpn="red", port="tap:kept",
                            mac="02:00:00:00:97:02", addresses=["10.0.3.9"])
        label = next(vif["label"] for vif in rows(self.one, "vif.list", "vifs")
                     if vif["name"] == "kept")
        self.one.daemon.stop()
        self.one.start()
        wait_for("the interface", lambda: [vif for vif in rows(self.one, "vif.list", "vifs")
                                           if vif["name"] == "kept" and vif["label"] == label])
        self.one.plug_all()
        for workload in self.one.workloads:
            workload.configure()
        self.network.wait_in_sync()
        self.one.daemon.rpc("vif.del", name="kept")


class Counters(NetworkTest):
    def balance(self, compute):
        counters = rows(compute, "counters.get", "counters")

        def total(of, key):
            return sum(row.get(key, 0) for row in counters if row["of"] == of)
        drops = sum(row["packets"] for row in compute.daemon.rpc("drops.get")["drops"])
        return (total("port", "rx_packets") + total("balance", "originated"),
                total("port", "tx_packets") + total("balance", "consumed") +
                total("balance", "held") + drops)

    def test_counters_add_up_with_what_was_sent(self):
        one, two = self.workload("red1"), self.workload("red2")
        one.reaches(two.address)

        def now():
            return [self.counter(self.one, "vif", "red1", "rx_packets"),
                    self.counter(self.one, "vrf", "red", "from_vif_packets"),
                    self.counter(self.one, "endpoint", "192.0.2.12", "tx_packets"),
                    self.counter(self.two, "vrf", "red", "from_tunnel_packets"),
                    self.counter(self.two, "vif", "red2", "tx_packets")]
        before = now()
        numbered = Numbered(self.lab, "counted", one.namespace, two.namespace, two.address)
        numbered.wait_flowing(3000)
        report = numbered.finish()
        self.assertEqual(report["lost"], 0)
        for old, new in zip(before, now()):
            # Beside the numbered packets: the closing question, ARP of the guests.
            self.assertGreaterEqual(new - old, report["sent"])
            self.assertLessEqual(new - old, report["sent"] + 30)

    def test_what_came_in_is_accounted_for(self):
        # With drops, punts and answers of the slow path in it.
        self.workload("red1").ping_burst("10.0.0.12", count=20, interval=0.02)
        self.workload("red1").ping_burst("10.0.0.23")
        self.workload("red1").ping("169.254.0.1", count=3)
        self.workload("red1").dhcp()
        # With ports that are gone again, the second under the number of the first.
        brief = self.network.workload(None, "brief", "red", "10.0.0.18")
        for _ in range(2):
            self.one.daemon.rpc("vif.add", **brief.parameters())
            brief.plug(self.one)
            brief.configure()
            brief.reaches("10.0.0.12")
            self.one.daemon.rpc("vif.del", name="brief")
        for compute in self.network.computes:
            wait_for(f"the counters of {compute.name} to add up",
                     lambda compute=compute: len(set(self.balance(compute))) == 1)


class Programs(LabTest):
    """The programs by themselves."""

    @classmethod
    def build(cls):
        cls.namespace = cls.lab.namespace("host")

    def test_only_the_vrouter_needs_dpdk(self):
        for name in ("millrace-rs", "millracectl"):
            self.assertNotIn("librte", run("ldd", program(name)).stdout)

    def test_a_wrong_configuration_is_refused_with_file_line_and_key(self):
        path = self.lab.folder / "wrong.conf"
        for name, text, wanted in (
                ("millrace", 'underlay "fabric" {\n  port = "null:"\n  colour = "blue"\n}\n',
                 "colour"),
                ("millrace", 'underlay "fabric" {\n  port = "null:"\n  address = "192.0.2.1/40"\n}\n',
                 "address"),
                ("millrace-rs", 'listen = "198.51.100.1"\ncolour = "blue"\n', "colour")):
            path.write_text(text)
            done = self.namespace.run(program(name), "-c", path, check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertRegex(done.stdout, re.escape(str(path)) + r":\d+")
            self.assertIn(wanted, done.stdout)

    def test_millracectl_says_when_nobody_answers(self):
        done = run(program("millracectl"), "--socket", self.lab.folder / "nobody.sock", "vif", "list",
                   check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("nobody.sock", done.stdout)


class Demo(unittest.TestCase):
    """./demo itself, as a newcomer types it."""

    def test_the_demo_ends_well(self):
        if os.geteuid() != 0:
            self.skipTest("network namespaces need root")
        environment = dict(os.environ, MILLRACE_DEMO_PREFIX=f"mr{os.getpid()}d-")
        done = subprocess.run(["/usr/bin/python3", ROOT / "tests/system/demo.py"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              stdin=subprocess.DEVNULL, env=environment, timeout=1200)
        if done.returncode:
            raise LabError(done.stdout[-6000:])
        self.assertIn("The demo is done", done.stdout)
        self.assertNotIn(environment["MILLRACE_DEMO_PREFIX"], run("ip", "netns", "list").stdout)


if __name__ == "__main__":
    main()
