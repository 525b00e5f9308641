#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What vRouters and route servers say to each other, read from a capture of the underlay,
and what follows from it for the routes."""

import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from millrace_lab import Capture, LabError, wait_for
from systest import NetworkTest, main, rows, tcp_streams
from topology import Network

XMPP_PORT = 5222
CONNECT = "import socket, sys; socket.create_connection(sys.argv[1:], 60)"


class Signalling(NetworkTest):
    """Every stanza since the start is in the capture."""

    tag = 2000

    @classmethod
    def populate(cls):
        cls.network.demo_workloads()
        control = cls.rs1.namespace
        cls.capture = Capture(control, "fabric", "xmpp", f"tcp port {XMPP_PORT}")

    @classmethod
    def streams(cls):
        """What went to the servers, a text for each connection."""
        cls.wait_captured()
        return [towards for towards, _ in tcp_streams(cls.capture.path, XMPP_PORT) if towards]

    @classmethod
    def wait_captured(cls):
        """Until all that was said so far is in the capture: a connection that says nothing, and comes
        behind it, is."""
        known = len(tcp_streams(cls.capture.path, XMPP_PORT))
        cls.one.namespace.run(sys.executable, "-c", CONNECT, cls.rs1.address, XMPP_PORT)
        wait_for("the capture", lambda: len(tcp_streams(cls.capture.path, XMPP_PORT)) > known)

    def add(self, compute, name, vpn, address, **more):
        """An interface without a guest: one more tag of the shared port."""
        Signalling.tag += 1
        trunk = "tap:trunk1" if compute is self.one else "tap:trunk2"
        compute.daemon.rpc("vif.add", name=name, vpn=vpn, port=trunk, vlan=Signalling.tag,
                           addresses=[address], mac="02:00:00:00:99:01", **more)

    def test_c15_c16_every_vrouter_publishes_to_every_server(self):
        for server in self.network.servers:
            wait_for(f"every route at {server.name}", lambda server=server: {
                "10.0.0.11/32", "10.0.0.12/32", "10.0.0.13/32"} <= {
                    route["prefix"] for route in rows(server, "route.list", "routes", vrf="red")})

    def test_c23_every_session_has_a_jid_of_its_own(self):
        for server in self.network.servers:
            sessions = rows(server, "session.list", "sessions")
            jids = [session["jid"] for session in sessions]
            self.assertEqual(len(jids), len(set(jids)))
            self.assertEqual({jid.split("@")[0] for jid in jids}, {"compute1", "compute2"})

    def test_c24_the_servers_jid_is_the_default(self):
        for text in self.streams():
            self.assertIn("route-server@ietf.org", text)

    def test_c26_c28_one_subscription_a_vpn_before_anything_is_published(self):
        for text in self.streams():
            subscribed = re.findall(r"<subscribe\b[^>]*node=['\"](\w[^'\"]*)", text)
            self.assertEqual(sorted(subscribed), sorted(set(subscribed)))
            self.assertLessEqual({"red", "blue"}, set(subscribed))
            for vpn in ("red", "blue"):
                subscribe = re.search(r"<subscribe\b[^>]*node=['\"]%s['\"]" % vpn, text)
                publish = re.search(r"<publish\b[^>]*node=['\"]%s['\"]" % vpn, text)
                self.assertLess(subscribe.start(), publish.start())

    def test_c27_a_subscription_goes_to_the_servers_jid(self):
        for text in self.streams():
            for stanza in re.findall(r"<iq\b[^>]*>(?:(?!</iq>).)*<subscribe\b", text, re.S):
                self.assertRegex(stanza, r"to=['\"]route-server@ietf.org['\"]")

    def test_c30_the_instance_id_is_the_same_to_every_server(self):
        for text in self.streams():
            for vpn, number in (("red", "1"), ("blue", "2")):
                self.assertRegex(text, r"<subscribe\b[^>]*node=['\"]%s['\"][^>]*?(?:/>|></subscribe>)"
                                       r"\s*<options>\s*<instance-id>%s</instance-id>" % (vpn, number))

    def test_c34_item_ids_are_unique_in_their_node(self):
        for text in self.streams():
            items = re.findall(r"<publish\b[^>]*node=['\"]([^'\"]+)['\"][^>]*>\s*<item\b[^>]*id=['\"]"
                               r"([^'\"]+)['\"](?:(?!</item>).)*?<address>([^<]+)</address>", text,
                               re.S)
            self.assertTrue(items)
            prefix_of = {}
            for node, item, prefix in items:
                self.assertEqual(prefix_of.setdefault((node, item), prefix), prefix)

    def test_c29_the_last_interface_of_a_vpn_unsubscribes(self):
        self.add(self.one, "last", "green", "10.5.0.1")
        self.wait_route(self.one, "10.5.0.1/32", vrf="green")
        self.one.daemon.rpc("vif.del", name="last")
        wait_for("the unsubscription", lambda: any(
            re.search(r"<unsubscribe\b[^>]*node=['\"]green['\"]", text) for text in self.streams()))

    def test_c33_c35_an_address_is_published_and_retracted(self):
        self.add(self.one, "brief", "red", "10.0.0.55")
        self.wait_route(self.two, "10.0.0.55/32", lambda route: len(route["paths"]) == 2)
        self.one.daemon.rpc("vif.del", name="brief")
        self.wait_no_route(self.two, "10.0.0.55/32")
        retracted = [text for text in self.streams() if re.search(
            r"<retract\b[^>]*notify=['\"](?:true|1)['\"][^>]*>\s*<item\b[^>]*10\.0\.0\.55", text)]
        self.assertGreaterEqual(len(retracted), 2, "retracted from both servers")

    def test_c25_a_vpn_identifier_that_is_too_long_or_not_ascii_is_refused(self):
        for vpn in ("x" * 129, "grün"):
            with self.assertRaises(LabError) as refused:
                self.add(self.one, "refused", vpn, "10.5.0.2")
            self.assertIn("vpn", str(refused.exception))
        self.add(self.one, "accepted", "x" * 128, "10.5.0.2")
        self.one.daemon.rpc("vif.del", name="accepted")

    def test_c20_the_higher_local_preference_wins(self):
        self.add(self.two, "high", "red", "10.0.0.60", local_preference=200)
        self.wait_route(self.one, "10.0.0.60/32")
        self.add(self.one, "low", "red", "10.0.0.60", local_preference=100)
        for server in self.network.servers:
            wait_for("both to be known to the server", lambda rs=server: len(rs.daemon.rpc(
                "route.list", vrf="red", prefix="10.0.0.60/32")["routes"][0]["paths"]) == 2)
        self.wait_route(self.one, "10.0.0.60/32", lambda route: "192.0.2.12" in route["via"])
        self.two.daemon.rpc("vif.del", name="high")
        self.wait_route(self.one, "10.0.0.60/32", lambda route: "192.0.2.12" not in route["via"])
        self.one.daemon.rpc("vif.del", name="low")

    def test_c41_the_sequence_number_grows_with_each_activation_and_across_hosts(self):
        seen = []
        for compute in (self.one, self.one, self.two):
            self.add(compute, "again", "red", "10.0.0.61")
            route = self.wait_route(
                self.network.computes[1 - self.network.computes.index(compute)], "10.0.0.61/32")
            seen.append(max(path["sequence_number"] for path in route["paths"]))
            # Two activations within a second on one host are ahead of the clock by one.
            wait_for("the next second", lambda: time.time() > seen[-1] + 1)
            compute.daemon.rpc("vif.del", name="again")
            for other in self.network.computes:
                self.wait_no_route(other, "10.0.0.61/32")
        self.assertLess(seen[0], seen[1])
        self.assertLess(seen[1], seen[2])

    def test_c21_the_host_that_activated_last_wins(self):
        self.add(self.one, "older", "red", "10.0.0.62")
        route = self.wait_route(self.two, "10.0.0.62/32",
                                lambda route: "192.0.2.11" in route["via"])
        wait_for("the next second, a higher sequence number",
                 lambda: time.time() >= max(path["sequence_number"] for path in route["paths"]) + 1)
        self.add(self.two, "newer", "red", "10.0.0.62")
        self.wait_route(self.one, "10.0.0.62/32", lambda route: "192.0.2.12" in route["via"])
        self.one.daemon.rpc("vif.del", name="older")
        self.two.daemon.rpc("vif.del", name="newer")

    def test_c32_r05_a_subscription_delivers_every_item(self):
        # Three hundred interfaces, tags of one port; then somebody subscribes who had not.
        count = 300
        for number in range(count):
            self.one.daemon.rpc("vif.add", name=f"bulk{number}", vpn="bulk", port="tap:trunk1",
                                vlan=1000 + number, mac="02:00:00:00:98:01",
                                addresses=[f"10.7.{number // 250}.{number % 250 + 1}"])
        self.add(self.two, "reader", "bulk", "10.7.9.9")
        def learnt():
            return sum(route["from"] == "learnt"
                       for route in rows(self.two, "route.list", "routes", vrf="bulk"))

        wait_for("every route of the VPN", lambda: learnt() >= count + 1,
                 alive=[self.two.daemon])
        # Of those that are there, pages of any size show each once.
        own = [(route["prefix"], route["from"]) for route in rows(
            self.one, "route.list", "routes", vrf="bulk", limit=7)]
        self.assertEqual(sum(origin == "local" for _, origin in own), count)
        self.assertEqual(len(own), len(set(own)))
        self.assertIn(("169.254.0.1/32", "gateway"), own)
        for number in range(count):
            self.one.daemon.rpc("vif.del", name=f"bulk{number}")
        wait_for("every route to go again", lambda: learnt() == 1, alive=[self.two.daemon])
        self.two.daemon.rpc("vif.del", name="reader")

    def test_r03_a_node_comes_into_being_with_the_first_subscription(self):
        self.add(self.one, "first", "unheard-of", "10.6.0.1")
        self.wait_route(self.one, "10.6.0.1/32", vrf="unheard-of")
        for server in self.network.servers:
            wait_for(f"the VPN at {server.name}", lambda server=server: "unheard-of" in {
                vrf["name"] for vrf in rows(server, "vrf.list", "vrfs")})
        self.one.daemon.rpc("vif.del", name="first")

    def test_r06_a_change_is_told_to_all_subscribers_and_nothing_else_is(self):
        self.wait_captured()
        _, before = zip(*tcp_streams(self.capture.path, XMPP_PORT))
        self.add(self.one, "delta", "red", "10.0.0.63")
        for compute in self.network.computes:
            self.wait_route(compute, "10.0.0.63/32")

        def told():
            _, after = zip(*tcp_streams(self.capture.path, XMPP_PORT))
            return "".join(text[len(old):] for old, text in zip(before, after))

        def tellings():
            return len(re.findall(r"<address>10\.0\.0\.63/32</address>", told()))

        # Two servers, two subscribers; the capture may lag behind the routes.
        wait_for("four to be told", lambda: tellings() >= 4)
        self.assertEqual(tellings(), 4, told())
        self.assertNotIn("10.0.0.12/32", told())
        self.one.daemon.rpc("vif.del", name="delta")


class WithoutServers(NetworkTest):
    """A vRouter that has not heard from any server yet."""

    @classmethod
    def build(cls):
        cls.network = Network(cls.lab)
        cls.one, cls.two = cls.network.computes
        cls.rs1, cls.rs2 = cls.network.servers
        cls.network.demo_workloads()
        cls.workloads = cls.network.workloads
        for server in cls.network.servers:
            server.extra = "deferral-time = 2\n"
        cls.one.start()
        cls.one.plug_all()
        for workload in cls.one.workloads:
            workload.configure()

    def test_c06_a_local_address_is_not_used_before_a_server_has_announced_it_back(self):
        workload = self.workload("red1")
        workload.reaches("169.254.0.1")
        self.assertEqual(workload.ping_burst("10.0.0.13", count=3), 0)
        self.rs1.start()
        workload.reaches("10.0.0.13")


class Purge(NetworkTest):
    """A client that goes without a word."""

    @classmethod
    def populate(cls):
        super().populate()
        for server in cls.network.servers:
            server.extra += "purge-time = 6\n"

    def test_r01_r02_what_a_dead_client_published_goes_after_the_purge_time(self):
        self.wait_route(self.one, "10.0.0.12/32")
        self.two.daemon.kill()
        for server in self.network.servers:
            wait_for("the server to notice", lambda server=server: any(
                session["state"] == "purging" for session in
                rows(server, "session.list", "sessions")))
        # Still there while it may come back.
        self.assertIsNotNone(self.route(self.one, "10.0.0.12/32"))
        self.wait_no_route(self.one, "10.0.0.12/32")
        self.two.start()
        self.two.plug_all()
        self.wait_route(self.one, "10.0.0.12/32")

    def test_r04_items_persist_and_a_late_subscriber_hears_them(self):
        self.network.wait_in_sync()
        self.one.daemon.stop()
        self.one.start()
        self.one.plug_all()
        self.network.wait_in_sync()
        self.wait_route(self.one, "10.0.0.12/32")


if __name__ == "__main__":
    main()
