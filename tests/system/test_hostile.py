#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Garbage to every socket, and a fleet that is killed, stopped and started at random moments while
numbered packets flow. Whatever happens, forwarding between those that live goes on."""

import json
import os
import random
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from millrace_lab import DEADLINE, Numbered, Rpc, wait_for
from packets import inject
from systest import LONG, NetworkTest, main

XMPP_GARBAGE = [
    b"", b"\x00" * 4096, b"GET / HTTP/1.0\r\n\r\n", b"<" * 100000, b"<a>" * 50000,
    b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
    b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
    b"xmlns:stream='http://etherx.jabber.org/streams' to='ietf.org' version='1.0'>"
    b"<iq type='set' id='1'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='red'>",
    b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
    b"xmlns:stream='http://etherx.jabber.org/streams' to='ietf.org' version='1.0'>" +
    b"<iq>" + b"x" * 3000000,
    b"\xff\xfe<\x00s\x00t\x00", b"<stream:stream xmlns:stream='x'>\xc3\x28</stream:stream>",
]

RPC_GARBAGE = [
    b"\n", b"hello\n", b"{}\n", b"[]\n", b"null\n", b"{\"jsonrpc\":\"2.0\"}\n", b"\x00" * 1000 + b"\n",
    b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"no.such\"}\n",
    b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"vif.add\",\"params\":7}\n",
    b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"vif.add\",\"params\":{\"name\":7}}\n",
    b"[" * 100000 + b"\n", b"{\"a\":" * 10000 + b"\n", b"x" * (2 << 20) + b"\n", b"\xff\xfe\xfd\n",
]


class Garbage(NetworkTest):
    def setUp(self):
        self.workload("red1").reaches("10.0.0.12")

    def tearDown(self):
        for daemon in (self.one, self.two, self.rs1, self.rs2):
            daemon.daemon.assert_alive("after garbage")
        self.workload("red1").reaches("10.0.0.12")

    def test_garbage_to_the_control_sockets(self):
        for daemon in (self.one.daemon, self.rs1.daemon):
            for garbage in RPC_GARBAGE:
                with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                    client.settimeout(DEADLINE)
                    client.connect(str(daemon.socket_path))
                    try:
                        client.sendall(garbage)
                        client.shutdown(socket.SHUT_WR)
                        while client.recv(65536):
                            pass
                    except (ConnectionError, BrokenPipeError):
                        pass
                with Rpc(daemon.socket_path) as rpc:
                    self.assertTrue(rpc.call("counters.get"))

    def test_wrong_requests_get_an_error_with_the_field(self):
        with Rpc(self.one.daemon.socket_path) as rpc:
            for verb, parameters, code, field in (
                    ("no.such", {}, -32601, "method"),
                    ("vif.del", {}, -32602, "name"),
                    ("vif.del", {"name": "absent"}, -32001, "name"),
                    ("vif.del", {"name": 7}, -32602, "name"),
                    ("vif.add", {"name": "x", "vpn": "red", "port": "what:ever",
                                 "mac": "02:00:00:00:00:99", "addresses": ["10.0.0.99"]},
                     -32602, "port"),
                    ("vif.add", {"name": "x", "vpn": "red", "port": "tap:x",
                                 "mac": "02:00:00:00:00:99", "addresses": ["10.0.0.999"]},
                     -32602, "addresses"),
                    ("vif.add", {"name": "red1", "vpn": "red", "port": "tap:x",
                                 "mac": "02:00:00:00:00:99", "addresses": ["10.0.0.99"]},
                     -32002, "name"),
                    ("route.list", {"vrf": "absent"}, -32001, "vrf")):
                answer = rpc.send_line(json.dumps({"jsonrpc": "2.0", "id": 1, "method": verb,
                                                   "params": parameters}).encode())
                with self.subTest(verb=verb, parameters=parameters):
                    self.assertEqual(answer["error"]["code"], code, answer)
                    self.assertEqual(answer["error"].get("data", {}).get("field"), field, answer)

    def test_garbage_to_the_route_servers_port(self):
        # Sent from a compute, where vRouters come from.
        program = ("import socket, sys\n"
                   "data = bytes.fromhex(sys.stdin.read())\n"
                   "s = socket.create_connection(('198.51.100.1', 5222), 5)\n"
                   "s.settimeout(2)\n"
                   "try:\n"
                   "    s.sendall(data)\n"
                   "    while s.recv(65536): pass\n"
                   "except OSError: pass\n")
        for garbage in XMPP_GARBAGE:
            self.one.namespace.run("/usr/bin/python3", "-c", program, text=garbage.hex(), check=False)
            self.rs1.daemon.assert_alive(f"after {garbage[:60]!r}")
        self.network.wait_in_sync()

    def test_garbage_from_a_guest(self):
        workload = self.workload("blue1")
        for packet in ("Ether(dst=destination)/Raw(b'')", "Ether(dst=destination)/IP()/Raw(b'x')",
                       "Ether(dst=destination, type=0x800)/Raw(b'\\x4f' + b'\\x00' * 20)",
                       "Ether(dst=destination, type=0x806)/Raw(b'\\xff' * 28)",
                       "Ether(dst=destination)/IP(src='10.0.0.11', dst='255.255.255.255')/"
                       "UDP(sport=68, dport=67)/Raw(b'\\x01' * 300)",
                       "Ether(dst=destination)/Dot1Q(vlan=7)/IP(src='10.0.0.11')",
                       "Ether(dst=destination)/IP(src='10.0.0.11', dst='10.0.0.12', ttl=1)/Raw(b'x')"):
            inject(workload.namespace, "eth0", packet, count=20, destination="00:00:5e:00:01:01")


class Chaos(NetworkTest):
    """Random kills, stops and restarts. What must hold at every moment: pairs whose two vRouters
    live reach each other within the deadline, and no daemon ends on its own."""

    ROUNDS = 30 if LONG else 6

    def test_random_deaths_under_numbered_packets(self):
        seed = int(os.environ.get("MILLRACE_SEED", time.time_ns() & 0xFFFFFF))
        try:
            self.play(random.Random(seed))
        except Exception as error:
            raise AssertionError(f"with MILLRACE_SEED={seed}: {error}") from error

    def play(self, chance):
        one, two = self.workload("red1"), self.workload("red2")
        one.reaches(two.address)
        for number in range(self.ROUNDS):
            numbered = Numbered(self.lab, f"chaos{number}", one.namespace, two.namespace,
                                two.address)
            victim = chance.choice([self.rs1, self.rs2, self.rs1, self.rs2, self.one, self.two])
            how = chance.choice(("kill", "pause", "stop"))
            numbered.wait_flowing(chance.randrange(100, 3000))
            getattr(victim.daemon, how)()
            if victim in self.network.servers:
                numbered.wait_flowing(chance.randrange(100, 3000))
            if how == "pause":
                victim.daemon.resume()
            else:
                victim.start()
                if victim in self.network.computes:
                    victim.plug_all()
                    for workload in victim.workloads:
                        workload.configure()
            numbered.wait_flowing(500)
            report = numbered.finish()
            if victim in self.network.servers:
                self.assertEqual(report["lost"], 0, f"{victim.name} {how}: {report}")
            self.assertEqual(report["duplicated"], 0, f"{victim.name} {how}: {report}")
            # A vRouter waits the longer before it connects, the more often it was in vain: the next
            # server dies when nobody waits any more, for these deferral times are short.
            self.network.wait_in_sync()
        one.reaches(two.address)
        self.workload("blue1").reaches("10.0.0.12")
        self.assertEqual(one.ping(two.address), 5)
        self.assertEqual(one.ping_burst("10.0.0.23"), 0)


if __name__ == "__main__":
    main()
